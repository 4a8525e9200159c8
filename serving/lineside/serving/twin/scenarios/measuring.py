"""From attempts as the ledger has them to the inputs of the line's model, and to what a period of it showed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.verdict import Verdict
from lineside.serving.errors import ScenarioRefused
from lineside.serving.twin.line_model import Measure
from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.scenarios.following import Following, first_judged, ways_of
from lineside.serving.twin.scenarios.occupancy import most_at_once, service_times
from lineside.serving.twin.scenarios.seen import SeenAttempt

BLOCKS: Final = 20
"""Stretches of neighbouring parts, whose differences show how much the line wanders."""

FEWEST_PARTS: Final = 100
"""Judged parts to measure a line by: five in a block."""

_MOST_ATTEMPTS_SIMULATED: Final = 20


@dataclass(frozen=True, slots=True)
class Share:
    """Parts of some, in stretches of time.

    Attributes:
        events: (blocks,) those that show it.
        units: (blocks,) all.
    """

    events: NDArray[np.int64]
    units: NDArray[np.int64]

    @property
    def point(self) -> float | None:
        """The share; None of no part."""
        total = int(self.units.sum())
        return int(self.events.sum()) / total if total else None


@dataclass(frozen=True, slots=True)
class Reads:
    """Parts of one verdict of which people said what they are, drawn at random.

    Attributes:
        is_defective: (n,).
        scores: (n,) NaN where the ledger has none.
        weights: (n,) parts that each stands for: 1 / probability of the draw.
    """

    is_defective: NDArray[np.bool_]
    scores: Numbers
    weights: Numbers


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    """The inputs of a station's model, as a time of its ledger shows them.

    Attributes:
        parts: that came, first attempts.
        span_s: of the time.
        stations: that look at parts of the one queue.
        most_inspected_at_once: as seen.
        inspection_s: (n,) occupying a station, in the order of time.
        flagged: NG among first judgements.
        not_inspected: attempts that ended without a judgement.
        retested_not_inspected: of those, looked at again.
        retest_not_inspected_s: until they were there again.
        fates: flagged parts that were reworked, retested, scrapped at once, and the rest.
        most_reworked_at_once: as seen.
        rework_places: as given; None for as many as come.
        rework_s: (n,) in work, waiting taken out where the places are known.
        passed_rework: of parts judged after rework.
        retest_flagged_s: until flagged parts that nobody worked on were there again.
        passed_retest: of those.
        flagged_reads: what flagged parts are in truth.
        passed_reads: what passed parts are in truth.
        threshold: the confidence in force; None where classes or times have several.
        releases: how many judged.
        attempts: the most that a part had.
    """

    parts: int
    span_s: float
    stations: int
    most_inspected_at_once: int
    inspection_s: Numbers
    flagged: Share
    not_inspected: Share
    retested_not_inspected: Share
    retest_not_inspected_s: Numbers
    fates: tuple[int, int, int, int]
    most_reworked_at_once: int
    rework_places: int | None
    rework_s: Numbers
    passed_rework: Share
    retest_flagged_s: Numbers
    passed_retest: Share
    flagged_reads: Reads
    passed_reads: Reads
    threshold: float | None
    releases: int
    attempts: int


def measure_line(
    attempts: Sequence[SeenAttempt],
    *,
    start: datetime,
    end: datetime,
    known_until: datetime,
    stations: int | None,
    rework_places: int | None,
    handling_s: float,
) -> MeasuredLine:
    """Measure what the parts that came in a time were like and what became of them.

    Args:
        attempts: of the station, in the order of their coming; later ones than `end` say what became of parts.
        start: aware; of parts that came from then on.
        end: aware; and before that.
        known_until: aware; up to when the ledger was read.
        stations: that look at parts; None for as many as were ever busy at once.
        rework_places: None for as many as come.
        handling_s: that a part occupies a station beside the time to its verdict.

    Raises:
        ScenarioRefused: there are too few parts; says how many are missing.
    """
    here = [seen for seen in attempts if start <= seen.opened_at < end]
    ways = ways_of(attempts, {seen.part_id for seen in here if seen.attempt == 1})
    firsts = [judged for way in ways if (judged := first_judged(way)) is not None]
    if len(firsts) < FEWEST_PARTS:
        raise ScenarioRefused(
            f"{len(firsts)} judged parts from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC; a line is measured "
            f"by at least {FEWEST_PARTS}, {FEWEST_PARTS - len(firsts)} are missing: learn from more hours"
        )
    timed = [seen for seen in here if seen.took_s is not None]
    if not timed:
        raise ScenarioRefused("the server judged none of the parts itself, so nothing says how long it takes")
    came = _seconds(start, (seen.opened_at for seen in timed))
    went = came + np.array([seen.took_s for seen in timed]) + handling_s
    at_once = most_at_once(came, went)
    places = at_once if stations is None else stations
    follow = Following(ways, known_until, timedelta(seconds=handling_s))
    thresholds = {seen.threshold for seen in firsts}
    reworked_came, reworked_went = _seconds(start, follow.rework_from), _seconds(start, follow.rework_until)
    reworked_at_once = most_at_once(reworked_came, reworked_went)
    return MeasuredLine(
        parts=len(ways),
        span_s=(end - start).total_seconds(),
        stations=places,
        most_inspected_at_once=at_once,
        inspection_s=service_times(came, went, places=places),
        flagged=_share(firsts, lambda seen: seen.verdict is Verdict.NG),
        not_inspected=_share(
            [seen for seen in here if seen.verdict is not None], lambda seen: seen.verdict is Verdict.NOT_INSPECTED
        ),
        retested_not_inspected=_counted(follow.unjudged_again, follow.unjudged),
        retest_not_inspected_s=np.array(follow.unjudged_again_s),
        fates=follow.fates,
        most_reworked_at_once=reworked_at_once,
        rework_places=rework_places,
        rework_s=service_times(
            reworked_came, reworked_went, places=reworked_at_once if rework_places is None else rework_places
        ),
        passed_rework=_counted(follow.passed_rework, follow.judged_after_rework),
        retest_flagged_s=np.array(follow.retest_s),
        passed_retest=_counted(follow.passed_retest, follow.judged_after_retest),
        flagged_reads=_reads(seen for seen in firsts if seen.verdict is Verdict.NG),
        passed_reads=_reads(seen for seen in firsts if seen.verdict is Verdict.OK),
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
        releases=len({seen.release_digest for seen in firsts}),
        attempts=min(_MOST_ATTEMPTS_SIMULATED, max(len(way) for way in ways)),
    )


def observed(
    attempts: Sequence[SeenAttempt], *, start: datetime, end: datetime, handling_s: float
) -> Mapping[Measure, float]:
    """What a period showed, counted as a run of the model counts it.

    Args:
        attempts: of the station, in the order of their coming.
        start: aware; of parts that came from then on.
        end: aware; verdicts after it do not count.
        handling_s: added to each time from arrival to verdict.
    """
    firsts = {seen.part_id: seen.opened_at for seen in attempts if seen.attempt == 1 and start <= seen.opened_at < end}
    passed = flagged = judged = with_verdict = 0
    to_last_s = 0.0
    for way in ways_of(attempts, set(firsts)):
        done = [seen for seen in way if seen.judged_at is not None and seen.judged_at < end]
        if not done:
            continue
        last, first = done[-1], first_judged(done)
        with_verdict += 1
        if last.judged_at is not None:
            to_last_s += (last.judged_at - firsts[last.part_id]).total_seconds() + handling_s
        passed += last.verdict is Verdict.OK
        judged += first is not None
        flagged += first is not None and first.verdict is Verdict.NG
    return {
        Measure.THROUGHPUT_PER_H: 3600.0 * passed / (end - start).total_seconds(),
        Measure.NG_RATE: flagged / max(1, judged),
        Measure.TIME_TO_LAST_VERDICT_S: to_last_s / max(1, with_verdict),
    }


def arrivals_of(attempts: Sequence[SeenAttempt], *, start: datetime, end: datetime) -> Numbers:
    """When the parts of a period came: (n,) seconds from its start."""
    return _seconds(start, (seen.opened_at for seen in attempts if seen.attempt == 1 and start <= seen.opened_at < end))


def _seconds(start: datetime, instants: Iterable[datetime]) -> Numbers:
    return np.array([(instant - start).total_seconds() for instant in instants], np.float64)


def _share(seen: Sequence[SeenAttempt], shows: Callable[[SeenAttempt], bool]) -> Share:
    """In stretches of as many neighbours."""
    events = np.array([shows(each) for each in seen], np.int64)
    blocks = [block for block in np.array_split(events, BLOCKS) if len(block)]
    return Share(np.array([block.sum() for block in blocks]), np.array([len(block) for block in blocks]))


def _counted(events: int, units: int) -> Share:
    return Share(np.array([events], np.int64), np.array([units], np.int64))


def _reads(seen: Iterable[SeenAttempt]) -> Reads:
    read = [each for each in seen if each.is_defective is not None]
    return Reads(
        np.array([each.is_defective for each in read], np.bool_),
        np.array([np.nan if each.score is None else each.score for each in read], np.float64),
        np.array([1.0 / each.probability for each in read], np.float64),
    )
