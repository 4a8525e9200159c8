"""What a window counts for a chart."""

from datetime import UTC, datetime, timedelta

import pytest

from lineside.serving.charts.schemas import Counted
from lineside.serving.charts.subgroups import RECENT, CountedWindow, count_window
from lineside.serving.rates.windows import WindowCounts
from lineside.statistics.rates import FlaggedStratum, RateCounts
from lineside.statistics.spc import ChartKind

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
END = START + timedelta(hours=1)


def window(*flagged: FlaggedStratum, confirmed: int = 0, false_calls: int = 0) -> WindowCounts:
    called = sum(stratum.parts for stratum in flagged)
    return WindowCounts(
        start=START,
        end=END,
        label="an hour",
        inspected=1000,
        flagged=called,
        confirmed=confirmed,
        false_calls=false_calls,
        escapes=0,
        unresolved=0,
        not_inspected=0,
        defects=3 * called,
        true_defects=2 * confirmed,
        first_judged=1000,
        first_passed=1000 - called,
        later_attempts=0,
        counts=RateCounts(flagged=flagged, passed=()),
        seeded=None,
        seeded_good=None,
        reviewers=None,
        is_provisional=False,
        is_gap=False,
        planned=timedelta(hours=1),
    )


def counted(
    found: WindowCounts,
    *,
    kind: ChartKind = ChartKind.P,
    whose: Counted = Counted.PROCESS,
    after: timedelta = timedelta(days=1),
) -> CountedWindow:
    return count_window(found, kind, whose, now=END + after)


CENSUS = FlaggedStratum(parts=20, probability=1.0, drawn=20, read=18, confirmed=12)
HALF = FlaggedStratum(parts=40, probability=0.5, drawn=18, read=18, confirmed=9)


def test_of_a_census_the_confirmed_parts_count_and_the_rest_waits() -> None:
    found = counted(window(CENSUS, confirmed=12, false_calls=6))
    assert (found.count, found.unsettled, found.is_provisional, found.is_estimated) == (12, 2, True, False)


def test_of_a_sample_of_the_calls_the_confirmed_share_is_scaled_up() -> None:
    found = counted(window(HALF, confirmed=9, false_calls=9))
    assert (found.count, found.unsettled, found.is_provisional, found.is_estimated) == (20, 0, False, True)


def test_each_stratum_is_scaled_by_its_own_share() -> None:
    settled = FlaggedStratum(parts=10, probability=1.0, drawn=10, read=10, confirmed=10)
    assert counted(window(HALF, settled, confirmed=19, false_calls=9)).count == 30


def test_a_sample_that_nobody_has_read_counts_nothing_yet() -> None:
    found = counted(window(FlaggedStratum(parts=40, probability=0.5, drawn=18, read=0, confirmed=0)))
    assert (found.count, found.unsettled, found.is_provisional) == (0, 40, True)


@pytest.mark.parametrize(
    ("kind", "whose", "count"),
    [
        pytest.param(ChartKind.P, Counted.DETECTOR, 20, id="called parts"),
        pytest.param(ChartKind.U, Counted.DETECTOR, 60, id="called defects"),
        pytest.param(ChartKind.U, Counted.PROCESS, 24, id="confirmed defects"),
        pytest.param(ChartKind.EWMA, Counted.PROCESS, 12, id="confirmed parts of an EWMA"),
    ],
)
def test_the_kind_of_chart_decides_between_parts_and_defects(kind: ChartKind, whose: Counted, count: int) -> None:
    assert counted(window(CENSUS, confirmed=12, false_calls=6), kind=kind, whose=whose).count == count


def test_the_detectors_count_is_provisional_only_while_parts_may_still_come() -> None:
    found = window(CENSUS, confirmed=12)
    assert not counted(found, whose=Counted.DETECTOR).is_provisional
    assert counted(found, whose=Counted.DETECTOR, after=RECENT - timedelta(seconds=1)).is_provisional
