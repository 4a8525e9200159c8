"""Regions as inspections of a server: each is written into the station's spool before its permit, and forwarded.

The web never waits for the server: the station judges, the spool keeps verdict and picture, and the forwarder hands
them in, in order, when the server is there. A disk that takes no record ends the run: there is no permit without one.
"""

import asyncio
import hashlib
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Final, Self

from lineside.client import LinesideClient
from lineside.client.clock import Clock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.frames import Image, MediaType, PixelFormat, RawGeometry
from lineside.inspection.inspector import EncodedFrame
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.rig import Lane
from lineside.station.spool import (
    MOST_IN_EVIDENCE,
    DispositionRecord,
    Forwarder,
    JudgedRecord,
    JudgedView,
    PartContext,
    ReportRecord,
    Spool,
    StationJudgement,
    TriggerRecord,
    UsedRecipe,
    UsedRelease,
    interrupted,
    listed,
)
from lineside.station.web.records import RegionOutcome, WebEvent, WebEventKind
from lineside.station.web.rig_marker import result_id

LANES: Final = MappingProxyType({Verdict.OK: Lane.PASS, Verdict.NG: Lane.REJECT, Verdict.NOT_INSPECTED: Lane.REINSPECT})
"""Where a region goes: what is marked counts as rejected, what nobody looked at as set aside."""

_INFORMATION: Final = frozenset({WebEventKind.STARTED, WebEventKind.STOPPED, WebEventKind.CAMERA_BACK})
_LAST_WAIT_S: Final = 2.0
"""How long the end of a roll waits for the server; what is left is sent by the next run."""


@dataclass(frozen=True, slots=True)
class JudgedWith:
    """What explains the verdicts of a roll.

    Attributes:
        recipe: that judged.
        release: that looked.
        engine: that ran it.
        view: the recipe's one view.
        context: what was being made.
    """

    recipe: UsedRecipe
    release: UsedRelease
    engine: str
    view: str
    context: PartContext


