"""Which window of time a part lies in, and what is told of a window when it is over."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from lineside.serving.rates.answers import RateAnswers, RateQuestion
from lineside.serving.rates.schemas import RatesOut, WindowOut
from lineside.serving.rates.windows import RateFilter
from lineside.serving.signals.schemas import RateTold
from lineside.serving.signals.seen import SeenPart, SeenReview
from lineside.serving.signals.store import OpenWindow, WindowKey

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_COUNTS: Final = ("inspected", "flagged", "not_inspected", "later_attempts")
"""What only further parts change; reviews change the other figures."""


def window_of(part: SeenPart | SeenReview, length: timedelta) -> WindowKey:
    """The window that a part lies in; windows begin at midnight UTC and follow each other.

    Args:
        part: a judged attempt, or what was said of one; it belongs to where it was opened, however late it came.
        length: of a window.
    """
    start = _EPOCH + (part.opened_at - _EPOCH) // length * length
    return WindowKey(part.station, part.product or "", start, start + length)


def touched_windows(parts: Iterable[SeenPart], length: timedelta) -> Mapping[WindowKey, int]:
    """The windows that some parts lie in, each with the sequence of its newest part."""
    touched: dict[WindowKey, int] = {}
    for part in parts:
        key = window_of(part, length)
        touched[key] = max(touched.get(key, 0), part.sequence)
    return touched


async def answer_of(key: WindowKey, answers: RateAnswers, *, is_simulated: bool) -> RatesOut:
    """The rates of a window, as `GET /v1/rates` gives them.

    Raises:
        UnknownStation: its station is not enrolled.
    """
    wanted = RateFilter(
        start=key.start, end=key.end, station=key.station, product=key.product, is_simulated=is_simulated
    )
    return await answers.answer(RateQuestion(wanted=wanted))


def counts_of(figures: WindowOut) -> dict[str, int]:
    """The counts that tell whether parts came since."""
    return {name: getattr(figures, name) for name in _COUNTS}


def told_of(window: OpenWindow, answer: RatesOut, *, line: str, is_simulated: bool) -> RateTold | None:
    """What is told of a window that is over; None where no part counts, or no more came since it was told."""
    counts = counts_of(answer.total)
    if counts == window.told or not any(counts.values()):
        return None
    key = window.key
    return RateTold(
        station=key.station,
        line=line,
        product=key.product or None,
        start=key.start,
        end=key.end,
        revision=window.revision + 1,
        as_of_sequence=answer.as_of_sequence,
        is_simulated=is_simulated,
        recall_prior=answer.recall_prior,
        figures=answer.total.model_copy(update={"label": key.start.isoformat(timespec="minutes")}),
    )
