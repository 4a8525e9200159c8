"""Which state a station is in, in OPC 40100-1's words, from what is in force there and what its newest part showed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from lineside.inspection.verdict import ReasonCode
from lineside.serving.signals.image_health import ImageHealth
from lineside.serving.signals.schemas import StateName

_NOT_SET_UP: Final = frozenset(
    {
        ReasonCode.NO_RECIPE,
        ReasonCode.NO_RELEASE,
        ReasonCode.DEPLOYMENT_EXPIRED,
        ReasonCode.RECIPE_EXPIRED,
    }
)
_FAILING: Final = frozenset({ReasonCode.ENGINE_FAILURE, ReasonCode.NON_FINITE_OUTPUT})

TELLING: Final = _NOT_SET_UP | _FAILING
"""Reasons of a verdict that say something of the station rather than of the part."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the newest part was not judged, where that lies with the station.

    Attributes:
        code: one of `TELLING`.
        message: what the verdict said.
    """

    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class StationMemory:
    """What the watch remembers of a station.

    Attributes:
        health: of its pictures.
        last_part_at: when its newest part was judged, aware UTC.
        trouble: of its newest part; None where it was judged, or failed by itself.
        jobs: identifiers of jobs that wait for their part.
        told: the state last told; None before the first.
    """

    health: ImageHealth = field(default_factory=ImageHealth)
    last_part_at: datetime | None = None
    trouble: Trouble | None = None
    jobs: frozenset[str] = frozenset()
    told: StateName | None = None

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "health": self.health.as_json(),
            "last_part_at": None if self.last_part_at is None else self.last_part_at.isoformat(),
            "trouble": None if self.trouble is None else [self.trouble.code.value, self.trouble.message],
            "jobs": sorted(self.jobs),
            "told": None if self.told is None else self.told.value,
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "StationMemory":
        """As the ledger kept it."""
        at, trouble, told = stored["last_part_at"], stored["trouble"], stored["told"]
        return cls(
            health=ImageHealth.of_json(stored["health"]),
            last_part_at=None if at is None else datetime.fromisoformat(at),
            trouble=None if trouble is None else Trouble(ReasonCode(trouble[0]), trouble[1]),
            jobs=frozenset(stored["jobs"]),
            told=None if told is None else StateName(told),
        )


@dataclass(frozen=True, slots=True)
class InForce:
    """What stands at a station at this moment.

    Attributes:
        has_recipe: whether one is in force.
        cannot_judge: why no release may or can judge by it; None if one can.
        held_because: why its parts are held back; None if they are not.
    """

    has_recipe: bool
    cannot_judge: str | None
    held_because: str | None


def state_of(
    memory: StationMemory, in_force: InForce, *, now: datetime, idle_after: timedelta
) -> tuple[StateName, str]:
    """The state of a station, and why it is that.

    What hinders most comes first: a hold, then what keeps it from judging at all, then pictures or an engine that fail.
    A part that was judged since ends the last two.

    Args:
        memory: of its parts and jobs.
        in_force: what stands there.
        now: aware UTC.
        idle_after: so long after its newest part no part is taken to come.
    """
    if in_force.held_because is not None:
        return StateName.HALTED, f"parts are held back: {in_force.held_because}"
    if not in_force.has_recipe:
        return StateName.PREOPERATIONAL, "no recipe is in force: give the station one, or an order"
    trouble = memory.trouble
    if in_force.cannot_judge is not None:
        return StateName.PREOPERATIONAL, in_force.cannot_judge
    if trouble is not None and trouble.code in _NOT_SET_UP:
        return StateName.PREOPERATIONAL, trouble.message
    if memory.health.alarm_id is not None:
        return StateName.ERROR, "its pictures are unfit to judge by: see the image alarm"
    if trouble is not None:
        return StateName.ERROR, trouble.message
    if memory.jobs:
        return StateName.SINGLE_EXECUTION, f"a job waits for its part: {min(memory.jobs)}"
    if memory.last_part_at is not None and now < memory.last_part_at + idle_after:
        return StateName.CONTINUOUS_EXECUTION, "parts come and are judged"
    return StateName.READY, "no part comes"
