"""What the server says of picks, tasks and labels, as records; an answer of another shape never becomes one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lineside.client import AnswerUnreadable
from lineside.datasets.labelled import LabelledBox
from lineside.datasets.sampling import PickReason, origin_of
from lineside.inspection.verdict import Verdict
from lineside.workflows.labelling.labelled_views import LabelledView
from lineside.workflows.labelling.merging import WithdrawnView

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Named:
    """A recipe."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class JudgingRelease:
    """The release that judged.

    Attributes:
        name: its name.
        version: its version.
        digest: lowercase hex SHA-256 of its contents.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class PickedView:
    """One picture of an inspection.

    Attributes:
        view: the recipe's name of it.
        digest: lowercase hex SHA-256 of its bytes.
    """

    view: str
    digest: str


@dataclass(frozen=True, slots=True)
class FoundDefect:
    """A defect as the model found it, in the pixels of its view's frame."""

    view: str
    class_name: str
    confidence: float
    box_xyxy_px: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """An inspection that may be picked; see `GET /v1/label-candidates`."""

    inspection_id: str
    part_id: str
    station: str
    line: str | None
    lot: str | None
    product: str | None
    parent_id: str | None
    verdict: Verdict
    judged_at: datetime
    recipe: Named | None
    release: JudgingRelease | None
    views: tuple[PickedView, ...]
    defects: tuple[FoundDefect, ...]

    @property
    def recipe_version(self) -> tuple[str, int] | None:
        """Id and version of the recipe that judged."""
        return None if self.recipe is None else (self.recipe.name, int(self.recipe.version))


@dataclass(frozen=True, slots=True)
class SaidBox:
    """A defect that people drew, in the pixels of its view's frame."""

    view: str
    class_name: str
    box_xyxy_px: Box


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of a whole part."""

    is_defective: bool
    boxes: tuple[SaidBox, ...]
    reviewer: str
    at: datetime
    comment: str | None
    minutes: float


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A label task as the server knows it: where it lies in its frame, and where it is in Label Studio."""

    id: str
    pick_id: str
    view: str
    tile_xyxy_px: tuple[int, int, int, int] | None
    frame_size_wh_px: tuple[int, int]
    label_studio_task_id: int | None
    updated_at: datetime | None
    annotations: tuple[Any, ...]
    reading: Any

    @property
    def window_xyxy_px(self) -> tuple[int, int, int, int]:
        """What of the frame it shows."""
        return self.tile_xyxy_px or (0, 0, *self.frame_size_wh_px)

    @property
    def is_read(self) -> bool:
        """Whether somebody has said what it shows."""
        return self.reading is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked(Inspected):
    """A pick; see `GET /v1/label-picks`."""

    id: str
    reason: PickReason
    probability: float | None
    state: str
    change: int
    review_id: str | None
    label: Label | None
    tasks: tuple[KnownTask, ...]

    def labelled_views(self) -> tuple[LabelledView, ...]:
        """Each view that people looked at, with what they drew on it; none while they say nothing that counts."""
        if self.label is None:
            return ()
        digests = {each.view: each.digest for each in self.views}
        return tuple(
            LabelledView(
                inspection_id=self.inspection_id,
                part_id=self.part_id,
                view=view,
                digest=digests[view],
                boxes=tuple(
                    LabelledBox(box.class_name, box.box_xyxy_px) for box in self.label.boxes if box.view == view
                ),
                read_at=self.label.at,
                origin=origin_of(self.reason, self.probability),
                product=self.product,
                line=self.line,
                lot=self.lot,
                panel=self.parent_id,
            )
            for view in self._views_with_tasks()
        )

    def withdrawn_views(self) -> tuple[WithdrawnView, ...]:
        """Each view of a pick of which nothing is said any more."""
        if self.label is not None:
            return ()
        digests = {each.view: each.digest for each in self.views}
        return tuple(
            WithdrawnView(self.part_id, self.inspection_id, view, digests[view]) for view in self._views_with_tasks()
        )

    def _views_with_tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(task.view for task in self.tasks))


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How many picks are in which state, how much needs a person, and how many tasks are in Label Studio."""

    waiting: int
    pushed: int
    labelled: int
    attention: int
    withdrawn: int
    open_attention: int
    pushed_tasks: int


@dataclass(frozen=True, slots=True)
class CatalogueVersion:
    """Which defect catalogue."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a project, at what and until when."""

    holder: str
    purpose: str
    until: datetime


@dataclass(frozen=True, slots=True)
class LabelProject:
    """A labelling project as the server knows it; see `GET /v1/label-projects/{name}`."""

    name: str
    label_studio_url: str | None
    label_studio_project_id: int | None
    catalogue: CatalogueVersion | None
    classes: tuple[str, ...]
    revision: str | None
    revision_change: int
    change: int
    cursor: datetime | None
    pulled_at: datetime | None
    hinted_at: datetime | None
    lease: Lease | None
    counts: LabelCounts
    minutes: float


Record = TypeVar("Record", Inspected, Picked, KnownTask, LabelProject)

_ADAPTERS: Mapping[type, TypeAdapter[Any]] = {
    record: TypeAdapter(record) for record in (Inspected, Picked, KnownTask, LabelProject)
}


def parse(record: type[Record], said: Mapping[str, Any]) -> Record:
    """Read what the server says; fields that this version does not know are left out.

    Raises:
        AnswerUnreadable: it does not fit.
    """
    try:
        found: Record = _ADAPTERS[record].validate_python(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the answer"
        raise AnswerUnreadable(
            f"the answer is no {record.__name__}: {place}: {first['msg']}; is that a Lineside server of this version?"
        ) from error
    return found
