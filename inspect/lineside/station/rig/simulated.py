"""A simulated line inside the station's own process, at the pace of the station's clock."""

from dataclasses import replace
from enum import Enum, auto
from types import TracebackType
from typing import Self

from lineside.client.clock import Clock
from lineside.station.rig.encoder_count import UnwrappedCount
from lineside.station.rig.errors import RigLost, RigMisconfigured
from lineside.station.rig.line.settings import EvenSpacing, LineSettings, numbered_parts
from lineside.station.rig.protocol import Rig
from lineside.station.rig.records import Inputs, Outputs
from lineside.station.rig.settings import RigContext, RigSettings, SimulatedSettings
from lineside.station.rig.simulated_line import SimulatedLine


class Cut(Enum):
    """Where the cable is cut."""

    BEFORE = auto()
    """What is written does not arrive."""
    AFTER = auto()
    """It arrives; that it did is not heard."""


class SimulatedRig:
    """The cable between a station and a `SimulatedLine`.

    Args:
        line: the other side; its clock is this one.
        clock: the station's.
    """

    def __init__(self, line: SimulatedLine, *, clock: Clock) -> None:
        self.line = line
        self._clock = clock
        self._encoder = UnwrappedCount()
        self._confirmed = 0
        self._cut: Cut | None = None

    async def __aenter__(self) -> Self:
        """Get ready."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to let go; the line hears no heartbeat any more."""

    async def read(self) -> Inputs:
        """What the PLC says now.

        Raises:
            RigLost: the cable is cut.
        """
        self.line.advance(self._clock.monotonic())
        if self._cut is not None:
            raise RigLost("the cable to the simulated line is cut")
        inputs = self.line.inputs(confirmed_from=self._confirmed)
        self._confirmed += len(inputs.confirmed)
        return replace(inputs, encoder=self._encoder.follow(inputs.encoder))

    async def write(self, outputs: Outputs) -> None:
        """Tell the PLC.

        Raises:
            RigLost: the cable is cut.
        """
        if self._cut is not Cut.BEFORE:
            self.line.take(outputs)
        if self._cut is Cut.AFTER:
            self._cut = Cut.BEFORE
        if self._cut is not None:
            raise RigLost("the cable to the simulated line is cut")

    def cut(self, where: Cut = Cut.BEFORE) -> None:
        """Cut the cable; with `AFTER` the next write still arrives."""
        self._cut = where

    def mend(self) -> None:
        """Join it again."""
        self._cut = None


def line_settings(settings: SimulatedSettings) -> LineSettings:
    """The line that a station's file asks for.

    The gate's window keeps neighbours apart: a third of the least distance, at most 15 mm.
    """
    return LineSettings(
        speed_mm_s=settings.speed_mm_s,
        mm_per_count=settings.mm_per_count,
        spacing=EvenSpacing(settings.spacing_mm, settings.spacing_to_mm or settings.spacing_mm),
        parts=settings.parts,
        part_ids=numbered_parts if settings.part_ids else lambda _: None,
        gate_at_mm=settings.gate_at_mm,
        gate_window_mm=min(15.0, settings.spacing_mm / 3),
        confirm_at_mm=settings.confirm_at_mm,
        heartbeat_timeout_s=settings.heartbeat_timeout_ms / 1000.0,
        ack_timeout_s=settings.ack_timeout_ms / 1000.0,
        seed=settings.seed,
    )


def build(settings: RigSettings, context: RigContext) -> Rig:
    """Make the line and the cable to it.

    Raises:
        RigMisconfigured: settings of another kind.
    """
    if not isinstance(settings, SimulatedSettings):
        raise RigMisconfigured(f"settings of a {settings.kind!r} rig; expected simulated")
    line = SimulatedLine(line_settings(settings), start_s=context.clock.monotonic())
    return SimulatedRig(line, clock=context.clock)
