"""The whole station: cameras, PLC, machine, judges and spool, wired; each part of it a task that delays no other."""

import asyncio
import traceback
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self

import structlog

from lineside.client.clock import Clock
from lineside.client.identifiers import IdentifierSource
from lineside.client.secret_sources import path_from
from lineside.inspection.verdict import ReasonCode
from lineside.station.agent.acquisition import AcquisitionRules, ViewCamera
from lineside.station.agent.configuration import StationConfiguration
from lineside.station.agent.effects import Effects, as_judged, report_of
from lineside.station.agent.flow import Listener, Outcome, PartFlow
from lineside.station.agent.identity import PartNames
from lineside.station.agent.journal import Journal
from lineside.station.agent.judging import FailoverRule, Judges
from lineside.station.agent.master_requests import MasterRequests
from lineside.station.agent.recovery import Recovered, recover
from lineside.station.agent.scan import Scan
from lineside.station.agent.server_judge import ServerJudge
from lineside.station.agent.server_watch import ServerWatch
from lineside.station.agent.shifts import ShiftStarts, ShiftWatch
from lineside.station.agent.supervision import Tasks
from lineside.station.agent.upkeep import Upkeep
from lineside.station.agent.workers import Workers
from lineside.station.cameras import CameraContext
from lineside.station.cameras.configuration import open_camera
from lineside.station.machine import (
    Acquired,
    AcquisitionFailed,
    CameraBack,
    CameraTrouble,
    DiskBack,
    DiskFull,
    Ending,
    Happening,
    InternalFault,
    JudgeFailed,
    MasterPresented,
    MastersDue,
    Recorded,
    StationMachine,
)
from lineside.station.own_engine import EngineSettings, OwnEngine
from lineside.station.rig import RIG_KINDS, Rig, RigContext
from lineside.station.spool import Forwarder, ReportRecord, Spool, SpoolError, SpoolLimits

_LAST_WORDS_S: Final = 0.2
"""How long the scan goes on after Ready went off, so that the PLC has heard it before the heartbeat ends."""
_DISK_AGAIN_S: Final = 1.0
_SHIFT_LOOK_S: Final = 0.5
_FIRST_KIT_S: Final = 3.0
"""How long the start waits for the server: a model that loads later takes time from the first parts."""
_log = structlog.get_logger("lineside.station")


