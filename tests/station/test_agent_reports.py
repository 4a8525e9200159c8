"""What the station's reports say of the moment in which they were made, whenever the server hears of them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from lineside.client.clock import SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.station.agent.effects import Effects
from lineside.station.agent.flow import PartFlow
from lineside.station.agent.journal import Journal
from lineside.station.agent.making import Making
from lineside.station.agent.supervision import Tasks
from lineside.station.agent.workers import Workers
from lineside.station.machine import Report, Severity
from lineside.station.spool import PartContext, Spool


def waiting_lots(spool: Spool) -> Iterator[str | None]:
    while (waiting := spool.outbox.first()) is not None:
        yield waiting.body["lot"]
        spool.outbox.settle(waiting)


async def report_while_making(folder: Path, lots: list[str]) -> list[str | None]:
    """Turn the bypass key once in each lot; gives the lots of the reports that wait for the server."""
    clock, making, deaths = SystemClock(), Making(), list[BaseException]()
    with Workers() as workers, Spool(folder, station="aoi-1", clock=clock) as spool:
        tasks = Tasks(on_death=lambda _, error: deaths.append(error))
        effects = Effects(
            object.__new__(PartFlow),  # no part comes
            journal=Journal(spool, workers, on_full=lambda _: None, on_back=lambda: None),
            tasks=tasks,
            identifiers=IdentifierSource(clock),
            clock=clock,
            making=lambda: making,
            on_record=lambda: None,
        )
        for lot in lots:
            making = Making(PartContext("BRD-A", lot, None))
            effects.carry_out(Report("bypass_on", Severity.WARNING, "the key is turned"))
            making = Making(PartContext("BRD-A", "the next lot", None))
            assert await tasks.settle(within_s=10)
        assert deaths == []
        return list(waiting_lots(spool))


def test_a_report_names_the_lot_in_which_it_was_made(tmp_path: Path) -> None:
    """Else a bypass of one lot, told after an outage, would hold the next lot and let its own go."""
    assert asyncio.run(report_while_making(tmp_path, ["L-1", "L-2"])) == ["L-1", "L-2"]
