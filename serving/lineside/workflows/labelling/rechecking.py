"""Suspicious labels go back to the people who drew them: a note and another model's suggestion on their task."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineside.datasets.label_quality import SuspectLabel
from lineside.datasets.labelling import LabelStudio, PredictedBox, ProjectGone
from lineside.datasets.labelling.geometry import clipped
from lineside.workflows.labelling.labelled_views import image_name
from lineside.workflows.labelling.needing_people import Code, Need, tell_people
from lineside.workflows.labelling.picks import KnownTask, Picked, parse
from lineside.workflows.labelling.site import LabelSite
from lineside.workflows.labelling.studio_projects import require_studio_project
from lineside.workflows.labelling.working_alone import Purpose

_Suspects = Sequence[SuspectLabel]
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class RecheckReport:
    """What came of sending labels back.

    Attributes:
        asked: tasks that people are asked to look at again, whether now or by an earlier check.
        changed: of those, the ones that were not asked for before.
        elsewhere: images whose labels were not made in this project, as those of an imported set.
    """

    asked: int
    changed: int
    elsewhere: tuple[str, ...]


async def send_back(
    site: LabelSite, studio: LabelStudio, suspects: Sequence[_Suspects], *, studio_url: str, revision: str
) -> RecheckReport:
    """Ask people to look again at the tasks in which these labels were made; asking twice changes nothing.

    Args:
        site: where.
        studio: Label Studio, open.
        suspects: for each image, its doubtful labels.
        studio_url: Label Studio's address.
        revision: id of the checked revision.

    Raises:
        LabelProjectUnfit: the project was never pushed.
        LabelsBusy: somebody else works on the project.
        LabellingError: Label Studio cannot be asked; run again.
        ClientError: the server cannot be asked; run again.
    """
    project = await site.read()
    async with site.alone(Purpose.PUSH) as loan:
        await asyncio.to_thread(require_studio_project, studio, studio_url, project)
        labelled = await _labelled_views(site, {each[0].image for each in suspects})
        needs: list[Need] = []
        asked = changed = 0
        for of_image in suspects:
            if of_image[0].image not in labelled:
                continue
            pick, view = labelled[of_image[0].image]
            for task, number, concerned in _tasks_of(pick, view, of_image):
                await loan.keep()
                need = _need(pick, task, concerned, revision)
                try:
                    is_new = await asyncio.to_thread(_ask, studio, task, number, concerned)
                except ProjectGone:
                    site.say(f"{need.message}; its task {number} is no longer in Label Studio")
                    continue
                asked, changed = asked + 1, changed + is_new
                needs.append(need)
        await tell_people(site.client, project.name, needs)
    elsewhere = tuple(each[0].image for each in suspects if each[0].image not in labelled)
    return RecheckReport(asked, changed, elsewhere)


def described(suspects: _Suspects) -> str:
    """What is in doubt, in one line for whoever opens the task."""
    return "; ".join(
        f"{suspect.class_name} {suspect.kind.value.replace('_', ' ')}?"
        + (f" looks like {suspect.found_class}" if suspect.found_class != suspect.class_name else "")
        for suspect in suspects
    )


async def _labelled_views(site: LabelSite, names: set[str]) -> Mapping[str, tuple[Picked, str]]:
    found: dict[str, tuple[Picked, str]] = {}
    async for said in site.client.label_picks(site.project, state="labelled"):
        pick = parse(Picked, said)
        for each in pick.views:
            name = image_name(pick.part_id, pick.inspection_id, each.view)
            if name in names:
                found[name] = (pick, each.view)
    return found


def _tasks_of(pick: Picked, view: str, suspects: _Suspects) -> Iterator[tuple[KnownTask, int, _Suspects]]:
    """The tasks that show something in doubt, each with Label Studio's id and what it shows of it."""
    for task in pick.tasks:
        if task.view != view or task.label_studio_task_id is None:
            continue
        concerned = [each for each in suspects if _shown(each.found_box_xyxy_px, task) is not None]
        if concerned:
            yield task, task.label_studio_task_id, concerned


def _ask(studio: LabelStudio, task: KnownTask, number: int, suspects: _Suspects) -> bool:
    left, top, right, bottom = task.window_xyxy_px
    boxes = [
        PredictedBox(each.found_class, each.confidence, shown)
        for each in suspects
        if (shown := _shown(each.found_box_xyxy_px, task)) is not None
    ]
    return studio.ask_again(number, note=described(suspects), boxes=boxes, size_wh_px=(right - left, bottom - top))


def _shown(box_xyxy_px: _Box, task: KnownTask) -> _Box | None:
    """A box of the frame in the task's own pixels; None where the task does not show it."""
    left, top, right, bottom = task.window_xyxy_px
    x1, y1, x2, y2 = box_xyxy_px
    return clipped((x1 - left, y1 - top, x2 - left, y2 - top), (right - left, bottom - top))


def _need(pick: Picked, task: KnownTask, suspects: _Suspects, revision: str) -> Need:
    return Need(
        code=Code.LABEL_SUSPECT,
        message=(
            f"part {pick.part_id}: models that never saw it contradict its labels: {described(suspects)}. Look at the "
            "task again; if the labels are right, settle this"
        ),
        inspection_id=pick.inspection_id,
        pick_id=pick.id,
        task_id=task.id,
        label_studio_task_id=task.label_studio_task_id,
        occurrence=revision,
    )
