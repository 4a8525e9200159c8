"""One station as a vision system of OPC 40100-1, with its quality and its job orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncua import Node, Server, ua
from asyncua.common.manage_nodes import delete_nodes

from lineside.serving.delivery.opcua.quality_nodes import QualityNodes
from lineside.serving.delivery.opcua.states import StationStates
from lineside.serving.delivery.opcua.type_models import Models

_VISION_SYSTEM: Final = 1003
_ORDER_RECEIVER: Final = 1002
_RESPONSE_PROVIDER: Final = 1003

_LEFT_OUT: Final[Sequence[Sequence[str]]] = (
    ("ConfigurationManagement",),
    ("SafetyStateManagement",),
    ("DiagnosticLevel",),
    ("SystemState",),
    *(
        ("RecipeManagement", name)
        for name in (
            "AddRecipe",
            "RemoveRecipe",
            "UnlinkProduct",
            "UnprepareProduct",
            "Products",
            "Recipes",
            "RecipeTransfer",
        )
    ),
    ("ResultManagement", "Results"),
    ("ResultManagement", "ResultTransfer"),
    *(
        ("VisionStateMachine", name)
        for name in ("ConfirmAll", "ErrorStepModel", "HaltedStepModel", "PreoperationalStepModel")
    ),
    *(
        ("VisionStateMachine", "AutomaticModeStateMachine", name)
        for name in (
            "SimulationMode",
            "ContinuousExecutionStepModel",
            "InitializedStepModel",
            "ReadyStepModel",
            "SingleExecutionStepModel",
        )
    ),
)
"""Optional parts of the type that nothing here stands behind: they are not shown."""

_ORDER_METHODS_LEFT_OUT: Final = ("Abort", "Clear", "Pause", "Resume", "RevokeStart", "Update", "Stop")


@dataclass(frozen=True, slots=True)
class VisionSystem:
    """The nodes of one station.

    Attributes:
        station: its id.
        root: the vision system.
        states: its state machines.
        quality: its variables.
        results: the node of `ResultManagement`.
        recipes: the node of `RecipeManagement`.
        outer: the node of `VisionStateMachine`.
        inner: the node of `AutomaticModeStateMachine`.
        orders: the node of the job order receiver.
        responses: the node of the job response provider.
        jobs_namespace: index of the namespace of these two.
    """

    station: str
    root: Node
    states: StationStates
    quality: QualityNodes
    results: Node
    recipes: Node
    outer: Node
    inner: Node
    orders: Node
    responses: Node
    jobs_namespace: int


async def add_vision_system(server: Server, models: Models, folder: Node, *, station: str) -> VisionSystem:
    """Add a station's nodes; their identifiers begin with the station's id, the same after each start."""
    root = await folder.add_object(
        ua.NodeId(station, models.own),
        ua.QualifiedName(station, models.own),
        objecttype=models.in_vision(_VISION_SYSTEM),
        instantiate_optional=True,
    )
    for path in _LEFT_OUT:
        await _leave_out(server, root, [f"{models.vision}:{step}" for step in path])
    outer = await root.get_child([f"{models.vision}:VisionStateMachine"])
    inner = await outer.get_child([f"{models.vision}:AutomaticModeStateMachine"])
    await root.set_event_notifier([ua.EventNotifier.SubscribeToEvents])
    orders, responses = await _add_job_control(server, models, root)
    states = StationStates(models, outer, inner)
    await states.begin()
    return VisionSystem(
        station=station,
        root=root,
        states=states,
        quality=await QualityNodes.add(models, root),
        results=await root.get_child([f"{models.vision}:ResultManagement"]),
        recipes=await root.get_child([f"{models.vision}:RecipeManagement"]),
        outer=outer,
        inner=inner,
        orders=orders,
        responses=responses,
        jobs_namespace=models.jobs,
    )


async def _add_job_control(server: Server, models: Models, root: Node) -> tuple[Node, Node]:
    added: list[Node] = []
    for name, number in (("JobOrderReceiver", _ORDER_RECEIVER), ("JobResponseProvider", _RESPONSE_PROVIDER)):
        added.append(
            await root.add_object(
                ua.NodeId(f"{root.nodeid.Identifier}.{name}", models.own),
                ua.QualifiedName(name, models.own),
                objecttype=models.in_jobs(number),
                instantiate_optional=True,
            )
        )
    orders, responses = added
    for name in _ORDER_METHODS_LEFT_OUT:
        await _leave_out(server, orders, [f"{models.jobs}:{name}"])
    return orders, responses


async def _leave_out(server: Server, root: Node, path: Sequence[str]) -> None:
    parent = root if len(path) == 1 else await root.get_child(path[:-1])
    node = await parent.get_child(path[-1:])
    # Only the parent refers to it. To have asyncua look for others takes it through the whole address space each time.
    for reference in await parent.get_references(direction=ua.BrowseDirection.Forward):
        if reference.NodeId == node.nodeid:
            await parent.delete_reference(node, reference.ReferenceTypeId)
    await delete_nodes(server.iserver.isession, [node], recursive=True, delete_target_references=False)
