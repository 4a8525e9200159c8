"""The states of OPC 40100-1 and the way between them: one legal transition a scan, so that a client never sees a leap.

VisionStateMachine (Preoperational, Halted, Error, Operational) and, within Operational, AutomaticModeStateMachine
(Initialized, Ready, SingleExecution, ContinuousExecution). Operational is entered at Initialized and left from
everywhere; SingleExecution and ContinuousExecution begin and end at Ready. Halted is left to Preoperational only.
"""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lineside.station.rig.records import StationState

_PREOPERATIONAL, _HALTED, _ERROR = StationState.PREOPERATIONAL, StationState.HALTED, StationState.ERROR
_INITIALIZED, _READY = StationState.INITIALIZED, StationState.READY
_SINGLE, _CONTINUOUS = StationState.SINGLE_EXECUTION, StationState.CONTINUOUS_EXECUTION
_OUT: Final = frozenset({_PREOPERATIONAL, _HALTED, _ERROR})

TRANSITIONS: Final[Mapping[StationState, frozenset[StationState]]] = MappingProxyType(
    {
        _PREOPERATIONAL: frozenset({_HALTED, _ERROR, _INITIALIZED}),
        _HALTED: frozenset({_PREOPERATIONAL}),
        _ERROR: frozenset({_PREOPERATIONAL, _HALTED, _INITIALIZED}),
        _INITIALIZED: _OUT | {_READY},
        _READY: _OUT | {_INITIALIZED, _SINGLE, _CONTINUOUS},
        _SINGLE: _OUT | {_READY},
        _CONTINUOUS: _OUT | {_READY},
    }
)
"""From each state, the states that follow it."""

TAKES_TRIGGERS: Final = frozenset({_READY, _SINGLE, _CONTINUOUS})
"""The states in which Ready may stand."""


def next_state(current: StationState, wanted: StationState) -> StationState:
    """The state of the next scan on the shortest legal way; `current` where nothing is to change.

    >>> next_state(StationState.HALTED, StationState.READY).value
    'preoperational'
    """
    if current is wanted:
        return current
    ways = deque((first, first) for first in sorted(TRANSITIONS[current]))
    seen = {current}
    while ways:
        first, state = ways.popleft()
        if state is wanted:
            return first
        if state not in seen:
            seen.add(state)
            ways.extend((first, after) for after in sorted(TRANSITIONS[state]))
    raise ValueError(f"no way from {current.value} to {wanted.value}")  # the table is connected: never reached
