"""However a window is cut into cells, each of its quarters of an hour counts once and no other does."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.serving.rates.cells import DAY, HOUR, QUARTER
from lineside.serving.rates.spans import Span, spans_of, whole_spans

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
QUARTERS = st.integers(min_value=0, max_value=5 * 96)


def quarters(span: Span) -> list[datetime]:
    return [span.start + number * QUARTER.length for number in range((span.end - span.start) // QUARTER.length)]


@given(begin=QUARTERS, length=st.integers(min_value=1, max_value=4 * 96))
def test_the_spans_of_a_window_add_up_to_it(begin: int, length: int) -> None:
    window = Span(QUARTER, FIRST + begin * QUARTER.length, FIRST + (begin + length) * QUARTER.length)
    expected = dict.fromkeys(quarters(window), 1)
    covered: Counter[datetime] = Counter()
    for sign, span in spans_of(window.start, window.end):
        assert span.tier.starts_at(span.start)
        assert span.tier.starts_at(span.end)
        for quarter in quarters(span):
            covered[quarter] += sign
    assert {quarter: count for quarter, count in covered.items() if count} == expected
    within = [quarter for span in whole_spans(window.start, window.end) for quarter in quarters(span)]
    assert within == list(expected)


@pytest.mark.parametrize(
    ("begins", "hours", "expected"),
    [
        pytest.param(0, 24, [(1, DAY, 0, 24)], id="a UTC day"),
        pytest.param(21, 24, [(1, DAY, 24, 48), (1, HOUR, 21, 24), (-1, HOUR, 45, 48)], id="a day in Seoul"),
        pytest.param(5, 24, [(1, DAY, 0, 24), (-1, HOUR, 0, 5), (1, HOUR, 24, 29)], id="a day in New York"),
        pytest.param(5, 8, [(1, HOUR, 5, 13)], id="a shift"),
    ],
)
def test_few_cells_are_read(begins: int, hours: int, expected: list[tuple[int, object, int, int]]) -> None:
    start = FIRST + timedelta(hours=begins)
    found = [
        (sign, span.tier, (span.start - FIRST) // HOUR.length, (span.end - FIRST) // HOUR.length)
        for sign, span in spans_of(start, start + timedelta(hours=hours))
    ]
    assert found == expected
