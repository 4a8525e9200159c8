"""Whose fate it is: decided when the machine says so, whatever part has the number a moment later."""

import asyncio
from pathlib import Path

from lineside.client.clock import SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.frames import MediaType
from lineside.inspection.verdict import ReasonCode
from lineside.station.agent.configuration import PartIdInFile
from lineside.station.agent.effects import Effects
from lineside.station.agent.flow import Listener, PartFlow
from lineside.station.agent.identity import PartNames
from lineside.station.agent.journal import Journal
from lineside.station.agent.judging import Judges
from lineside.station.agent.making import UNKNOWN
from lineside.station.agent.supervision import Tasks
from lineside.station.agent.workers import Workers
from lineside.station.machine import Dispose, RecordNotInspected
from lineside.station.rig import Lane
from lineside.station.spool import BookedPart, Spool, booked_parts


async def end_and_begin(folder: Path) -> tuple[BookedPart, ...]:
    """In one scan part A of trigger 7 goes to be rejected, and part B is triggered as 7; gives both as written down."""
    clock = SystemClock()
    with Workers() as workers, Spool(folder, station="aoi-1", clock=clock) as spool:
        journal = Journal(spool, workers, on_full=lambda _: None, on_back=lambda: None)
        deaths: list[BaseException] = []
        tasks = Tasks(on_death=lambda _, error: deaths.append(error))
        flow = PartFlow(
            views={},
            names=PartNames(PartIdInFile.model_validate({"from": "plc"}), workers),
            judges=object.__new__(Judges),  # nobody is asked
            journal=journal,
            workers=workers,
            clock=clock,
            listener=Listener(
                recorded=lambda _: None,
                acquired=lambda _: None,
                not_acquired=lambda *_: None,
                judged=lambda _: None,
                not_recorded=lambda *_: None,
            ),
            bind=lambda **_: UNKNOWN,
            media_type=MediaType.PNG,
        )
        effects = Effects(
            flow,
            journal=journal,
            tasks=tasks,
            identifiers=IdentifierSource(clock),
            clock=clock,
            making=lambda: UNKNOWN,
            on_record=lambda: None,
        )
        effects.carry_out(RecordNotInspected(7, 10, "A", ReasonCode.NO_FRAME, "the camera is away"))
        assert await tasks.settle(within_s=10)
        effects.carry_out(Dispose(7, Lane.REJECT, is_confirmed=True))
        effects.carry_out(RecordNotInspected(7, 90, "B", ReasonCode.NO_FRAME, "the camera is away"))
        assert await tasks.settle(within_s=10)
        assert deaths == []
    return booked_parts(folder)


def test_a_fate_is_of_the_part_that_ended_though_the_next_one_has_its_number(tmp_path: Path) -> None:
    found = asyncio.run(end_and_begin(tmp_path))
    assert [(part.part_id, part.lane) for part in found] == [("A", Lane.REJECT), ("B", None)]
