"""A pick -> the label tasks that show it: one for each view or each tile of a large one, with the model's boxes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from lineside.datasets.labelling import LabelTaskImage, PredictedBox, label_png, suggestion_version, tiles_of
from lineside.inspection.tiling import Tile
from lineside.workflows.labelling.part_pictures import PartPicture
from lineside.workflows.labelling.picks import Box, Picked

_NAMESPACE = UUID("0bdd96b8-eb98-5549-9388-778803043aca")  # for good: the ids of tasks would change with it


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A label task before it is pushed.

    Attributes:
        id: follows from pick, view and tile, so that a second push plans the same.
        pick_id: of which pick.
        view: which view.
        window: what of the frame it shows.
        frame_size_wh_px: the frame's width and height.
    """

    id: UUID
    pick_id: str
    view: str
    window: Tile
    frame_size_wh_px: tuple[int, int]

    @property
    def is_whole_frame(self) -> bool:
        """Whether it shows the whole frame."""
        return self.window.xyxy_px == (0, 0, *self.frame_size_wh_px)

    def to_json(self) -> dict[str, Any]:
        """As `POST /v1/label-tasks` takes it."""
        return {
            "id": str(self.id),
            "pick_id": self.pick_id,
            "view": self.view,
            "tile_xyxy_px": None if self.is_whole_frame else list(self.window.xyxy_px),
            "frame_size_wh_px": list(self.frame_size_wh_px),
        }


def plan_tasks(pick: Picked, pictures: Mapping[str, PartPicture]) -> tuple[PlannedTask, ...]:
    """The tasks of a pick.

    Args:
        pick: what is to be labelled.
        pictures: of each of its views.
    """
    return tuple(
        PlannedTask(task_id(pick.id, view, window), pick.id, view, window, picture.size_wh_px)
        for view, picture in pictures.items()
        for window in tiles_of(picture.size_wh_px)
    )


def task_id(pick_id: str, view: str, window: Tile) -> UUID:
    """The id of a task."""
    return uuid5(_NAMESPACE, "\n".join((pick_id, view, ",".join(map(str, window.xyxy_px)))))


def task_images(
    pick: Picked,
    planned: Collection[PlannedTask],
    pictures: Mapping[str, PartPicture],
    *,
    classes: Collection[str],
    server: str,
) -> Iterator[LabelTaskImage]:
    """What Label Studio is given for the tasks of a pick.

    Args:
        pick: whose inspection it is.
        planned: some of its tasks.
        pictures: of each of its views.
        classes: those that the project has labels for. A task that shows a defect of another class has no suggestion
            at all: without that box the part would look good. It is told in words.
        server: our server's URL, for the link back.
    """
    facts = _facts(pick, server)
    for task in planned:
        picture = pictures[task.view]
        laid = None if picture.golden is None else picture.golden.laid
        left, top, right, bottom = task.window.xyxy_px
        seen = tuple(_seen(pick, task))
        version = _model_version(pick) if all(box.class_name in classes for box in seen) else None
        yield LabelTaskImage(
            uuid=task.id,
            image_png=label_png(picture.pixels, task.window),
            size_wh_px=(right - left, bottom - top),
            offset_xy_px=(left, top),
            reference_png=None if laid is None else label_png(laid, task.window),
            data={**facts, **({} if len(pictures) == 1 else {"view": task.view})},
            predictions=() if version is None else seen,
            model_version=version,
        )


def _model_version(pick: Picked) -> str | None:
    """The release that judged, as people see it in Label Studio; None where none did."""
    release = pick.release
    return None if release is None else suggestion_version(release.name, release.version, release.digest)


def classes_without_label(pick: Picked, classes: Collection[str]) -> frozenset[str]:
    """Classes that the model found on a part and that a project has no label for."""
    return frozenset(defect.class_name for defect in pick.defects) - frozenset(classes)


def _facts(pick: Picked, server: str) -> dict[str, str]:
    found = ", ".join(f"{defect.class_name} {defect.confidence:.2f}" for defect in pick.defects)
    facts = {
        "part": pick.part_id,
        "station": pick.station,
        "lot": pick.lot or "",
        "verdict": pick.verdict.value,
        "model": found or "no defect",
        "reason": pick.reason.value,
        # Our picture of it with the boxes of model and readers, for whoever is logged in there.
        "page": f"{server.rstrip('/')}/v1/inspections/{pick.inspection_id}/overlay",
    }
    return {name: value for name, value in facts.items() if value}


def _seen(pick: Picked, task: PlannedTask) -> Iterator[PredictedBox]:
    """The model's boxes on a tile, in its pixels; one that a tile cuts is seen in part by each."""
    for defect in pick.defects:
        if defect.view != task.view:
            continue
        inside = _within(defect.box_xyxy_px, task.window)
        if inside is not None:
            yield PredictedBox(defect.class_name, defect.confidence, inside)


def _within(box_xyxy_px: Box, window: Tile) -> Box | None:
    left, top, right, bottom = box_xyxy_px
    inside = (
        max(left, window.left_px) - window.left_px,
        max(top, window.top_px) - window.top_px,
        min(right, window.right_px) - window.left_px,
        min(bottom, window.bottom_px) - window.top_px,
    )
    return inside if inside[0] < inside[2] and inside[1] < inside[3] else None
