"""Push: waiting picks become label tasks with the model's boxes; a second push finds nothing to do.

What is where is known by the server alone. A task is planned there (its id follows from pick, view and tile), made in
Label Studio, and then recorded as pushed. A push that was cut off in between leaves planned tasks: the next one asks
Label Studio for their ids before it makes any, and at last deletes what was made twice.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from lineside.client import Contradicted, ServerFailed
from lineside.datasets.labelling import ConfigEdited, LabelStudio, LabelTaskImage, StudioProject
from lineside.workflows.errors import PictureGone, PictureUnusable
from lineside.workflows.labelling.needing_people import Code, Need, tell_people
from lineside.workflows.labelling.part_pictures import PartPicture, PartPictures
from lineside.workflows.labelling.picks import LabelProject, Picked, parse
from lineside.workflows.labelling.site import LabelSite
from lineside.workflows.labelling.studio_projects import add_reference, edits_of, open_studio_project
from lineside.workflows.labelling.task_images import (
    PlannedTask,
    classes_without_label,
    plan_tasks,
    task_images,
)
from lineside.workflows.labelling.working_alone import Loan, Purpose

_TASKS_A_BATCH = 80
"""Label Studio takes up to 90 pictures in four requests (`lineside.datasets.labelling.pushing`)."""
_BYTES_A_BATCH = 24 * 1024 * 1024
_MOST_TASKS_OF_A_PICK = 400
"""The server takes 500 in one request, and all of a pick come in one."""
_FETCHES = 4
"""Pictures asked of our server at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOptions:
    """How to push.

    Attributes:
        studio_url: Label Studio's address as people open it; it is kept with the project.
        catalogue: see `LabelSite.open`.
        is_recreating: a project that was deleted in Label Studio is made anew.
        is_replacing_edits: a configuration that was edited by hand is replaced by ours.
    """

    studio_url: str
    catalogue: str | None = None
    is_recreating: bool = False
    is_replacing_edits: bool = False


@dataclass(frozen=True, slots=True)
class PushReport:
    """What came of a push.

    Attributes:
        studio_project_id: Label Studio's id of the project.
        picks: how many went out.
        tasks: in how many tasks.
        needs: what people must look at; it stands on the list.
    """

    studio_project_id: int
    picks: int
    tasks: int
    needs: tuple[Need, ...]


@dataclass(slots=True)
class _Batch:
    """Some picks on their way."""

    picks: list[Picked] = field(default_factory=list)
    planned: list[PlannedTask] = field(default_factory=list)
    images: list[LabelTaskImage] = field(default_factory=list)
    has_golden: bool = False

    @property
    def is_full(self) -> bool:
        size_bytes = sum(len(image.image_png) + len(image.reference_png or b"") for image in self.images)
        return len(self.images) >= _TASKS_A_BATCH or size_bytes >= _BYTES_A_BATCH


async def push_labels(site: LabelSite, studio: LabelStudio, options: PushOptions) -> PushReport:
    """Push every waiting pick.

    Args:
        site: where; its project is made if there is none.
        studio: Label Studio, open.
        options: how.

    Raises:
        LabelsBusy: somebody else works on the project.
        ProjectGone: it was deleted in Label Studio, and nobody said that it be made anew.
        ConfigEdited: its configuration was edited by hand so that labels would be lost, and nobody said to replace it.
        LabellingError: Label Studio cannot be asked; run again.
        ClientError: the server cannot be asked; run again.
    """
    project = await site.open(catalogue=options.catalogue)
    async with site.alone(Purpose.PUSH) as loan:
        return await _Push(site, studio, options, project, loan).run()


