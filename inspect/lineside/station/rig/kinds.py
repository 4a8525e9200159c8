"""The kinds of rigs: one table. A kind's module is imported when a file names it, and not before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from lineside.station.rig.errors import RigExtraMissing
from lineside.station.rig.protocol import Rig
from lineside.station.rig.settings import RigContext, RigSettings


@dataclass(frozen=True, slots=True)
class RigKind:
    """One row: where a kind's names are found.

    Attributes:
        name: as the file writes it.
        about: what it is, in a few words.
        settings_at: "module:Model" of its settings, a child of `RigSettings`; importing it needs no extra.
        build_at: "module:function" of (settings, context) that makes the rig without connecting.
        extra: what to install for it, None where the base has all.
    """

    name: str
    about: str
    settings_at: str
    build_at: str
    extra: str | None = None

    @property
    def settings(self) -> type[RigSettings]:
        """The model of its settings."""
        model: type[RigSettings] = _found_at(self.settings_at)
        return model

    def build(self, settings: RigSettings, context: RigContext) -> Rig:
        """Make a rig; nothing connects yet.

        Raises:
            RigExtraMissing: its library is not installed.
            RigMisconfigured: the settings name what is not there, e.g. a secret.
        """
        try:
            build: Callable[[RigSettings, RigContext], Rig] = _found_at(self.build_at)
        except ModuleNotFoundError as missing:
            if self.extra is None or (missing.name or "").startswith("lineside"):
                raise
            raise RigExtraMissing(
                f"rigs of kind {self.name!r} need {missing.name}: install lineside[{self.extra}]"
            ) from missing
        return build(settings, context)


def _found_at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


_PACKAGE = "lineside.station.rig"
_SETTINGS = f"{_PACKAGE}.settings"

RIG_KINDS: Mapping[str, RigKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            RigKind(
                "simulated",
                "a conveyor and its PLC inside the station's process",
                f"{_SETTINGS}:SimulatedSettings",
                f"{_PACKAGE}.simulated:build",
            ),
            RigKind(
                "modbus",
                "a PLC's holding registers over Modbus/TCP",
                f"{_SETTINGS}:ModbusSettings",
                f"{_PACKAGE}.modbus:build",
                "modbus",
            ),
            RigKind(
                "s7",
                "a Siemens PLC's data block",
                f"{_SETTINGS}:S7Settings",
                f"{_PACKAGE}.s7:build",
                "s7",
            ),
            RigKind(
                "opcua",
                "nodes of a PLC's OPC UA server, encrypted, with login",
                f"{_SETTINGS}:OpcUaSettings",
                f"{_PACKAGE}.opcua:build",
                "opcua",
            ),
            RigKind(
                "http",
                "a gateway's two JSON resources",
                f"{_SETTINGS}:HttpSettings",
                f"{_PACKAGE}.http:build",
            ),
        )
    }
)
"""Every kind by name."""
