"""Whether the golden parts could let anything pass: the gate's own questions, put to two releases that err nowhere.

What even a flawless candidate beside a flawless live release cannot show, no training will; better to know it before.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lineside.datasets.labelled import LabelledImage
from lineside.inspection.verdict import Verdict
from lineside.statistics import noninferiority_sample_size
from lineside.training.evaluation import DefectOutcome, Evaluation, JudgedRelease, PartOutcome
from lineside.training.evaluation.judging import parts_of
from lineside.training.gate import Compared, Criterion, GateCase, GateKind, GatePolicy, LeakCheck, judge

_AT = datetime(1970, 1, 1, tzinfo=UTC)
_CONCERNED = ("escapes", "overkill")
"""Criteria that the number of golden parts decides, beside those of the classes."""


@dataclass(frozen=True, slots=True)
class GateLimit:
    """One question of the gate, and whether the golden parts can answer it.

    Attributes:
        scope: product and line.
        question: the criterion's title.
        limit: what its figure is compared with; None where it has none.
        parts: golden parts that it looks at.
        missing: how many more it takes; 0 where there are enough.
        is_enough: whether a candidate that errs nowhere could pass it.
    """

    scope: str
    question: str
    limit: float | None
    parts: int
    missing: int
    is_enough: bool


def golden_reach(
    golden: Sequence[LabelledImage], policy: GatePolicy, *, classes: Collection[str], live_classes: Collection[str]
) -> tuple[GateLimit, ...]:
    """Ask the gate what the golden parts could show.

    Args:
        golden: images that judge, at least one.
        policy: the limits.
        classes: of the candidate.
        live_classes: of the live release.
    """
    outcomes = tuple(_flawless(images) for images in parts_of(golden))
    case = GateCase(
        kind=GateKind.RELEASE,
        golden=Compared(
            candidate=_evaluation("candidate", outcomes, classes), live=_evaluation("live", outcomes, live_classes)
        ),
        escape_bank=None,
        parity=None,
        leak_check=LeakCheck((), (), ()),
    )
    report = judge(case, policy=policy, now=_AT)
    return tuple(limit for result in report.scopes for limit in _limits(str(result.scope), result.criteria))


def parts_for_an_equal_candidate(policy: GatePolicy) -> int:
    """Defective parts with which a candidate that is as good as live passes with the policy's power."""
    escapes = policy.escapes
    return noninferiority_sample_size(
        discordant_share=escapes.expected_discordant_share,
        margin=escapes.margin,
        confidence=escapes.confidence,
        power=escapes.power,
    )


def _limits(scope: str, criteria: Sequence[Criterion]) -> Iterator[GateLimit]:
    for criterion in criteria:
        if criterion.id in _CONCERNED or criterion.id.startswith("class:"):
            counts = criterion.counts
            missing = counts.get("missing", 0) if criterion.blocks else 0
            yield GateLimit(
                scope, criterion.title, criterion.limit, counts.get("parts", 0), missing, not criterion.blocks
            )


def _flawless(images: Sequence[LabelledImage]) -> PartOutcome:
    """A part as a release sees it that errs nowhere."""
    first = images[0]
    defects = tuple(
        DefectOutcome(
            class_name=box.class_name,
            box_xyxy_px=box.box_xyxy_px,
            size_px=box.area_px**0.5,
            size_mm=None,
            is_found=True,
            is_right_class=True,
            confidence=1.0,
            view=image.view,
        )
        for image in images
        for box in image.boxes
    )
    return PartOutcome(
        part_id=first.part_id,
        group=first.group,
        product=first.product,
        line=first.line,
        is_defective=bool(defects),
        verdict=Verdict.NG if defects else Verdict.OK,
        defects=defects,
        false_calls=0,
        image_digests=tuple(image.image.sha256 for image in images),
    )


def _evaluation(name: str, parts: tuple[PartOutcome, ...], classes: Collection[str]) -> Evaluation:
    return Evaluation(
        release=JudgedRelease(name, "0", name),
        revision="",
        splits=("golden",),
        engine="none",
        recipe=None,
        truth="labels",
        thresholds=dict.fromkeys(classes, 0.5),
        parts=parts,
        figures={},
    )
