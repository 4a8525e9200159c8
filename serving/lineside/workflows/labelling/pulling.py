"""Pull: what people said in Label Studio becomes reviews in the ledger, and a dataset revision.

Incremental by Label Studio's own clock, with an overlap: an instant is given to a change before the change is there to
be read, so the next pull starts the overlap before the begin of this one. The server takes each state once, however
often it is sent, so a pull that was cut off is simply run again; the cursor moves on with every batch that the server
has taken. The revision is written from the labels that changed since the last one, which the server counts; so that,
too, is caught up by the next pull.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from lineside.datasets.labelling import LabelStudio, StudioTask, read_task
from lineside.datasets.revisions import RevisionStore
from lineside.workflows.labelling.child_revisions import RevisionTerms, RevisionWriter, WrittenRevision
from lineside.workflows.labelling.needing_people import Need, tell_people
from lineside.workflows.labelling.part_pictures import PartPictures
from lineside.workflows.labelling.picks import KnownTask, LabelProject, Picked, parse
from lineside.workflows.labelling.reconciling import find_missing_tasks, strangers_among
from lineside.workflows.labelling.site import LabelSite
from lineside.workflows.labelling.studio_projects import edits_of, require_studio_project
from lineside.workflows.labelling.working_alone import Loan, Purpose

OVERLAP = timedelta(minutes=2)
"""How long a change may be under way in Label Studio before it can be read. Its requests end within a minute."""

_STATES_A_REQUEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOptions:
    """How to pull.

    Attributes:
        studio_url: Label Studio's address.
        store: gets the revision; None writes none, and the next pull with a store catches up.
        terms: what a person says of the revisions.
        overlap: how far before the last pull's end reading starts again.
        is_reading_all: read every task again, as after a change of the project's classes.
    """

    studio_url: str
    store: RevisionStore | None = None
    terms: RevisionTerms = field(default_factory=RevisionTerms)
    overlap: timedelta = OVERLAP
    is_reading_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PullReport:
    """What came of a pull.

    Attributes:
        looked_at: tasks that Label Studio said had changed.
        changed: tasks of which the server did not know this yet.
        reviews: how many reviews were recorded, by kind.
        revision: id of the project's newest revision, None without one.
        is_new_revision: whether it was written now.
        added, relabelled, removed: images of the revision against the one before.
        disputed: images that judge models and that people now label otherwise.
        open_attention: entries of the list of what needs a person.
        minutes: that people spent on the project so far.
    """

    looked_at: int
    changed: int
    reviews: Mapping[str, int]
    revision: str | None
    is_new_revision: bool
    added: int = 0
    relabelled: int = 0
    removed: int = 0
    disputed: int = 0
    open_attention: int
    minutes: float


async def pull_labels(site: LabelSite, studio: LabelStudio, options: PullOptions) -> PullReport:
    """Pull what people said since the last time.

    Args:
        site: where.
        studio: Label Studio, open.
        options: how.

    Raises:
        LabelProjectUnfit: the project was never pushed, or its head cannot be continued.
        LabelsBusy: somebody else works on the project.
        ProjectGone: it was deleted in Label Studio.
        LabellingError: Label Studio cannot be asked; run again.
        RevisionUnknown: the project's head is not in the store.
        ClientError: the server cannot be asked; run again.
    """
    project = await site.read()
    async with site.alone(Purpose.PULL) as loan:
        return await _Pull(site, studio, options, project, loan).run()


class _Pull:
    """One pull, step by step."""

    def __init__(
        self, site: LabelSite, studio: LabelStudio, options: PullOptions, project: LabelProject, loan: Loan
    ) -> None:
        self._site, self._studio, self._options = site, studio, options
        self._project, self._loan = project, loan
        self._known: dict[str, KnownTask] | None = None
        self._looked_at = self._changed = 0
        self._reviews: Counter[str] = Counter()

    async def run(self) -> PullReport:
        found = await asyncio.to_thread(require_studio_project, self._studio, self._options.studio_url, self._project)
        began_at = self._studio.answered_at
        await self._tell(edits_of(found, self._project.classes))
        await self._read_changes(found.id)
        if began_at is not None:  # all that changed well before is read now, also where that was long ago
            await self._site.client.put_label_project(self._project.name, cursor=began_at.isoformat())
        await self._tell(
            await find_missing_tasks(
                self._site.client,
                self._studio,
                project=self._project.name,
                studio_project_id=found.id,
                counts=(await self._site.read()).counts,
            )
        )
        written = await self._write_revision()
        await self._site.client.put_label_project(self._project.name, pulled_at=self._site.now().isoformat())
        after = await self._site.read()
        merged = None if written is None else written.merged
        return PullReport(
            looked_at=self._looked_at,
            changed=self._changed,
            reviews=dict(self._reviews),
            revision=after.revision,
            is_new_revision=written is not None and written.is_new,
            added=0 if merged is None else len(merged.added),
            relabelled=0 if merged is None else len(merged.relabelled),
            removed=0 if merged is None else len(merged.removed),
            disputed=0 if merged is None else len(merged.disputed),
            open_attention=after.counts.open_attention,
            minutes=after.minutes,
        )

    async def _read_changes(self, project_id: int) -> None:
        cursor = None if self._options.is_reading_all else self._project.cursor
        since = None if cursor is None else cursor - self._options.overlap
        changes = self._studio.updated_since(project_id, since)
        while tasks := await asyncio.to_thread(lambda: list(islice(changes, _STATES_A_REQUEST))):
            await self._loan.keep()
            await self._take_over(tasks)
            self._looked_at += len(tasks)
            # Oldest change first: what lies before the last of them is with the server.
            await self._site.client.put_label_project(
                self._project.name, cursor=max(task.updated_at for task in tasks).isoformat()
            )
            self._site.on_progress(self._looked_at, 0)

    async def _take_over(self, tasks: Sequence[StudioTask]) -> None:
        await self._tell(strangers_among(tasks))
        known = await self._known_tasks()
        states = []
        for task in tasks:
            ours = None if task.uuid is None else known.get(str(task.uuid))
            if task.uuid is None or (ours is not None and self._is_known(task, ours)):
                continue
            states.append(self._state(task, ours))
        if not states:
            return
        for answer in await self._site.client.put_label_task_states(self._project.name, states):
            self._changed += answer["outcome"] == "applied"
            if answer["review_id"] is not None:
                self._reviews[answer["review_kind"]] += 1

    def _is_known(self, task: StudioTask, ours: KnownTask) -> bool:
        """Whether the server has this very state: it was read within the overlap, or nobody has said anything yet."""
        if self._options.is_reading_all or ours.label_studio_task_id != task.id:
            return False
        return ours.updated_at == task.updated_at or not (task.annotations or ours.annotations)

    def _state(self, task: StudioTask, ours: KnownTask | None) -> dict[str, Any]:
        """What the server is told; of a task that it does not know, that people worked on it."""
        frame_size_wh_px = (1, 1) if ours is None else ours.frame_size_wh_px
        left, top, right, bottom = (0, 0, 1, 1) if ours is None else ours.window_xyxy_px
        state = read_task(
            task,
            classes=self._project.classes,
            offset_xy_px=(left, top),
            size_wh_px=(right - left, bottom - top),
            frame_size_wh_px=frame_size_wh_px,
        ).to_json()
        return state if ours is not None else state | {"reading": None, "attention": []}

    async def _known_tasks(self) -> Mapping[str, KnownTask]:
        """Every task that the server knows, asked for when the first one changed."""
        if self._known is None:
            known = [parse(KnownTask, each) async for each in self._site.client.label_tasks(self._project.name)]
            self._known = {task.id: task for task in known}
        return self._known

    async def _write_revision(self) -> WrittenRevision | None:
        store = self._options.store
        if store is None:
            return None
        before = await self._site.read()
        if before.change == before.revision_change:
            return None
        picks = [
            parse(Picked, said)
            async for said in self._site.client.label_picks(before.name, after_change=before.revision_change)
        ]
        writer = RevisionWriter(store, PartPictures(self._site.client), self._options.terms)
        written = await writer.write(before, picks, change=before.change, on_view=self._site.on_progress)
        await self._tell(written.needs)
        await self._loan.keep()
        if written.id is not None:
            await self._site.client.put_label_project(before.name, revision=written.id, revision_change=written.change)
        return written

    async def _tell(self, needs: Sequence[Need]) -> None:
        for need in needs:
            self._site.say(need.message)
        await tell_people(self._site.client, self._project.name, needs)
