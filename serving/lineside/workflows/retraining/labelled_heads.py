"""The labelling project that a retraining learns from: pull it, find its newest revision, and move that on."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lineside.client import LinesideClient
from lineside.datasets.labelling import LabelStudio
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.training.checkpoints import write_whole
from lineside.workflows.errors import RetrainingRefused
from lineside.workflows.labelling.child_revisions import RevisionTerms
from lineside.workflows.labelling.picks import LabelProject, Picked, parse
from lineside.workflows.labelling.pulling import PullOptions, PullReport, pull_labels
from lineside.workflows.labelling.site import LabelSite
from lineside.workflows.labelling.working_alone import Purpose
from lineside.workflows.retraining.course import Teller
from lineside.workflows.retraining.folder import LABELS_NAME
from lineside.workflows.retraining.labels import LabelNote, LabelNotes
from lineside.workflows.retraining.plan import LabelSource, RetrainPlan, StudioAccess
from lineside.workflows.retraining.states import Made

_PATIENCE_S = 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class LabelForecast:
    """What a pull would find.

    Attributes:
        waiting: picks that are not in Label Studio yet.
        pushed: picks that nobody has read.
        labelled: picks that are read.
        attention: picks that need a person.
        to_pull: tasks that changed in Label Studio since the last pull; None if it was not asked.
        not_in_revision: whether the project's newest revision lacks labels that the server has.
        minutes: that people spent on the project so far.
    """

    waiting: int
    pushed: int
    labelled: int
    attention: int
    to_pull: int | None
    not_in_revision: bool
    minutes: float


def pull(plan: RetrainPlan, source: LabelSource, *, teller: Teller) -> Made:
    """Pull the labels, unless that is left out, and note how each came about.

    Raises:
        RetrainingRefused: the project has no revision, and none was given to start from.
        LinesideError: Label Studio or the server cannot be asked; call it again.
    """
    start_from = None if plan.revision is None else RevisionStore(plan.store).resolve(plan.revision)
    pulled = _asked(source, lambda site: _pull(site, source, plan.store, start_from), teller)
    project, notes = _asked(source, _read_notes, teller)
    head = project.revision or start_from
    if head is None:
        raise RetrainingRefused(
            f"labelling project {source.project!r} has no dataset revision: nothing was labelled and pulled yet; name "
            "the revision that it starts from with --data"
        )
    if pulled is not None:
        teller.say(
            f"{pulled.changed} tasks changed; {pulled.added} images new, {pulled.relabelled} labelled anew, "
            f"{pulled.removed} taken away; {pulled.open_attention} things need a person"
        )
    path = plan.out / LABELS_NAME
    write_whole(path, (json.dumps(notes.to_json(), indent=2, ensure_ascii=False) + "\n").encode())
    return Made({"revision": head, "labels": len(notes.by_inspection), "minutes": project.minutes}, (path,))


def move_head(source: LabelSource, *, before: Revision, after: Revision, teller: Teller) -> None:
    """Make the split revision the project's newest one, so that the next labels continue its splits.

    A project that has moved on meanwhile keeps its own: its next retraining splits anew what was split here.

    Raises:
        LinesideError: the server cannot be asked; call it again.
    """

    async def move(site: LabelSite) -> bool:
        async with site.alone(Purpose.PULL):
            project = await site.read()
            if project.revision not in (None, before.id, after.id):
                return False
            await site.client.put_label_project(
                source.project, revision=after.id, revision_change=project.revision_change
            )
            return True

    if not _asked(source, move, teller):
        teller.say(
            f"the labelling project {source.project!r} has a newer revision by now; its next retraining divides these "
            "images anew"
        )


def look_at_labels(source: LabelSource) -> tuple[LabelProject, LabelForecast]:
    """What a pull would find; nothing is changed.

    Raises:
        LinesideError: Label Studio or the server cannot be asked.
    """
    project = _asked(source, lambda site: site.read(), None)
    counts = project.counts
    return project, LabelForecast(
        waiting=counts.waiting,
        pushed=counts.pushed,
        labelled=counts.labelled,
        attention=counts.attention,
        to_pull=_changed_tasks(source, project),
        not_in_revision=project.change != project.revision_change,
        minutes=project.minutes,
    )


def read_notes(path: Path) -> LabelNotes:
    """The notes that a pull wrote; none where nothing was pulled."""
    if not path.is_file():
        return LabelNotes()
    return LabelNotes.from_json(json.loads(path.read_bytes()))


async def _pull(site: LabelSite, source: LabelSource, store: str, start_from: str | None) -> PullReport | None:
    if source.studio is None:
        return None
    url = _studio_url(source.studio, await site.read())
    options = PullOptions(
        studio_url=url,
        store=RevisionStore(store),
        terms=RevisionTerms(group_by=source.group_by, start_from=start_from),
    )
    with LabelStudio(url, source.studio.token) as studio:
        return await pull_labels(site, studio, options)


async def _read_notes(site: LabelSite) -> tuple[LabelProject, LabelNotes]:
    project = await site.read()
    notes = {}
    async for said in site.client.label_picks(site.project, state="labelled"):
        pick = parse(Picked, said)
        if pick.label is not None:
            notes[pick.inspection_id] = LabelNote(
                inspection_id=pick.inspection_id,
                part_id=pick.part_id,
                reason=pick.reason.value,
                annotator=pick.label.reviewer,
                minutes=pick.label.minutes,
                task_urls=_urls(project, pick),
            )
    return project, LabelNotes(notes)


def _urls(project: LabelProject, pick: Picked) -> tuple[str, ...]:
    """Where a pick's tasks are in Label Studio."""
    if project.label_studio_url is None or project.label_studio_project_id is None:
        return ()
    start = f"{project.label_studio_url.rstrip('/')}/projects/{project.label_studio_project_id}/data?task="
    return tuple(f"{start}{task.label_studio_task_id}" for task in pick.tasks if task.label_studio_task_id is not None)


def _studio_url(studio: StudioAccess, project: LabelProject) -> str:
    url = studio.url or project.label_studio_url
    if url is None:
        raise RetrainingRefused(
            f"labelling project {project.name!r} was never pushed to a Label Studio; `lineside labels push` does, or "
            "leave the pull out with --no-pull"
        )
    return url


def _changed_tasks(source: LabelSource, project: LabelProject) -> int | None:
    if source.studio is None or project.label_studio_project_id is None:
        return None
    with LabelStudio(_studio_url(source.studio, project), source.studio.token) as studio:
        changed = studio.updated_since(project.label_studio_project_id, project.cursor)
        return sum(
            bool(task.annotations) and (project.cursor is None or task.updated_at > project.cursor) for task in changed
        )


def _asked(
    source: LabelSource, question: Callable[[LabelSite], Coroutine[Any, Any, Answer]], teller: Teller | None
) -> Answer:
    """Put a question to the project's server; whoever works on the project is waited for."""

    async def ask() -> Answer:
        async with LinesideClient(source.server.url, source.server.api_key, timeout_s=_PATIENCE_S) as client:
            site = LabelSite(
                client=client,
                server=source.server.url,
                project=source.project,
                workplace=source.workplace,
                is_waiting=True,
            )
            if teller is not None:
                site = replace(site, say=teller.say, on_progress=lambda done, total: teller.count(done, total or done))
            return await question(site)

    return asyncio.run(ask())
