"""What a person must look at, as it goes on the server's list: nothing that a step cannot use is dropped in silence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lineside.client import LinesideClient

MOST_AT_ONCE = 500
"""Entries that the server takes in one request."""


class Code(StrEnum):
    """What it is, for programs; the codes of single annotations are those of `lineside.datasets.labelling`."""

    CONFIG_EDITED = "config_edited"
    GOLDEN_DISPUTED = "golden_disputed"
    IMAGE_GONE = "image_gone"
    IMAGE_UNUSABLE = "image_unusable"
    LABEL_SUSPECT = "label_suspect"
    LABEL_WITHDRAWN = "label_withdrawn"
    NOT_IN_REVISION = "not_in_revision"
    NOT_UPLOADED = "not_uploaded"
    TASK_DELETED = "task_deleted"
    UNKNOWN_CLASS = "unknown_class"
    UNKNOWN_TASK = "unknown_task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One entry.

    Attributes:
        code: what it is.
        message: what was found, what was expected, what to do.
        inspection_id: the inspection that it is about, None if none.
        pick_id: the pick, None if none.
        task_id: our own id of the label task, None if none.
        label_studio_task_id: Label Studio's, None if none.
        occurrence: tells one time from another: the same one is raised once, settled or not. None: it is raised anew
            once it was settled.
    """

    code: Code
    message: str
    inspection_id: str | None = None
    pick_id: str | None = None
    task_id: str | None = None
    label_studio_task_id: int | None = None
    occurrence: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the API takes it."""
        return {
            "code": self.code.value,
            "message": self.message,
            "inspection_id": self.inspection_id,
            "pick_id": self.pick_id,
            "task_id": self.task_id,
            "label_studio_task_id": self.label_studio_task_id,
            "occurrence": self.occurrence,
        }


async def tell_people(client: LinesideClient, project: str, needs: Iterable[Need]) -> None:
    """Put entries on the server's list; what is there already is not put there twice."""
    left = list(needs)
    while left:
        await client.put_label_attention(project, [need.to_json() for need in left[:MOST_AT_ONCE]])
        left = left[MOST_AT_ONCE:]


def stamped(instant: datetime) -> str:
    """An instant as part of an occurrence."""
    return instant.isoformat()


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
