"""Getting a kit: asked of the server, verified, and kept before it counts."""

import asyncio
import hashlib
from datetime import datetime
from pathlib import Path

import structlog

from lineside.client import LinesideClient
from lineside.client.calls import Json
from lineside.client.clock import Clock
from lineside.inspection.errors import TrustRefused
from lineside.inspection.release import TrustStore
from lineside.station.own_engine.errors import NoKit
from lineside.station.own_engine.kit_record import Kit, KitPapers, withdrawn_of
from lineside.station.own_engine.kit_store import KeptKit, KitStore
from lineside.station.own_engine.steady_clock import SteadyClock
from lineside.station.own_engine.verification import starter_folder, verify_kit
from lineside.station.spool import PartContext

_log = structlog.get_logger("lineside.station")


class KitKeeper:
    """Fetches, verifies and keeps one station's kit.

    Args:
        store: where it is kept.
        station: whose.
        trust_file: whose signatures count; read anew each time, so that a key revoked in it counts at once.
        clock: tells whether signatures and deployments still count.
    """

    def __init__(self, store: KitStore, *, station: str, trust_file: Path, clock: Clock) -> None:
        self._store = store
        self._station = station
        self._trust_file = trust_file
        self._time = SteadyClock(store.time_file, clock)
        self._trusted: bytes | None = None
        self._kept_answer: Json | None = None

    def now(self) -> datetime:
        """The clock, as far as it does not step back.

        Raises:
            NoKit: nobody can say what time it was here.
        """
        return self._time.now()

    def keep_time(self, kit: Kit) -> None:
        """Remember what time it is, so that a kit that expires stays expired after a restart; blocks.

        Raises:
            NoKit: nobody can say what time it was here.
            KitStoreFailed: the disk does not take it.
        """
        self._time.keep(expires_at=kit.deployment.expires_at)

    def kept(self) -> tuple[Kit, PartContext]:
        """The kit that was kept last, verified again; blocks.

        Raises:
            NoKit: there is none, it does not verify any more, or an order was to begin after it was kept.
            KitStoreFailed: the disk does not take what it must remember.
        """
        kept = self._store.load()
        self._time.keep()
        if kept.papers.next_begins is not None:
            raise NoKit(
                f"an order was to begin at {kept.papers.next_begins} when the server was there last, and only the "
                "server knows whether it has"
            )
        kit = self._verified(kept)
        self._follow(kept.papers, kit)
        return kit, kept.papers.context

    async def fetch(
        self,
        client: LinesideClient,
        *,
        known: Kit | None = None,
        answer: Json | None = None,
    ) -> tuple[Kit, PartContext]:
        """The kit that the server names now, verified and kept.

        Args:
            client: with a key of role station.
            known: the kit in use: while neither it nor the trust file changes, its files are not read again.
            answer: what `client.station_kit` gave just now; it is asked for if None.

        Raises:
            NoKit: nothing judges here, it does not verify, or it is an old one that was sent again; no kit counts
                then, the one before neither.
            KitStoreFailed: the disk does not take it.
            ClientError: the server is away, or refuses; the one before still counts, but is forgotten on disk where
                it is of another recipe: a restart would take it for what is made.
        """
        if answer is None:
            answer = await client.station_kit(self._station)
        try:
            await asyncio.to_thread(self._note_withdrawn, answer)
            papers = KitPapers.of(answer, station=self._station)
            kit = await self._have(client, papers, known)
            await asyncio.to_thread(self._follow, papers, kit)
        except NoKit:
            self._kept_answer = None
            await asyncio.to_thread(self._store.forget)
            raise
        if answer != self._kept_answer:
            await asyncio.to_thread(self._store.point_to, answer, papers.content_id)
            self._kept_answer = answer
        return kit, papers.context

    async def _have(self, client: LinesideClient, papers: KitPapers, known: Kit | None) -> Kit:
        content_id = papers.content_id
        if self._store.has_content(content_id):
            if known is not None and known.content_id == content_id and await self._trusts_as_before():
                known.check_time(self._time.now())
                return known
            try:
                kept = await asyncio.to_thread(self._store.files_of, self._store.folder_of(content_id), papers)
                return await asyncio.to_thread(self._verified, kept)
            except NoKit as error:
                _log.warning("kept_kit_refused", why=str(error))  # it may be damaged: fetched anew, it shows
        self._kept_answer = None
        await asyncio.to_thread(self._store.forget_unless_of, papers)
        is_starter = await asyncio.to_thread(starter_folder, papers) is not None
        archive = None if is_starter else await client.station_release(self._station, papers.release_digest)
        references: dict[str, bytes] = {}
        for digest in sorted(papers.reference_digests):
            body = await client.station_reference(self._station, digest)
            if hashlib.sha256(body).hexdigest() != digest:
                raise NoKit(f"reference image {digest} came with other bytes")
            references[digest] = body
        staged = await asyncio.to_thread(self._store.stage, archive, references)
        try:
            kept = await asyncio.to_thread(self._store.files_of, staged, papers)
            kit = await asyncio.to_thread(self._verified, kept)
        except BaseException:
            self._store.discard(staged)
            raise
        await asyncio.to_thread(self._store.keep, staged, content_id)
        return kit

    def _note_withdrawn(self, answer: Json) -> None:
        """Remember for good what the server took back."""
        followed = self._store.followed
        followed.keep(followed.load().without(withdrawn_of(answer, station=self._station)))

    def _follow(self, papers: KitPapers, kit: Kit) -> None:
        """Remember for good that this deployment counts, before it does."""
        followed = self._store.followed
        followed.keep(followed.load().following(kit.deployment, line=papers.line, product=papers.context.product))

    async def _trusts_as_before(self) -> bool:
        """Whether the trust file is the one that the kit in use was verified with."""
        return await asyncio.to_thread(self._read_trust_file) == self._trusted

    def _read_trust_file(self) -> bytes:
        try:
            return self._trust_file.read_bytes()
        except OSError as error:
            raise NoKit(f"the station's trust file {self._trust_file} cannot be read: {error.strerror}") from error

    def _verified(self, kept: KeptKit) -> Kit:
        text = self._read_trust_file()
        try:
            trust = TrustStore.from_json(text, source=str(self._trust_file))
        except TrustRefused as error:
            raise NoKit(f"the station's trust file cannot be used: {error}") from error
        kit = verify_kit(
            kept.papers,
            release_folder=starter_folder(kept.papers) or kept.release_folder,
            references=kept.references,
            trust=trust,
            now=self._time.now(),
        )
        self._trusted = text
        return kit
