"""A line around its inspection: what comes, who looks at it, and what becomes of flagged parts."""

from dataclasses import dataclass, field
from typing import Final

from lineside.serving.twin.line_model.arrivals import Arrivals
from lineside.serving.twin.line_model.durations import Always, Durations
from lineside.serving.twin.line_model.errors import ImpossibleLine, UnstableLine
from lineside.serving.twin.line_model.numbers import check_count, check_not_negative, check_positive, check_share
from lineside.serving.twin.line_model.parts import PartMix

MOST_PLACES: Final = 1000
MOST_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Retest:
    """Another look at a part that nobody worked on.

    Attributes:
        share: of the parts in question that get one.
        turnaround: until the part is at the station again.
        pass_share: of those that are judged then.
    """

    share: float = 0.0
    turnaround: Durations = field(default=Always(0.0))
    pass_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        check_share("the share of retests", self.share)
        check_share("the share of parts that pass a retest", self.pass_share)


@dataclass(frozen=True, slots=True)
class Rework:
    """Repair, and a look at the part afterwards.

    A part that passes afterwards is taken as repaired, and one that is flagged again as not.

    Attributes:
        share: of flagged parts that are reworked.
        work: from when somebody begins with the part until it is at the station again.
        pass_share: of those that are judged then.
        places: parts that can be in work at once; None for as many as come.
    """

    share: float = 0.0
    work: Durations = field(default=Always(0.0))
    pass_share: float = 1.0
    places: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no rework."""
        check_share("the share of rework", self.share)
        check_share("the share of parts that pass after rework", self.pass_share)
        if self.places is not None:
            check_count("the places of rework", self.places, most=MOST_PLACES)


@dataclass(frozen=True, slots=True)
class Line:
    """One inspection point and the loop around it.

    Attributes:
        arrivals: of new parts.
        parts: what they are.
        threshold: the score from which a part is flagged at its first judgement.
        inspection: how long a part occupies a station.
        stations: that look at parts of one queue.
        not_inspected: share of attempts that end without a judgement.
        retest_not_inspected: what then becomes of the part; without a retest it is set aside.
        rework: of flagged parts.
        retest_flagged: of flagged parts that nobody worked on.
        scrap: share of flagged parts that are scrapped at once; the rest, after rework and retest, is rejected.
        late_after_s: time in the system from which a part is late; None if none ever is.
        attempts: at most, of one part; one flagged at its last is scrapped.
    """

    arrivals: Arrivals
    parts: PartMix
    threshold: float
    inspection: Durations
    stations: int = 1
    not_inspected: float = 0.0
    retest_not_inspected: Retest = field(default=Retest())
    rework: Rework = field(default=Rework())
    retest_flagged: Retest = field(default=Retest())
    scrap: float = 0.0
    late_after_s: float | None = None
    attempts: int = 5

    def __post_init__(self) -> None:
        """Refuse what no line is."""
        check_not_negative("the threshold", self.threshold)
        check_count("the number of stations", self.stations, most=MOST_PLACES)
        check_count("the number of attempts", self.attempts, most=MOST_ATTEMPTS)
        check_share("the share of attempts without a judgement", self.not_inspected)
        check_share("the share of scrap", self.scrap)
        if self.late_after_s is not None:
            check_positive("the time after which a part is late", self.late_after_s)
        after = self.rework.share + self.retest_flagged.share + self.scrap
        if after > 1.0 + 1e-9:
            raise ImpossibleLine(
                f"rework, retest and scrap of flagged parts are {after:.4g} together; expected at most 1"
            )


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the places are in the long run.

    Attributes:
        inspection: of the stations: work per unit of time by what they can do.
        rework: of the places of rework; 0 where there are as many as come.
    """

    inspection: float
    rework: float


def load_of(line: Line) -> Load:
    """The utilisation of a line's places, from the mean number of visits of a part."""
    visits = reworks = 0.0
    flagged_when = {
        "new": line.parts.flagged_share(line.threshold),
        "reworked": 1.0 - line.rework.pass_share,
        "retested": 1.0 - line.retest_flagged.pass_share,
    }
    here = {"new": 1.0, "reworked": 0.0, "retested": 0.0}
    for _ in range(line.attempts):
        visits += sum(here.values())
        judged = {state: share * (1.0 - line.not_inspected) for state, share in here.items()}
        flagged = sum(share * flagged_when[state] for state, share in judged.items())
        again = {state: share * line.not_inspected * line.retest_not_inspected.share for state, share in here.items()}
        again["reworked"] += flagged * line.rework.share
        again["retested"] += flagged * line.retest_flagged.share
        reworks += flagged * line.rework.share
        here = again
    rate = line.arrivals.per_second
    places = line.rework.places
    return Load(
        inspection=rate * visits * line.inspection.mean_s / line.stations,
        rework=0.0 if places is None else rate * reworks * line.rework.work.mean_s / places,
    )


def check_stable(line: Line) -> None:
    """Refuse a line whose queues only grow.

    Raises:
        UnstableLine: naming the place and its utilisation.
    """
    load = load_of(line)
    if load.inspection >= 1.0:
        raise UnstableLine("inspection", utilisation=load.inspection, places=line.stations)
    if load.rework >= 1.0:
        raise UnstableLine("rework", utilisation=load.rework, places=line.rework.places or 0)
