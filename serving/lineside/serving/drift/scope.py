"""From the event of an inspection to a measured part, and to what its measures may be compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineside.inspection.verdict import Verdict
from lineside.statistics.drift import PICTURE_MEASURES, MeasuredPart

_LEAST_THRESHOLD, _MOST_THRESHOLD = 0.01, 0.99


@dataclass(frozen=True, slots=True)
class DriftScope:
    """What parts have in common whose measures may be compared: another one begins its own reference period.

    Attributes:
        line: where the station stands.
        station: which cameras and light.
        product: which parts; empty if unknown.
        recipe_id: by which rules.
        recipe_version: of the recipe.
        release_name: by which model.
        release_version: of the release.
        release_digest: of the release.
        engine: and precision: scores of another one differ in their last digits.
    """

    line: str
    station: str
    product: str
    recipe_id: str
    recipe_version: int
    release_name: str
    release_version: str
    release_digest: str
    engine: str


@dataclass(frozen=True, slots=True)
class SeenPart:
    """A part that the server judged.

    Attributes:
        sequence: of its event.
        at: when it was judged.
        part_id: its name.
        scope: what it may be compared with.
        threshold: the lowest confidence from which a class counts, held within 0.01 to 0.99.
        part: its measures.
    """

    sequence: int
    at: datetime
    part_id: str
    scope: DriftScope
    threshold: float
    part: MeasuredPart


def seen_part(sequence: int, data: Mapping[str, Any], *, line: str) -> SeenPart | None:
    """A judged part as the watch takes it; None if it takes no part in the watch.

    Only first attempts count (a retest is a part chosen for its verdict), and only what the server measured itself.

    Args:
        sequence: of the event.
        data: of the event `inspection.v1`.
        line: of its station.
    """
    recipe, release = data["recipe"], data["release"]
    if data["judged_by"] != "server" or data["attempt"] != 1 or recipe is None or release is None:
        return None
    measured = {frame["view"]: frame["measures"] for frame in data["frames"] if frame.get("measures") is not None}
    if not measured:
        return None
    thresholds = tuple(data["thresholds"].values())
    threshold = min(thresholds, default=0.5)
    return SeenPart(
        sequence=sequence,
        at=datetime.fromisoformat(data["judged_at"]),
        part_id=data["part_id"],
        scope=DriftScope(
            line=line,
            station=data["station"],
            product=data["product"] or "",
            recipe_id=recipe["id"],
            recipe_version=recipe["version"],
            release_name=release["name"],
            release_version=release["version"],
            release_digest=release["digest"],
            engine=data["engine"] or "",
        ),
        threshold=min(max(threshold, _LEAST_THRESHOLD), _MOST_THRESHOLD),
        part=_measured(Verdict(data["verdict"]), measured),
    )


def _measured(verdict: Verdict, views: Mapping[str, Mapping[str, float | None]]) -> MeasuredPart:
    peaks = [measures["peak_score"] for measures in views.values()]
    known = [peak for peak in peaks if peak is not None]
    score = max(known) if known and verdict is not Verdict.NOT_INSPECTED else None
    return MeasuredPart(
        score=score,
        is_flagged=verdict is Verdict.NG and score is not None,
        views={
            view: {name: value for name in PICTURE_MEASURES if (value := measures.get(name)) is not None}
            for view, measures in views.items()
        },
    )


def part_json(part: MeasuredPart) -> dict[str, Any]:
    """A part as it is stored in its batch."""
    return {"score": part.score, "flagged": part.is_flagged, "views": {view: dict(m) for view, m in part.views.items()}}


def part_of_json(stored: Mapping[str, Any]) -> MeasuredPart:
    """The part that was stored."""
    return MeasuredPart(score=stored["score"], is_flagged=stored["flagged"], views=stored["views"])
