"""The sheets of a capability study: drawn at random, blind, and as files to fill in."""

import csv
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineside.serving.errors import StudyRefused
from lineside.serving.studies.capability_files import StudyKind, YesNo
from lineside.serving.studies.table_file import MOST_ROWS, read_table
from lineside.statistics.agreement import AgreementPlan, Call, plan_agreement
from lineside.workflows.pages import Facts, Notice, NoticeLevel, Paragraph, Section, SignatureLines, Table, write_page
from lineside.workflows.text_files import read_text_file

KEY_NAME = "key.csv"
SHEET_NAME = "sheet.csv"
PRINT_NAME = "sheets.html"

_BLANKS = {StudyKind.ATTRIBUTE: "OK \u2003 NG", StudyKind.VARIABLE: "_" * 10}
"""What a cell to be filled in by hand shows: the calls, to ring one, or a line to write on."""


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part of a study.

    Attributes:
        part_id: empty where it is still to be chosen.
        reference: what it is; None in a variable study.
        is_borderline: whether it is near the limit.
    """

    part_id: str
    reference: Call | None = None
    is_borderline: bool = False


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """What is written.

    Attributes:
        kind: what is called.
        parts: in the order in which they are listed.
        people: who appraises.
        detector: the inspection system's name, the station's; None to leave it out.
        trials: calls of each appraiser on each part.
        seed: of the draw of codes and orders.
        tolerance: of a variable study.
    """

    kind: StudyKind
    parts: Sequence[PlannedPart]
    people: Sequence[str]
    detector: str | None
    trials: int
    seed: int
    tolerance: float | None = None

    def __post_init__(self) -> None:
        names = self.appraisers
        if not names:
            raise StudyRefused("nobody appraises; name people, the detector, or both")
        if len(set(names)) != len(names):
            raise StudyRefused(f"an appraiser is named twice: {', '.join(names)}; expected different names")
        rows = len(self.parts) * len(names) * self.trials
        if rows > MOST_ROWS:
            raise StudyRefused(f"{rows} calls; expected at most {MOST_ROWS}: fewer parts, appraisers or trials")
        if self.trials < 1:
            raise StudyRefused(f"{self.trials} trials; expected 1 or more")

    @property
    def appraisers(self) -> tuple[str, ...]:
        """People first, then the detector."""
        return (*self.people, *(() if self.detector is None else (self.detector,)))


def parts_to_choose(plan: AgreementPlan) -> list[PlannedPart]:
    """Places for parts that somebody has yet to choose, of the kinds that the plan asks for."""
    kinds = (
        (Call.NG, True, plan.borderline_defective),
        (Call.NG, False, plan.defective - plan.borderline_defective),
        (Call.OK, True, plan.borderline_good),
        (Call.OK, False, plan.good - plan.borderline_good),
    )
    return [
        PlannedPart("", reference, is_borderline) for reference, is_borderline, count in kinds for _ in range(count)
    ]


def read_parts(path: Path, kind: StudyKind) -> list[PlannedPart]:
    """Read a list of chosen parts: CSV with part_id, and of an attribute study reference and, if known, borderline.

    Raises:
        NotText, StudyUnreadable: the file cannot be read, and where.
        OSError: there is no such file.
    """
    with_reference = ("reference",) if kind is StudyKind.ATTRIBUTE else ()
    table = read_table(
        read_text_file(path), source=path.name, columns=("part_id", *with_reference), optional=("borderline",)
    )
    parts: dict[str, PlannedPart] = {}
    for row in table.rows:
        part = row.text("part_id")
        if part in parts:
            raise row.fault("part_id", f"holds {part!r} for a second time; expected each part once")
        is_borderline = bool(row.cells.get("borderline")) and row.choice("borderline", YesNo) is YesNo.YES
        parts[part] = PlannedPart(part, row.choice("reference", Call) if with_reference else None, is_borderline)
    return list(parts.values())


def plan_of(
    parts: int | None, *, miss_rate: float | None, defective_share: float, borderline_share: float, trials: int
) -> AgreementPlan:
    """Plan an attribute study; see `plan_agreement`.

    Raises:
        StudyRefused: no study can be planned like that, and why.
    """
    try:
        return plan_agreement(
            parts,
            miss_rate=miss_rate,
            defective_share=defective_share,
            borderline_share=borderline_share,
            trials=trials,
        )
    except ValueError as error:
        raise StudyRefused(str(error)) from error


def write_sheets(plan: SheetPlan, folder: Path) -> tuple[Path, ...]:
    """Write key, sheet and the pages to print; refuses to write over a study that is there.

    Codes are dealt at random, so that they say nothing, and each appraiser sees the parts in another random order in
    each trial.

    Raises:
        StudyRefused: the folder holds a study's files.
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / name for name in (KEY_NAME, SHEET_NAME, PRINT_NAME))
    for path in paths:
        if path.exists():
            raise StudyRefused(f"{path} is there already; a study is not written over: choose another folder")
    draw = random.Random(plan.seed)  # noqa: S311 - a shuffled sheet, not a secret
    width = max(2, len(str(len(plan.parts))))
    codes = [f"K{number:0{width}}" for number in range(1, len(plan.parts) + 1)]
    draw.shuffle(codes)
    orders = [
        (name, trial, tuple(draw.sample(codes, len(codes))))
        for trial in range(1, plan.trials + 1)
        for name in plan.appraisers
    ]
    paths[0].write_text(_key_text(plan, codes), "utf-8")
    paths[1].write_text(_sheet_text(plan, orders), "utf-8")
    write_page(
        "Inspection capability study: sheets", list(_pages(plan, orders)), paths[2], subtitle="One page per round"
    )
    return paths


