"""Taking a part to read, reading it and taking the reading back: each one transaction of the ledger."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.verdict import Verdict
from lineside.serving.dispositions import DispositionIn, DispositionKind, DispositionOut
from lineside.serving.dispositions import store as dispositions_store
from lineside.serving.errors import ClaimEnded, UnknownClaim
from lineside.serving.history.lookup import inspection_row
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import dispositions
from lineside.serving.ledger.verification_tables import verification_claims as claims
from lineside.serving.ledger.verification_tables import verification_waits as waits
from lineside.serving.reviews import ReviewIn, ReviewKind, ReviewRecorded, ReviewSource, ReviewStanding, standing_of
from lineside.serving.reviews import store as reviews_store
from lineside.serving.reviews.standing import in_force
from lineside.serving.security import Principal
from lineside.serving.verification import store
from lineside.serving.verification.schemas import ReadingIn, ReadingOut
from lineside.serving.verification.store import SecondReadings
from lineside.serving.verification.waiting import WaitKind, in_words


@dataclass(frozen=True, slots=True)
class ReaderWindow:
    """Somebody who reads, at one of his windows.

    Attributes:
        reader: the name that stands in reviews.
        key_id: of the key he is logged in with.
        holder: which window: each holds a part of its own.
    """

    reader: str
    key_id: str
    holder: str

    @classmethod
    def of(cls, principal: Principal, *, reader: str | None, holder: str) -> "ReaderWindow":
        """Whoever holds a key, or who of those who share it."""
        name = principal.name if reader is None else f"{principal.name} / {reader}"
        return cls(name, principal.key_id, holder)


@dataclass(frozen=True, slots=True)
class HeldPart:
    """A part that is held for reading.

    Attributes:
        claim: the claim's row.
        until: when it may go to somebody else.
    """

    claim: Row[Any]
    until: datetime


def take(transaction: Transaction, window: ReaderWindow, *, station: str | None, lasting: timedelta) -> HeldPart | None:
    """The part that a window holds, else the one that has waited longest; None if nothing waits for this reader."""
    connection, now = transaction.connection, transaction.now()
    held = connection.execute(
        select(claims, waits.c.station)
        .join(waits, waits.c.claim_id == claims.c.id)
        .where(
            claims.c.plant == transaction.plant,
            claims.c.reader == window.reader,
            claims.c.key_id == window.key_id,
            claims.c.holder == window.holder,
            claims.c.ended_at.is_(None),
        )
        .order_by(claims.c.id)
    ).first()
    if held is not None and station in {None, held.station}:
        store.hold(connection, held.inspection_id, claim_id=held.id, until=now + lasting)
        return HeldPart(held, now + lasting)
    if held is not None:  # the window has gone to another station
        _let_go(transaction, held)
    wait = store.next_for(connection, transaction.plant, reader=window.reader, station=station, now=now)
    return None if wait is None else _claim(transaction, wait, window, lasting=lasting)


def hold_on(transaction: Transaction, claim_id: str, principal: Principal, *, lasting: timedelta) -> HeldPart:
    """Hold a part longer, also when the time is over and nobody else has taken it.

    Raises:
        UnknownClaim: there is none of this key.
        ClaimEnded: it was read or let go, or somebody else has the part.
    """
    claim = own_claim(transaction, claim_id, principal)
    wait = store.wait_of(transaction.connection, claim.inspection_id)
    if claim.ended_at is not None or wait is None or wait.claim_id != claim.id:
        raise ClaimEnded(
            f"claim {claim_id} holds its part no more: take the next one with POST /v1/verification/claims"
        )
    until = transaction.now() + lasting
    store.hold(transaction.connection, claim.inspection_id, claim_id=claim.id, until=until)
    return HeldPart(claim, until)


def release(transaction: Transaction, claim_id: str, principal: Principal) -> None:
    """Let a part go unread; harmless when repeated.

    Raises:
        UnknownClaim: there is none of this key.
        ClaimEnded: it was read.
    """
    claim = own_claim(transaction, claim_id, principal)
    if claim.outcome == "released":
        return
    if claim.outcome is not None:
        raise ClaimEnded(f"the part of claim {claim_id} was read: take the reading back instead")
    _let_go(transaction, claim)


def read(
    transaction: Transaction,
    claim_id: str,
    reading: ReadingIn,
    *,
    principal: Principal,
    stored_digests: Sequence[str],
    second: SecondReadings,
) -> ReadingOut:
    """Record what a reader says of the part that he holds: review, disposition and the claim's end together.

    A claim that ran out is good for its reading still: if somebody else has read the part meanwhile, this is a second
    reading, made without knowing the first one. The same reading again changes nothing.

    Raises:
        UnknownClaim: there is none of this key.
        ClaimEnded: another reading was recorded under it, it was let go, the reader has read the part under another
            claim, or the conflict that it was to settle is settled.
        ReviewUnfit: such a thing cannot be said of that verdict.
    """
    claim = own_claim(transaction, claim_id, principal)
    digest = hashlib.sha256(canonical_json(reading.model_dump(mode="json")).encode()).hexdigest()
    if claim.outcome == "read" and claim.request_digest == digest:
        return _as_recorded(transaction, claim)
    if claim.outcome is not None:
        raise ClaimEnded(f"claim {claim_id} has ended ({claim.outcome}): another reading needs a claim of its own")
    row = inspection_row(transaction.connection, transaction.plant, claim.inspection_id)
    earlier = reviews_store.reviews_of(transaction.connection, row)
    if any(review.reviewer == claim.reader for review in in_words(earlier)):
        raise ClaimEnded(f"{claim.reader!r} has read part {row.part_id!r} already: the first reading stands")
    if claim.kind == WaitKind.CONFLICT.value:
        if standing_of(earlier) is not ReviewStanding.UNRESOLVED:
            raise ClaimEnded(f"what people said of part {row.part_id!r} was settled meanwhile")
        replaces: list[str | None] = [review.id for review in in_force(earlier)]
    else:
        replaces = [None]
    said = ReviewIn(
        kind=reading.kind,
        source=ReviewSource.OPERATOR if row.verdict == Verdict.NG.value else ReviewSource.AUDIT,
        reviewer=claim.reader,
        at=transaction.now(),
        boxes=reading.boxes,
        reason=reading.reason,
        blind=claim.kind != WaitKind.CONFLICT.value and bool(in_words(earlier)),
    )
    recorded = [
        reviews_store.record(
            transaction,
            row,
            said.model_copy(update={"supersedes": review_id}),
            recorded_by=principal.name,
            stored_digests=stored_digests,
        )
        for review_id in replaces
    ]
    disposition = None
    if reading.disposition is not None:
        disposition = _dispose(transaction, row, DispositionKind(reading.disposition), principal)
    _end(
        transaction,
        claim,
        outcome="read",
        request_digest=digest,
        review_ids=[review.id for review in recorded],
        disposition_id=None if disposition is None else disposition.id,
    )
    store.settle(transaction, row, second)
    return ReadingOut(claim_id=claim.id, review=recorded[-1], disposition=disposition)


def undo(transaction: Transaction, claim_id: str, principal: Principal, *, second: SecondReadings) -> None:
    """Take a reading back, and give the part to its reader again, to be read anew.

    A disposition cannot be unsaid, the log only grows: the part is recorded as set aside, which is what it is until it
    is decided anew. Repeated, it changes nothing.

    Raises:
        UnknownClaim: there is none of this key.
        ClaimEnded: nothing was read under it.
        ReviewUnfit: somebody has replaced the reading meanwhile.
    """
    claim = own_claim(transaction, claim_id, principal)
    if claim.outcome == "withdrawn":
        return
    if claim.outcome != "read":
        raise ClaimEnded(f"nothing was read under claim {claim_id}: there is nothing to take back")
    row = inspection_row(transaction.connection, transaction.plant, claim.inspection_id)
    for review_id in claim.review_ids:
        review = ReviewIn(
            kind=ReviewKind.WITHDRAWN,
            source=ReviewSource.OPERATOR if row.verdict == Verdict.NG.value else ReviewSource.AUDIT,
            reviewer=claim.reader,
            at=transaction.now(),
            supersedes=review_id,
        )
        reviews_store.record(transaction, row, review, recorded_by=principal.name, stored_digests=())
    if claim.disposition_id is not None:
        _dispose(transaction, row, DispositionKind.SET_ASIDE, principal)
    _end(transaction, claim, outcome="withdrawn")
    store.settle(transaction, row, second)


def take_again(transaction: Transaction, claim_id: str, principal: Principal, *, lasting: timedelta) -> HeldPart | None:
    """Take the part of an earlier claim of the same window, if it waits for this reader and nobody else has it."""
    claim = own_claim(transaction, claim_id, principal)
    wait = store.wait_of(transaction.connection, claim.inspection_id)
    is_held = wait is not None and wait.claim_until is not None and wait.claim_until > transaction.now()
    if wait is None or is_held or claim.reader in wait.read_by:
        return None
    window = ReaderWindow(claim.reader, claim.key_id, claim.holder)
    return _claim(transaction, wait, window, lasting=lasting)


def own_claim(transaction: Transaction, claim_id: str, principal: Principal) -> Row[Any]:
    """A claim made with this key.

    Raises:
        UnknownClaim: there is none; another key's is no different from none.
    """
    claim = transaction.connection.execute(
        select(claims).where(
            claims.c.plant == transaction.plant, claims.c.id == claim_id, claims.c.key_id == principal.key_id
        )
    ).one_or_none()
    if claim is None:
        raise UnknownClaim(f"no claim {claim_id!r} was made with this key: POST /v1/verification/claims makes one")
    return claim


def _claim(transaction: Transaction, wait: Row[Any], window: ReaderWindow, *, lasting: timedelta) -> HeldPart:
    now = transaction.now()
    claim_id = transaction.new_id()
    transaction.connection.execute(
        insert(claims).values(
            id=claim_id,
            plant=transaction.plant,
            inspection_id=wait.inspection_id,
            kind=wait.kind,
            reader=window.reader,
            key_id=window.key_id,
            holder=window.holder,
            claimed_at=now,
        )
    )
    store.hold(transaction.connection, wait.inspection_id, claim_id=claim_id, until=now + lasting)
    claim = transaction.connection.execute(select(claims).where(claims.c.id == claim_id)).one()
    return HeldPart(claim, now + lasting)


def _let_go(transaction: Transaction, claim: Row[Any]) -> None:
    wait = store.wait_of(transaction.connection, claim.inspection_id)
    if wait is not None and wait.claim_id == claim.id:
        store.hold(transaction.connection, claim.inspection_id, claim_id=None, until=None)
    _end(transaction, claim, outcome="released")


def _end(transaction: Transaction, claim: Row[Any], *, outcome: str, **values: Any) -> None:
    transaction.connection.execute(
        update(claims)
        .where(claims.c.id == claim.id)
        .values(outcome=outcome, ended_at=claim.ended_at or transaction.now(), **values)
    )


def _dispose(transaction: Transaction, row: Row[Any], kind: DispositionKind, principal: Principal) -> DispositionOut:
    said = DispositionIn(kind=kind, confirmed_by_sensor=False, at=transaction.now())
    return dispositions_store.record(transaction, row, said, recorded_by=principal.name)


def _as_recorded(transaction: Transaction, claim: Row[Any]) -> ReadingOut:
    """A reading that was recorded before, with where its inspection stands now."""
    connection = transaction.connection
    row = inspection_row(connection, transaction.plant, claim.inspection_id)
    said = reviews_store.reviews_of(connection, row)
    mine = next(review for review in said if review.id == claim.review_ids[-1])
    disposition = None
    if claim.disposition_id is not None:
        found = connection.execute(select(dispositions).where(dispositions.c.id == claim.disposition_id)).one()
        disposition = dispositions_store.out_of(found, row)
    review = ReviewRecorded(**mine.model_dump(), standing=standing_of(said), recorded_by=claim.reader)
    return ReadingOut(claim_id=claim.id, review=review, disposition=disposition)
