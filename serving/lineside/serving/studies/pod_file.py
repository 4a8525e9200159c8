"""The file of a study of detection probability.

```
# design: designed
# unit: mm
part_id,size,result
P-001,0.12,miss
P-002,0.45,hit
G-001,,clear
G-002,,false_call
```

A row with a size is a defect of that independently measured size; one without is a part without a defect.
"""

from dataclasses import dataclass
from enum import StrEnum

from lineside.serving.errors import StudyRefused, StudyUnreadable
from lineside.serving.studies.table_file import Row, read_table
from lineside.statistics.pod import PodEstimate, ProductionUse, SizeDesign, Target, estimate_pod

MOST_TARGETS = 5_000
"""Far more than anybody makes and measures; their curve takes a second, that of many more keeps a core busy."""


class _Found(StrEnum):
    HIT = "hit"
    MISS = "miss"


class _Called(StrEnum):
    CLEAR = "clear"
    FALSE_CALL = "false_call"


@dataclass(frozen=True, slots=True)
class PodStudy:
    """What the file says.

    Attributes:
        design: how the sizes came about.
        unit: of every size; "mm" where the file names none.
        targets: defects of known size.
        defect_free: parts without a defect.
        false_calls: how many of them were called.
    """

    design: SizeDesign
    unit: str
    targets: tuple[Target, ...]
    defect_free: int
    false_calls: int


def read_pod_study(text: str, *, source: str) -> PodStudy:
    """Read the file.

    Raises:
        StudyUnreadable: what is odd, with line and column.
    """
    table = read_table(text, source=source, columns=("part_id", "size", "result"), facts=("design", "unit"))
    targets: list[Target] = []
    called: dict[str, bool] = {}
    for row in table.rows:
        part = row.text("part_id")
        if row.cells["size"]:
            targets.append(_target(row, part))
        elif part in called:
            raise row.fault("part_id", f"holds {part!r} for a second time; expected each defect-free part once")
        else:
            called[part] = row.choice("result", _Called) is _Called.FALSE_CALL
    if len(targets) > MOST_TARGETS:
        raise StudyUnreadable(f"{source}: {len(targets)} targets; expected at most {MOST_TARGETS}: split the study")
    both = called.keys() & {target.part_id for target in targets}
    if both:
        raise StudyUnreadable(f"{source}: part {min(both)} is given with a defect and without; expected one of the two")
    unit = table.facts.get("unit", "mm")
    if unit not in ("mm", "um", "mm2", "px"):
        raise StudyUnreadable(f"{source}: '# unit: {unit}'; expected one of: mm, um, mm2, px")
    return PodStudy(
        design=table.fact("design", SizeDesign),
        unit=unit,
        targets=tuple(targets),
        defect_free=len(called),
        false_calls=sum(called.values()),
    )


def judge_pod_study(study: PodStudy, *, production: ProductionUse = ProductionUse.REFUSE) -> PodEstimate:
    """Estimate what the study can carry.

    Raises:
        StudyRefused: it cannot carry a probability of detection, and why.
    """
    try:
        return estimate_pod(
            study.targets,
            design=study.design,
            defect_free=study.defect_free,
            false_calls=study.false_calls,
            production=production,
        )
    except ValueError as error:
        raise StudyRefused(str(error)) from error


def _target(row: Row, part: str) -> Target:
    size = row.number("size")
    if size <= 0:
        raise row.fault("size", f"holds {row.cells['size']!r}; expected more than 0, or nothing for a good part")
    return Target(part, size, is_hit=row.choice("result", _Found) is _Found.HIT)
