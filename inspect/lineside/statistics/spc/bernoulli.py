"""A CUSUM of parts, good or defective, for rates so low that no subgroup's count is near normal.

Sources: M. R. Reynolds and Z. G. Stoumbos, "A CUSUM chart for monitoring a proportion when inspecting continuously",
Journal of Quality Technology 31 (1999) 87-108: each part adds 1 if defective and takes the reference off, which is the
likelihood ratio of the two rates; run lengths by a Markov chain, as D. Brook and D. A. Evans, "An approach to the
probability distribution of CUSUM run length", Biometrika 59 (1972) 539-549, here from defect to defect, so that its
size does not grow as the rate falls.

Assumptions: parts fail independently with one chance. It looks for a rise only.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lineside.statistics.counts import check_share
from lineside.statistics.spc.chart import NOTHING_EXCLUDED
from lineside.statistics.spc.records import Baseline, ChartKind, ControlChart, Measure, Subgroup
from lineside.statistics.spc.rules import BEYOND_LIMITS
from lineside.statistics.spc.sequence import SubgroupSequence

_CELLS = 240  # of the chain; twice as many move a run length by less than one percent
_HIGHEST_LIMIT = 60.0  # in defects


def bernoulli_cusum(
    subgroups: Sequence[Subgroup],
    *,
    acceptable: float,
    unacceptable: float,
    parts_between_false_alarms: float,
    excluded: Mapping[str, str] = NOTHING_EXCLUDED,
) -> ControlChart:
    """A CUSUM of defective parts tuned to a rise from an acceptable to an unacceptable rate.

    A subgroup adds its defective parts and takes off the reference for each part. Where the position of each defect is
    known, make the gap before it a subgroup (count 1, size of the gap): the sum is then that of the single parts, and
    the false alarms are as asked for. Within larger subgroups the sum cannot come back from 0 in their midst: it alarms
    less often than asked for, and up to a subgroup later. After an alarm the sum goes on; it is not set back.

    Args:
        subgroups: in the order of production; empty ones have no point.
        acceptable: rate that may stay, strictly between 0 and `unacceptable`.
        unacceptable: rate to be found soon, below 1.
        parts_between_false_alarms: on average, at the acceptable rate.
        excluded: label to reason; the sum stays where it was.

    Raises:
        UnknownExclusion: an exclusion names no subgroup.
        ValueError: the rates are out of order, no limit gives so few or so many parts, or a subgroup cannot be.
    """
    reference = reference_value(acceptable, unacceptable)
    limit = bernoulli_limit(parts_between_false_alarms, rate=acceptable, reference=reference)
    sequence = SubgroupSequence.of(subgroups, excluded, measure=Measure.PROPORTION)
    sums, total = [], 0.0
    for count, size, is_counted in zip(sequence.counts, sequence.sizes, sequence.counted, strict=True):
        if is_counted:
            total = max(0.0, total + float(count) - reference * float(size))
        sums.append(total)
    values = np.array(sums, np.float64)
    is_beyond = values[sequence.counted] >= limit
    points = sequence.points(
        values=values,
        lower=None,
        centre=np.zeros_like(values),
        upper=np.full_like(values, limit),
        rules=[(BEYOND_LIMITS.name,) if is_out else () for is_out in is_beyond.tolist()],
    )
    return ControlChart(
        kind=ChartKind.CUSUM,
        points=points,
        parameters={
            "acceptable": acceptable,
            "unacceptable": unacceptable,
            "reference": reference,
            "limit": limit,
            "parts_between_false_alarms": parts_between_false_alarms,
        },
        phase="II",
        notes=(),
        baseline=Baseline(ChartKind.CUSUM, Measure.PROPORTION, acceptable, 1.0, 0, 0.0),
        exclusions=dict(excluded),
    )


def reference_value(acceptable: float, unacceptable: float) -> float:
    """What each part takes off the sum, between the two rates: where the likelihood ratio stands still.

    Raises:
        ValueError: a rate is not strictly between 0 and 1, or they are out of order.

    >>> round(reference_value(0.01, 0.03), 5)
    0.01824
    """
    check_share("acceptable", acceptable)
    check_share("unacceptable", unacceptable)
    if acceptable >= unacceptable:
        raise ValueError(
            f"acceptable {acceptable}, unacceptable {unacceptable}; expected the first to be the lower one"
        )
    good = math.log1p(-acceptable) - math.log1p(-unacceptable)
    return good / (good + math.log(unacceptable / acceptable))


def parts_until_signal(limit: float, *, rate: float, reference: float) -> float:
    """Parts on average until the sum, from 0, reaches the limit.

    Args:
        limit: in defects, above 0.
        rate: true rate of defective parts, strictly between 0 and 1.
        reference: taken off for each part, strictly between 0 and 1.

    Raises:
        ValueError: an argument is out of its range.
    """
    check_share("rate", rate)
    check_share("reference", reference)
    if not limit > 0:
        raise ValueError(f"the limit is {limit}; expected a number of defects above 0")
    # the state is what the sum has fallen to when the next defect comes; it then rises by 1 less the reference
    rise = 1 - reference
    highest = limit - rise  # from here on the next defect signals
    if highest <= 0:
        return 1 / rate
    edges = np.linspace(0.0, highest, _CELLS + 1)
    states = np.concatenate(([0.0], (edges[:-1] + edges[1:]) / 2))
    after = states + rise
    decay = -math.log1p(-rate) / reference  # of the chance that no defect has come yet, per unit of the sum
    # chance that the sum has fallen to at most each edge before the next defect
    fallen = np.exp(-decay * np.maximum(after[:, None] - edges[None, :], 0.0))
    moves = np.concatenate((fallen[:, :1], np.diff(fallen, axis=1)), axis=1)
    # each state takes its own defect, and one more where the sum is then still high enough for that to signal
    taken = 2 - fallen[:, -1]
    defects = np.linalg.solve(np.eye(_CELLS + 1) - moves, taken)
    return float(defects[0]) / rate


def bernoulli_limit(parts: float, *, rate: float, reference: float) -> float:
    """The limit that an undisturbed line reaches once in so many parts.

    Args:
        parts: on average.
        rate: the undisturbed one.
        reference: as in `parts_until_signal`.

    Raises:
        ValueError: fewer parts than one defect takes, or more than the highest limit gives.
    """
    if not parts > 1 / rate:
        raise ValueError(
            f"{parts:g} parts between false alarms; expected more than {1 / rate:g}, one defect on average"
        )
    low, high = 1e-3, 2.0
    while parts_until_signal(high, rate=rate, reference=reference) < parts:
        if high > _HIGHEST_LIMIT:
            raise ValueError(f"{parts:g} parts between false alarms are more than any limit gives; expected fewer")
        low, high = high, high * 1.5
    for _ in range(30):
        middle = (low + high) / 2
        is_short = parts_until_signal(middle, rate=rate, reference=reference) < parts
        low, high = (middle, high) if is_short else (low, middle)
    return high
