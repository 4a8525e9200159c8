"""Queue: which inspections of the day people should look at, written down with reason and chance."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from lineside.client import NothingThere
from lineside.datasets.labelling import label_png
from lineside.datasets.revisions import RevisionStore
from lineside.datasets.sampling import Labelled, QueuePlan, QueueShares, plan_queue, read_candidate
from lineside.inspection.frames import MediaType
from lineside.workflows.errors import LabelProjectUnfit, PictureGone, PictureUnusable
from lineside.workflows.labelling.part_pictures import PartPictures
from lineside.workflows.labelling.picks import Inspected, parse
from lineside.workflows.labelling.site import LabelSite
from lineside.workflows.labelling.working_alone import Purpose

Answer = TypeVar("Answer")

_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """What is queued.

    Attributes:
        budget: how many inspections people can read, audits and reports among them.
        seed: of every draw.
        shares: of the places that audits and reports leave.
        start: judged at this aware instant or later.
        end: judged before it; None sets no end.
        station: of one station; None of all.
        product: of one product; None of all.
        release: folder of the release that describes pictures; None describes them by gray cells.
        store: with the project's revisions, for rare classes and novelty; None knows of no label.
        catalogue: see `LabelSite.open`.
        is_looking_twice: the release judges the candidates again, for disagreements of engines, releases and tiles.
        is_dry_run: plan only; nothing is written, and no project is made.
    """

    budget: int
    seed: int
    start: datetime
    shares: QueueShares = field(default_factory=QueueShares)
    end: datetime | None = None
    station: str | None = None
    product: str | None = None
    release: Path | None = None
    store: RevisionStore | None = None
    catalogue: str | None = None
    is_looking_twice: bool = False
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Queued:
    """A queue.

    Attributes:
        plan: what is picked and why.
        inspected: what is known of every candidate, by inspection id.
        new: how many picks were written down; 0 of a dry run.
    """

    plan: QueuePlan
    inspected: Mapping[str, Inspected]
    new: int


async def queue_labels(site: LabelSite, options: QueueOptions) -> Queued:
    """Plan the queue and, unless it is a dry run, write its picks down; their pictures are kept from then on.

    The same candidates and seed give the same plan. What is picked is no candidate any more, so that the same call
    again goes on with what is left.

    Raises:
        QueueRefused: a budget or shares that are none.
        LabelsBusy: somebody else works on the project.
        ClientError: the server cannot be asked.
    """
    if options.is_dry_run:
        return Queued(*await _plan(site, options), 0)
    await site.open(catalogue=options.catalogue)
    async with site.alone(Purpose.QUEUE) as loan:
        plan, inspected = await _plan(site, options)
        await loan.keep()
        items = [
            {
                "inspection_id": pick.inspection_id,
                "reason": pick.reason.value,
                "probability": pick.probability,
                "score": pick.score,
            }
            for pick in plan.picks
        ]
        made = await site.client.put_label_picks(site.project, items, seed=options.seed)
        return Queued(plan, inspected, sum(bool(each["is_new"]) for each in made))


async def _plan(site: LabelSite, options: QueueOptions) -> tuple[QueuePlan, Mapping[str, Inspected]]:
    wanted: dict[str, str | int | None] = {
        "from": options.start.isoformat(),
        "to": None if options.end is None else options.end.isoformat(),
        "station": options.station,
        "product": options.product,
        "limit": 500,
    }
    asked = {name: value for name, value in wanted.items() if value is not None}
    candidates, inspected = [], {}
    async for said in site.client.label_candidates(site.project, **asked):
        candidates.append(read_candidate(said))
        known = parse(Inspected, said)
        inspected[known.inspection_id] = known
    looking = _Looking(site, inspected)
    plan = await asyncio.to_thread(
        plan_queue,
        candidates,
        looking.image,
        budget=options.budget,
        shares=options.shares,
        seed=options.seed,
        release=options.release,
        is_looking_twice=options.is_looking_twice,
        labelled=await _labelled(site, options.store),
        references=looking.golden,
        on_image=site.on_progress,
    )
    return plan, inspected


async def _labelled(site: LabelSite, store: RevisionStore | None) -> Labelled | None:
    try:
        project = await site.read()
    except LabelProjectUnfit:
        return None
    if store is None or project.revision is None:
        return None
    return Labelled(store.read(project.revision).images, store.image_bytes)


class _Looking:
    """Reads pictures for the plan, which is made on a thread, by the client, which lives on the loop."""

    def __init__(self, site: LabelSite, inspected: Mapping[str, Inspected]) -> None:
        self._client = site.client
        self._pictures = PartPictures(site.client)
        self._inspected = inspected
        self._loop = asyncio.get_running_loop()

    def image(self, inspection_id: str, view: str) -> bytes | None:
        """The encoded picture; None where it is gone."""
        return self._wait(self._image(inspection_id, view))

    def golden(self, inspection_id: str, view: str) -> bytes | None:
        """What it was compared with."""
        inspected = self._inspected[inspection_id]
        return self._wait(self._pictures.golden(view, recipe=inspected.recipe_version, judged_at=inspected.judged_at))

    async def _image(self, inspection_id: str, view: str) -> bytes | None:
        try:
            kept = await self._client.kept_image(inspection_id, view=view)
        except NothingThere:
            return None
        if kept.media_type is not MediaType.RAW:
            return kept.content
        inspected = self._inspected[inspection_id]
        try:
            picture = await self._pictures.fetch(
                inspection_id, view, recipe=inspected.recipe_version, judged_at=inspected.judged_at
            )
        except (PictureGone, PictureUnusable):
            return None
        return label_png(picture.pixels)

    def _wait(self, asked: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(_PATIENCE_S)
