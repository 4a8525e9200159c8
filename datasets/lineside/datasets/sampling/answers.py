"""Candidates as the server answers them (`GET /v1/label-candidates`), as records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lineside.datasets.errors import QueueRefused
from lineside.datasets.sampling.records import Candidate, CandidateDefect, CandidateView, Disagreement
from lineside.inspection.verdict import Verdict

_OTHER_DEFECTS = 0.5


def read_candidate(answer: Mapping[str, Any]) -> Candidate:
    """One candidate of the answer; keys that the queue does not need are left alone.

    Args:
        answer: an item of the answer's list.

    Raises:
        QueueRefused: a key is missing, or a value is of no use.
    """
    try:
        shadow = answer["disagreement"]
        return Candidate(
            inspection_id=str(answer["inspection_id"]),
            part_id=answer["part_id"],
            station=answer["station"],
            judged_at=datetime.fromisoformat(answer["judged_at"]),
            verdict=Verdict(answer["verdict"]),
            views=tuple(CandidateView(view["view"], view["digest"], view["peak_score"]) for view in answer["views"]),
            defects=tuple(
                CandidateDefect(defect["view"], defect["class_name"], defect["confidence"])
                for defect in answer["defects"]
            ),
            thresholds=answer["thresholds"],
            audit_probability=answer["audit_probability"] if answer["audit"] else None,
            is_reported=answer["operator_report"],
            kept_probability=answer["kept_probability"],
            disagreements=() if shadow is None else (_between_releases(is_another=shadow["verdict_differs"]),),
        )
    except KeyError as error:
        raise QueueRefused(
            f"a candidate of the server lacks {error}; server and command are of other versions"
        ) from error
    except (ValueError, TypeError) as error:
        raise QueueRefused(f"a candidate of the server cannot be used: {error}") from error


def _between_releases(*, is_another: bool) -> Disagreement:
    """What the live release and the one in shadow say: another verdict, or the same one for other defects."""
    return Disagreement("live and shadow", 1.0 if is_another else _OTHER_DEFECTS)
