"""A disk that was full for a while leaves no part without its verdict or its fate."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineside.client.clock import ManualClock, SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.agent.configuration import PartIdInFile
from lineside.station.agent.effects import Effects
from lineside.station.agent.flow import Listener, PartFlow
from lineside.station.agent.identity import PartNames
from lineside.station.agent.journal import Journal
from lineside.station.agent.judging import Judges
from lineside.station.agent.making import UNKNOWN
from lineside.station.agent.supervision import Tasks
from lineside.station.agent.unwritten import Unwritten
from lineside.station.agent.workers import Workers
from lineside.station.machine import RecordNotInspected
from lineside.station.rig import Lane
from lineside.station.spool import (
    DiskFull,
    DispositionRecord,
    JudgedRecord,
    RecordContradicts,
    Spool,
    UnfinishedPart,
)
from spooled_parts import START, Parts, a_view


class FillingSpool(Spool):
    """A spool on a disk that is full at times."""

    is_full = False

    def record_inspection(self, record: JudgedRecord) -> None:
        """As ever, if there is room."""
        self._need_room()
        super().record_inspection(record)

    def record_disposition(self, record: DispositionRecord) -> None:
        """As ever, if there is room."""
        self._need_room()
        super().record_disposition(record)

    def _need_room(self) -> None:
        if self.is_full:
            raise DiskFull("the disk is full")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[FillingSpool]:
    with FillingSpool(tmp_path / "spool", station="aoi-1") as opened:
        yield opened


def write(spool: Spool, *unwritten_of: DispositionRecord, unjudged: tuple[str, ...] = (), times: int = 1) -> None:
    """Let what was kept be written, as often as the disk says that it is back."""

    async def work() -> None:
        with Workers() as workers:
            journal = Journal(spool, workers, on_full=lambda _: None, on_back=lambda: None)
            unwritten = Unwritten(journal, clock=ManualClock(START))
            for record in unwritten_of:
                unwritten.keep_fate(record)
            for attempt_id in unjudged:
                unwritten.keep_unjudged(attempt_id)
            for number in range(times):
                if isinstance(spool, FillingSpool):
                    spool.is_full = number < times - 1
                await unwritten.write()

    asyncio.run(work())


@pytest.mark.parametrize("times", [1, 3])
def test_fate_and_verdict_that_found_no_room_are_written_when_there_is_room(spool: FillingSpool, times: int) -> None:
    """Also when the disk is full again in between."""
    parts = Parts()
    judged, unjudged = parts.trigger(), parts.trigger()
    for trigger in (judged, unjudged):
        spool.record_trigger(trigger)
    spool.record_inspection(parts.judged(judged, Verdict.OK, {"default": a_view(b"picture")}))
    fates = (parts.disposed(judged, Lane.PASS), parts.disposed(unjudged, Lane.REINSPECT))
    write(spool, *fates, unjudged=(unjudged.id,), times=times)
    assert spool.unfinished() == ()


def test_a_part_that_is_still_being_judged_is_left_alone(spool: FillingSpool) -> None:
    parts = Parts()
    trigger, other = parts.trigger(), parts.trigger()
    for one in (trigger, other):
        spool.record_trigger(one)
    write(spool, unjudged=(other.id,))
    assert [(part.id, part.verdict) for part in spool.unfinished()] == [
        (trigger.id, None),
        (other.id, Verdict.NOT_INSPECTED),
    ]


def test_what_has_no_trigger_on_disk_is_let_go_and_holds_nothing_up(spool: FillingSpool) -> None:
    parts = Parts()
    unknown, known = parts.trigger(), parts.trigger()
    spool.record_trigger(known)
    spool.record_inspection(parts.judged(known, Verdict.NG, {"default": a_view(b"picture")}))
    write(spool, parts.disposed(unknown, Lane.REJECT), parts.disposed(known, Lane.REJECT), unjudged=(unknown.id,))
    assert spool.unfinished() == ()


class LateFailure(Spool):
    """While it is looked what is unfinished, another part fails; once."""

    meanwhile: Callable[[], None] | None = None

    def unfinished(self) -> tuple[UnfinishedPart, ...]:
        """What is unfinished, before the other part failed."""
        found = super().unfinished()
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return found


def test_a_part_that_fails_while_others_are_written_is_not_forgotten(tmp_path: Path) -> None:
    parts = Parts()
    first, late = parts.trigger(), parts.trigger()

    async def work() -> None:
        with Workers() as workers, LateFailure(tmp_path, station="aoi-1") as spool:
            journal = Journal(spool, workers, on_full=lambda _: None, on_back=lambda: None)
            unwritten = Unwritten(journal, clock=ManualClock(START))

            def fail_late() -> None:
                spool.record_trigger(late)
                unwritten.keep_unjudged(late.id)

            spool.record_trigger(first)
            spool.meanwhile = fail_late
            unwritten.keep_unjudged(first.id)
            await unwritten.write()
            await unwritten.write()
            assert [part.verdict for part in spool.unfinished()] == [Verdict.NOT_INSPECTED] * 2

    asyncio.run(work())


class ContradictedOnce(Spool):
    """A spool to which one verdict says otherwise than what stands, e.g. the server's answer to another part."""

    contradicts = True

    def record_inspection(self, record: JudgedRecord) -> None:
        """Refuse the first."""
        if self.contradicts:
            self.contradicts = False
            raise RecordContradicts("the server's inspection is of another part already")
        super().record_inspection(record)


def test_a_part_whose_verdict_contradicts_another_record_has_one_at_once(tmp_path: Path) -> None:
    """No disk comes back that would bring it."""
    clock = SystemClock()

    async def work() -> None:
        with Workers() as workers, ContradictedOnce(tmp_path, station="aoi-1", clock=clock) as spool:
            journal = Journal(spool, workers, on_full=lambda _: None, on_back=lambda: None)
            deaths: list[BaseException] = []
            tasks = Tasks(on_death=lambda _, error: deaths.append(error))
            effects = Effects(
                a_flow(journal, workers, clock),
                journal=journal,
                tasks=tasks,
                identifiers=IdentifierSource(clock),
                clock=clock,
                making=lambda: UNKNOWN,
                on_record=lambda: None,
            )
            effects.carry_out(RecordNotInspected(7, 10, "A", ReasonCode.NO_FRAME, "the camera is away"))
            assert await tasks.settle(within_s=10)
            assert deaths == []
            assert [part.verdict for part in spool.unfinished()] == [Verdict.NOT_INSPECTED]

    asyncio.run(work())


def a_flow(journal: Journal, workers: Workers, clock: SystemClock) -> PartFlow:
    """Takes parts that nobody looks at."""
    return PartFlow(
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
    )