@dataclass(slots=True)
class RegionSpool:
    """Writes regions and events into a spool and empties it into a server; `async with` is its life.

    Attributes:
        spool: open; closed at the end.
        client: entered and left with this.
        judged_with: what explains the verdicts.
        clock: the station's.
    """

    spool: Spool
    client: LinesideClient
    judged_with: JudgedWith
    clock: Clock
    _forwarder: Forwarder | None = field(default=None, init=False, repr=False)
    _forwarding: "asyncio.Task[None] | None" = field(default=None, init=False, repr=False)
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack, init=False, repr=False)

    async def __aenter__(self) -> Self:
        """Close what a run left open that was killed, and begin to forward, also what an earlier run left.

        Raises:
            SpoolError: the disk does not take it.
        """
        async with AsyncExitStack() as opening:
            opening.callback(self.spool.close)
            await opening.enter_async_context(self.client)
            await asyncio.to_thread(self._recover)
            forwarder = self._forwarder = Forwarder(self.spool, self.client)
            forwarding = self._forwarding = asyncio.create_task(forwarder.run())
            opening.push_async_callback(_send_the_rest, forwarder, forwarding)
            self._opened = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what can be sent in a moment; the rest stays on disk."""
        await self._opened.__aexit__(kind, error, trace)

    async def region(self, outcome: RegionOutcome, picture: Image | None) -> str:
        """Write a region down; returns the id of its record.

        Args:
            outcome: decided.
            picture: uint8 (lines, width) of the region; None where its lines are gone. Without one the server is told
                that nobody can look at the region again: NOT_INSPECTED.

        Raises:
            SpoolError: it is not on disk; the region may get no permit.
            Exception: the forwarding has failed, with what no server's answer explains.
        """
        self._see_to_the_forwarding()
        identifier = str(IdentifierSource(self.clock).uuid7())
        record = await asyncio.to_thread(self._record, identifier, outcome, picture)
        await asyncio.to_thread(self.spool.record_inspection, record)
        self._wake()
        return identifier

    async def disposed(self, identifier: str, outcome: RegionOutcome) -> None:
        """Write down where a region went.

        Raises:
            SpoolError: it is not on disk.
        """
        record = DispositionRecord(identifier, LANES[outcome.verdict], is_confirmed=False, at=self.clock.now())
        await asyncio.to_thread(self.spool.record_disposition, record)
        self._wake()

    async def event(self, event: WebEvent) -> None:
        """Write an event down as a report.

        Raises:
            SpoolError: it is not on disk.
        """
        record = ReportRecord(
            id=str(IdentifierSource(self.clock).uuid7()),
            kind=event.kind.value,
            severity="info" if event.kind in _INFORMATION else "warning",
            message=event.message,
            at=event.at,
            lot=self.judged_with.context.lot,
            evidence=None if event.from_mm is None else {"from_mm": event.from_mm, "to_mm": event.to_mm},
        )
        await asyncio.to_thread(self.spool.record_report, record)
        self._wake()

    def _record(self, identifier: str, outcome: RegionOutcome, picture: Image | None) -> JudgedRecord:
        acquired = TriggerRecord(
            identifier, result_id(outcome.number), outcome.lines[0], outcome.decided_at, outcome.part_id
        )
        self.spool.record_trigger(acquired)
        using = self.judged_with
        if picture is None:
            message = f"the station judged it {outcome.verdict}, but its lines had left the ring before they were kept"
            judgement = replace(
                StationJudgement.not_inspected(ReasonCode.NO_FRAME, message, context=using.context),
                recipe=using.recipe,
            )
            views = {}
        else:
            judgement = StationJudgement.of(
                outcome.judgement,
                recipe=using.recipe,
                release=using.release,
                engine=using.engine,
                context=using.context,
            )
            views = {using.view: JudgedView(_encoded(picture, outcome, using.view), sequence=outcome.number)}
        return JudgedRecord(identifier, outcome.part_id, judgement, outcome.decided_at, outcome.decided_at, views)

    def _recover(self) -> None:
        """Give each region that a killed run left a verdict and a fate, which is never that it passed."""
        now, without_verdict, unseen = self.clock.now(), 0, []
        for part in self.spool.unfinished():
            at, verdict = max(now, part.at), part.verdict
            if verdict is None:
                without_verdict += 1
                verdict = Verdict.NOT_INSPECTED
                self.spool.record_inspection(interrupted(part, nameless=part.id, at=at))
            if not part.has_disposition:
                unseen.append(part.part_id or part.id)
                lane = Lane.REJECT if verdict is Verdict.NG else Lane.REINSPECT
                self.spool.record_disposition(DispositionRecord(part.id, lane, is_confirmed=False, at=at))
        if unseen:
            self.spool.record_report(self._interrupted_report(now, without_verdict, unseen))

    def _interrupted_report(self, at: datetime, without_verdict: int, unseen: list[str]) -> ReportRecord:
        return ReportRecord(
            id=str(IdentifierSource(self.clock).uuid7()),
            kind="internal",
            severity="alarm",
            message=f"a run was killed: of {len(unseen)} regions nobody saw where they went, {without_verdict} of them "
            f"without a verdict; they count as rejected or set aside, look for them on the roll: {listed(unseen)}",
            at=at,
            evidence={"without_verdict": without_verdict, "unseen": unseen[:MOST_IN_EVIDENCE]},
        )

    def _see_to_the_forwarding(self) -> None:
        """It waits for whatever may pass; that it has ended is a fault, which must not stay unseen."""
        if self._forwarding is not None and self._forwarding.done():
            self._forwarding.result()

    def _wake(self) -> None:
        if self._forwarder is not None:
            self._forwarder.wake()


async def _send_the_rest(forwarder: Forwarder, forwarding: "asyncio.Task[None]") -> None:
    """End the forwarding, and send what can be sent in a moment; a server that is away is not waited for."""
    forwarding.cancel()
    with suppress(asyncio.CancelledError):
        await forwarding
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WAIT_S):
            await forwarder.drain()


def _encoded(picture: Image, outcome: RegionOutcome, view: str) -> EncodedFrame:
    """The pixels as they are: to compress millions of them for each region would take time from the model."""
    body = picture.tobytes()
    height, width = picture.shape
    return EncodedFrame(
        body,
        MediaType.RAW,
        hashlib.sha256(body).hexdigest(),
        view,
        raw=RawGeometry(width, height, PixelFormat.MONO8),
        captured_at=outcome.decided_at,
    )
