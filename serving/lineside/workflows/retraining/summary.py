"""The summary of a retraining as one HTML page: what was learnt from which labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lineside.datasets.labelled import LabelledImage
from lineside.datasets.revisions import RevisionStore
from lineside.statistics import RateInterval
from lineside.training.gate import GateReport, Overall
from lineside.workflows.gate_table import GATE_COLUMNS, gate_rows
from lineside.workflows.pages import (
    Block,
    Facts,
    Links,
    Notice,
    NoticeLevel,
    Paragraph,
    Picture,
    Section,
    Table,
    write_page,
)
from lineside.workflows.retraining.comparing import Change, ChangedPart, SetComparison
from lineside.workflows.retraining.labels import LabelNotes, reason_of
from lineside.workflows.retraining.lessons import MOST_PICTURES, SeenLessons
from lineside.workflows.retraining.part_pictures import LEGEND, part_figure

SUMMARY_NAME = "summary.html"

CHANGE_TITLES: Mapping[Change, str] = {
    Change.ESCAPE_FIXED: "Escapes fixed",
    Change.NEW_ESCAPE: "New escapes",
    Change.FALSE_CALL_REMOVED: "False calls removed",
    Change.NEW_FALSE_CALL: "New false calls",
}

CHANGE_NAMES: Mapping[Change, str] = {
    Change.ESCAPE_FIXED: "Escape fixed",
    Change.NEW_ESCAPE: "New escape",
    Change.FALSE_CALL_REMOVED: "False call removed",
    Change.NEW_FALSE_CALL: "New false call",
}

_WHY_NEW_VAL_FLATTERS = (
    "These parts chose the epoch and the thresholds of the candidate, so it looks somewhat better on them than it is, "
    "and parts that were picked for being difficult say nothing of the line's rates. Only golden parts judge."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryFacts:
    """What the page says beside the lessons.

    Attributes:
        candidate: name and version.
        live: name and version.
        start: what training went on from.
        set_aside: why a newly labelled image was not used, by name.
        training: (name, value) of the training run.
        links: (text, address) of the other reports.
    """

    candidate: str
    live: str
    start: str
    set_aside: Mapping[str, str]
    training: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]


def write_summary(
    seen: SeenLessons,
    gate: GateReport,
    facts: SummaryFacts,
    *,
    notes: LabelNotes,
    store: RevisionStore,
    path: Path,
    written_at: datetime,
) -> None:
    """Write the page: one file that needs nothing else, all text in it escaped.

    Raises:
        RevisionCorrupt: a picture is missing or was changed.
        OSError: the file cannot be written.
    """
    pictures = _Pictures(seen, facts, notes, store)
    lessons = seen.lessons
    sections = [
        Section("", tuple(_headline(gate, facts, seen))),
        Section("Labels", tuple(_labels(seen, facts))),
        Section("Golden parts", (*_comparison(lessons.golden, facts), *pictures.of(lessons.golden))),
        Section(
            "Newly labelled parts of split val",
            (
                Paragraph(_WHY_NEW_VAL_FLATTERS),
                *_comparison(lessons.new_val, facts),
                *pictures.of(lessons.new_val),
            ),
        ),
        Section("The gate", (Table(GATE_COLUMNS, gate_rows(gate), text_columns=(0, 1, 2, 5)),)),
        Section("More", (Links(facts.links),)),
    ]
    write_page(
        f"Retraining: {facts.candidate}", sections, path, subtitle=f"against {facts.live}", written_at=written_at
    )


def _headline(gate: GateReport, facts: SummaryFacts, seen: SeenLessons) -> Iterator[Block]:
    passed = ", ".join(str(scope) for scope in gate.passed_scopes)
    if gate.overall is Overall.PASSED:
        yield Notice(f"The gate let {facts.candidate} pass: {passed}.", NoticeLevel.GOOD)
    elif passed:
        yield Notice(f"The gate let {facts.candidate} pass in some places only: {passed}.", NoticeLevel.CAUTION)
    else:
        yield Notice(f"The gate let {facts.candidate} pass nowhere; the reasons are below.", NoticeLevel.BAD)
    counts = seen.lessons.golden.counts
    yield Facts(
        (
            ("Candidate", facts.candidate),
            ("Compared with", facts.live),
            ("Training went on from", facts.start),
            ("Dataset revision", seen.revision.id),
            *((f"{CHANGE_TITLES[change]} on golden", str(counts[change])) for change in Change),
            ("Newly labelled images", str(seen.lessons.new_images)),
            ("Label minutes used", _minutes(seen.lessons.minutes)),
            *facts.training,
        )
    )


def _labels(seen: SeenLessons, facts: SummaryFacts) -> Iterator[Block]:
    reasons = seen.lessons.reasons
    if not reasons:
        yield Paragraph("The live release has learnt from all of these labels already.")
    else:
        yield Table(
            ("labelled because of", "train", "val", "with defects", "minutes"),
            [
                (row.reason.replace("_", " "), str(row.train), str(row.val), str(row.defective), _minutes(row.minutes))
                for row in reasons
            ],
            caption="Labels that the live release has not learnt from",
        )
    if facts.set_aside:
        yield Table(
            ("image", "not used because it is"),
            sorted(facts.set_aside.items()),
            caption=f"Labelled images that were not used: {len(facts.set_aside)}",
            text_columns=(0, 1),
        )


def _comparison(compared: SetComparison, facts: SummaryFacts) -> Iterator[Block]:
    if not compared.parts:
        yield Paragraph("There is no such part.")
        return
    rows = [
        (name, str(errors.escapes), _rate(compared.escape_rate(errors)), str(errors.false_calls),
         _rate(compared.false_call_rate(errors)), str(errors.not_inspected))
        for name, errors in ((facts.live, compared.live), (facts.candidate, compared.candidate))
    ]  # fmt: skip
    yield Table(
        ("release", "escapes", "of defective, 95 %", "false calls", "of good, 95 %", "not inspected"),
        rows,
        caption=f"{compared.defective} defective and {compared.good} good parts",
    )
    counts = compared.counts
    yield Table(
        ("what changed", "parts", "the other way", "chance of that by luck"),
        [
            _change_row("Escapes fixed, and new ones", compared, Change.ESCAPE_FIXED, Change.NEW_ESCAPE),
            _change_row(
                "False calls removed, and new ones", compared, Change.FALSE_CALL_REMOVED, Change.NEW_FALSE_CALL
            ),
        ],
        caption="The same parts before both (McNemar's test, mid-p)",
    )
    for change, title in CHANGE_TITLES.items():
        if counts[change]:
            ids = ", ".join(each.part_id for each in compared.changed if each.change is change)
            yield Paragraph(f"{title}: {ids}")


def _change_row(title: str, compared: SetComparison, better: Change, worse: Change) -> tuple[str, ...]:
    counts = compared.counts
    return (title, str(counts[better]), str(counts[worse]), f"{compared.chance_of_luck(better, worse):.3g}")


class _Pictures:
    """The parts that changed, each with both releases beside each other and with the story of its label."""

    def __init__(self, seen: SeenLessons, facts: SummaryFacts, notes: LabelNotes, store: RevisionStore) -> None:
        self._seen = seen
        self._facts = facts
        self._notes = notes
        self._store = store
        self._images: dict[str, LabelledImage] = {}
        for image in seen.revision.images:
            self._images.setdefault(image.part_id, image)

    def of(self, compared: SetComparison) -> Iterator[Block]:
        order = list(Change)
        shown = sorted(compared.changed[:MOST_PICTURES], key=lambda each: (order.index(each.change), each.part_id))
        for each in shown:
            yield from self._part(each)
        left = len(compared.changed) - len(shown)
        if left:
            yield Paragraph(f"{left} more parts changed and are not shown; they are named above.")

    def _part(self, changed: ChangedPart) -> Iterator[Block]:
        pair = self._seen.shown.get(changed.part_id)
        if pair is None:
            return
        figure = part_figure(pair, self._store, live=self._facts.live, candidate=self._facts.candidate)
        image = self._images[changed.part_id]
        said = [f"{CHANGE_NAMES[changed.change]}: {changed.part_id}", _labelled(image), LEGEND]
        note = self._notes.of(image)
        if note is not None:
            said.append(
                f"Labelled by {note.annotator} in {note.minutes:.1f} min, because of {note.reason.replace('_', ' ')}."
            )
        elif image.origin is not None:
            said.append(f"Labelled because of {reason_of(image, self._notes).replace('_', ' ')}.")
        yield Picture(figure, " ".join(said))
        if note is not None and note.task_urls:
            yield Links([(f"The label task of {changed.part_id}", url) for url in note.task_urls])


def _labelled(image: LabelledImage) -> str:
    names = sorted({box.class_name for box in image.boxes})
    return f"(labelled {', '.join(names)})." if names else "(labelled as good)."


def _rate(rate: RateInterval) -> str:
    if rate.estimate is None:
        return "no such part"
    return f"{rate.estimate:.1%} [{rate.lower:.1%}, {rate.upper:.1%}]"


def _minutes(minutes: float | None) -> str:
    return "not known" if minutes is None else f"{minutes:.1f}"
