"""The information models that the server speaks: OPC 40100-1, OPC 10031-4, and our own few structures.

asyncua keeps structures for the whole process, by their bare name and by namespace index; so every server of a process
loads the same models in the same order, and none ever loads another model that has a `ResultDataType`.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asyncua import Server, ua
from asyncua.common.structures104 import new_struct, new_struct_field

NODESETS: Final = Path(__file__).with_name("nodesets")
"""Third-party files; see the README there."""

MACHINE_VISION_URI: Final = "http://opcfoundation.org/UA/MachineVision"
JOB_CONTROL_URI: Final = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
OWN_URI: Final = "urn:lineside:opcua:1"
"""Of our own structures and objects; a new number when their meaning changes."""

_FILES: Final = ("Opc.Ua.MachineVision.NodeSet2.xml", "opc.ua.isa95-jobcontrol.nodeset2.xml")

_BINARY_IDS: Final = {
    "RecipeIdExternalDataType": 3002,
    "RecipeIdInternalDataType": 3013,
    "ConfigurationIdDataType": 3008,
}
"""Structures of OPC 40100-1 that add no field to their base; by their number in the nodeset."""

_TEXT: Final = ua.VariantType.String
_REAL: Final = ua.VariantType.Double


@dataclass(frozen=True, slots=True)
class Models:
    """Where the models lie in a server's address space.

    Attributes:
        vision: namespace index of OPC 40100-1.
        jobs: namespace index of OPC 10031-4.
        own: namespace index of ours.
        external_recipe_id: the class of recipes as the MES knows them.
        internal_recipe_id: the class of recipes as we know them.
        configuration_id: the class of configurations: here, of releases.
        defect: the class of our structure of one defect.
        verdict: the class of our structure of a verdict.
    """

    vision: int
    jobs: int
    own: int
    external_recipe_id: type[Any]
    internal_recipe_id: type[Any]
    configuration_id: type[Any]
    defect: type[Any]
    verdict: type[Any]

    def in_vision(self, number: int) -> ua.NodeId:
        """A node of OPC 40100-1 by its number in the nodeset."""
        return ua.NodeId(number, self.vision)

    def in_jobs(self, number: int) -> ua.NodeId:
        """A node of OPC 10031-4 by its number in the nodeset."""
        return ua.NodeId(number, self.jobs)


async def load_models(server: Server) -> Models:
    """Load every model into a fresh server, which takes most of a second."""
    for name in _FILES:
        await server.import_xml(str(NODESETS / name))
    vision = await server.get_namespace_index(MACHINE_VISION_URI)
    own = await server.register_namespace(OWN_URI)
    ids = {name: await _class_of_its_own(server, name, ua.NodeId(at, vision)) for name, at in _BINARY_IDS.items()}
    defect, verdict = await _own_structures(server, own)
    return Models(
        vision=vision,
        jobs=await server.get_namespace_index(JOB_CONTROL_URI),
        own=own,
        external_recipe_id=ids["RecipeIdExternalDataType"],
        internal_recipe_id=ids["RecipeIdInternalDataType"],
        configuration_id=ids["ConfigurationIdDataType"],
        defect=defect,
        verdict=verdict,
    )


async def _class_of_its_own(server: Server, name: str, data_type: ua.NodeId) -> type[Any]:
    """The class of a structure without fields of its own, which asyncua takes for its base and would send as such."""
    known: type[Any] | None = ua.extension_objects_by_datatype.get(data_type)
    if known is not None and known.__name__ == name:
        return known
    made: type[Any] = dataclasses.dataclass(dataclasses.make_dataclass(name, [], bases=(ua.BinaryIdBaseDataType,)))
    for encoding in await server.get_node(data_type).get_children(refs=ua.ObjectIds.HasEncoding):
        if (await encoding.read_browse_name()).Name == "Default Binary":
            # Under a name that is free: the bare one stands for the base, and asyncua would warn.
            ua.register_extension_object(f"Lineside{name}", encoding.nodeid, made, data_type)
    return made


async def _own_structures(server: Server, own: int) -> tuple[type[Any], type[Any]]:
    defect = await _structure(
        server,
        own,
        "LinesideDefectDataType",
        [
            new_struct_field("View", _TEXT),
            new_struct_field("ClassName", _TEXT),
            new_struct_field("Severity", _TEXT),
            new_struct_field("Confidence", _REAL),
            new_struct_field("BoxXyxyPx", _REAL, array=True, description="Left, top, right, bottom in frame pixels."),
            new_struct_field("SizeMm", _REAL, optional=True),
            new_struct_field("Zone", _TEXT, optional=True),
        ],
    )
    verdict = await _structure(
        server,
        own,
        "LinesideVerdictDataType",
        [
            new_struct_field("Verdict", _TEXT, description="OK, NG or NOT_INSPECTED; only OK lets a part pass."),
            new_struct_field("Reasons", _TEXT, array=True),
            new_struct_field("Attempt", ua.VariantType.UInt32),
            new_struct_field("Lot", _TEXT, optional=True),
            new_struct_field("OrderId", _TEXT, optional=True),
            new_struct_field("ReleaseDigest", _TEXT, optional=True),
            new_struct_field("ThresholdStatus", _TEXT, description="certified or uncertified."),
            new_struct_field("Defects", defect, array=True),
        ],
    )
    await server.load_data_type_definitions()
    return ua.get_type(defect), ua.get_type(verdict)


async def _structure(server: Server, own: int, name: str, fields: Sequence[ua.StructureField]) -> ua.NodeId:
    node, _ = await new_struct(server, ua.NodeId(name, own), ua.QualifiedName(name, own), list(fields))
    return node.nodeid
