"""A simulated line and a plain station on the two ends of a cable, at the pace of a clock that is moved by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from lineside.client.clock import ManualClock
from lineside.station.rig import Inputs, Outputs, RigContext, RigLost
from lineside.station.rig.line import EvenSpacing, LineSettings
from lineside.station.rig.simulated_line import SimulatedLine
from plain_station import PlainStation

SCAN_S = 0.005


class Cable(Protocol):
    """What a scan needs of a rig."""

    async def read(self) -> Inputs: ...

    async def write(self, outputs: Outputs) -> None: ...


def start_clock() -> ManualClock:
    """A clock that stands."""
    return ManualClock(datetime(2026, 11, 2, 6, tzinfo=UTC))


def rig_context(clock: ManualClock, folder: Path = Path()) -> RigContext:
    """What rigs are built with."""
    return RigContext(clock, folder)


def quick_line(**changed: Any) -> LineSettings:
    """A short, fast line: a part takes twenty scans."""
    built = {
        "parts": 12,
        "speed_mm_s": 1000.0,
        "spacing": EvenSpacing(60.0, 150.0),
        "gate_at_mm": 200.0,
        "confirm_at_mm": 50.0,
        **changed,
    }
    return LineSettings(**built)


def run_line(
    line: SimulatedLine,
    station: PlainStation,
    *,
    at: dict[int, Callable[[], None]] | None = None,
    most_scans: int = 20_000,
) -> None:
    """Let both scan in step until the line is empty; `at` names what happens before which scan."""
    told = 0
    for scan in range(1, most_scans):
        if at and scan in at:
            at[scan]()
        line.advance(scan * SCAN_S)
        inputs = line.inputs(confirmed_from=told)
        told += len(inputs.confirmed)
        line.take(station.scan(inputs))
        if line.is_empty:
            return
    raise AssertionError(f"after {most_scans} scans {line.parts_on_the_belt} parts are still on the belt")


async def run_rig(
    line: SimulatedLine,
    rig: Cable,
    station: PlainStation,
    clock: ManualClock,
    *,
    at: dict[int, Callable[[], None]] | None = None,
    most_scans: int = 5000,
) -> int:
    """The same over a rig, as a station's scan does it: what is lost is lost. Gives how many exchanges were."""
    lost = 0
    for scan in range(1, most_scans):
        if at and scan in at:
            at[scan]()
        clock.advance(SCAN_S)
        try:
            await rig.write(station.scan(await rig.read()))
        except RigLost:
            lost += 1
        if line.is_empty:
            return lost
    raise AssertionError(f"after {most_scans} scans {line.parts_on_the_belt} parts are still on the belt")


def odd_passes(acquisition_id: int) -> bool:
    """A judge: every other part may pass."""
    return acquisition_id % 2 == 1
