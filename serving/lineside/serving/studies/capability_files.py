"""The two files of a capability study: the sheet that appraisers fill in, and the key that they must not see.

The key says what hides behind each code, above it which appraiser is the inspection system:

```
# kind: attribute
# detector: aoi-1
code,part_id,reference,borderline
K07,P-0031,NG,yes
```

The sheet says what each appraiser called, without a word of what the part is:

```
# kind: attribute
appraiser,trial,order,code,call
kim,1,1,K07,NG
```

Of a variable study (`# kind: variable`) the key has `code,part_id` and may say `# unit: mm` and `# tolerance: 0.5`, and
the sheet has `size` in place of `call`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lineside.serving.errors import StudyRefused, StudyUnreadable
from lineside.serving.studies.table_file import Row, TableFile, read_table
from lineside.statistics.agreement import AgreementStudy, Appraisal, Call, analyse_agreement
from lineside.statistics.gauge import GaugeStudy, analyse_gauge

MOST_APPRAISERS = 60
"""Every two of them are held against each other."""
SHEET_COLUMNS = ("appraiser", "trial", "code")
_KEY_FACTS = ("kind", "detector", "unit", "tolerance", "seed")


class StudyKind(StrEnum):
    """What is called: OK or NG, or a size."""

    ATTRIBUTE = "attribute"
    VARIABLE = "variable"


class YesNo(StrEnum):
    """Whether a part is a borderline one."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Key:
    """What hides behind the codes.

    Attributes:
        kind: of the study.
        parts: part by code, in the file's order.
        reference: what each part is; empty in a variable study.
        borderline: how many parts are near the limit.
        detector: the appraiser that is the inspection system.
        unit: of sizes.
        tolerance: width that sizes may vary in.
    """

    kind: StudyKind
    parts: Mapping[str, str]
    reference: Mapping[str, Call]
    borderline: int
    detector: str | None
    unit: str
    tolerance: float | None


@dataclass(frozen=True, slots=True)
class AttributeStudy:
    """Calls of OK and NG.

    Attributes:
        key: what hides behind the codes.
        calls: every one.
    """

    key: Key
    calls: tuple[Appraisal, ...]


@dataclass(frozen=True, slots=True)
class VariableStudy:
    """Measured sizes.

    Attributes:
        key: what hides behind the codes.
        appraisers: names, in the order of their first measurement.
        sizes: by appraiser, part, trial.
    """

    key: Key
    appraisers: tuple[str, ...]
    sizes: tuple[tuple[tuple[float, ...], ...], ...]


def read_key(text: str, *, source: str) -> Key:
    """Read the key.

    Raises:
        StudyUnreadable: what is odd, with line and column.
    """
    table = read_table(
        text, source=source, columns=("code", "part_id"), optional=("reference", "borderline"), facts=_KEY_FACTS
    )
    kind = table.fact("kind", StudyKind)
    if (kind is StudyKind.ATTRIBUTE) is not ("reference" in table.columns):
        rule = "needs" if kind is StudyKind.ATTRIBUTE else "has no"
        raise StudyUnreadable(f"{source}: a key of kind {kind.value} {rule} column 'reference'")
    parts: dict[str, str] = {}
    known: set[str] = set()
    reference: dict[str, Call] = {}
    borderline = 0
    for row in table.rows:
        code, part = row.text("code"), row.text("part_id")
        if code in parts:
            raise row.fault("code", f"holds {code!r} for a second time; expected each code once")
        if part in known:
            raise row.fault("part_id", f"holds {part!r} for a second time; expected each part once")
        parts[code] = part
        known.add(part)
        if kind is StudyKind.ATTRIBUTE:
            reference[part] = row.choice("reference", Call)
        if row.cells.get("borderline"):
            borderline += row.choice("borderline", YesNo) is YesNo.YES
    unit = table.facts.get("unit", "mm")
    if not unit or len(unit) > 20 or not unit.isprintable():
        raise StudyUnreadable(f"{source}: '# unit: {unit}'; expected a unit such as mm")
    return Key(
        kind, parts, reference, borderline, table.facts.get("detector") or None, unit, table.positive_fact("tolerance")
    )


def read_sheet(text: str, key: Key, *, source: str) -> TableFile:
    """Read the sheet as a table, whether or not every cell of it is filled in.

    Raises:
        StudyUnreadable: what is odd, with line and column.
    """
    wanted = "call" if key.kind is StudyKind.ATTRIBUTE else "size"
    table = read_table(
        text, source=source, columns=(*SHEET_COLUMNS, wanted), optional=("order", "remark"), facts=("kind",)
    )
    if "kind" in table.facts and table.fact("kind", StudyKind) is not key.kind:
        raise StudyUnreadable(f"{source}: '# kind: {table.facts['kind']}' and the key says {key.kind.value}")
    appraisers = {row.text("appraiser") for row in table.rows}
    if len(appraisers) > MOST_APPRAISERS:
        raise StudyUnreadable(f"{source}: {len(appraisers)} appraisers; expected at most {MOST_APPRAISERS}")
    for row in table.rows:
        if row.text("code") not in key.parts:
            raise row.fault("code", f"holds {row.cells['code']!r}, which the key does not have")
    return table


def read_capability(
    sheet: str, key: str, *, sheet_source: str = "sheet", key_source: str = "key"
) -> AttributeStudy | VariableStudy:
    """Read both files of a study.

    Raises:
        StudyUnreadable: what is odd, with line and column.
    """
    hidden = read_key(key, source=key_source)
    table = read_sheet(sheet, hidden, source=sheet_source)
    if hidden.kind is StudyKind.VARIABLE:
        return _variable(table, hidden)
    calls = tuple(
        Appraisal(row.text("appraiser"), hidden.parts[row.text("code")], row.count("trial"), row.choice("call", Call))
        for row in table.rows
    )
    return AttributeStudy(hidden, calls)


def judge_capability(study: AttributeStudy | VariableStudy) -> AgreementStudy | GaugeStudy:
    """Analyse a study.

    Raises:
        StudyRefused: it cannot carry an analysis, and why.
    """
    try:
        if isinstance(study, VariableStudy):
            return analyse_gauge(study.sizes, tolerance=study.key.tolerance)
        return analyse_agreement(study.calls, study.key.reference, detector=study.key.detector)
    except ValueError as error:
        raise StudyRefused(str(error)) from error


def _variable(table: TableFile, key: Key) -> VariableStudy:
    measured: dict[tuple[str, str, int], float] = {}
    for row in table.rows:
        place = (row.text("appraiser"), row.text("code"), row.count("trial"))
        if place in measured:
            raise _twice(row, place)
        measured[place] = row.number("size")
    appraisers = tuple(dict.fromkeys(name for name, _, _ in measured))
    trials = max(trial for _, _, trial in measured)
    for name in appraisers:
        for code in key.parts:
            for trial in range(1, trials + 1):
                if (name, code, trial) not in measured:
                    raise StudyRefused(
                        f"{name} has no size of {code} in trial {trial}; expected every appraiser to measure every "
                        f"part {trials} times: measure it, or leave the part out of sheet and key"
                    )
    sizes = tuple(
        tuple(tuple(measured[name, code, trial] for trial in range(1, trials + 1)) for code in key.parts)
        for name in appraisers
    )
    return VariableStudy(key, appraisers, sizes)


def _twice(row: Row, place: tuple[str, str, int]) -> StudyUnreadable:
    name, code, trial = place
    return row.fault("code", f"is the second of {name}, trial {trial}, code {code}; keep the one that counts")
