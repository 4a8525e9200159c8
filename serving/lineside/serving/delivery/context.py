"""What every sink is given when it is built."""

from dataclasses import dataclass
from pathlib import Path

from lineside.client import LinesideClient
from lineside.serving.clock import Clock
from lineside.serving.delivery.station_lines import StationLines
from lineside.serving.ledger import Ledger


@dataclass(frozen=True, slots=True)
class SinkContext:
    """What a sink works with besides its settings.

    Attributes:
        name: the sink's, from the file.
        plant: whose events they are.
        clock: time.
        ledger: open to read only; everything that a sink changes goes through `client`.
        client: of the server, with a key of the role `delivery`.
        lines: the line of each station; fresh before each `deliver`.
        state_dir: a folder of this sink alone; it is there.
        folder: the delivery file's; relative paths in settings are below it (`secret_sources.path_from`).
        is_simulated: whether the line is a simulation.
    """

    name: str
    plant: str
    clock: Clock
    ledger: Ledger
    client: LinesideClient
    lines: StationLines
    state_dir: Path
    folder: Path
    is_simulated: bool
