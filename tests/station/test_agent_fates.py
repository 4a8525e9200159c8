"""Whose fate it is: decided when the machine says so, whatever part has the number a moment later."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from lineside.client.clock import SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.frames import MediaType
from lineside.inspection.verdict import ReasonCode
from lineside.station.agent.acquisition import AcquisitionRules, ViewCamera
from lineside.station.agent.configuration import PartIdInFile
from lineside.station.agent.effects import Effects
from lineside.station.agent.errors import NotJudged
from lineside.station.agent.flow import Listener, PartFlow
from lineside.station.agent.identity import PartNames
from lineside.station.agent.journal import Journal
from lineside.station.agent.making import UNKNOWN
from lineside.station.agent.supervision import Tasks
from lineside.station.agent.workers import Workers
from lineside.station.machine import Acquire, Dispose, RecordNotInspected
from lineside.station.rig import Lane
from lineside.station.spool import BookedPart, Spool, booked_parts
from scripted_camera import LineTriggeredCamera, frame


@dataclass
class Agent:
    """What carries out the machine's effects, and what it said."""

    effects: Effects
    tasks: Tasks
    heard: list[str]


@asynccontextmanager
async def an_agent(folder: Path, views: Mapping[str, ViewCamera]) -> AsyncIterator[Agent]:
    """An agent that nobody judges for."""
    clock = SystemClock()
    with Workers() as workers, Spool(folder, station="aoi-1", clock=clock) as spool:
        journal = Journal(spool, workers, on_full=lambda _: None, on_back=lambda: None)
        deaths: list[BaseException] = []
        heard: list[str] = []
        tasks = Tasks(on_death=lambda _, error: deaths.append(error))
        flow = PartFlow(
            views=views,
            names=PartNames(PartIdInFile.model_validate({"from": "plc"}), workers),
            judges=Nobody(),  # type: ignore[arg-type]  # no more of it is used
            journal=journal,
            workers=workers,
            clock=clock,
            listener=Listener(
                recorded=lambda _: None,
                acquired=lambda _: heard.append("acquired"),
                not_acquired=lambda _, why: heard.append(why),
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
        yield Agent(effects, tasks, heard)
        assert deaths == []


class Nobody:
    """Judges nothing."""

    async def judge(self, *_: object, **__: object) -> NoReturn:
        """Refuse."""
        raise NotJudged("nobody is there", code=ReasonCode.NO_SERVER)


async def end_and_begin(folder: Path) -> tuple[BookedPart, ...]:
    """In one scan part A of trigger 7 goes to be rejected, and part B is triggered as 7; gives both as written down."""
    async with an_agent(folder, {}) as agent:
        agent.effects.carry_out(RecordNotInspected(7, 10, "A", ReasonCode.NO_FRAME, "the camera is away"))
        assert await agent.tasks.settle(within_s=10)
        agent.effects.carry_out(Dispose(7, Lane.REJECT, is_confirmed=True))
        agent.effects.carry_out(RecordNotInspected(7, 90, "B", ReasonCode.NO_FRAME, "the camera is away"))
        assert await agent.tasks.settle(within_s=10)
    return booked_parts(folder)


def test_a_fate_is_of_the_part_that_ended_though_the_next_one_has_its_number(tmp_path: Path) -> None:
    found = asyncio.run(end_and_begin(tmp_path))
    assert [(part.part_id, part.lane) for part in found] == [("A", Lane.REJECT), ("B", None)]


@pytest.mark.parametrize(("since_s", "is_its"), [(0.5, True), (2.0, False)])
def test_a_parts_frame_may_be_as_old_as_the_scan_before_its_trigger(
    tmp_path: Path, *, since_s: float, is_its: bool
) -> None:
    """However long the exchange with the PLC took since: the frame came at 1 s, the effect much later."""

    async def work() -> list[str]:
        view = ViewCamera(
            "default",
            LineTriggeredCamera([frame(1)]),
            rules=AcquisitionRules(),
            clock=SystemClock(),
            on_trouble=lambda *_: None,
            on_back=lambda _: None,
        )
        async with an_agent(tmp_path, {"default": view}) as agent:
            agent.effects.carry_out(Acquire(7, 10, "A", math.inf), since_s)
            assert await agent.tasks.settle(within_s=10)
            return agent.heard

    (heard,) = asyncio.run(work())
    assert (heard == "acquired") is is_its
