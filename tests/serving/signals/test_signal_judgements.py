"""The pure judgements of the watch: which pictures are unfit, which state a station is in, which points signal."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.inspection.recipe import HoldAct, HoldOf, HoldRule, HoldTrigger, RateCounted
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.charts.schemas import (
    BaselineOut,
    ChartOut,
    ChartPointOut,
    ChartScope,
    Counted,
    FrozenParameters,
    Quantity,
)
from lineside.serving.signals import StateName
from lineside.serving.signals.chart_signals import question_for, signals_of
from lineside.serving.signals.image_alarms import follow_pictures
from lineside.serving.signals.image_health import ImageHealth, ImageLimits
from lineside.serving.signals.rate_rules import exceeds
from lineside.serving.signals.seen import SeenPart
from lineside.serving.signals.station_states import InForce, StationMemory, Trouble, state_of
from lineside.statistics.rates import wilson_interval
from lineside.statistics.spc import ChartKind, Measure

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMITS = ImageLimits(in_a_row=5, share=0.2, window_parts=20)


def part(*, unfit: bool) -> SeenPart:
    return SeenPart(
        sequence=1,
        id="i",
        station="aoi-1",
        product="BRD",
        lot=None,
        recipe=None,
        verdict=Verdict.NOT_INSPECTED if unfit else Verdict.OK,
        unfit=ReasonCode.UNHEALTHY if unfit else None,
        was_seen=True,
        trouble=None,
        opened_at=NOW,
        judged_at=NOW,
        is_simulated=False,
    )


def alarms(pattern: str, limits: ImageLimits = LIMITS) -> str:
    """R where the alarm is raised, C where it is cleared, a point elsewhere; `x` is an unfit part."""
    health, names, said = ImageHealth(), count(1), ""
    for each in pattern:
        health, told = follow_pictures(health, part(unfit=each == "x"), limits, new_id=lambda: f"alarm {next(names)}")
        said += "." if told is None else told.state[0].upper()
        health = ImageHealth.of_json(health.as_json())  # as it goes through the ledger
    return said


PATTERNS = {
    "too few in a row": ("xxxx.xxxx.", ".........."),
    "five in a row": ("..xxxxx...", "......R..."),
    "cleared by five": ("xxxxx.....", "....R....C"),
    "an unfit one among the five": ("xxxxx....x.....", "....R.........C"),
    "raised anew": ("xxxxx.....xxxxx", "....R....C....R"),
    "one in five of twenty": ("x....x....x....x....", "...................R"),
    "fewer than one in five": ("x.....x.....x.......x.....x.....", "." * 32),
    "one in five goes on until it is less": ("x...." * 4 + "." * 6, "." * 19 + "R" + "C" + "." * 5),
}


@pytest.mark.parametrize(("pattern", "said"), PATTERNS.values(), ids=PATTERNS)
def test_pictures_are_unfit_in_a_row_or_by_their_share(pattern: str, said: str) -> None:
    assert alarms(pattern) == said


@given(pattern=st.text(alphabet="x.", max_size=120))
def test_raised_and_cleared_take_turns_and_what_is_remembered_is_bounded(pattern: str) -> None:
    said = [each for each in alarms(pattern) if each != "."]
    assert said == (["R", "C"] * len(said))[: len(said)]
    health = ImageHealth()
    for each in pattern:
        health, _ = follow_pictures(health, part(unfit=each == "x"), LIMITS, new_id=lambda: "a")
    assert len(health.codes) <= 20
    assert len(health.unfit_ids) <= 20


FREE = InForce(has_recipe=True, cannot_judge=None, held_because=None)
ALARMED = StationMemory(health=ImageHealth(alarm_id="a"), last_part_at=NOW)
RUNNING = StationMemory(last_part_at=NOW)

STATES = {
    "nothing ever came": (StationMemory(), FREE, StateName.READY),
    "parts come": (RUNNING, FREE, StateName.CONTINUOUS_EXECUTION),
    "they came long ago": (StationMemory(last_part_at=NOW - HOUR), FREE, StateName.READY),
    "a job waits": (replace(RUNNING, jobs=frozenset({"j"})), FREE, StateName.SINGLE_EXECUTION),
    "no recipe": (RUNNING, replace(FREE, has_recipe=False), StateName.PREOPERATIONAL),
    "no release": (ALARMED, replace(FREE, cannot_judge="expired"), StateName.PREOPERATIONAL),
    "the last part had none": (
        replace(RUNNING, trouble=Trouble(ReasonCode.NO_RELEASE, "none")),
        FREE,
        StateName.PREOPERATIONAL,
    ),
    "the engine failed": (replace(RUNNING, trouble=Trouble(ReasonCode.ENGINE_FAILURE, "no")), FREE, StateName.ERROR),
    "unfit pictures": (ALARMED, FREE, StateName.ERROR),
    "held whatever else": (ALARMED, InForce(has_recipe=False, cannot_judge="x", held_because="y"), StateName.HALTED),
}


@pytest.mark.parametrize(("memory", "in_force", "expected"), STATES.values(), ids=STATES)
def test_what_hinders_most_is_the_state(memory: StationMemory, in_force: InForce, expected: StateName) -> None:
    state, why = state_of(memory, in_force, now=NOW, idle_after=timedelta(minutes=5))
    assert state is expected
    assert why
    assert StationMemory.of_json(memory.as_json()) == memory


rules = st.builds(
    HoldRule,
    when=st.just(HoldTrigger.RATE_ABOVE),
    do=st.sampled_from(HoldAct),
    of=st.sampled_from(HoldOf),
    limit=st.sampled_from([0.0, 0.01, 0.1, 0.4]),
    confidence=st.sampled_from([0.5, 0.9, 0.99]),
    min_parts=st.sampled_from([1, 20, 100]),
    counted=st.just(RateCounted.DETECTOR),
)


@given(stricter=rules, other=rules, inspected=st.integers(1, 300), share=st.floats(0, 1))
def test_a_rule_that_covers_another_acts_whenever_that_one_does(
    stricter: HoldRule, other: HoldRule, inspected: int, share: float
) -> None:
    def acts(rule: HoldRule) -> bool:
        interval = wilson_interval(round(share * inspected), inspected, confidence=rule.confidence)
        return exceeds(rule, inspected=inspected, lower=interval.lower)

    if stricter.covers(other) and acts(other):
        assert acts(stricter)
        assert stricter.do is HoldAct.ORDER or other.do is HoldAct.PROPOSE


def baseline(kind: ChartKind = ChartKind.P, *, by: str = "hour", end: datetime = NOW - 30 * HOUR) -> BaselineOut:
    return BaselineOut(
        id="calm",
        version=2,
        kind=kind,
        counted=Counted.PROCESS,
        by=by,
        scope=ChartScope(station="aoi-1"),
        start=end - 10 * HOUR,
        end=end,
        excluded=0,
        signals=0,
        parameters=FrozenParameters(
            kind=kind, measure=Measure.PROPORTION, centre=0.1, sigma_z=1.0, subgroups=10, units=500
        ),
        reason="calm",
        created_at=end,
        created_by="test",
    )


def point(ago_h: int, *rules: str, value: float = 0.5, **said: object) -> ChartPointOut:
    """A point that ended so many hours ago."""
    end = NOW - ago_h * HOUR
    shown = {"lower": 0.0, "centre": 0.1, "upper": 0.3, "count": 5, "size": 10.0, "unsettled": 0, **said}
    return ChartPointOut.model_validate(
        {
            "label": f"{ago_h} h ago",
            "start": end - HOUR,
            "end": end,
            "value": value,
            "rules": rules,
            "excluded": False,
            "excluded_reason": None,
            "provisional": False,
            "value_if_confirmed": None,
            **shown,
        }
    )


def signalled(points: Sequence[ChartPointOut], of: BaselineOut | None = None) -> list[tuple[str, tuple[str, ...]]]:
    frozen = of or baseline()
    chart = ChartOut(
        kind=frozen.kind,
        counted=Counted.PROCESS,
        quantity=Quantity.SHARE,
        phase="II",
        baseline=None,
        parameters={},
        points=tuple(points),
        notes=(),
    )
    found = signals_of(chart, frozen, since=NOW - 20 * HOUR, now=NOW, stations=("aoi-1",))
    return [(each.point.label, each.point.new_rules) for each in found]


def test_a_signal_begins_with_the_first_point_that_breaks_a_rule() -> None:
    points = [point(5, "limit"), point(4, "limit"), point(3, "limit", "run"), point(2), point(1, "limit")]
    assert signalled(points) == [("5 h ago", ("limit",)), ("3 h ago", ("run",)), ("1 h ago", ("limit",))]


def test_what_is_past_excluded_empty_or_not_over_is_no_signal() -> None:
    points = [
        point(25, "limit"),
        point(5, "limit", excluded=True),
        point(4, "limit", value=None),  # type: ignore[arg-type]  # as where no part was inspected
        point(0, "limit"),
    ]
    assert signalled(points) == []


def test_an_unsettled_point_is_told_only_on_the_side_of_more_defects() -> None:
    assert signalled([point(2, "limit", value=0.5, unsettled=3)]) == [("2 h ago", ("limit",))]
    assert signalled([point(2, "limit", value=0.0, unsettled=3)]) == []
    assert signalled([point(2, "limit", value=0.0)]) == [("2 h ago", ("limit",))]


def test_gaps_between_defective_parts_signal_early_where_they_are_short() -> None:
    gaps = baseline(ChartKind.G_R)
    short, long = ({"value": value, "centre": 50.0, "size": None, "provisional": True} for value in (3.0, 400.0))
    assert signalled([point(2, "limit", **short)], gaps) == [("2 h ago", ("limit",))]  # type: ignore[arg-type]  # the point's own fields
    assert signalled([point(2, "limit", **long)], gaps) == []  # type: ignore[arg-type]  # the same


def test_windows_of_parts_count_once_they_are_full() -> None:
    by_parts = baseline(by="parts:10")
    assert signalled([point(2, "limit", size=9.0)], by_parts) == []
    assert signalled([point(2, "limit", size=12.0)], by_parts) == [("2 h ago", ("limit",))]


def test_a_window_that_the_charts_span_cuts_off_is_no_signal() -> None:
    old = baseline(end=NOW - 100 * HOUR)
    question = question_for(old, now=NOW)
    assert question.start == NOW - 48 * HOUR
    cut = point(2, "limit")
    since = signalled([cut.model_copy(update={"start": question.start})], old)
    assert since == []
    assert question_for(baseline(ChartKind.T), now=NOW).start == NOW - 30 * HOUR
    assert question_for(baseline(by="parts:10", end=NOW - 900 * HOUR), now=NOW).start == NOW - 900 * HOUR
