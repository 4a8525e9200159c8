"""A share of calls where several calls are of one part: they count for less than as many parts would."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, stdtrit  # type: ignore[import-untyped]  # scipy ships no types

from lineside.statistics.counts import check_counts, check_share


@dataclass(frozen=True, slots=True)
class CallShare:
    """A share of calls, of parts that were called several times.

    Attributes:
        events: calls that show the event.
        calls: all calls.
        parts: the independent units that they are of.
        estimate: events / calls; None where there were no calls.
        lower, upper: its interval; [0, 1] where nothing was called.
        confidence: nominal coverage.
    """

    events: int
    calls: int
    parts: int
    estimate: float | None
    lower: float
    upper: float
    confidence: float


def share_of_calls(events: Sequence[int], calls_per_part: int, *, confidence: float = 0.95) -> CallShare:
    """A share of calls with an interval that knows that trials of one part are alike.

    Clopper and Pearson's interval for an effective number of calls: all calls over the design effect, which is the
    spread of the parts' shares over what independent calls would show, at least 1 and at most the calls per part.
    Where no or every call shows the event, no spread can be seen: the design effect is then the most that it can be,
    as if each part had been called once.

    Source: E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data", Survey Methodology 24 (1998) 193-201, with their correction for the
    degrees of freedom (parts - 1); the bounds of the design effect are ours.

    Assumptions: the parts are independent and drawn from the parts that the figure is to speak of; hard parts that
    were put in on purpose make it speak of such a mixture.

    Args:
        events: for each part, how many of its calls show the event.
        calls_per_part: how many calls each part has, 1 or more.
        confidence: nominal coverage.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative, or a part has more events than calls.
    """
    check_share("confidence", confidence)
    check_counts(calls_per_part=calls_per_part)
    for count in events:
        check_counts(events=count)
        if count > calls_per_part:
            raise ValueError(f"a part has {count} events in {calls_per_part} calls; expected at most as many")
    parts, seen = len(events), sum(events)
    calls = parts * calls_per_part
    if calls == 0:
        return CallShare(0, 0, parts, None, 0.0, 1.0, confidence)
    share = seen / calls
    effective = _effective_calls(events, calls_per_part, share, confidence)
    tail = (1 - confidence) / 2
    hit, missed = share * effective, (1 - share) * effective
    lower = 0.0 if seen == 0 else float(betaincinv(hit, missed + 1, tail))
    upper = 1.0 if seen == calls else float(betaincinv(hit + 1, missed, 1 - tail))
    return CallShare(seen, calls, parts, share, lower, upper, confidence)


def _effective_calls(events: Sequence[int], calls_per_part: int, share: float, confidence: float) -> float:
    parts = len(events)
    calls = parts * calls_per_part
    if share in (0.0, 1.0) or parts < 2:
        return float(parts)
    seen = np.var(np.asarray(events, np.float64) / calls_per_part, ddof=1)
    design_effect = min(float(calls_per_part), max(1.0, float(seen) / (share * (1 - share) / calls_per_part)))
    if calls_per_part == 1:
        return float(calls)
    quantile = 0.5 + confidence / 2
    # Fewer parts know their spread less surely; with one call a part there is nothing to correct.
    shrunk = float(stdtrit(calls - 1, quantile) / stdtrit(parts - 1, quantile)) ** 2
    return max(min(float(parts), calls / design_effect), calls / design_effect * shrunk)
