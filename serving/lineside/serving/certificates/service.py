"""Taking certificates in and ending them; and the watch that ends those whose time or engine is gone."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from lineside.inspection.errors import LinesideError
from lineside.inspection.release import Certificate, verify_certificate
from lineside.serving.certificates import store
from lineside.serving.certificates.book import (
    CertificateBook,
    CertificateEnd,
    CertificateRecord,
    EndCause,
    ThresholdStatus,
)
from lineside.serving.clock import Clock
from lineside.serving.errors import CertificateEnded, CertificateUnfit, UnknownCertificate
from lineside.serving.ledger import Ledger, LedgerClosed, LedgerUnavailable, Transaction
from lineside.serving.releases import Purpose, ReleaseShelf, TrustFile
from lineside.serving.stations import StationDirectory

_log = structlog.get_logger(__name__)
_LOOK_EVERY_S: Final = 30.0
_BY_ITSELF: Final = "server"

_VOIDS_DATA: Final = frozenset({EndCause.DRIFT, EndCause.WITHDRAWN, EndCause.ENGINE_CHANGE})
"""After such an end only a certificate that was issued later says anything: older data would be played again."""


class CertificateService:
    """The certificates in force. The ledger is written first, the memory after it. Open it with `restore`."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Clock,
        trust: TrustFile,
        releases: ReleaseShelf,
        stations: StationDirectory,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._trust = trust
        self._releases = releases
        self._stations = stations
        self._book = CertificateBook()
        self._changing = asyncio.Lock()
        self._stopping = asyncio.Event()

    async def restore(self) -> None:
        """Read what was in force before the last stop, and check every signature again.

        What no longer verifies certifies nothing, and says so when it is listed. What cannot even be read is logged and
        certifies nothing: a claim that is lost keeps no line from running.
        """
        records, unreadable = await self._ledger.read(
            lambda connection: store.all_certificates(connection, self._ledger.plant)
        )
        for certificate_id, error in unreadable.items():
            _log.error("certificate_unreadable", id=certificate_id, reason=str(error))
        async with self._changing:
            await self._check_signatures(records)

    @property
    def book(self) -> CertificateBook:
        """Every certificate, and what follows from them."""
        return self._book

    def status(
        self,
        *,
        station: str,
        release_digest: str | None,
        engine: str | None,
        thresholds: Mapping[str, float],
        now: datetime,
    ) -> ThresholdStatus:
        """Whether a verdict's thresholds are certified; anything that is not known is not certified.

        Args:
            station: where the part was judged.
            release_digest: of the release that judged; None if none did.
            engine: engine and precision; None if none ran.
            thresholds: the effective threshold of every class in force.
            now: aware UTC instant of the verdict.
        """
        if release_digest is None or engine is None:
            return ThresholdStatus.UNCERTIFIED
        line = self._stations.get(station).line
        return self._book.status(
            line=line, release_digest=release_digest, engine=engine, thresholds=thresholds, now=now
        )

    def find(self, certificate_id: str) -> CertificateRecord:
        """One certificate.

        Raises:
            UnknownCertificate: there is none.
        """
        record = self._book.find(certificate_id)
        if record is None:
            raise UnknownCertificate(f"no certificate {certificate_id!r}; GET /v1/certificates lists them")
        return record

    async def accept(self, document: bytes, signature: bytes, *, accepted_by: str) -> CertificateRecord:
        """Put a signed certificate in force; the very same one again changes nothing.

        Args:
            document: the exact bytes that the deploy key signed.
            signature: the content of the signature file.
            accepted_by: name of the key that it came with.

        Raises:
            NoTrustFile, CertificateRefused: it is not signed for this plant, or not in its time.
            CertificateUnfit: no station stands at its line, the release judges here with another engine, or a drift
                alarm of its line and release is open.
            CertificateEnded: this very one ended, a later one of its scope was accepted, or what it was calibrated on
                is older than what ended another one, or than a drift alarm.
        """
        async with self._changing:
            digest = hashlib.sha256(document).hexdigest()
            known = self._book.find_document(digest)
            if known is not None:
                _check_not_ended(known)
                return known
            now = self._clock.now()
            certificate = await asyncio.to_thread(self._verify, document, signature, now)
            self._check_fits(certificate)
            self._check_is_latest(certificate)
            await self._check_no_drift(certificate)
            record = CertificateRecord(
                id=self._ledger.new_id(),
                digest=digest,
                certificate=certificate,
                document=document.decode(),
                signature=signature.decode(),
                accepted_at=now,
                accepted_by=accepted_by,
            )
            replaced = [
                _ended(each, now, accepted_by, EndCause.SUPERSEDED, f"certificate {record.id} came after it")
                for each in self._book.standing
                if each.scope == record.scope
            ]

            def write(transaction: Transaction) -> None:
                for each in replaced:
                    store.end(transaction, each)
                store.add(transaction, record)

            await self._ledger.write(write)
            self._book = self._book.with_accepted(record, replaced=replaced)
        _log.info("certificate_accepted", id=record.id, line=record.scope.line, covers=record.scope.label)
        return record

    async def withdraw(self, certificate_id: str, *, by: str, reason: str) -> CertificateRecord:
        """End a certificate; one that has ended stays as it is. It needs no deploy key: it only takes a claim back.

        Raises:
            UnknownCertificate: there is none.
        """
        self.find(certificate_id)
        await self._end(lambda record: record.id == certificate_id, by=by, cause=EndCause.WITHDRAWN, reason=reason)
        return self.find(certificate_id)

    async def end_for(
        self,
        *,
        line: str,
        release_digest: str | None = None,
        reason: str,
        by: str = _BY_ITSELF,
        cause: EndCause = EndCause.DRIFT,
    ) -> tuple[CertificateRecord, ...]:
        """End every certificate of a line: what it was calibrated on no longer comes in.

        Args:
            line: where.
            release_digest: only those of this release; None for all of the line.
            reason: what happened, for people.
            by: who or what noticed.
            cause: the kind of reason.

        Returns:
            Those that ended, none if none was in force.
        """
        return await self._end(
            lambda record: record.scope.line == line and release_digest in (None, record.scope.release_digest),
            by=by,
            cause=cause,
            reason=reason,
        )

    async def look(self) -> None:
        """End what has expired, and what was certified on another engine than the one that judges here now.

        And check every signature again: of a key revoked meanwhile nothing is believed any more.
        """
        async with self._changing:
            await self._check_signatures(self._book.records)
        now = self._clock.now()
        await self._end(
            lambda record: record.certificate.is_expired(now),
            by=_BY_ITSELF,
            cause=EndCause.EXPIRED,
            reason="its time is over; calibrate again",
        )
        engines = self._engines()

        def is_of_another_engine(record: CertificateRecord) -> bool:
            running = engines.get(record.scope.release_digest)
            return running is not None and record.scope.engine not in running

        await self._end(
            is_of_another_engine,
            by=_BY_ITSELF,
            cause=EndCause.ENGINE_CHANGE,
            reason="this host judges with another engine or precision than the certified one; calibrate on it",
        )

    async def run_forever(self) -> None:
        """Look twice a minute until `stop`."""
        while not self._stopping.is_set():
            with suppress(LedgerUnavailable, LedgerClosed):  # it ends at the next look; expired it counts no more
                await self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_EVERY_S)

    def stop(self) -> None:
        """End `run_forever`."""
        self._stopping.set()

    async def _end(
        self, is_meant: Callable[[CertificateRecord], bool], *, by: str, cause: EndCause, reason: str
    ) -> tuple[CertificateRecord, ...]:
        async with self._changing:
            now = self._clock.now()
            ended = [_ended(each, now, by, cause, reason) for each in self._book.standing if is_meant(each)]
            if not ended:
                return ()

            def write(transaction: Transaction) -> None:
                for each in ended:
                    store.end(transaction, each)

            await self._ledger.write(write)
            self._book = self._book.with_ended(ended)
        for each in ended:
            _log.warning("certificate_ended", id=each.id, line=each.scope.line, cause=cause.value, reason=reason)
        return tuple(ended)

    async def _check_signatures(self, records: tuple[CertificateRecord, ...]) -> None:
        """Make the book of these records anew; what does not verify stands in it and certifies nothing."""
        now = self._clock.now()
        unusable: dict[str, str] = {}
        for record in records:
            if record.is_valid(now):
                reason = await asyncio.to_thread(self._why_not_verified, record, now)
                if reason is not None:
                    unusable[record.id] = reason
                    if record.id not in self._book.unusable:
                        _log.error("certificate_not_verified", id=record.id, reason=reason)
        self._book = CertificateBook(records, unusable)

    def _verify(self, document: bytes, signature: bytes, now: datetime) -> Certificate:
        return verify_certificate(document, signature, self._trust.load(), plant=self._ledger.plant, now=now)

    def _why_not_verified(self, record: CertificateRecord, now: datetime) -> str | None:
        """Why an accepted certificate is no longer to be believed; None if it is."""
        try:
            self._verify(record.document.encode(), record.signature.encode(), now)
        except LinesideError as error:
            return str(error)
        return None

    def _engines(self) -> Mapping[str, frozenset[str]]:
        """Engine and precision that each release judges with on this host, by its digest."""
        found: dict[str, frozenset[str]] = {}
        for (_, purpose), loaded in self._releases.all_loaded().items():
            if purpose is Purpose.JUDGE:
                digest = loaded.release.digest
                found[digest] = found.get(digest, frozenset()) | {loaded.detector.engine_name}
        return found

    def _check_fits(self, certificate: Certificate) -> None:
        scope = certificate.scope
        lines = sorted({station.line for station in self._stations.all()})
        if scope.line not in lines:
            raise CertificateUnfit(f"the certificate is for line {scope.line!r}; stations stand at {', '.join(lines)}")
        running = self._engines().get(scope.release_digest)
        if running is not None and scope.engine not in running:
            raise CertificateUnfit(
                f"the certificate is for engine {scope.engine}; release {certificate.release.name} judges here with "
                f"{', '.join(sorted(running))}: calibrate on that"
            )

    async def _check_no_drift(self, certificate: Certificate) -> None:
        """An alarm voids what was calibrated before it, also where it found no certificate to end."""
        scope = certificate.scope
        seen = await self._ledger.read(
            lambda connection: store.drift_seen(
                connection, self._ledger.plant, line=scope.line, release_digest=scope.release_digest
            )
        )
        if seen is None:
            return
        raised = f"drift alarm {seen.alarm_id} of line {scope.line!r} and this release"
        if seen.is_open:
            raise CertificateUnfit(
                f"{raised} is open since {seen.raised_at:%Y-%m-%d %H:%M:%S} UTC: look after it, acknowledge it with "
                "`lineside drift acknowledge`, then calibrate on parts made since"
            )
        if certificate.issued_at <= seen.raised_at:
            raise CertificateEnded(
                f"the certificate was issued before {raised} was raised ({seen.raised_at:%Y-%m-%d %H:%M:%S} UTC): "
                "calibrate on parts made since"
            )

    def _check_is_latest(self, certificate: Certificate) -> None:
        scope = certificate.scope
        for record in self._book.records:
            other, end = record.scope, record.end
            if other == scope and certificate.issued_at <= record.certificate.issued_at:
                raise CertificateEnded(
                    f"certificate {record.id} of the same scope was issued at "
                    f"{record.certificate.issued_at:%Y-%m-%d %H:%M:%S} UTC, not before this one; sign a new one"
                )
            if end is None or end.cause not in _VOIDS_DATA or certificate.issued_at > end.at:
                continue
            is_of_same = other == scope
            is_of_same_line = (other.line, other.release_digest) == (scope.line, scope.release_digest)
            if is_of_same or (end.cause is EndCause.DRIFT and is_of_same_line):
                raise CertificateEnded(
                    f"the certificate was issued before certificate {record.id} ended ({end.cause.value}, "
                    f"{end.at:%Y-%m-%d %H:%M:%S} UTC): calibrate on parts made since"
                )


def _ended(record: CertificateRecord, at: datetime, by: str, cause: EndCause, reason: str) -> CertificateRecord:
    return replace(record, end=CertificateEnd(at, by, cause, reason))


def _check_not_ended(record: CertificateRecord) -> None:
    if record.end is not None:
        raise CertificateEnded(
            f"certificate {record.id} ended at {record.end.at:%Y-%m-%d %H:%M} UTC ({record.end.cause.value}: "
            f"{record.end.reason}); it does not begin again, calibrate anew"
        )
