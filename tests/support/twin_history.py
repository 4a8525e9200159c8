"""The past of a line, written into a ledger as the service leaves it: made in plain Python, not by the line's model."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import insert

from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.rate_tables import standings
from lineside.serving.ledger.tables import dispositions, frames, inspections

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
DIGEST = "d" * 64


@dataclass(frozen=True, slots=True)
class Past:
    """What a line was like.

    Attributes:
        hours: how long it ran.
        per_hour: parts, evenly with some jitter.
        defective: share of parts.
        inspection_s: from a part's coming to its verdict.
        rework_share: of flagged parts.
        rework_s: mean time in rework.
        repaired: share of those reworked that pass then.
        audit: share of passed parts read by people; all flagged ones are.
        threshold: in force.
        worse_from_h: from then on more than twice as many parts are defective; None for never.
        seed: of its chances.
    """

    hours: float = 12.0
    per_hour: float = 300.0
    defective: float = 0.06
    inspection_s: float = 0.8
    rework_share: float = 0.6
    rework_s: float = 240.0
    repaired: float = 0.9
    audit: float = 0.25
    threshold: float = 0.5
    worse_from_h: float | None = None
    seed: int = 1


@dataclass
class _Rows:
    inspections: list[dict[str, Any]] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    standings: list[dict[str, Any]] = field(default_factory=list)
    dispositions: list[dict[str, Any]] = field(default_factory=list)


def write_past(
    ledger: Ledger, past: Past = Past(), *, station: str = "aoi-1", product: str = "BRD", start: datetime = START
) -> datetime:
    """Write it; returns when it ended."""
    rng = np.random.default_rng(past.seed)
    rows = _Rows()
    number = int(past.hours * past.per_hour)
    gaps = rng.uniform(0.7, 1.3, number) * 3600.0 / past.per_hour
    for index, came_s in enumerate(np.cumsum(gaps)):
        _write_part(
            rows, past, rng, f"{product}-{past.seed}-{index:06d}", float(came_s), station, product, ledger, start
        )
    rows.inspections.sort(key=lambda row: row["opened_at"])

    def write(transaction: Transaction) -> None:
        for table, values in (
            (inspections, rows.inspections),
            (frames, rows.frames),
            (standings, rows.standings),
            (dispositions, rows.dispositions),
        ):
            for first in range(0, len(values), 500):
                transaction.connection.execute(insert(table), values[first : first + 500])

    ledger.write_blocking(write)
    return start + timedelta(hours=past.hours)


def _write_part(
    rows: _Rows,
    past: Past,
    rng: np.random.Generator,
    part_id: str,
    came_s: float,
    station: str,
    product: str,
    ledger: Ledger,
    start: datetime,
) -> None:
    is_worse = past.worse_from_h is not None and came_s > past.worse_from_h * 3600.0
    is_defective = rng.random() < past.defective * (2.5 if is_worse else 1.0)
    score = float(rng.beta(4, 1.6) if is_defective else rng.beta(1.2, 9))
    at_s, attempt, cause = came_s, 1, "first"
    while True:
        opened = start + timedelta(seconds=at_s)
        judged = opened + timedelta(seconds=float(past.inspection_s * rng.uniform(0.8, 1.2)))
        is_ng = score >= past.threshold
        inspection_id = ledger.new_id()
        is_drawn = is_ng or rng.random() < past.audit
        rows.inspections.append(
            {
                "id": inspection_id,
                "plant": ledger.plant,
                "station": station,
                "part_id": part_id,
                "attempt": attempt,
                "cause": cause,
                "lot": "L1",
                "product": product,
                "recipe_id": "board",
                "recipe_version": 1,
                "recipe_digest": DIGEST,
                "release_name": "blobs",
                "release_version": "1",
                "release_digest": DIGEST,
                "judged_by": "server",
                "verdict": "NG" if is_ng else "OK",
                "reasons": [],
                "thresholds": {"short": past.threshold, "open": past.threshold},
                "timings": {"to_verdict": (judged - opened).total_seconds() * 1000.0},
                "audit": not is_ng and is_drawn,
                "audit_probability": 0.0 if is_ng else past.audit,
                "confirmation": is_ng,
                "confirmation_probability": 1.0 if is_ng else 0.0,
                "is_simulated": False,
                "opened_at": opened,
                "judged_at": judged,
            }
        )
        rows.frames.append(
            {
                "inspection_id": inspection_id,
                "view": "default",
                "digest": DIGEST,
                "media_type": "image/png",
                "size_bytes": 1,
                "kept": False,
                "measures": {"peak_score": score},
            }
        )
        if is_drawn:
            rows.standings.append(_standing(inspection_id, is_ng=is_ng, is_defective=is_defective))
        if not is_ng:
            return
        is_reworked = rng.random() < past.rework_share and attempt < 3
        rows.dispositions.append(
            {
                "id": ledger.new_id(),
                "inspection_id": inspection_id,
                "kind": "reworked" if is_reworked else "scrapped",
                "confirmed_by_sensor": True,
                "occurred_at": judged,
                "recorded_at": judged,
            }
        )
        if not is_reworked:
            return
        at_s = (judged - start).total_seconds() + float(rng.exponential(past.rework_s))
        if at_s > past.hours * 3600.0:
            return
        is_defective = rng.random() >= past.repaired
        score = 0.9 if is_defective else 0.1
        attempt, cause = attempt + 1, "after_rework"


def _standing(inspection_id: str, *, is_ng: bool, is_defective: bool) -> dict[str, Any]:
    said = {
        (True, True): "confirmed",
        (True, False): "false_call",
        (False, True): "escape",
        (False, False): "confirmed",
    }
    return {
        "inspection_id": inspection_id,
        "standing": said[is_ng, is_defective],
        "audited": not is_ng,
        "true_defects": int(is_defective),
        "said_defective": int(is_defective),
        "said_good": int(not is_defective),
        "blind_right": 0,
        "blind_wrong": 0,
    }
