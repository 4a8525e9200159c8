"""A Label Studio project as the loop needs it: make it, push tasks, read what people said."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import UUID

from lineside.datasets.labelling import answers
from lineside.datasets.labelling.backends import ConnectedBackend, connect_backend
from lineside.datasets.labelling.config import ConfigStanding, config_state, project_config
from lineside.datasets.labelling.connection import Connection, Tries
from lineside.datasets.labelling.errors import ProjectAmbiguous
from lineside.datasets.labelling.predictions import prediction_json
from lineside.datasets.labelling.pulling import copies_in_project, copies_of, touched_tasks
from lineside.datasets.labelling.pushing import delete_tasks, one_of_each, push_batches
from lineside.datasets.labelling.rechecking import CHECK_VERSION, ask_again
from lineside.datasets.labelling.records import LabelTaskImage, PredictedBox, StudioProject, StudioTask, TaskCopy
from lineside.datasets.labelling.tokens import Token

_INSTRUCTION = (
    "Draw a box around every defect, choose its class, then say ok or defect. The boxes that are there are a model's "
    "suggestion. / 모든 불량에 박스를 그리고 종류를 선택한 뒤 ok 또는 defect를 고르세요. "
    "미리 그려진 박스는 모델의 제안입니다."
)


class LabelStudio:
    """A Label Studio server. `with LabelStudio(url, token) as studio:` opens it; nothing is sent before a call.

    Calls wait for their answers; asynchronous callers use a thread. Several threads may share one.

    Args:
        url: where it answers.
        token: of the person on whose behalf tasks are made.
        timeout_s: seconds to wait for one answer.
        tries: how often what may be repeated is sent.
        sleep: waits between tries.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        timeout_s: float = 60.0,
        tries: Tries | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = Connection(url, token, timeout_s=timeout_s, tries=tries, sleep=sleep)

    def __enter__(self) -> Self:
        """Open the pool of connections."""
        self._connection.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._connection.__exit__(kind, error, trace)

    def version(self) -> str:
        """The server's version; shows that address and token are right.

        Raises:
            LabellingError: as for every call here: what went wrong and who must act.
        """
        self._connection.get("api/current-user/whoami")
        return answers.read_version(self._connection.get("api/version"))

    @property
    def answered_at(self) -> datetime | None:
        """When it last answered, by its own clock, to the second; None before its first answer."""
        return self._connection.answered_at

    def project(self, project_id: int) -> StudioProject:
        """A project by its id.

        Raises:
            ProjectGone: there is none.
        """
        return answers.read_project(self._connection.get(f"api/projects/{project_id}/"))

    def find_project(self, title: str) -> StudioProject | None:
        """The project with exactly this title, None if there is none.

        Raises:
            ProjectAmbiguous: there are several.
        """
        found: list[StudioProject] = []
        page, has_more = 1, True
        while has_more:
            answer = self._connection.get("api/projects/", {"title": title, "page": page, "page_size": 100})
            projects, has_more = answers.read_projects(answer)
            found += [project for project in projects if project.title == title]
            page += 1
        if len(found) > 1:
            ids = ", ".join(str(project.id) for project in found)
            raise ProjectAmbiguous(f"the projects {ids} all have the title {title!r}; rename all but one")
        return found[0] if found else None

    def ensure_project(
        self,
        title: str,
        classes: Sequence[str],
        *,
        has_reference: bool,
        project_id: int | None = None,
        is_replacing_edits: bool = False,
    ) -> StudioProject:
        """The project, made if there is none, with the configuration that the classes ask for.

        A configuration of ours from other classes is replaced. One that somebody edited stays as it is, and the
        answer's `config_state` says how it differs.

        Args:
            title: its title, 3 to 50 characters.
            classes: the catalogue's class names.
            has_reference: a place for the reference beside the image.
            project_id: the project is known by its id; then its title does not matter.
            is_replacing_edits: replace an edited configuration too.

        Raises:
            ProjectGone: there is none of that id.
            ProjectAmbiguous: several have the title.
            ClassesRefused: the classes clash, or one has a name that Label Studio would misread.
        """
        config = project_config(classes, has_reference=has_reference)
        found = self.find_project(title) if project_id is None else self.project(project_id)
        if found is None:
            content = {
                "title": title,
                "label_config": config,
                "expert_instruction": _INSTRUCTION,
                "enable_empty_annotation": True,
                "show_collab_predictions": True,
                "show_skip_button": True,
                "maximum_annotations": 1,
            }
            found = answers.read_project(self._connection.change_once("POST", "api/projects/", content))
        state = config_state(found.config, classes, has_reference=has_reference)
        if state.standing is ConfigStanding.OUTDATED or (
            state.standing is ConfigStanding.EDITED and is_replacing_edits
        ):
            answer = self._connection.change("PATCH", f"api/projects/{found.id}/", {"label_config": config})
            found = answers.read_project(answer)
            state = config_state(found.config, classes, has_reference=has_reference)
        return StudioProject(found.id, found.title, found.config, state, found.task_count, found.model_version)

    def task_count(self, project_id: int) -> int:
        """How many tasks the project has."""
        return self.project(project_id).task_count

    def set_model_version(self, project_id: int, model_version: str) -> None:
        """Show people the suggestions of this model."""
        self._connection.change("PATCH", f"api/projects/{project_id}/", {"model_version": model_version})

    def connect_backend(self, project_id: int, *, url: str, key: Token) -> ConnectedBackend:
        """Have the project ask our server for suggestions and tell it when somebody labelled; see `backends`.

        Args:
            project_id: Label Studio's.
            url: of our server's `/label-studio`, as Label Studio reaches it.
            key: of our server, for Label Studio alone.
        """
        return connect_backend(self._connection, project_id, url=url, key=key)

    def push(self, project_id: int, tasks: Iterable[LabelTaskImage]) -> Mapping[UUID, int]:
        """Make the tasks that are not there yet; the task id of every one of them.

        Raises:
            LabelTaskRefused: a task that must not be sent, before anything of its batch is.
        """
        made: dict[UUID, int] = {}
        for batch in self.push_batches(project_id, tasks):
            made |= batch
        return made

    def push_batches(self, project_id: int, tasks: Iterable[LabelTaskImage]) -> Iterator[Mapping[UUID, int]]:
        """As `push`, a batch at a time: record each before asking for the next; a batch is all that memory holds."""
        return push_batches(self._connection, project_id, tasks)

    def tasks_of(self, project_id: int, uuids: Collection[UUID]) -> Mapping[UUID, tuple[int, ...]]:
        """Task ids of our ids, those that are there; more than one where a task was doubled, the labelled one first."""
        return _ids(copies_of(self._connection, project_id, uuids))

    def without_copies(self, project_id: int, uuids: Collection[UUID]) -> Mapping[UUID, int]:
        """Task ids of our ids, those that are there; of copies those that nobody labelled are deleted."""
        return one_of_each(self._connection, project_id, uuids)

    def all_tasks(self, project_id: int) -> Mapping[UUID, tuple[int, ...]]:
        """Every task of ours in the project, a page of 1000 at a time: to find which were deleted there."""
        return _ids(copies_in_project(self._connection, project_id))

    def updated_since(self, project_id: int, since: datetime | None, *, page_size: int = 200) -> Iterator[StudioTask]:
        """Tasks that people worked on and that changed at or after an instant, oldest change first; all such if None.

        With their annotations, none where the last was deleted. Tasks that nobody labelled or skipped yet do not come.
        A task that changes meanwhile comes again; a suggestion added to a labelled task counts as a change too.
        """
        return touched_tasks(self._connection, project_id, since, page_size=page_size)

    def ask_again(
        self, task_id: int, *, note: str, boxes: Collection[PredictedBox], size_wh_px: tuple[int, int]
    ) -> bool:
        """Ask people to look at a task again: a note that they see, and what else was found as a suggestion.

        Args:
            task_id: Label Studio's own id.
            note: what is in doubt, one line.
            boxes: in pixels of the task's picture.
            size_wh_px: the picture's.

        Returns:
            Whether anything changed; False where just this was asked before.
        """
        prediction = prediction_json(boxes, CHECK_VERSION, size_wh_px)
        return ask_again(self._connection, task_id, note=note, prediction=prediction)

    def delete_tasks(self, project_id: int, task_ids: Collection[int]) -> None:
        """Delete tasks with all their annotations."""
        delete_tasks(self._connection, project_id, task_ids)


def _ids(copies: Mapping[UUID, tuple[TaskCopy, ...]]) -> dict[UUID, tuple[int, ...]]:
    return {uuid: tuple(copy.id for copy in found) for uuid, found in copies.items()}
