from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gate_cases import case, defective, evaluation, good, judged
from lineside.inspection.verdict import Verdict
from lineside.training.evaluation.outcomes import PartOutcome
from lineside.training.gate import (
    ClassPolicy,
    ClassRule,
    Compared,
    EscapePolicy,
    GateCase,
    GatePolicy,
    GateReport,
    LatencyPolicy,
    Overall,
    OverkillPolicy,
)

LENIENT = GatePolicy(
    escapes=EscapePolicy(margin=0.4, limit_when_nothing_is_live=0.5),
    classes=ClassPolicy(
        default=ClassRule(may_be_unproven=True), recall_of_a_new_class=0.2, recall_when_nothing_is_live=0.2
    ),
    overkill=OverkillPolicy(budget=0.6),
    latency=LatencyPolicy(is_required=False),
)
"""Limits that a few dozen parts can meet and miss, so that small cases lie on both sides of every one."""

VERDICTS = st.sampled_from([Verdict.OK, Verdict.NG, Verdict.NG, Verdict.NG, Verdict.NOT_INSPECTED])
CLASS_SETS = st.sampled_from([("open",), ("short",), ("open", "short"), ("new",)])


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[PartOutcome], list[PartOutcome]]:
    """The same few dozen parts under a candidate and a live model."""
    candidate: list[PartOutcome] = []
    live: list[PartOutcome] = []
    for index in range(draw(st.integers(8, 40))):
        classes = draw(CLASS_SETS)
        for side in (candidate, live):
            part = defective(f"d{index:03}", classes=classes, is_missed=draw(st.integers(0, 9)) < 2)
            side.append(replace(part, verdict=draw(VERDICTS)))
    for index in range(draw(st.integers(0, 20))):
        for side in (candidate, live):
            side.append(good(f"g{index:03}", verdict=draw(st.sampled_from([Verdict.OK, Verdict.OK, Verdict.NG]))))
    return candidate, live


def with_a_further_miss(parts: list[PartOutcome], draw: st.DataObject) -> list[PartOutcome]:
    """One defective part passes now, and one of its defects or all of them are not found any more."""
    index = draw.draw(st.sampled_from([index for index, part in enumerate(parts) if part.is_defective]))
    part = parts[index]
    lost = draw.draw(st.integers(0, len(part.defects)))
    defects = tuple(
        replace(defect, is_found=False, is_right_class=False, confidence=0.0)
        if lost in (position, len(part.defects))
        else defect
        for position, defect in enumerate(part.defects)
    )
    verdict = draw.draw(st.sampled_from([Verdict.OK, part.verdict]))
    return [*parts[:index], replace(part, verdict=verdict, defects=defects), *parts[index + 1 :]]


def asked(candidate: list[PartOutcome], live: list[PartOutcome] | None, bank: list[PartOutcome]) -> GateCase:
    classes = ("open", "short", "new")
    compared = Compared(
        candidate=evaluation(bank, classes=classes),
        live=None if live is None else evaluation([replace(part, verdict=Verdict.NG) for part in bank], of="live"),
    )
    return case(
        evaluation(candidate, classes=classes),
        None if live is None else evaluation(live, of="live"),
        bank=compared,
    )


def blocked(report: GateReport) -> set[str]:
    return {criterion.id for criterion in (*report.blocking, *report.scopes[0].blocking)}


@settings(max_examples=150, deadline=None)
@given(sides(), st.booleans(), st.data())
def test_a_further_miss_never_turns_a_refusal_into_a_pass(
    parts: tuple[list[PartOutcome], list[PartOutcome]],
    is_first: bool,  # noqa: FBT001 - drawn by hypothesis
    data: st.DataObject,
) -> None:
    candidate, live = parts
    bank = [defective("b1"), defective("b2", is_missed=data.draw(st.booleans()))]
    against = None if is_first else live
    before = judged(asked(candidate, against, bank), policy=LENIENT)
    worse = judged(asked(with_a_further_miss(candidate, data), against, bank), policy=LENIENT)
    assert blocked(before) <= blocked(worse), "what blocked still blocks"
    if before.overall is Overall.FAILED:
        assert worse.overall is Overall.FAILED
    lost_of_bank = judged(asked(candidate, against, with_a_further_miss(bank, data)), policy=LENIENT)
    assert blocked(before) <= blocked(lost_of_bank)


@settings(max_examples=60, deadline=None)
@given(sides(), st.data())
def test_a_further_false_alarm_never_turns_a_refusal_into_a_pass(
    parts: tuple[list[PartOutcome], list[PartOutcome]], data: st.DataObject
) -> None:
    candidate, live = parts
    goods = [index for index, part in enumerate(candidate) if not part.is_defective]
    before = judged(asked(candidate, live, []), policy=LENIENT)
    for index in goods[:5]:
        verdict = data.draw(st.sampled_from([Verdict.NG, Verdict.NOT_INSPECTED]))
        stopped = [*candidate[:index], replace(candidate[index], verdict=verdict), *candidate[index + 1 :]]
        assert blocked(before) <= blocked(judged(asked(stopped, live, []), policy=LENIENT))


@settings(max_examples=60, deadline=None)
@given(sides())
def test_the_answer_does_not_depend_on_the_order_of_the_parts(
    parts: tuple[list[PartOutcome], list[PartOutcome]],
) -> None:
    candidate, live = parts
    one = judged(asked(candidate, live, []), policy=LENIENT)
    reverse = case(
        replace(evaluation(candidate, classes=("open", "short", "new")), parts=tuple(reversed(candidate))),
        replace(evaluation(live, of="live"), parts=tuple(reversed(live))),
        bank=Compared(candidate=evaluation([], classes=("open", "short", "new")), live=evaluation([], of="live")),
    )
    assert judged(reverse, policy=LENIENT).to_bytes() == one.to_bytes()
