"""What the ledger knows of label tasks that Label Studio asks about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from lineside.inspection.frames import MediaType, PixelFormat, RawGeometry
from lineside.inspection.tiling import Tile
from lineside.serving.ledger.label_tables import label_picks, label_projects, label_tasks
from lineside.serving.ledger.tables import frames, inspections, stations
from lineside.serving.stations import DEFAULT_LINE


@dataclass(frozen=True, slots=True)
class LabelSubject:
    """What a label task shows.

    Attributes:
        inspection_id: the inspection.
        line: where its station stands.
        recipe_id: the recipe that judged it; None where none did.
        recipe_version: of that recipe.
        view: which of its views.
        digest: of the kept image.
        media_type: its encoding.
        raw: the geometry of raw pixels.
        window: the part of the frame that the task shows.
        frame_size_wh_px: of the whole frame.
        classes: those that the project has labels for; empty where it has not said.
    """

    inspection_id: str
    line: str
    recipe_id: str | None
    recipe_version: int | None
    view: str
    digest: str
    media_type: MediaType
    raw: RawGeometry | None
    window: Tile
    frame_size_wh_px: tuple[int, int]
    classes: tuple[str, ...]


def subjects_of(connection: Connection, plant: str, task_ids: Sequence[str]) -> Mapping[str, LabelSubject]:
    """What some label tasks show, by task; those that we never made are left out."""
    rows = connection.execute(
        select(
            label_tasks,
            label_projects.c.classes,
            inspections.c.id.label("inspection_id"),
            inspections.c.recipe_id,
            inspections.c.recipe_version,
            stations.c.line,
            frames.c.digest,
            frames.c.media_type,
            frames.c.raw_geometry,
        )
        .join(label_picks, label_picks.c.id == label_tasks.c.pick_id)
        .join(
            label_projects,
            (label_projects.c.plant == label_tasks.c.plant) & (label_projects.c.name == label_tasks.c.project),
        )
        .join(inspections, inspections.c.id == label_picks.c.inspection_id)
        .join(frames, (frames.c.inspection_id == inspections.c.id) & (frames.c.view == label_tasks.c.view))
        .outerjoin(stations, (stations.c.plant == inspections.c.plant) & (stations.c.id == inspections.c.station))
        .where(label_tasks.c.plant == plant, label_tasks.c.id.in_(task_ids))
    )
    found: dict[str, LabelSubject] = {}
    for row in rows:
        size_wh_px = (row.frame_width_px, row.frame_height_px)
        found[row.id] = LabelSubject(
            inspection_id=row.inspection_id,
            line=row.line or DEFAULT_LINE,
            recipe_id=row.recipe_id,
            recipe_version=row.recipe_version,
            view=row.view,
            digest=row.digest,
            media_type=MediaType(row.media_type),
            raw=_raw(row.raw_geometry),
            window=Tile(*(row.tile_xyxy_px or (0, 0, *size_wh_px))),
            frame_size_wh_px=size_wh_px,
            classes=tuple(row.classes),
        )
    return found


def _raw(geometry: Mapping[str, Any] | None) -> RawGeometry | None:
    if geometry is None:
        return None
    return RawGeometry(geometry["width_px"], geometry["height_px"], PixelFormat(geometry["pixel_format"]))