class _Push:
    """One push, step by step."""

    def __init__(
        self, site: LabelSite, studio: LabelStudio, options: PushOptions, project: LabelProject, loan: Loan
    ) -> None:
        self._site, self._studio, self._options = site, studio, options
        self._project, self._loan = project, loan
        self._pictures = PartPictures(site.client)
        self._needs: list[Need] = []
        self._pushed_picks = self._pushed_tasks = 0
        self._left_behind: list[UUID] = []  # planned by a push that was cut off
        self._model_version: str | None = None
        self._without_label: set[str] = set()

    async def run(self) -> PushReport:
        found = await self._open_studio_project()
        self._tell(edits_of(found, self._project.classes))
        if found.config_state is not None and found.config_state.is_blocking:
            await tell_people(self._site.client, self._project.name, self._needs)
            raise ConfigEdited(f"nothing was pushed: {self._needs[-1].message}")
        found = await self._send_all(found, total=(await self._site.read()).counts.waiting)
        await self._settle_copies(found)
        if self._model_version not in {None, found.model_version}:
            await asyncio.to_thread(self._studio.set_model_version, found.id, str(self._model_version))
        await tell_people(self._site.client, self._project.name, self._needs)
        return PushReport(found.id, self._pushed_picks, self._pushed_tasks, tuple(self._needs))

    async def _send_all(self, found: StudioProject, *, total: int) -> StudioProject:
        """Send batch after batch; the next one's pictures are fetched while one is on its way."""
        on_the_way: asyncio.Task[None] | None = None
        try:
            async for batch in self._batches():
                if on_the_way is not None:
                    await on_the_way
                if batch.has_golden:
                    found = await asyncio.to_thread(add_reference, self._studio, found, self._project.classes)
                on_the_way = asyncio.create_task(self._send(found, batch, total))
            if on_the_way is not None:
                await on_the_way
        finally:
            if on_the_way is not None and not on_the_way.done():
                on_the_way.cancel()
        return found

    async def _open_studio_project(self) -> StudioProject:
        options = self._options
        found = await asyncio.to_thread(
            open_studio_project,
            self._studio,
            options.studio_url,
            self._project,
            is_recreating=options.is_recreating,
            is_replacing_edits=options.is_replacing_edits,
        )
        where = (self._project.label_studio_project_id, self._project.label_studio_url)
        if options.is_recreating and where[0] == found.id and found.task_count == 0:
            # A new Label Studio counts from 1 again: by its number alone the project would pass for the one that is
            # gone, and what was pushed there for pushed.
            await self._site.client.put_label_project(self._project.name, label_studio_project_id=None)
            where = (None, None)
        if where != (found.id, options.studio_url):
            await self._site.client.put_label_project(
                self._project.name, label_studio_project_id=found.id, label_studio_url=options.studio_url
            )
        return found

    async def _batches(self) -> AsyncIterator[_Batch]:
        batch = _Batch()
        async for pick, pictures in self._picks_with_pictures():
            planned = plan_tasks(pick, pictures)
            if len(planned) > _MOST_TASKS_OF_A_PICK:
                why = f"it would be {len(planned)} tasks, and {_MOST_TASKS_OF_A_PICK} are the most of one part"
                self._tell((_not_pushed(pick, Code.NOT_UPLOADED, why),))
                continue
            batch.picks.append(pick)
            batch.planned += planned
            batch.images += await asyncio.to_thread(self._images, pick, planned, pictures)
            batch.has_golden |= any(picture.golden is not None for picture in pictures.values())
            if batch.is_full:
                yield batch
                batch = _Batch()
        if batch.picks:
            yield batch

    def _images(
        self, pick: Picked, planned: Sequence[PlannedTask], pictures: dict[str, PartPicture]
    ) -> list[LabelTaskImage]:
        return list(task_images(pick, planned, pictures, classes=self._project.classes, server=self._site.server))

    async def _picks_with_pictures(self) -> AsyncIterator[tuple[Picked, dict[str, PartPicture]]]:
        """Waiting picks with their pictures, some ahead of those that are used; others are told to people."""
        ahead: list[tuple[Picked, asyncio.Task[dict[str, PartPicture] | Need]]] = []
        try:
            async for said in self._site.client.label_picks(self._project.name, state="waiting"):
                pick = parse(Picked, said)
                ahead.append((pick, asyncio.create_task(self._fetch(pick))))
                if len(ahead) >= _FETCHES:
                    for one in await self._first_of(ahead):
                        yield one
            while ahead:
                for one in await self._first_of(ahead):
                    yield one
        finally:
            for _, task in ahead:
                task.cancel()

    async def _first_of(
        self, ahead: list[tuple[Picked, asyncio.Task[dict[str, PartPicture] | Need]]]
    ) -> list[tuple[Picked, dict[str, PartPicture]]]:
        pick, task = ahead.pop(0)
        found = await task
        if isinstance(found, Need):
            self._tell((found,))
            return []
        return [(pick, found)]

    async def _fetch(self, pick: Picked) -> dict[str, PartPicture] | Need:
        pictures: dict[str, PartPicture] = {}
        for view in pick.views:
            try:
                pictures[view.view] = await self._pictures.fetch(
                    pick.inspection_id, view.view, recipe=pick.recipe_version, judged_at=pick.judged_at
                )
            except PictureGone as error:
                return _not_pushed(pick, Code.IMAGE_GONE, str(error))
            except (PictureUnusable, ServerFailed) as error:
                return _not_pushed(pick, Code.IMAGE_UNUSABLE, str(error))
        return pictures

    async def _send(self, found: StudioProject, batch: _Batch, total: int) -> None:
        await self._loan.keep()
        self._left_behind += [UUID(task.id) for pick in batch.picks for task in pick.tasks]
        batch = await self._plan(batch)
        if not batch.picks:
            return
        await self._tell_of_classes_without_label(batch)
        made = await asyncio.to_thread(self._studio.push, found.id, batch.images)
        await self._site.client.mark_label_tasks_pushed(
            self._project.name,
            [{"id": str(task), "label_studio_task_id": number} for task, number in made.items()],
        )
        # Label Studio refuses to show a version of which it has no suggestion.
        suggested = [image.model_version for image in batch.images if image.model_version is not None]
        self._model_version = suggested[-1] if suggested else self._model_version
        self._pushed_picks += len(batch.picks)
        self._pushed_tasks += len(made)
        self._site.on_progress(self._pushed_picks, max(total, self._pushed_picks))

    async def _plan(self, batch: _Batch) -> _Batch:
        """Have the server write the tasks down; a pick that it refuses is told to people, the others go on."""
        try:
            await self._site.client.put_label_tasks(self._project.name, [task.to_json() for task in batch.planned])
        except Contradicted:
            return await self._plan_one_by_one(batch)
        return batch

    async def _plan_one_by_one(self, batch: _Batch) -> _Batch:
        accepted = _Batch()
        for pick in batch.picks:
            planned = [task for task in batch.planned if task.pick_id == pick.id]
            try:
                await self._site.client.put_label_tasks(self._project.name, [task.to_json() for task in planned])
            except Contradicted as error:
                self._tell((_not_pushed(pick, Code.NOT_UPLOADED, str(error)),))
                continue
            ids = {task.id for task in planned}
            accepted.picks.append(pick)
            accepted.planned += planned
            accepted.images += [image for image in batch.images if image.uuid in ids]
        return accepted

    async def _tell_of_classes_without_label(self, batch: _Batch) -> None:
        """Have people know before the parts are there, once for each class: a push that is cut off has told it too."""
        found = frozenset[str]().union(*(classes_without_label(pick, self._project.classes) for pick in batch.picks))
        needs = [_no_label_for(name) for name in sorted(found - self._without_label)]
        self._without_label |= found
        self._tell(needs)
        await tell_people(self._site.client, self._project.name, needs)

    async def _settle_copies(self, found: StudioProject) -> None:
        """Leave one of what two pushes made of a task: the one that was cut off may have been at work there still."""
        if not self._left_behind:
            return
        there = await asyncio.to_thread(self._studio.without_copies, found.id, self._left_behind)
        await self._site.client.mark_label_tasks_pushed(
            self._project.name,
            [{"id": str(task), "label_studio_task_id": number} for task, number in there.items()],
        )

    def _tell(self, needs: Sequence[Need]) -> None:
        self._needs += needs
        for need in needs:
            self._site.say(need.message)


def _no_label_for(class_name: str) -> Need:
    message = (
        f"the model finds {class_name!r}, which the project has no label for: pictures with it go to Label Studio "
        "without a suggestion, and nobody can draw it there. Push with --catalogue and a version that has the class"
    )
    return Need(code=Code.UNKNOWN_CLASS, message=message)


def _not_pushed(pick: Picked, code: Code, why: str) -> Need:
    message = (
        f"part {pick.part_id} was picked and is not in Label Studio: {why}. It waits; withdraw the pick if that does "
        "not change"
    )
    return Need(code=code, message=message, inspection_id=pick.inspection_id, pick_id=pick.id)
