"""Label Studio's JSON -> our records. Unknown keys are left aside; what is needed and missing is an error."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from lineside.datasets.labelling.config import TASK_UUID
from lineside.datasets.labelling.errors import AnswerUnreadable
from lineside.datasets.labelling.records import Json, StudioAnnotation, StudioProject, StudioTask, TaskCopy

_LONGEST_S = 366 * 24 * 3600.0
"""A year at one task is no time that somebody worked."""

_MAIL = re.compile(r"\S+@\S+?(?=,|\s|$)")


class _Annotation(BaseModel):
    id: int
    updated_at: AwareDatetime
    completed_by: int | Json | None = None
    created_username: str = ""
    was_cancelled: bool = False
    ground_truth: bool = False
    # What people's programs sent is read as it is: one odd annotation must not keep the others from being read.
    lead_time: Any = None
    result: Any = None


class _Task(BaseModel):
    id: int
    updated_at: AwareDatetime
    data: Json
    annotations: list[_Annotation] = []
    total_annotations: int = 0
    cancelled_annotations: int = 0


class _Page(BaseModel):
    tasks: list[_Task]
    total: int


class _Project(BaseModel):
    id: int
    title: str
    label_config: str = ""
    task_number: int | None = None
    model_version: str | None = None


class _Projects(BaseModel):
    results: list[_Project]
    next: str | None = None


class _Imported(BaseModel):
    task_ids: list[int] = []


class _Uploaded(BaseModel):
    file_upload_ids: list[int]


class _File(BaseModel):
    id: int
    file: str


class _Version(BaseModel):
    release: str


_Model = TypeVar("_Model", bound=BaseModel)
_FILES = TypeAdapter(list[_File])


@dataclass(frozen=True, slots=True)
class TaskPage:
    """An answer to `GET /api/tasks`.

    Attributes:
        tasks: in the order that was asked for; without annotations where only tasks were asked for.
        copies: the same tasks, as counted.
        is_last: there are no more than these.
    """

    tasks: tuple[StudioTask, ...]
    copies: tuple[TaskCopy, ...]
    is_last: bool


def read_tasks(answer: Any) -> TaskPage:
    """The first page of `GET /api/tasks`."""
    page = _checked(_Page, answer)
    tasks = tuple(_task(each) for each in page.tasks)
    copies = tuple(
        TaskCopy(task.id, task.uuid, each.total_annotations + each.cancelled_annotations)
        for task, each in zip(tasks, page.tasks, strict=True)
    )
    return TaskPage(tasks, copies, is_last=len(tasks) >= page.total or not tasks)


def read_project(answer: Any) -> StudioProject:
    """One project."""
    return _project(_checked(_Project, answer))


def read_projects(answer: Any) -> tuple[list[StudioProject], bool]:
    """A page of projects, and whether there are more."""
    page = _checked(_Projects, answer)
    return [_project(each) for each in page.results], page.next is not None


def read_imported(answer: Any) -> list[int]:
    """Task ids of an import, in the order of what was imported."""
    return _checked(_Imported, answer).task_ids


def read_uploaded(answer: Any) -> list[int]:
    """Ids of uploaded files, in the order of the upload."""
    return _checked(_Uploaded, answer).file_upload_ids


def read_file_paths(answer: Any) -> dict[int, str]:
    """Upload id -> the path under which tasks refer to the file."""
    try:
        return {each.id: f"/data/{each.file}" for each in _FILES.validate_python(answer)}
    except ValidationError as error:
        raise _unreadable(error) from error


def read_version(answer: Any) -> str:
    """The server's version, e.g. "1.23.2"."""
    return _checked(_Version, answer).release


def _checked(model: type[_Model], answer: Any) -> _Model:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise _unreadable(error) from error


def _unreadable(error: ValidationError) -> AnswerUnreadable:
    # Places and kinds only: the values may be anybody's data.
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the answer"
    return AnswerUnreadable(
        f"Label Studio's answer is not what is known of it: {where}: {first['msg']}; is its version one that this "
        "program knows (1.23)?"
    )


def _project(found: _Project) -> StudioProject:
    return StudioProject(
        found.id, found.title, found.label_config, None, found.task_number or 0, found.model_version or None
    )


def _task(found: _Task) -> StudioTask:
    return StudioTask(
        id=found.id,
        uuid=_uuid(found.data.get(TASK_UUID)),
        updated_at=_utc(found.updated_at),
        annotations=tuple(_annotation(each) for each in found.annotations),
    )


def _annotation(found: _Annotation) -> StudioAnnotation:
    return StudioAnnotation(
        id=found.id,
        updated_at=_utc(found.updated_at),
        annotator=_annotator(found),
        is_skipped=found.was_cancelled,
        is_ground_truth=found.ground_truth,
        lead_time_s=_seconds(found.lead_time),
        result=tuple(found.result)
        if isinstance(found.result, list)
        else ()
        if found.result is None
        else (found.result,),
    )


def _annotator(found: _Annotation) -> str:
    """The e-mail address: Label Studio gives "First Last e-mail, id" and the id alone."""
    mail = _MAIL.search(found.created_username)
    if mail is not None:
        return mail[0]
    by = found.completed_by
    number = by.get("id") if isinstance(by, dict) else by
    return "unknown" if number is None else f"user {number}"


def _seconds(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < _LONGEST_S:
        return None
    return float(given)


def _uuid(given: Any) -> UUID | None:
    try:
        return UUID(given) if isinstance(given, str) else None
    except ValueError:
        return None


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
