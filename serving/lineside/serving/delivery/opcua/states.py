"""A station's state in the two state machines of OPC 40100-1 (clauses 8.2 and 8.3).

The standard has no transition from Halted to Error, nor from Halted straight to Operational, and single jobs and
continuous work are reached through Ready: a change of ours may take two or three of its transitions.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from asyncua import Node, ua

from lineside.serving.delivery.opcua.type_models import Models
from lineside.serving.signals.schemas import StateName

_STATES: Final = MappingProxyType(
    {"Preoperational": (5028, 1), "Halted": (5029, 2), "Error": (5030, 3), "Operational": (5031, 4)}
    | {"Initialized": (5056, 5), "Ready": (5057, 6), "SingleExecution": (5058, 7), "ContinuousExecution": (5059, 8)}
)
"""Number in the nodeset and `StateNumber` of each state."""

_OUTER: Final = MappingProxyType(
    {
        ("Preoperational", "Halted"): ("PreoperationalToHaltedAuto", 5033),
        ("Preoperational", "Error"): ("PreoperationalToErrorAuto", 5034),
        ("Preoperational", "Operational"): ("PreoperationalToOperationalAuto", 5254),
        ("Halted", "Preoperational"): ("HaltedToPreoperationalAuto", 5038),
        ("Error", "Preoperational"): ("ErrorToPreoperationalAuto", 5040),
        ("Error", "Halted"): ("ErrorToHaltedAuto", 5042),
        ("Error", "Operational"): ("ErrorToOperationalAuto", 5255),
        ("Operational", "Preoperational"): ("OperationalToPreoperationalAuto", 5048),
        ("Operational", "Halted"): ("OperationalToHaltedAuto", 5050),
        ("Operational", "Error"): ("OperationalToErrorAuto", 5051),
    }
)
_INNER: Final = MappingProxyType(
    {
        ("Initialized", "Ready"): ("InitializedToReadyAuto", 5061),
        ("Ready", "Initialized"): ("ReadyToInitializedAuto", 5063),
        ("Ready", "SingleExecution"): ("ReadyToSingleExecutionAuto", 5065),
        ("SingleExecution", "Ready"): ("SingleExecutionToReadyAuto", 5070),
        ("Ready", "ContinuousExecution"): ("ReadyToContinuousExecutionAuto", 5067),
        ("ContinuousExecution", "Ready"): ("ContinuousExecutionToReadyAuto", 5073),
    }
)
"""The transitions that we take, all of them unasked ("Auto"): name and number in the nodeset."""

_PLACES: Final[Mapping[StateName, tuple[str, str | None]]] = MappingProxyType(
    {
        StateName.PREOPERATIONAL: ("Preoperational", None),
        StateName.HALTED: ("Halted", None),
        StateName.ERROR: ("Error", None),
        StateName.READY: ("Operational", "Ready"),
        StateName.SINGLE_EXECUTION: ("Operational", "SingleExecution"),
        StateName.CONTINUOUS_EXECUTION: ("Operational", "ContinuousExecution"),
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One transition that was taken.

    Attributes:
        name: of the transition, in the standard's words.
        from_state: the state before.
        to_state: the state after.
        transition: the transition's node.
        from_node: the node of the state before.
        to_node: the node of the state after.
    """

    name: str
    from_state: str
    to_state: str
    transition: Any
    from_node: Any
    to_node: Any


class StationStates:
    """The two machines of one vision system.

    Args:
        models: where the standard lies.
        outer: the node of `VisionStateMachine`.
        inner: the node of `AutomaticModeStateMachine` within.
    """

    def __init__(self, models: Models, outer: Node, inner: Node) -> None:
        self._models = models
        self._nodes = {"outer": outer, "inner": inner}
        self._outer = "Preoperational"
        self._inner: str | None = None
        self.name = StateName.PREOPERATIONAL
        """The state in our own words."""

    async def begin(self) -> None:
        """Show the state that every vision system begins in."""
        await self._show("outer", self._outer)
        await self._show("inner", None)

    async def enter(self, name: StateName) -> Sequence[Step]:
        """Go to a state and show it.

        Returns:
            The transitions taken, in order; none where the state is the same.
        """
        outer, inner = _PLACES[name]
        self.name = name
        steps: list[Step] = []
        if self._outer == "Operational" and outer != "Operational":
            self._inner = None
            await self._show("inner", None)
        for before, after in _way(_OUTER, self._outer, outer):
            steps.append(self._step(_OUTER, before, after))
        self._outer = outer
        await self._show("outer", outer)
        if inner is not None:
            for before, after in _way(_INNER, self._inner or "Initialized", inner):
                steps.append(self._step(_INNER, before, after))
            self._inner = inner
            await self._show("inner", inner)
        return steps

    def _step(self, transitions: Mapping[tuple[str, str], tuple[str, int]], before: str, after: str) -> Step:
        name, number = transitions[before, after]
        return Step(
            name=name,
            from_state=before,
            to_state=after,
            transition=self._models.in_vision(number),
            from_node=self._models.in_vision(_STATES[before][0]),
            to_node=self._models.in_vision(_STATES[after][0]),
        )

    async def _show(self, machine: str, state: str | None) -> None:
        current = await self._nodes[machine].get_child(["0:CurrentState"])
        current_id = await current.get_child(["0:Id"])
        if state is None:
            for node in (current, current_id):
                await node.write_value(ua.DataValue(StatusCode=ua.StatusCode(ua.StatusCodes.BadStateNotActive)))
            return
        await current.write_value(ua.Variant(ua.LocalizedText(state), ua.VariantType.LocalizedText))
        node_id = self._models.in_vision(_STATES[state][0])
        await current_id.write_value(ua.Variant(node_id, ua.VariantType.NodeId))


def _way(transitions: Mapping[tuple[str, str], tuple[str, int]], before: str, after: str) -> Sequence[tuple[str, str]]:
    """The fewest transitions from one state to another; none where they are the same."""
    ways: deque[tuple[str, tuple[tuple[str, str], ...]]] = deque([(before, ())])
    seen = {before}
    while ways:
        state, way = ways.popleft()
        if state == after:
            return way
        for pair in transitions:
            if pair[0] == state and pair[1] not in seen:
                seen.add(pair[1])
                ways.append((pair[1], (*way, pair)))
    raise ValueError(f"no transition leads from {before} to {after}")
