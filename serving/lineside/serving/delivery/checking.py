"""Trying the sinks of a delivery file before a server runs them."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.client import LinesideClient
from lineside.serving.clock import SystemClock
from lineside.serving.delivery.bounded_calls import call
from lineside.serving.delivery.configuration import DeliveryConfiguration, load_delivery
from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import ExtraMissing, PersonNeeded, SinkMisconfigured, Trouble
from lineside.serving.delivery.kinds import SINK_KINDS
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Checkable, Sink
from lineside.serving.delivery.station_lines import StationLines
from lineside.serving.ledger import Ledger
from lineside.serving.settings import Settings

_PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class SinkCheck:
    """What a try of one sink found.

    Attributes:
        sink: its name.
        kind: what it speaks.
        problem: what does not work; None if it does.
        to_do: what a person does about it, where that is known.
    """

    sink: str
    kind: str
    problem: str | None
    to_do: str | None


def check_delivery(path: Path, *, settings: Settings, connects: bool) -> list[SinkCheck]:
    """Read a delivery file, and try each sink.

    A sink that can be tried without disturbing the one that runs is tried so; another is opened and closed.

    Args:
        path: the file.
        settings: of the server that will run it; a new, empty ledger stands in where it has none yet.
        connects: whether to connect; else the file is read and each sink is built.

    Raises:
        DeliveryFileRefused: the file cannot be used.
    """
    found = load_delivery(path)
    with tempfile.TemporaryDirectory(prefix="lineside-check-") as folder:
        url = settings.ledger_url
        if settings.database_url is None and not (settings.data_dir / "ledger.sqlite3").exists():
            url = f"sqlite:///{Path(folder) / 'ledger.sqlite3'}"
            Ledger.open(url, plant=settings.plant, clock=SystemClock()).close()
        with Ledger.open_readonly(url, plant=settings.plant, clock=SystemClock()) as ledger:
            return asyncio.run(_check_all(found, ledger, Path(folder), settings=settings, connects=connects))


async def _check_all(
    found: DeliveryConfiguration, ledger: Ledger, folder: Path, *, settings: Settings, connects: bool
) -> list[SinkCheck]:
    lines = StationLines(ledger)
    await lines.refresh()
    results = []
    async with LinesideClient(f"http://{settings.host}:{settings.port}", "") as client:
        for sink in found.sinks:
            state_dir = folder / sink.name
            state_dir.mkdir()
            context = SinkContext(
                name=sink.name,
                plant=ledger.plant,
                clock=SystemClock(),
                ledger=ledger,
                client=client,
                lines=lines,
                state_dir=state_dir,
                folder=found.folder,
                is_simulated=settings.is_simulated,
            )
            results.append(await _check(sink, context, connects=connects))
    return results


async def _check(settings: SinkSettings, context: SinkContext, *, connects: bool) -> SinkCheck:
    try:
        sink = SINK_KINDS[settings.kind].build(settings, context)
        if connects:
            await _try(sink)
    except (SinkMisconfigured, ExtraMissing) as error:
        return SinkCheck(settings.name, settings.kind, str(error), "correct the delivery file, or what it names")
    except Trouble as trouble:
        to_do = trouble.what_to_do if isinstance(trouble, PersonNeeded) else None
        return SinkCheck(settings.name, settings.kind, trouble.reason, to_do)
    return SinkCheck(settings.name, settings.kind, None, None)


async def _try(sink: Sink) -> None:
    if isinstance(sink, Checkable):
        await call(sink.check(), what="no connection", limit_s=_PATIENCE_S)
        return
    try:
        await call(sink.open(), what="no connection", limit_s=_PATIENCE_S)
    finally:
        await call(sink.close(), what="no orderly end", limit_s=_PATIENCE_S)
