"""Writes inspections, reviews and known parts into a ledger as the service does, and counts them in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from lineside.inspection.verdict import Verdict
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.history.lookup import inspection_row
from lineside.serving.inspections.closing import verdict_columns
from lineside.serving.inspections.schemas import DefectOut, InspectionOut, ReasonOut, RecipeOut, ReleaseOut
from lineside.serving.inspections.store import close_attempt
from lineside.serving.inspections.submission import Cause
from lineside.serving.known_parts import KnownPartIn
from lineside.serving.known_parts import store as known_parts_store
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.rates.cells import QUARTER
from lineside.serving.reviews.schemas import ReviewIn, ReviewKind, ReviewOut, ReviewSource, ReviewStanding
from lineside.serving.reviews.standing import standing_of
from lineside.serving.reviews.store import record, reviews_of

DIGEST = "d" * 64


@dataclass(frozen=True, slots=True)
class Part:
    """One attempt to be written down."""

    part_id: str
    verdict: Verdict
    opened_at: datetime
    station: str = "aoi-1"
    attempt: int = 1
    lot: str | None = "L1"
    product: str | None = "BRD"
    classes: tuple[str, ...] = ()
    drawn: bool = False
    probability: float = 0.0
    release_digest: str = DIGEST


def write_part(ledger: Ledger, part: Part, *, reasons: tuple[ReasonOut, ...] = ()) -> str:
    """Write an attempt with its verdict and event; returns the inspection's identifier."""
    inspection_id = ledger.new_id()
    is_ok, is_ng = part.verdict is Verdict.OK, part.verdict is Verdict.NG
    answer = InspectionOut(
        id=inspection_id,
        plant=ledger.plant,
        station=part.station,
        part_id=part.part_id,
        attempt=part.attempt,
        cause=Cause.FIRST if part.attempt == 1 else Cause.RETEST,
        parent_id=None,
        product=part.product,
        lot=part.lot,
        order_id=None,
        verdict=part.verdict,
        reasons=reasons,
        defects=tuple(_defect(name) for name in part.classes),
        audit=is_ok and part.drawn,
        audit_probability=part.probability if is_ok else 0.0,
        confirmation=is_ng and part.drawn,
        confirmation_probability=part.probability if is_ng else 0.0,
        recipe=RecipeOut(id="board", version=1, digest="e" * 64),
        release=ReleaseOut(name="blobs", version="1", digest=part.release_digest),
        engine="onnxruntime-fp32",
        thresholds={},
        threshold_status=ThresholdStatus.UNCERTIFIED,
        judged_by="server",
        is_simulated=False,
        opened_at=part.opened_at,
        judged_at=part.opened_at + timedelta(milliseconds=20),
        deadline_ms=100.0,
        timings_ms={},
        frames=(),
    )
    columns = {
        "id": inspection_id,
        "plant": ledger.plant,
        "station": part.station,
        "part_id": part.part_id,
        "attempt": part.attempt,
        "cause": answer.cause.value,
        "lot": part.lot,
        "product": part.product,
        "recipe_id": "board",
        "recipe_version": 1,
        "judged_by": "server",
        "is_simulated": False,
        "opened_at": part.opened_at,
        **verdict_columns(answer),
    }

    def write(transaction: Transaction) -> None:
        close_attempt(transaction, answer, values=columns, is_open=False)

    ledger.write_blocking(write)
    return inspection_id


def write_review(ledger: Ledger, inspection_id: str, kind: ReviewKind, **said: Any) -> ReviewOut:
    """Write a review and its event."""
    given = {"source": ReviewSource.OPERATOR, "reviewer": "Kim", "at": ledger_now(ledger), **said}
    review = ReviewIn(kind=kind, **given)

    def write(transaction: Transaction) -> ReviewOut:
        row = inspection_row(transaction.connection, transaction.plant, inspection_id)
        return record(transaction, row, review, recorded_by="test", stored_digests=())

    return ledger.write_blocking(write)


def write_known_part(ledger: Ledger, part_id: str, known: KnownPartIn) -> None:
    """Say what a part is."""
    ledger.write_blocking(lambda transaction: known_parts_store.put(transaction, part_id, known, recorded_by="test"))


def ledger_now(ledger: Ledger) -> datetime:
    """The ledger's clock."""
    return ledger.write_blocking(lambda transaction: transaction.now())


def _defect(class_name: str) -> DefectOut:
    return DefectOut(
        view="default",
        class_name=class_name,
        confidence=0.9,
        box_xyxy_px=(1.0, 1.0, 9.0, 9.0),
        size_mm=None,
        size_definition="length",
        zone=None,
        severity="critical",
    )


