"""What station and PLC tell each other in every scan, whatever carries it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_WORD: Final = 0xFFFF
"""Acquisition ids and heartbeats have 16 bits; an acquisition id of 0 means none."""


class StationState(StrEnum):
    """States of OPC 40100-1: VisionStateMachine, and within Operational the AutomaticModeStateMachine."""

    PREOPERATIONAL = "preoperational"
    HALTED = "halted"
    ERROR = "error"
    INITIALIZED = "initialized"
    READY = "ready"
    SINGLE_EXECUTION = "single_execution"
    CONTINUOUS_EXECUTION = "continuous_execution"


class Lane(StrEnum):
    """Where a part goes at the gate."""

    PASS = "pass"  # noqa: S105 - a lane
    REJECT = "reject"
    REINSPECT = "reinspect"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A sensor has seen a part in a lane.

    Attributes:
        acquisition_id: the part's.
        lane: where it was seen.
    """

    acquisition_id: int
    lane: Lane

    def __post_init__(self) -> None:
        """Refuse an id that is none."""
        _check_word("acquisition_id", self.acquisition_id)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the PLC says, all of one moment.

    Attributes:
        online: the PLC's programme runs and is in automatic mode.
        trigger: a part is at the camera; stands until it is acknowledged.
        trigger_id: the acquisition id that the PLC gave it at the trigger's edge.
        encoder: counts, across the wraps of the PLC's counter.
        part_id: the identifier that goes with `trigger_id`, None where the PLC has none.
        results_ack: the PLC has taken the result `results_ack_id`.
        results_ack_id: see there.
        confirmed: what the lanes' sensors have seen since the last inputs.
        bypass: the bypass key is turned.
        reset: the reset button is held.
        heartbeat: the PLC's own, changes with every scan.
        stopped: the line stands.
    """

    online: bool
    trigger: bool
    trigger_id: int
    encoder: int
    part_id: str | None
    results_ack: bool
    results_ack_id: int
    confirmed: tuple[Confirmation, ...]
    bypass: bool
    reset: bool
    heartbeat: int
    stopped: bool

    def __post_init__(self) -> None:
        """Refuse words that do not fit."""
        for name in ("trigger_id", "results_ack_id", "heartbeat"):
            _check_word(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the station says.

    Attributes:
        state: after OPC 40100-1.
        ready: it takes a trigger.
        trigger_ack: it has taken the trigger `trigger_ack_id`.
        trigger_ack_id: see there.
        busy: it acquires or judges.
        results_valid: a result stands, for `results_id`.
        results_id: see there.
        permit: the part of `results_id` may pass; means nothing without `results_valid`.
        lane: where that part goes.
        heartbeat: changes with every scan.
        stop_line: the line is to stop.
        missed_acquisition: a trigger came that was not acquired.
        alarm: a number for the PLC's panel, 0 for none.
    """

    state: StationState
    ready: bool
    trigger_ack: bool
    trigger_ack_id: int
    busy: bool
    results_valid: bool
    results_id: int
    permit: bool
    lane: Lane
    heartbeat: int
    stop_line: bool
    missed_acquisition: bool
    alarm: int

    def __post_init__(self) -> None:
        """Refuse words that do not fit."""
        for name in ("trigger_ack_id", "results_id", "heartbeat", "alarm"):
            _check_word(name, getattr(self, name))


def _check_word(name: str, value: int) -> None:
    if not 0 <= value <= MAX_WORD:
        raise ValueError(f"{name} is {value}; expected 0 to {MAX_WORD}")
