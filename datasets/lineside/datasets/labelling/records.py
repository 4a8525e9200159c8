"""What goes to Label Studio and what comes from it, as records that cannot be wrong in themselves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lineside.datasets.labelling.config import RESERVED_KEYS, ConfigState
from lineside.datasets.labelling.errors import ConfigEdited, LabelTaskRefused
from lineside.datasets.labelling.geometry import BoxPx, SizePx

Json = dict[str, Any]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class PredictedBox:
    """A box that a model suggests.

    Attributes:
        class_name: as the project's configuration has it.
        score: in [0, 1].
        box_xyxy_px: left, top, right, bottom in pixels of the task's picture (the tile).
    """

    class_name: str
    score: float
    box_xyxy_px: BoxPx

    def __post_init__(self) -> None:
        """Refuse what is no box or no score."""
        left, top, right, bottom = self.box_xyxy_px
        if not (all(map(math.isfinite, self.box_xyxy_px)) and left < right and top < bottom):
            raise LabelTaskRefused(f"predicted box {self.box_xyxy_px} of {self.class_name!r} has no area")
        if not 0.0 <= self.score <= 1.0:
            raise LabelTaskRefused(f"a predicted {self.class_name!r} has score {self.score}; expected 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTaskImage:
    """A picture for people to label.

    Attributes:
        uuid: our own id of the task; Label Studio's are used again after a deletion.
        image_png: the picture or its tile, as `label_png` makes it.
        size_wh_px: its width and height.
        offset_xy_px: where the tile's corner lies in the frame.
        reference_png: what a good part looks like there, None if there is nothing.
        data: facts that are shown above the picture and can be filtered by, in this order.
        predictions: what a model suggests, in pixels of this picture. None at all is a suggestion too ("no defect")
            if `model_version` says whose.
        model_version: the release that suggests, None if nothing is suggested.
    """

    uuid: UUID
    image_png: bytes = field(repr=False)
    size_wh_px: SizePx
    offset_xy_px: tuple[int, int] = (0, 0)
    reference_png: bytes | None = field(default=None, repr=False)
    data: Mapping[str, str] = field(default_factory=dict)
    predictions: Sequence[PredictedBox] = ()
    model_version: str | None = None

    def __post_init__(self) -> None:
        """Refuse what Label Studio would take without a word."""
        for name, png in (("picture", self.image_png), ("reference", self.reference_png)):
            if png is not None and not png.startswith(_PNG_SIGNATURE):
                raise LabelTaskRefused(f"the {name} of label task {self.uuid} is no PNG; make it with `label_png`")
        if _png_size_wh_px(self.image_png) != self.size_wh_px:
            raise LabelTaskRefused(
                f"the picture of label task {self.uuid} has {_png_size_wh_px(self.image_png)} px, and it says "
                f"{self.size_wh_px}: boxes drawn on it would be mapped back wrongly"
            )
        taken = sorted(RESERVED_KEYS & self.data.keys())
        if taken:
            raise LabelTaskRefused(f"label task {self.uuid}: the keys {taken} of its data are needed for other things")
        if self.predictions and self.model_version is None:
            raise LabelTaskRefused(f"label task {self.uuid} has predicted boxes and no model version")


@dataclass(frozen=True, slots=True)
class StudioProject:
    """A project as it stands.

    Attributes:
        id: Label Studio's.
        title: its name.
        config: its labelling configuration, XML.
        config_state: how that stands to ours; None where nothing was asked to compare with.
        task_count: how many tasks it has.
        model_version: whose predictions are shown to people.
    """

    id: int
    title: str
    config: str = field(repr=False)
    config_state: ConfigState | None
    task_count: int
    model_version: str | None

    def require_config(self) -> None:
        """Refuse to work with a configuration by which suggestions or labels would be lost.

        Raises:
            ConfigEdited: naming every difference.
        """
        state = self.config_state
        if state is not None and state.is_blocking:
            found = "; ".join(difference.text for difference in state.differences)
            raise ConfigEdited(
                f"the labelling configuration of project {self.id} ({self.title!r}) was changed by hand: {found}. "
                "Change that back in its settings, or let Lineside write its own configuration again"
            )


@dataclass(frozen=True, slots=True)
class StudioAnnotation:
    """What one person submitted for one task.

    Attributes:
        id: Label Studio's.
        updated_at: aware UTC instant of the last change.
        annotator: the person's e-mail address, else "user " and a number.
        is_skipped: the person skipped the task.
        is_ground_truth: somebody starred it.
        lead_time_s: seconds from opening to submitting, None if unknown.
        result: regions and choices as Label Studio keeps them: it takes any JSON.
    """

    id: int
    updated_at: datetime
    annotator: str
    is_skipped: bool
    is_ground_truth: bool
    lead_time_s: float | None
    result: tuple[Any, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StudioTask:
    """A task as it stands, with all its annotations.

    Attributes:
        id: Label Studio's; ids of deleted tasks are given again.
        uuid: our own id; None for a task that we did not make.
        updated_at: aware UTC instant of the last change, of annotations and predictions too.
        annotations: none after the last one was deleted.
    """

    id: int
    uuid: UUID | None
    updated_at: datetime
    annotations: tuple[StudioAnnotation, ...]


@dataclass(frozen=True, slots=True)
class TaskCopy:
    """That a task exists.

    Attributes:
        id: Label Studio's.
        uuid: our own id; None for a task that we did not make.
        annotation_count: how many annotations it has, skipped ones too.
    """

    id: int
    uuid: UUID | None
    annotation_count: int


def _png_size_wh_px(png: bytes) -> SizePx:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
