"""The JSON of labelling projects and their leases."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lineside.serving.fields import Instant, Name

BIGGEST_NUMBER = 2**62
"""Of identifiers and counters that both databases can hold."""

Number = Annotated[int, Field(ge=0, le=BIGGEST_NUMBER)]


class Shape(BaseModel):
    """What all JSON of the labelling loop has in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CatalogueRef(Shape):
    """The defect catalogue that the classes come from."""

    id: Name
    version: Annotated[int, Field(ge=1, le=1_000_000)]


class WebhookRef(Shape):
    """The webhook that we set up in Label Studio; its secret is nowhere in here."""

    id: Number
    url: Name


class LabelProjectIn(Shape):
    """What is to be changed of a project; what is left out stays as it is."""

    label_studio_url: Name | None = None
    label_studio_project_id: Number | None = Field(
        default=None,
        description="Another one than before: tasks that nobody has read are to be pushed anew, and the cursor starts "
        "again where this request says.",
    )
    catalogue: CatalogueRef | None = None
    classes: Annotated[tuple[Name, ...], Field(max_length=500)] = Field(
        default=(), description="Those that may be drawn; a reading with another one needs a person."
    )
    revision: Name | None = Field(default=None, description="The newest dataset revision.")
    revision_change: Number = Field(default=0, description="The last `change` of a label that this revision holds.")
    cursor: Instant | None = Field(
        default=None, description="Label Studio's time up to which annotations were pulled; never goes back."
    )
    pulled_at: Instant | None = Field(default=None, description="Never goes back.")
    hinted_at: Instant | None = Field(
        default=None, description="When something was said to have changed; never goes back."
    )
    webhook: WebhookRef | None = None


class LabelCounts(Shape):
    """How many picks are in which state, and how many things need a person."""

    waiting: int
    pushed: int
    labelled: int
    attention: int
    withdrawn: int
    open_attention: int = Field(description="Entries of the list of what needs a person that nobody has settled.")
    pushed_tasks: int = Field(description="Tasks that are in Label Studio, as far as is known here.")


class LeasePurpose(StrEnum):
    """What somebody does with a project."""

    PUSH = "push"
    PULL = "pull"
    QUEUE = "queue"


class LeaseIn(Shape):
    """Who wants to work on a project, at what and for how long; the same holder renews."""

    holder: Name
    purpose: LeasePurpose
    seconds: Annotated[float, Field(gt=0, le=3600)]


class LeaseOut(Shape):
    """Who works on a project, at what and until when."""

    holder: str
    purpose: LeasePurpose
    until: datetime


class LabelProjectOut(Shape):
    """A labelling project."""

    name: str
    label_studio_url: str | None
    label_studio_project_id: int | None
    catalogue: CatalogueRef | None
    classes: tuple[str, ...]
    revision: str | None
    revision_change: int
    change: int = Field(description="The last change of a label; more than `revision_change`: the revision lacks some.")
    cursor: datetime | None
    pulled_at: datetime | None
    hinted_at: datetime | None
    webhook: WebhookRef | None
    lease: LeaseOut | None = Field(description="None where nobody works on it now.")
    counts: LabelCounts
    minutes: float = Field(description="Minutes that people spent on its tasks.")
    created_at: datetime
    created_by: str


class LabelProjectList(Shape):
    """All projects, by name."""

    items: tuple[LabelProjectOut, ...]
