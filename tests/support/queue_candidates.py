"""Candidates for a labelling queue, made up of what a test cares about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lineside.datasets.sampling import Candidate, CandidateDefect, CandidateView
from lineside.inspection.verdict import Verdict

DAY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
THRESHOLDS = {"scratch": 0.5, "dent": 0.25}


def candidate(
    number: int, *, peak: float | None = None, defects: dict[str, float] | None = None, **fields: Any
) -> Candidate:
    """The `number`th part of the day, a second after the one before; NG exactly where it has defects."""
    defaults: dict[str, Any] = {
        "inspection_id": f"i{number:05}",
        "part_id": f"p{number}",
        "station": "aoi-1",
        "judged_at": DAY + timedelta(seconds=number),
        "verdict": Verdict.NG if defects else Verdict.OK,
        "views": (CandidateView("default", f"{number:064x}", peak),),
        "defects": tuple(CandidateDefect("default", name, score) for name, score in (defects or {}).items()),
        "thresholds": THRESHOLDS,
    }
    return Candidate(**(defaults | fields))
