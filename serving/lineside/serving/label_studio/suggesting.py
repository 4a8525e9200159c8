"""What the live model finds on the pictures of label tasks, while no verdict is waited for.

One picture at a time, on one thread of the lowest priority, with a release loaded for one thread, and with rests in
between, as the shadow does it. What is not reached in time is left out: Label Studio asks again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from lineside.datasets.labelling.geometry import clipped, moved
from lineside.datasets.labelling.predictions import prediction_json
from lineside.datasets.labelling.records import PredictedBox
from lineside.inspection.errors import LinesideError
from lineside.inspection.inspector import EncodedFrame
from lineside.inspection.verdict import judge
from lineside.serving.clock import Clock
from lineside.serving.errors import Shed
from lineside.serving.images import ImageStore
from lineside.serving.inspections.admission import Admission
from lineside.serving.inspections.inspectors import InspectorKey, InspectorPool, ReadyInspector, examine
from lineside.serving.inspections.schemas import DefectOut, InspectionOut, ReleaseOut
from lineside.serving.label_studio import store
from lineside.serving.label_studio.live_model import LiveModels, model_version
from lineside.serving.label_studio.schemas import SuggestionOut
from lineside.serving.label_studio.store import LabelSubject
from lineside.serving.ledger import Ledger
from lineside.serving.low_priority import low_priority_thread
from lineside.serving.metrics import Metrics
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.releases import Purpose
from lineside.serving.settings import Settings

_log = structlog.get_logger(__name__)

_ANSWER_WITHIN_S = 60.0  # Label Studio waits 100 s (ML_TIMEOUT_PREDICT) and throws everything away after that
_MOST_WAITING = 4  # requests; each may hold a thousand tasks
_RETRY_AFTER_S = 30
_REMEMBERED = 512  # views: a large frame is asked for tile by tile, and a person opens a task more than once


class NoSuggestion(LinesideError):
    """There is nothing to suggest for a task; the reason is for the log."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a release makes of one view: the same for the same key."""

    version: str
    defects: tuple[DefectOut, ...]


_FoundKey = tuple[str, InspectorKey]