class Station:
    """One station; `async with` opens everything, `run` scans.

    Args:
        configuration: what it is.
        clock: its own.

    Attributes:
        recovered: what the last run had left behind.
        failure: why it stands in Error for good; None while it does not.
    """

    def __init__(self, configuration: StationConfiguration, *, clock: Clock) -> None:
        self.recovered = Recovered(0, ())
        self.failure: str | None = None
        self._configuration = configuration
        self._clock = clock
        self._identifiers = IdentifierSource(clock)
        self._tasks = Tasks(on_death=self._died)
        self._parts = Tasks(on_death=self._died)
        self._ending = asyncio.Event()
        self._stack = AsyncExitStack()
        self._happened: list[Happening] = []

    async def __aenter__(self) -> Self:
        """Open the spool first, then everything else; nothing moves yet.

        Raises:
            LinesideError: something that a person must set right.
        """
        async with AsyncExitStack() as opening:
            await self._open(opening)
            self._stack = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything, the spool last."""
        await self._stack.aclose()

    async def run(self, *, until: asyncio.Event) -> None:
        """Scan until told to end; then Ready goes off, and what is on its way ends without a permit."""
        scanning = self._tasks.start("scan", self.scan.run())
        self._tasks.start("upkeep", self._upkeep.run())
        self._tasks.start("forwarder", self.forwarder.run())
        self._tasks.start("disk", self._watch_disk())
        self._begin_masters()
        for view in self._views.values():
            self._tasks.start(f"camera {view.view}", view.watch())
        told = asyncio.create_task(until.wait())
        await asyncio.wait((told, scanning), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        self._happened.append(Ending())
        await self._parts.settle(within_s=_LAST_WORDS_S)
        await asyncio.sleep(_LAST_WORDS_S if not scanning.done() else 0.0)
        await self._tasks.end()
        await self._parts.end()
        _log.info("ended", scans=self.scan.counts.scans, overruns=self.scan.counts.overruns)

    async def _open(self, stack: AsyncExitStack) -> None:
        configuration = self._configuration
        self._workers = stack.enter_context(Workers())
        self.spool = await self._workers.on_disk(
            Spool,
            configuration.spool_folder,
            station=configuration.station,
            limits=SpoolLimits(max_bytes=configuration.spool_bytes, max_records=configuration.spool.max_records),
            clock=self._clock,
        )
        stack.push_async_callback(self._close_spool)
        self.recovered = await self._workers.on_disk(
            recover,
            self.spool,
            clock=self._clock,
            identifiers=self._identifiers,
            why="the station had ended without closing",
        )
        self.journal = Journal(
            self.spool,
            self._workers,
            on_full=lambda why: self._happened.append(DiskFull(why)),
            on_back=self._note_disk_back,
        )
        client = await stack.enter_async_context(configuration.client())
        self.forwarder = Forwarder(self.spool, client)
        own = self._own_engine(stack)
        watch = ServerWatch(clock=self._clock)
        self._upkeep = Upkeep(
            client,
            configuration.station,
            own=own,
            watch=watch,
            workers=self._workers,
            views=frozenset(configuration.cameras),
            clock=self._clock,
            has_part=self.spool.has_part,
            happen=self._happened.append,
            carry_out=lambda effect: self._effects.carry_out(effect),
        )
        self._views = await self._open_cameras(stack)
        flow = PartFlow(
            views=self._views,
            names=PartNames(
                configuration.part_id,
                self._workers,
                masters=() if configuration.rules.masters is None else configuration.rules.masters.parts,
            ),
            judges=Judges(
                server=ServerJudge(client, configuration.station, self._clock),
                watch=watch,
                own=own,
                rule=FailoverRule(own is not None, configuration.own_engine.reserve_ms / 1000.0),
                clock=self._clock,
                workers=self._workers,
                on_away=self._upkeep.tell,
                on_other_recipe=self._upkeep.hurry,
            ),
            journal=self.journal,
            workers=self._workers,
            clock=self._clock,
            listener=Listener(
                recorded=lambda number: self._happened.append(Recorded(number)),
                acquired=lambda number: self._happened.append(Acquired(number)),
                not_acquired=lambda number, why: self._happened.append(AcquisitionFailed(number, why)),
                judged=self._note_judged,
                not_recorded=lambda number, why: self._happened.append(
                    JudgeFailed(number, ReasonCode.STATION_FAULT, why)
                ),
            ),
            bind=self._upkeep.bind,
            media_type=configuration.server.media_type,
        )
        self._effects = Effects(
            flow,
            journal=self.journal,
            tasks=self._parts,
            identifiers=self._identifiers,
            clock=self._clock,
            making=lambda: self._upkeep.making,
            on_record=self.forwarder.wake,
        )
        await self._upkeep.load_kept()
        with suppress(TimeoutError):  # it is asked again as soon as the station runs
            async with asyncio.timeout(_FIRST_KIT_S):
                await self._upkeep.refresh()
        self.rig: Rig = RIG_KINDS[configuration.rig.kind].build(
            configuration.rig, RigContext(clock=self._clock, folder=configuration.folder)
        )
        await stack.enter_async_context(self.rig)
        self.scan = Scan(
            self.rig,
            StationMachine(configuration.rules),
            happened=self._happened,
            period_s=configuration.scan_s,
            clock=self._clock,
            carry_out=self._effects.carry_out,
            on_link=_note_link,
        )

    async def _open_cameras(self, stack: AsyncExitStack) -> Mapping[str, ViewCamera]:
        written = self._configuration.acquisition
        rules = AcquisitionRules(
            grab_timeout_s=written.timeout_ms / 1000.0,
            before_trigger_s=written.before_trigger_ms / 1000.0,
            settle_s=written.settle_ms / 1000.0,
        )
        views: dict[str, ViewCamera] = {}
        for name, settings in self._configuration.cameras.items():
            context = CameraContext(name=name, clock=self._clock, folder=self._configuration.folder)
            camera = await stack.enter_async_context(open_camera(settings, context))
            views[name] = ViewCamera(
                name,
                camera,
                rules=rules,
                clock=self._clock,
                on_trouble=lambda view, why: self._happened.append(CameraTrouble(view, why)),
                on_back=lambda view: self._happened.append(CameraBack(view)),
            )
        return views

    def _own_engine(self, stack: AsyncExitStack) -> OwnEngine | None:
        written = self._configuration.own_engine
        if written.when_server_away == "no_permit" or written.trust_file is None:
            return None
        own = OwnEngine(
            self._configuration.spool_folder / "kit",
            station=self._configuration.station,
            trust_file=path_from(self._configuration.folder, written.trust_file),
            settings=EngineSettings(engine=written.engine, threads=written.threads),
            clock=self._clock,
        )
        stack.callback(own.close)
        return own

    async def _close_spool(self) -> None:
        """Finish what is unfinished, then close the file."""
        try:
            await self._workers.on_disk(
                recover, self.spool, clock=self._clock, identifiers=self._identifiers, why="the station ended"
            )
        except SpoolError as error:
            _log.error("parts_left_unfinished", why=str(error))
        finally:
            await self._workers.on_disk(self.spool.close)

    def _note_judged(self, outcome: Outcome) -> None:
        self._happened.append(as_judged(outcome))
        report = report_of(outcome)
        if report is not None:
            self._effects.carry_out(report)

    def _note_disk_back(self) -> None:
        self._happened.append(DiskBack())
        self._effects.disk_is_back()

    def _begin_masters(self) -> None:
        """Have master samples come due with each shift, and hear of those that are laid on the line."""
        configuration = self._configuration
        if configuration.rules.masters is None:
            return
        requests = MasterRequests(
            configuration.spool_folder,
            masters=configuration.rules.masters.parts,
            announce=lambda part_id: self._happened.append(MasterPresented(part_id)),
        )
        self._tasks.start("master requests", requests.run())
        if configuration.shifts is not None:
            self._tasks.start("shifts", self._watch_shifts(configuration.shifts))

    async def _watch_shifts(self, starts: ShiftStarts) -> None:
        watch = ShiftWatch(starts, now=self._clock.now())
        while True:
            await asyncio.sleep(_SHIFT_LOOK_S)
            start = watch.look(self._clock.now(), monotonic_s=self._clock.monotonic())
            if start is not None:
                self._happened.append(MastersDue(f"a shift began at {start.isoformat()}"))

    async def _watch_disk(self) -> None:
        """While the disk takes nothing, try again with a record that tells of it."""
        while True:
            await asyncio.sleep(_DISK_AGAIN_S)
            why = self.journal.trouble
            if why is None:
                continue
            record = ReportRecord(str(self._identifiers.uuid7()), "disk_full", "alarm", why, self._clock.now())
            try:
                await self.journal.reported(record)
            except SpoolError:
                continue

    def _died(self, name: str, error: BaseException) -> None:
        """A task is gone: nothing gets a permit any more, and a person must look."""
        # as text: a log that draws local variables would show the key
        _log.error("task_died", task=name, trace="".join(traceback.format_exception(error)))
        if self.failure is None:
            self.failure = f"the task {name!r} died: {type(error).__name__}: {error}"
        self._happened.append(InternalFault(self.failure))


def _note_link(trouble: str | None) -> None:
    """The machine reports it; here it only gets its words into the log."""
    if trouble is not None:
        _log.warning("rig_link", why=trouble)
