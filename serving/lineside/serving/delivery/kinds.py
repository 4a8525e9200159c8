"""The kinds of sinks: one table. A kind's package is imported when a file names it, and not before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.desk import SinkDescription
from lineside.serving.delivery.errors import ExtraMissing
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Proof, Sink


@dataclass(frozen=True, slots=True)
class SinkKind:
    """One row: where a kind's two names are found.

    Attributes:
        name: as the file writes it.
        settings_at: "module:Model" of its settings, a child of `SinkSettings`; that module needs no extra.
        build_at: "module:function" that makes the sink of settings and context, without connecting.
        proof: what its sinks can prove, also while one cannot be built.
        extra: what to install for it, None where the base has all.
    """

    name: str
    settings_at: str
    build_at: str
    proof: Proof
    extra: str | None = None

    @property
    def settings(self) -> type[SinkSettings]:
        """The model of its settings."""
        model: type[SinkSettings] = _found_at(self.settings_at)
        return model

    def build(self, settings: SinkSettings, context: SinkContext) -> Sink:
        """Make a sink; nothing connects yet.

        Raises:
            ExtraMissing: its library is not installed.
            SinkMisconfigured: what the settings name is not there, e.g. a secret.
        """
        try:
            build: Callable[[SinkSettings, SinkContext], Sink] = _found_at(self.build_at)
        except ModuleNotFoundError as missing:
            if self.extra is None or (missing.name or "").startswith("lineside"):
                raise
            raise ExtraMissing(
                f"sink {settings.name!r} is of kind {self.name!r}, which needs {missing.name}: "
                f"install lineside[{self.extra}]"
            ) from missing
        return build(settings, context)


def _found_at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


_PACKAGE = "lineside.serving.delivery"

SINK_KINDS: Mapping[str, SinkKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            SinkKind(
                "webhook",
                f"{_PACKAGE}.webhook.settings:WebhookSettings",
                f"{_PACKAGE}.webhook.sink:build",
                Proof.ACKNOWLEDGED,
            ),
            SinkKind(
                "mqtt",
                f"{_PACKAGE}.mqtt.settings:MqttSettings",
                f"{_PACKAGE}.mqtt.sink:build",
                Proof.HANDED_OVER,
                "mqtt",
            ),
            SinkKind(
                "sparkplug",
                f"{_PACKAGE}.sparkplug.settings:SparkplugSettings",
                f"{_PACKAGE}.sparkplug.sink:build",
                Proof.HANDED_OVER,
                "mqtt",
            ),
            SinkKind(
                "opcua",
                f"{_PACKAGE}.opcua.settings:OpcUaSettings",
                f"{_PACKAGE}.opcua.sink:build",
                Proof.RECOVERABLE,
                "opcua",
            ),
        )
    }
)
"""Every kind by name."""


def described(settings: SinkSettings) -> SinkDescription:
    """A sink as the desk is told of it."""
    proof = SINK_KINDS[settings.kind].proof
    return SinkDescription(settings.name, settings.kind, proof, settings.filter.model_dump(mode="json"), settings.from_)
