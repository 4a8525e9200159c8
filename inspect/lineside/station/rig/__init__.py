"""Rigs: the cable between a station and the PLC, which alone decides what passes."""

from lineside.station.rig.errors import RigError, RigExtraMissing, RigLost, RigMisconfigured, RigUnreadable
from lineside.station.rig.kinds import RIG_KINDS, RigKind
from lineside.station.rig.protocol import Rig
from lineside.station.rig.records import Confirmation, Inputs, Lane, Outputs, StationState
from lineside.station.rig.settings import RigContext, RigSettings

__all__ = [
    "RIG_KINDS",
    "Confirmation",
    "Inputs",
    "Lane",
    "Outputs",
    "Rig",
    "RigContext",
    "RigError",
    "RigExtraMissing",
    "RigKind",
    "RigLost",
    "RigMisconfigured",
    "RigSettings",
    "RigUnreadable",
    "StationState",
]