def _key_text(plan: SheetPlan, codes: Sequence[str]) -> str:
    facts = {
        "kind": plan.kind.value,
        "detector": plan.detector,
        "tolerance": plan.tolerance,
        "seed": plan.seed,
    }
    attribute = plan.kind is StudyKind.ATTRIBUTE
    rows = [
        (
            code,
            part.part_id,
            *((part.reference.value if part.reference else "", _yes(part.is_borderline)) if attribute else ()),
        )
        for code, part in sorted(zip(codes, plan.parts, strict=True), key=lambda pair: pair[0])
    ]
    columns = ("code", "part_id", *(("reference", "borderline") if attribute else ()))
    return "".join(f"# {name}: {value}\n" for name, value in facts.items() if value is not None) + _csv(columns, rows)


def _sheet_text(plan: SheetPlan, orders: Sequence[tuple[str, int, tuple[str, ...]]]) -> str:
    rows = [
        (name, str(trial), str(place), code, "")
        for name, trial, codes in orders
        for place, code in enumerate(codes, start=1)
    ]
    return f"# kind: {plan.kind.value}\n" + _csv(("appraiser", "trial", "order", "code", _called(plan.kind)), rows)


def _pages(plan: SheetPlan, orders: Sequence[tuple[str, int, tuple[str, ...]]]) -> Iterator[Section]:
    what = "Ring OK or NG" if plan.kind is StudyKind.ATTRIBUTE else "Write the size"
    yield Section(
        "For whoever runs the study",
        (
            Notice(
                f"The key ({KEY_NAME}) tells which part is which: keep it from every appraiser until all is called.",
                NoticeLevel.CAUTION,
            ),
            Paragraph(
                f"Put each part's code, and nothing else, on it as the key says. Hand out one sheet at a time and take "
                f"it back before the next: whoever sees the first round's calls repeats them. Type what was called "
                f"into {SHEET_NAME}; `lineside capability analyse` reads it."
            ),
            Facts(
                (
                    ("Parts", str(len(plan.parts))),
                    ("Appraisers", ", ".join(plan.appraisers)),
                    ("Trials", str(plan.trials)),
                    ("Calls in all", str(len(plan.parts) * len(plan.appraisers) * plan.trials)),
                )
            ),
        ),
    )
    for name, trial, codes in orders:
        told = (
            f"Have the station image the parts in this order, as attempt {trial} of each. Its calls need not be "
            "written down: `lineside capability fill` takes them from the server."
            if name == plan.detector and plan.kind is StudyKind.ATTRIBUTE
            else f"Look at the parts in this order. {what} for each; do not skip one, do not go back."
        )
        yield Section(
            f"{name}, trial {trial}",
            (Paragraph(told), _sheet_table(codes, plan.kind), SignatureLines((name,))),
            starts_page=True,
        )


def _sheet_table(codes: Sequence[str], kind: StudyKind) -> Table:
    """Two parts a line, so that fifty fit on a page."""
    blank = _BLANKS[kind]
    half = -(-len(codes) // 2)
    places = list(enumerate(codes, start=1))
    rows = []
    for left in range(half):
        cells = [*map(str, places[left]), blank]
        cells += [*map(str, places[left + half]), blank] if left + half < len(places) else ["", "", ""]
        rows.append(cells)
    return Table(("order", "code", _called(kind)) * 2, rows)


def _called(kind: StudyKind) -> str:
    return "call" if kind is StudyKind.ATTRIBUTE else "size"


def _yes(is_so: bool) -> str:  # noqa: FBT001 - the word for it
    return YesNo.YES.value if is_so else YesNo.NO.value


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return written.getvalue()
