import math
from typing import Any

import pytest

from lineside.statistics.errors import DrawWithoutChance, ImpossibleCounts, SampleLargerThanLot
from lineside.statistics.rates import FlaggedStratum, KnownReads, PassedStratum, RateCounts, ReviewerReads


@pytest.mark.parametrize(
    ("counts", "error"),
    [
        pytest.param({"parts": -1, "drawn": 0, "read": 0}, ValueError, id="negative"),
        pytest.param({"parts": 10.5, "drawn": 0, "read": 0}, TypeError, id="no integer"),
        pytest.param({"parts": math.nan, "drawn": 0, "read": 0}, TypeError, id="no number"),
        pytest.param({"parts": True, "drawn": 0, "read": 0}, TypeError, id="a truth value"),
        pytest.param({"parts": 10, "drawn": 11, "read": 0}, SampleLargerThanLot, id="audit larger than the lot"),
        pytest.param({"parts": 10, "drawn": 5, "read": 6}, ImpossibleCounts, id="more read than drawn"),
        pytest.param({"parts": 10, "drawn": 5, "read": 5, "found": 6}, ImpossibleCounts, id="more found than read"),
    ],
)
def test_counts_that_cannot_be_are_refused(counts: dict[str, Any], error: type[Exception]) -> None:
    given = {"found": 0, **counts}
    found = given.pop("found")
    with pytest.raises(error, match="expected"):
        FlaggedStratum(probability=1.0, confirmed=found, **given)
    with pytest.raises(error, match="expected"):
        PassedStratum(probability=0.5, escapes=found, **given)


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan, math.inf])
def test_a_probability_outside_its_range_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        FlaggedStratum(10, probability, 0, 0, 0)
    with pytest.raises(ValueError, match="probability"):
        PassedStratum(10, probability, 0, 0, 0)


def test_a_draw_without_a_chance_of_one_is_no_random_draw() -> None:
    assert PassedStratum(10, 0.0, 0, 0, 0).parts == 10
    with pytest.raises(DrawWithoutChance, match="picked by hand"):
        PassedStratum(10, 0.0, 1, 1, 0)
    with pytest.raises(ValueError, match="over 0"):
        FlaggedStratum(10, 0.0, 0, 0, 0)


def test_totals_are_sums_over_the_strata() -> None:
    counts = RateCounts(
        (FlaggedStratum(20, 1.0, 20, 15, 9), FlaggedStratum(10, 0.5, 6, 6, 3)),
        (PassedStratum(100, 0.1, 12, 10, 1), PassedStratum(50, 0.0, 0, 0, 0)),
        not_inspected=4,
    )
    assert (counts.inspected, counts.parts_flagged, counts.parts_passed) == (180, 30, 150)
    assert (counts.confirmed, counts.unconfirmed, counts.audited, counts.escapes_found) == (12, 5, 10, 1)


def test_known_reads_are_counts() -> None:
    with pytest.raises(ValueError, match="misses is -1"):
        KnownReads(3, -1)
    with pytest.raises(ValueError, match="good_wrong is -2"):
        ReviewerReads(1, 1, 1, -2)
    with pytest.raises(ValueError, match="not_inspected is -1"):
        RateCounts((), (), not_inspected=-1)
