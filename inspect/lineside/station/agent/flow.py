"""One part from its trigger to its verdict: written down, pictured, named, judged, written down again.

Whatever goes wrong on the way, the part ends as a record that says so and never as a permit. The machine hears of a
verdict only once it stands on disk.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lineside.client import InspectionAnswer
from lineside.client.clock import Clock
from lineside.inspection.frames import MediaType
from lineside.inspection.verdict import Reason, ReasonCode, Verdict
from lineside.station.agent.acquisition import ViewCamera, take_all
from lineside.station.agent.errors import NotJudged, WrongAnswer
from lineside.station.agent.identity import PartName, PartNames, nameless
from lineside.station.agent.journal import Journal
from lineside.station.agent.judging import Judges
from lineside.station.agent.making import Bind
from lineside.station.agent.parts import TakenPart
from lineside.station.agent.pictures import encoded
from lineside.station.agent.workers import Workers
from lineside.station.cameras import CameraFrame
from lineside.station.spool import (
    AnsweredRecord,
    AskedRecord,
    JudgedRecord,
    JudgedView,
    SpoolError,
    StationJudgement,
    TriggerRecord,
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """What the machine says of a trigger that it took.

    Attributes:
        id: the UUID of this attempt.
        acquisition_id: the PLC's.
        encoder: counts at the trigger.
        part_id: the PLC's, None where it has none.
        since_s: on the station's monotonic clock; it was not there before, nor is a frame from before its.
        seen_s: when it was seen.
        until_s: when a verdict is of no use any more.
    """

    id: str
    acquisition_id: int
    encoder: int
    part_id: str | None
    since_s: float
    seen_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a part's record says, once it is on disk.

    Attributes:
        id: of the record.
        acquisition_id: the PLC's.
        part_id: what the part is called in all records.
        verdict: OK, NG or NOT_INSPECTED.
        code: the first reason of a part that is not OK.
        message: it in words.
        found: the server's answer or the station's own judgement.
        is_nameless: whether it is a name that no part bears.
        is_wrong_answer: whether the server answered for another part or other pictures.
        master: of a master sample: its own name, which every showing of it has.
    """

    id: str
    acquisition_id: int
    part_id: str
    verdict: Verdict
    code: str | None
    message: str
    found: InspectionAnswer | StationJudgement
    is_nameless: bool
    is_wrong_answer: bool = False
    master: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how a part fares; each returns at once.

    Attributes:
        recorded: its trigger is on disk.
        acquired: all its pictures are here, the part may move on.
        not_acquired: some are not; why.
        judged: its record is on disk.
        not_recorded: the disk did not take it; why.
    """

    recorded: Callable[[int], None]
    acquired: Callable[[int], None]
    not_acquired: Callable[[int, str], None]
    judged: Callable[[Outcome], None]
    not_recorded: Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class PartFlow:
    """Takes parts from trigger to verdict, any number at once.

    Attributes:
        views: the camera of each view.
        names: which part it is.
        judges: who judges it.
        journal: where it is written down.
        workers: where pictures are encoded.
        clock: the station's.
        listener: the machine's ear.
        bind: says what is made by which recipe, at a part's trigger and once its name is known.
        media_type: how pictures are sent and kept.
    """

    views: Mapping[str, ViewCamera]
    names: PartNames
    judges: Judges
    journal: Journal
    workers: Workers
    clock: Clock
    listener: Listener
    bind: Bind
    media_type: MediaType = MediaType.PNG

    async def follow(self, trigger: Trigger) -> bool:
        """Take one part through; gives whether its record is on disk, once that is certain."""
        part = _Part(self, trigger)
        try:
            await part.follow()
        except SpoolError as error:
            self.listener.not_recorded(trigger.acquisition_id, str(error))
            return False
        return True

    async def note(self, trigger: Trigger, *, code: ReasonCode, message: str) -> bool:
        """Write down a part that nobody was asked to look at; gives whether it is on disk."""
        try:
            await _Part(self, trigger).note(code, message)
        except SpoolError as error:
            self.listener.not_recorded(trigger.acquisition_id, str(error))
            return False
        return True


class _Part:
    """One part on its way.

    Args:
        flow: by whose means.
        trigger: that began it.
    """

    def __init__(self, flow: PartFlow, trigger: Trigger) -> None:
        self._flow = flow
        self._trigger = trigger
        self._id = trigger.id
        self._at = flow.clock.now()
        self._making = flow.bind(encoder=trigger.encoder, seen_s=trigger.seen_s)
        master = flow.names.of_master(trigger.id, trigger.part_id)
        self._needs_picture = master is None and flow.names.needs_picture
        self._needs_words = master is None and not flow.names.needs_picture
        self._name = master or nameless(self._id, code=ReasonCode.STATION_FAULT, message="not named yet")
        self._views: dict[str, JudgedView] = {}
        self._is_wrong_answer = False

    async def note(self, code: ReasonCode, message: str) -> None:
        """Trigger and verdict in one: nobody looked.

        Raises:
            SpoolError: the disk did not take a record.
        """
        if self._trigger.part_id is not None and self._needs_words:
            self._name_by_words()
        await self._write_trigger()
        await self._finish(StationJudgement.not_inspected(code, message, context=self._making.context))

    async def follow(self) -> None:
        """Trigger to record.

        Raises:
            SpoolError: the disk did not take a record.
        """
        if self._needs_words:
            self._name_by_words()
        written = asyncio.create_task(self._write_trigger())  # while cameras expose
        try:
            found = await self._verdict(written)
        finally:
            await asyncio.wait((written,))
        await written
        await self._finish(found)

    def _name_by_words(self) -> None:
        words = self._flow.names.from_words(self._id, plc=self._trigger.part_id, order_id=self._making.context.order_id)
        self._take_name(words)

    def _take_name(self, name: PartName) -> None:
        """Its name is known, and so is whether an order begins with it."""
        self._name = name
        self._making = self._flow.bind(
            encoder=self._trigger.encoder, seen_s=self._trigger.seen_s, part_id=name.part_id, bound=self._making
        )

    async def _write_trigger(self) -> None:
        """Put the trigger on disk, then let the PLC hear that it was taken."""
        trigger = self._trigger
        part_id = None if self._needs_picture else self._name.part_id
        lot = self._making.context.lot
        record = TriggerRecord(self._id, trigger.acquisition_id, trigger.encoder, self._at, part_id, lot)
        await self._flow.journal.triggered(record)
        self._flow.listener.recorded(trigger.acquisition_id)

    async def _verdict(self, written: "asyncio.Task[None]") -> InspectionAnswer | StationJudgement:
        try:
            part = await self._taken()
            await asyncio.shield(written)  # a part that is not on disk is not judged
            return await self._flow.judges.judge(
                part, until_s=self._trigger.until_s, before_asking=lambda: self._note_question(part)
            )
        except NotJudged as error:
            self._is_wrong_answer = isinstance(error, WrongAnswer) and error.code is not ReasonCode.MISSING_VIEW
            return StationJudgement(
                Verdict.NOT_INSPECTED,
                (Reason(error.code, str(error)),),
                recipe=self._making.recipe,
                context=self._making.context,
            )

    async def _taken(self) -> TakenPart:
        """The part with its pictures and its name.

        Raises:
            NotJudged: a picture is missing, or it has no name of its own.
        """
        trigger = self._trigger
        frames, failures = await take_all(self._flow.views, triggered_s=trigger.since_s, encoder=trigger.encoder)
        if failures:
            self._flow.listener.not_acquired(trigger.acquisition_id, "; ".join(str(each) for each in failures))
        else:
            self._flow.listener.acquired(trigger.acquisition_id)
        if self._needs_picture:
            self._take_name(await self._flow.names.from_picture(self._id, frames))
        self._views = await self._encoded(frames)
        if failures:
            raise NotJudged("; ".join(str(each) for each in failures), code=ReasonCode.NO_FRAME)
        if self._name.code is not None:
            raise NotJudged(self._name.message, code=self._name.code)
        return TakenPart(
            self._id,
            trigger.acquisition_id,
            self._name.part_id,
            trigger.encoder,
            self._at,
            self._views,
            self._making,
        )

    async def _encoded(self, frames: Mapping[str, CameraFrame]) -> dict[str, JudgedView]:
        bodies = await asyncio.gather(
            *(
                self._flow.workers.on_pictures(encoded, frame, view=view, media_type=self._flow.media_type)
                for view, frame in frames.items()
            )
        )
        return {body.view: JudgedView(body, frames[body.view].sequence, frames[body.view].encoder) for body in bodies}

    async def _note_question(self, part: TakenPart) -> None:
        await self._flow.journal.asked(AskedRecord(self._id, part.part_id, part.digests))

    async def _finish(self, found: InspectionAnswer | StationJudgement) -> None:
        """Write the verdict down, then tell of it."""
        now = self._flow.clock.now()
        if isinstance(found, InspectionAnswer):
            await self._flow.journal.answered(
                AnsweredRecord(self._id, self._name.part_id, found.id, found.verdict, now)
            )
        else:
            asked_for = self._making.views if found.recipe is not None else frozenset()
            views = {name: view for name, view in self._views.items() if name in asked_for}
            await self._flow.journal.judged(JudgedRecord(self._id, self._name.part_id, found, self._at, now, views))
        first = found.reasons[0] if found.reasons else None
        self._flow.listener.judged(
            Outcome(
                self._id,
                self._trigger.acquisition_id,
                self._name.part_id,
                found.verdict,
                None if first is None else str(first.code),
                "" if first is None else first.message,
                found,
                is_nameless=self._name.is_made_up,
                is_wrong_answer=self._is_wrong_answer,
                master=self._name.master,
            )
        )
