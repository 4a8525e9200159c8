"""Evaluations by counts, for tests of the gate: what became of each part is said, not measured."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lineside.inspection.verdict import Verdict
from lineside.training.evaluation.outcomes import (
    DefectOutcome,
    Evaluation,
    JudgedRelease,
    JudgingRecipe,
    Latency,
    PartOutcome,
)
from lineside.training.gate import (
    Compared,
    Criterion,
    GateCase,
    GateKind,
    GatePolicy,
    GateReport,
    LeakCheck,
    Override,
    ParityRecord,
    judge,
)

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
ENGINE = "onnxruntime-fp32"
MACHINE = "a machine"
GOOD_PARITY = ParityRecord({ENGINE: {"is_offered": True, "mean_box_difference_px": 0.01}})
NO_LEAK = LeakCheck(revisions=("1" * 64,), unknown=(), leaks=())


def release(name: str) -> JudgedRelease:
    """A release by any name."""
    return JudgedRelease("blobs", name, hashlib.sha256(name.encode()).hexdigest())


def recipe(name: str) -> JudgingRecipe:
    """A recipe by any name."""
    return JudgingRecipe("board", 1, hashlib.sha256(name.encode()).hexdigest())


def defective(
    name: str,
    *,
    is_missed: bool = False,
    classes: Sequence[str] = ("open",),
    is_right_class: bool = True,
    verdict: Verdict | None = None,
    product: str | None = "board",
    line: str | None = "line-1",
) -> PartOutcome:
    """A part with one defect of each class; a missed one passes and none of its defects is found."""
    return PartOutcome(
        part_id=name,
        group=name,
        product=product,
        line=line,
        is_defective=True,
        verdict=verdict or (Verdict.OK if is_missed else Verdict.NG),
        defects=tuple(
            DefectOutcome(
                class_name=class_name,
                box_xyxy_px=(10.0 * index, 0.0, 10.0 * index + 8, 8.0),
                size_px=8.0,
                size_mm=None,
                is_found=not is_missed,
                is_right_class=is_right_class and not is_missed,
                confidence=0.0 if is_missed else 0.9,
            )
            for index, class_name in enumerate(classes)
        ),
        false_calls=0,
        image_digests=(hashlib.sha256(name.encode()).hexdigest(),),
    )


def good(
    name: str,
    *,
    verdict: Verdict = Verdict.OK,
    product: str | None = "board",
    line: str | None = "line-1",
) -> PartOutcome:
    """A part without a defect."""
    return replace(
        defective(name, classes=(), product=product, line=line),
        is_defective=False,
        verdict=verdict,
        false_calls=int(verdict is Verdict.NG),
    )


def evaluation(
    parts: Sequence[PartOutcome],
    *,
    of: str = "candidate",
    classes: Sequence[str] = ("open", "short"),
    p99_ms: float | None = 20.0,
    machine: str = MACHINE,
    judging_recipe: JudgingRecipe | None = None,
) -> Evaluation:
    """An evaluation of parts, sorted by their ids."""
    return Evaluation(
        release=release(of),
        revision="5" * 64,
        splits=("golden",),
        engine=ENGINE,
        recipe=judging_recipe,
        truth="labels",
        thresholds=dict.fromkeys(classes, 0.25),
        parts=tuple(sorted(parts, key=lambda part: part.part_id)),
        figures={},
        latency_ms=None if p99_ms is None else Latency(p99_ms / 2, p99_ms, p99_ms, 100, 50.0, machine),
    )


def many(
    *,
    misses: int = 0,
    of: int = 400,
    first: int = 0,
    overkills: int = 0,
    goods: int = 200,
    classes: Sequence[str] = ("open", "short"),
) -> list[PartOutcome]:
    """Defective parts, of which those numbered from `first` on are missed, and good ones, of which some are stopped."""
    missed = range(first, first + misses)
    parts = [defective(f"d{index:04}", is_missed=index in missed, classes=classes) for index in range(of)]
    stopped = [good(f"g{index:04}", verdict=Verdict.NG if index < overkills else Verdict.OK) for index in range(goods)]
    return parts + stopped


def case(
    candidate: Evaluation,
    live: Evaluation | None,
    *,
    bank: Compared | None = None,
    parity: ParityRecord | None = GOOD_PARITY,
    leak_check: LeakCheck = NO_LEAK,
    kind: GateKind = GateKind.RELEASE,
) -> GateCase:
    """A case with nothing wrong beyond what the evaluations say."""
    return GateCase(
        kind=kind,
        golden=Compared(candidate=candidate, live=live),
        escape_bank=bank,
        parity=parity,
        leak_check=leak_check,
    )


def judged(asked: GateCase, *, policy: GatePolicy | None = None, override: Override | None = None) -> GateReport:
    """The gate's answer at a fixed time."""
    return judge(asked, policy=policy or GatePolicy(), now=NOW, override=override)


def criterion(report: GateReport, name: str, *, scope: int = 0) -> Criterion:
    """One answer of a report by its id, general ones first."""
    found = [each for each in (*report.criteria, *report.scopes[scope].criteria) if each.id == name]
    if len(found) != 1:
        raise LookupError(f"{len(found)} criteria {name!r} in {[each.id for each in report.scopes[scope].criteria]}")
    return found[0]
