"""What judges a roll goes through the gate: the release and recipe of the station's last verified, signed deployment.

It is verified before the first line, and watched while the roll runs. As soon as it expires, or no longer verifies,
regions are not inspected. Another deployment that comes meanwhile is taken up with the next roll, unless it names the
same release and recipe (a renewal): a roll is judged by one model.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from lineside.client import ClientError, LinesideClient
from lineside.client.clock import Clock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.verdict import Reason, ReasonCode
from lineside.station.own_engine import Kit, KitKeeper, KitStoreFailed, NoKit
from lineside.station.own_engine.kit_record import withdrawn_of
from lineside.station.spool import Forwarder, PartContext, ReportRecord
from lineside.station.web.records import WebEvent, WebEventKind
from lineside.station.web.server_link import kit_keeper, open_spool, server_client, trust_file_of
from lineside.station.web.settings import ServerInFile, WebSettings

_ASK_S: Final = 2.0
"""How often the server is asked whether the deployment still holds."""

_FIRST_WAIT_S: Final = 2.0
"""How long a roll's begin waits for the server where a kit was kept; what comes later counts for the next roll."""

_LAST_WAIT_S: Final = 2.0
"""How long a station that may not begin tries to tell its server so; the report stays on disk anyway."""

_log = structlog.get_logger("lineside.station")


@dataclass(frozen=True, slots=True)
class TakenKit:
    """A verified kit at the begin of a roll.

    Attributes:
        kit: what judges.
        context: product, lot and order as the server says them.
        station: whose.
        keeper: asks again.
        trust_file: whose signatures it counts.
        trusted: the trust file's bytes at the begin.
    """

    kit: Kit
    context: PartContext
    station: str
    keeper: KitKeeper
    trust_file: Path
    trusted: bytes


async def take_kit(settings: WebSettings, *, folder: Path, clock: Clock) -> TakenKit | None:
    """The kit that a roll is judged with; None where the file names a release of its own.

    Without the server, the kit that was kept last counts, verified again.

    Args:
        settings: what the file says.
        folder: of the file.
        clock: the station's.

    Raises:
        NoKit: nothing verified may judge here; it is reported to the server as `deployment_refused`.
        KitStoreFailed: the disk does not keep the kit; reported likewise.
        WebFileRefused: there is no key.
        SpoolError: the report could not be written down.
    """
    server = settings.file.server
    if server is None or settings.file.release is not None:
        return None
    trust_file = trust_file_of(server, folder=folder)
    keeper = kit_keeper(server, folder=folder, clock=clock)
    try:
        trusted = _read(trust_file)
        async with server_client(server, folder=folder) as client:
            kit, context = await _fetched_or_kept(keeper, client)
        kit.check_time(keeper.now())
    except (NoKit, KitStoreFailed) as error:
        await _report_refusal(server, str(error), folder=folder, clock=clock)
        raise
    return TakenKit(kit, context, server.station, keeper, trust_file, trusted)


async def _fetched_or_kept(keeper: KitKeeper, client: LinesideClient) -> tuple[Kit, PartContext]:
    """What the server names now, else what it named last."""
    try:
        kept = await asyncio.to_thread(keeper.kept)
    except NoKit:
        kept = None
    try:
        async with asyncio.timeout(None if kept is None else _FIRST_WAIT_S):
            return await keeper.fetch(client)
    except (ClientError, TimeoutError) as error:
        _log.warning("kit_not_fetched", why=str(error) or "the server took too long")
    return await asyncio.to_thread(keeper.kept)