class Suggestions:
    """Suggests boxes for label tasks. One for each app; `stop` it at the end."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        images: ImageStore,
        recipes: RecipeBook,
        inspectors: InspectorPool,
        admission: Admission,
        models: LiveModels,
        metrics: Metrics,
    ) -> None:
        self._busy_share = settings.shadow_busy_share
        self._clock = clock
        self._ledger = ledger
        self._images = images
        self._recipes = recipes
        self._inspectors = inspectors
        self._admission = admission
        self._models = models
        self._metrics = metrics
        self._thread = low_priority_thread("suggestions")
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._rests_until_s = 0.0
        self._remembered: OrderedDict[_FoundKey, _Found] = OrderedDict()

    async def stop(self) -> None:
        """Let the picture under way finish."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    @property
    def waiting(self) -> int:
        """Requests that are not answered yet."""
        return self._waiting

    async def suggest(self, task_ids: Sequence[str | None]) -> list[SuggestionOut | list[SuggestionOut]]:
        """Suggestions in the order of the tasks; an empty list where there is none, with the reason in the log.

        An empty list makes Label Studio keep nothing, so that it asks again; a suggestion without boxes says that the
        model finds the part good.

        Args:
            task_ids: our own; None for a task that is not ours.

        Raises:
            Shed: too many such requests wait.
        """
        if self._waiting >= _MOST_WAITING:
            raise Shed(
                f"{self._waiting} requests for suggestions wait; ask again in {_RETRY_AFTER_S} s",
                retry_after_s=_RETRY_AFTER_S,
            )
        until_s = self._clock.monotonic() + _ANSWER_WITHIN_S
        self._waiting += 1
        try:
            wanted = sorted({task_id for task_id in task_ids if task_id is not None})
            subjects = await self._ledger.read(
                lambda connection: store.subjects_of(connection, self._ledger.plant, wanted)
            )
            return [
                await self._suggestion(task_id, None if task_id is None else subjects.get(task_id), until_s)
                for task_id in task_ids
            ]
        finally:
            self._waiting -= 1

    async def _suggestion(
        self, task_id: str | None, subject: LabelSubject | None, until_s: float
    ) -> SuggestionOut | list[SuggestionOut]:
        try:
            if subject is None:
                raise NoSuggestion("it is none of our label tasks")
            suggestion = _as_suggestion(subject, await self._found(subject, until_s))
        except LinesideError as error:
            _log.warning("nothing_suggested", label_task=task_id, reason=str(error))
            self._metrics.label_suggestion("none")
            return []
        self._metrics.label_suggestion("given")
        return suggestion

    async def _found(self, subject: LabelSubject, until_s: float) -> _Found:
        stored = self._recipe(subject)
        ref = self._models.ref(stored, subject.line)
        if ref is None:
            raise NoSuggestion(f"no release may judge parts of recipe {stored.recipe.id!r} at {subject.line!r} now")
        key = InspectorKey(stored.recipe.id, stored.recipe.version, ref, Purpose.OBSERVE)
        remembered = self._remembered.get((subject.digest, key))
        if remembered is not None:
            self._remembered.move_to_end((subject.digest, key))
            return remembered
        try:
            async with asyncio.timeout(until_s - self._clock.monotonic()):
                found = await self._look_in_turn(subject, stored, key)
        except TimeoutError as error:
            raise NoSuggestion("verdicts came first all the time; open the task again later") from error
        self._remembered[subject.digest, key] = found
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return found

    def _recipe(self, subject: LabelSubject) -> StoredRecipe:
        """The recipe that such a part would be judged by now; the one that judged it if the view is gone since."""
        if subject.recipe_id is None or subject.recipe_version is None:
            raise NoSuggestion("no recipe judged the part, so none says which model looks at it")
        now = self._recipes.get(subject.recipe_id)
        return now if subject.view in now.recipe.views else self._recipes.get(subject.recipe_id, subject.recipe_version)

    async def _look_in_turn(self, subject: LabelSubject, stored: StoredRecipe, key: InspectorKey) -> _Found:
        async with self._turn:
            await asyncio.sleep(max(0.0, self._rests_until_s - self._clock.monotonic()))
            await self._inspectors.prepare(key)
            ready = self._inspectors.ready(key)
            if ready is None:
                raise NoSuggestion(self._inspectors.failure(key) or "its release is being loaded")
            lease = ready.lease.share()
            try:
                await self._admission.wait_until_idle()
                began_s = self._clock.monotonic()
                # Shielded: a look cannot be stopped half-way, and the lease must last as long as it does.
                looking = asyncio.get_running_loop().run_in_executor(self._thread, self._look, ready, stored, subject)
                looking.add_done_callback(lambda _: lease.end())
            except BaseException:
                lease.end()
                raise
            found = await asyncio.shield(looking)
            taken_s = self._clock.monotonic() - began_s
            self._rests_until_s = self._clock.monotonic() + taken_s * (1.0 - self._busy_share) / self._busy_share
            return found

    def _look(self, ready: ReadyInspector, stored: StoredRecipe, subject: LabelSubject) -> _Found:
        """Examine one view and say which defects count, on the thread of its own."""
        now = self._clock.now()
        encoded = EncodedFrame(
            self._images.read(subject.digest), subject.media_type, subject.digest, subject.view, subject.raw
        )
        findings = {subject.view: examine(ready.inspector, encoded, previous_digest=None, now=now).findings}
        release = ready.loaded.release
        judgement = judge(stored.recipe, findings, release_thresholds=release.thresholds, now=now)
        reasons, defects = InspectionOut.reasons_and_defects(judgement)
        for reason in reasons:
            if reason.view == subject.view and not reason.code.makes_ng:
                raise NoSuggestion(f"the model cannot look at it: {reason.message}")
        return _Found(model_version(ReleaseOut.of(release)), tuple(defects))


def _as_suggestion(subject: LabelSubject, found: _Found) -> SuggestionOut:
    """What lies in the task's window, in percent of it; a defect that it cuts is seen in part."""
    left, top, right, bottom = subject.window.xyxy_px
    size_wh_px = (right - left, bottom - top)
    boxes = []
    for defect in found.defects:
        inside = clipped(moved(defect.box_xyxy_px, (-left, -top)), size_wh_px)
        if inside is None:
            continue
        if subject.classes and defect.class_name not in subject.classes:
            raise NoSuggestion(
                f"the project has no label for {defect.class_name!r}; without it the part would look good"
            )
        boxes.append(PredictedBox(defect.class_name, defect.confidence, inside))
    return SuggestionOut.model_validate(prediction_json(boxes, found.version, size_wh_px))
