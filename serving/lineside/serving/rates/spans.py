"""Cuts windows into stretches of cells, as few cells as may be: days of whole cells, and hours added or taken off."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.serving.rates.cells import DAY, HOUR, TIERS, Tier


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of cells of one tier.

    Attributes:
        tier: of the cells.
        start: aware UTC, of a cell.
        end: the same; not part of it.
    """

    tier: Tier
    start: datetime
    end: datetime


def spans_of(start: datetime, end: datetime) -> Iterator[tuple[int, Span]]:
    """The spans that add up to a window, each with 1 or, where it is taken off, -1.

    A production day from 21:00 to 21:00 UTC is the UTC day in it, plus three hours before, less the last three.

    Args:
        start: aware UTC, of a quarter of an hour.
        end: the same.
    """
    first, last = _nearest_midnight(start), _nearest_midnight(end)
    days = (last - first) // DAY.length
    if days < 1 or abs(first - start) + abs(last - end) + days * HOUR.length >= end - start:
        yield from ((1, span) for span in whole_spans(start, end))
        return
    yield 1, Span(DAY, first, last)
    for edge, midnight, sign in ((start, first, 1), (end, last, -1)):
        if edge < midnight:
            yield from ((sign, span) for span in whole_spans(edge, midnight))
        else:
            yield from ((-sign, span) for span in whole_spans(midnight, edge))


def whole_spans(start: datetime, end: datetime) -> Iterator[Span]:
    """A window as the fewest spans that lie in it: quarters, hours, days, hours, quarters.

    Args:
        start: aware UTC, of a quarter of an hour.
        end: the same.
    """
    yield from _whole_spans(start, end, len(TIERS) - 1)


def _whole_spans(start: datetime, end: datetime, level: int) -> Iterator[Span]:
    if start >= end:
        return
    tier = TIERS[level]
    first = tier.floor(start) if tier.starts_at(start) else tier.floor(start) + tier.length
    last = tier.floor(end)
    if first >= last:
        yield from _whole_spans(start, end, level - 1)
        return
    yield from _whole_spans(start, first, level - 1)
    yield Span(tier, first, last)
    yield from _whole_spans(last, end, level - 1)


def _nearest_midnight(instant: datetime) -> datetime:
    return DAY.floor(instant + timedelta(hours=12))