@dataclass
class Told:
    """What was written, kept in plain Python.

    Attributes:
        parts: by inspection, in the order in which they were written.
        known: by part.
    """

    parts: dict[str, Part] = field(default_factory=dict)
    known: dict[str, KnownPartIn] = field(default_factory=dict)

    def cells(self, connection: Connection, plant: str) -> Mapping[tuple[Any, ...], Counter[str]]:
        """What the quarter cells should hold: by station, start, verdict, lane, probability, lot."""
        reviews = {
            inspection_id: reviews_of(connection, inspection_row(connection, plant, inspection_id))
            for inspection_id in self.parts
        }
        cells: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
        for inspection_id, part in self.parts.items():
            lane = self._lane(part)
            key = (
                part.station,
                QUARTER.floor(part.opened_at),
                part.verdict.value,
                lane,
                part.probability if part.verdict is not Verdict.NOT_INSPECTED else 0.0,
                part.lot or "",
            )
            cells[key].update(self._counts(part, lane, reviews[inspection_id]))
        return cells

    def _lane(self, part: Part) -> str:
        known = self.known.get(part.part_id)
        if known is None or (known.valid_until is not None and part.opened_at >= known.valid_until):
            return "production"
        return f"known_{known.truth.value}"

    def _counts(self, part: Part, lane: str, reviews: Sequence[ReviewOut]) -> Counter[str]:
        is_ok, is_ng = part.verdict is Verdict.OK, part.verdict is Verdict.NG
        standing = standing_of(reviews)
        reviews = _still_said(reviews)
        is_bad = standing in {ReviewStanding.CORRECTED, ReviewStanding.ESCAPE} or (
            is_ng and standing is ReviewStanding.CONFIRMED
        )
        is_fine = standing is ReviewStanding.FALSE_CALL or (is_ok and standing is ReviewStanding.CONFIRMED)
        counts = Counter[str]()
        counts.update(self._readings(part, lane, reviews, is_bad=is_bad, is_fine=is_fine))
        if lane == "production" and not self._is_unit(part):
            counts["later_attempts"] = 1
            return counts
        was_audited = any(each.source is ReviewSource.AUDIT for each in reviews)  # labels count where picked as a draw
        drawn = part.drawn and part.verdict is not Verdict.NOT_INSPECTED
        read = drawn and (is_bad or is_fine) and (is_ng or was_audited)
        counts["parts"] = 1
        counts["drawn"] = drawn
        counts["read"] = read
        counts["found"] = read and is_bad
        counts["defective"] = is_bad
        counts["false_calls"] = is_ng and is_fine
        counts["good"] = is_ok and is_fine
        counts["unresolved"] = standing is ReviewStanding.UNRESOLVED
        counts["first_attempts"] = part.attempt == 1
        counts["defects"] = len(part.classes) if is_ng else 0
        if is_bad:
            counts["true_defects"] = len(part.classes) if standing is ReviewStanding.CONFIRMED else _boxes(reviews)
        return counts

    def _is_unit(self, part: Part) -> bool:
        if part.attempt == 1:
            return True
        return part.verdict is not Verdict.NOT_INSPECTED and not any(
            other.verdict is not Verdict.NOT_INSPECTED and self._lane(other) == "production"
            for other in self.parts.values()
            if (other.station, other.part_id) == (part.station, part.part_id) and other.attempt < part.attempt
        )

    def _readings(
        self, part: Part, lane: str, reviews: Sequence[ReviewOut], *, is_bad: bool, is_fine: bool
    ) -> Counter[str]:
        readings: dict[str, ReviewOut] = {}
        for each in reviews:
            replaces_one = any(other.id == each.supersedes for other in reviews)
            if not replaces_one and each.reviewer not in readings:
                readings[each.reviewer] = each
        first = [
            each.kind is not ReviewKind.FALSE_CALL
            and not (each.kind is ReviewKind.CONFIRMED and part.verdict is Verdict.OK)
            for each in readings.values()
        ]
        bad, good = sum(first), len(first) - sum(first)
        if lane == "known_defective":
            return Counter(defective_right=bad, defective_wrong=good)
        if lane == "known_good":
            return Counter(good_right=good, good_wrong=bad)
        if len(first) < 2:
            return Counter()
        blind = [
            each.kind in {ReviewKind.CORRECTED, ReviewKind.ESCAPE}
            or (each.kind is ReviewKind.CONFIRMED and part.verdict is Verdict.NG)
            for each in readings.values()
            if each.blind
        ]
        bad, good = sum(blind), len(blind) - sum(blind)
        if is_bad:
            return Counter(defective_right=bad, defective_wrong=good)
        return Counter(good_right=good, good_wrong=bad) if is_fine else Counter()


def _still_said(reviews: Sequence[ReviewOut]) -> list[ReviewOut]:
    """Play the reviews again, and forget what was taken back."""
    said: dict[str, ReviewOut] = {}
    for each in reviews:
        if each.kind is not ReviewKind.WITHDRAWN:
            said[each.id] = each
            continue
        taken = said.pop(each.supersedes or "", None)
        before = taken
        while before is not None and taken is not None:
            before = said.get(before.supersedes or "")
            if before is None or before.source is not taken.source:
                break
            if before.reviewer != taken.reviewer and taken.source is not ReviewSource.LABEL_STUDIO:
                break
            del said[before.id]
    return list(said.values())


def _boxes(reviews: Sequence[ReviewOut]) -> int:
    replaced = {each.supersedes for each in reviews}
    return max((len(each.boxes) for each in reviews if each.id not in replaced), default=0)


def stored_cells(connection: Connection, table: Any, plant: str) -> list[dict[str, Any]]:
    """The rows of a table of cells, in a fixed order."""
    rows = connection.execute(select(table).where(table.c.plant == plant)).mappings()
    return sorted((dict(row) for row in rows), key=lambda row: [str(value) for value in row.values()])