class KitWatch:
    """Says whether the kit of a roll still may judge; `run` keeps asking.

    Args:
        taken: at the roll's begin.
        client: entered, with a key of role station.
        clock: the station's.
        on_event: told once of each change.
    """

    def __init__(
        self,
        taken: TakenKit,
        client: LinesideClient,
        *,
        clock: Clock,
        on_event: Callable[[WebEvent], Awaitable[None]],
    ) -> None:
        self._judging = self._newest = taken.kit
        self._taken, self._client, self._clock, self._on_event = taken, client, clock, on_event
        self._refusal: Reason | None = None
        self._told: str | None = None

    def why_not(self) -> Reason | None:
        """Why nothing may judge now; None while the deployment holds."""
        try:
            self._judging.check_time(self._taken.keeper.now())
        except NoKit as error:
            return Reason(ReasonCode.DEPLOYMENT_EXPIRED, str(error))
        return self._refusal

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(_ASK_S)
        finally:  # also where a report could not be written down
            message = "nobody asks any more whether the deployment still holds"
            self._refusal = self._refusal or Reason(ReasonCode.NO_RELEASE, message)

    async def look(self) -> None:
        """Ask once what judges here, and tell of a change. A server that is away changes nothing."""
        try:
            newest, _ = await self._taken.keeper.fetch(self._client, known=self._newest)
            if _judges_alike(newest, self._judging):
                self._judging, self._refusal = newest, None
            else:
                await self._note_other(newest)
            self._newest = newest
        except (NoKit, KitStoreFailed) as error:
            self._refusal = Reason(ReasonCode.NO_RELEASE, str(error))
        except ClientError as error:
            _log.warning("kit_not_fetched", why=str(error))
        await self._keep_time()
        await self.tell()

    async def _keep_time(self) -> None:
        """What expires during the roll stays so after a restart."""
        try:
            await asyncio.to_thread(self._taken.keeper.keep_time, self._judging)
        except (NoKit, KitStoreFailed) as error:
            self._refusal = Reason(ReasonCode.NO_RELEASE, str(error))

    async def tell(self) -> None:
        """Report, once, that nothing may judge any more."""
        reason = self.why_not()
        why = None if reason is None else reason.message
        if why is not None and why != self._told:
            await self._on_event(WebEvent(WebEventKind.DEPLOYMENT_REFUSED, why, self._clock.now()))
        self._told = why

    async def _note_other(self, newest: Kit) -> None:
        """Another one is in force: what judges goes on, unless it was taken back or may not be trusted any more."""
        serial = self._judging.deployment.serial
        answer = await self._client.station_kit(self._taken.station)
        if serial in withdrawn_of(answer, station=self._taken.station):
            self._refusal = Reason(ReasonCode.NO_RELEASE, f"deployment {serial} was withdrawn: start the next roll")
        elif _read(self._taken.trust_file) != self._taken.trusted:
            message = (
                f"the trust file {self._taken.trust_file} was changed, and deployment {serial} is not in force any "
            )
            message += "more: start the next roll"
            self._refusal = Reason(ReasonCode.NO_RELEASE, message)
        elif newest.content_id != self._newest.content_id:
            _log.info("deployment_waits", serial=newest.deployment.serial, why="taken up with the next roll")


def _judges_alike(one: Kit, other: Kit) -> bool:
    """Whether two kits judge by the same model and rules; a version of a recipe never changes."""
    return (one.release.digest, one.used_recipe) == (other.release.digest, other.used_recipe)


def _read(trust_file: Path) -> bytes:
    try:
        return trust_file.read_bytes()
    except OSError as error:
        raise NoKit(f"the station's trust file {trust_file} cannot be read: {error.strerror}") from error


async def _report_refusal(server: ServerInFile, why: str, *, folder: Path, clock: Clock) -> None:
    """Write down that the station may not begin, and tell the server if it is there."""
    spool = open_spool(server, folder=folder, clock=clock)
    try:
        identifier = str(IdentifierSource(clock).uuid7())
        kind = WebEventKind.DEPLOYMENT_REFUSED.value
        spool.record_report(
            ReportRecord(id=identifier, kind=kind, severity="warning", message=why, at=clock.now(), lot=server.lot)
        )
        async with server_client(server, folder=folder) as client:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WAIT_S):
                    await Forwarder(spool, client).drain()
    finally:
        spool.close()
