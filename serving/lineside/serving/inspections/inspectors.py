"""One ready inspector for each recipe version and release in use, built off the event loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from lineside.inspection.camera_past import CameraPast
from lineside.inspection.decoding import DecodingLimits
from lineside.inspection.errors import LinesideError
from lineside.inspection.inspector import EncodedFrame, Examination, Inspector
from lineside.inspection.verdict import Reason, ReasonCode, ViewNotInspected
from lineside.serving.clock import Clock
from lineside.serving.recipes import RecipeBook
from lineside.serving.releases import Lease, LoadedRelease, Purpose, ReleaseRef, ReleaseShelf

_log = structlog.get_logger(__name__)
_RETRY_AFTER_S = 30.0  # a release that did not load is tried again this much later, not with each frame


def examine(
    inspector: Inspector,
    encoded: EncodedFrame,
    *,
    previous_digest: str | None,
    now: datetime,
    past: CameraPast | None = None,
) -> Examination:
    """Examine one view on the calling thread; whatever fails in there, the view was not inspected.

    Args:
        inspector: looks at the view.
        encoded: the view as received.
        previous_digest: digest of the frame before it from the same camera; None if that says nothing.
        now: aware UTC instant, for the expiry of references.
        past: what the examination of that frame left; None if that says nothing.
    """
    try:
        return inspector.examine(encoded, previous_digest=previous_digest, now=now, past=past)
    except Exception as error:  # noqa: BLE001 - a bug or a library's own error must not leave a part without a record
        _log.error("examination_failed", view=encoded.view, digest=encoded.digest, exc_info=error)
        message = f"the examination failed unexpectedly ({type(error).__name__}); the server's log says why"
        reason = Reason(ReasonCode.ENGINE_FAILURE, message, encoded.view)
        return Examination(ViewNotInspected(encoded.view, reason), {})


@dataclass(frozen=True, slots=True)
class InspectorKey:
    """What an inspector is for.

    Attributes:
        recipe_id: the rules.
        version: of the recipe.
        ref: the release that looks.
        purpose: whether its findings are the verdict's.
    """

    recipe_id: str
    version: int
    ref: ReleaseRef
    purpose: Purpose = Purpose.JUDGE


@dataclass(frozen=True, slots=True, eq=False)
class ReadyInspector:
    """An inspector that can look at once.

    Attributes:
        inspector: looks.
        lease: the pool's own lease of its release; whoever uses the inspector for longer shares it.
    """

    inspector: Inspector
    lease: Lease = field(repr=False)

    @property
    def loaded(self) -> LoadedRelease:
        """The release it looks with."""
        return self.lease.loaded


class InspectorPool:
    """Inspectors by key. One that cannot be built is remembered with its reason for a while."""

    def __init__(self, recipes: RecipeBook, releases: ReleaseShelf, *, limits: DecodingLimits, clock: Clock) -> None:
        self._recipes = recipes
        self._releases = releases
        self._limits = limits
        self._clock = clock
        self._ready: dict[InspectorKey, ReadyInspector] = {}
        self._failed: dict[InspectorKey, tuple[str, float]] = {}
        self._building: dict[InspectorKey, asyncio.Task[None]] = {}

    def ready(self, key: InspectorKey) -> ReadyInspector | None:
        """The inspector if it stands ready; starts building it in the background if not."""
        found = self._ready.get(key)
        if found is None and self._may_build(key):
            self._start(key)
        return found

    def is_ready(self, key: InspectorKey) -> bool:
        """Whether it stands ready; builds nothing."""
        return key in self._ready

    def failure(self, key: InspectorKey) -> str | None:
        """Why the inspector could not be built; None if it was not tried or is being built."""
        failed = self._failed.get(key)
        return None if failed is None else failed[0]

    async def prepare(self, key: InspectorKey) -> None:
        """Build the inspector now; a failure is logged, remembered, and leaves the parts NOT_INSPECTED."""
        if key not in self._ready:
            await asyncio.shield(self._building.get(key) or self._start(key))

    def retain(self, is_wanted: Callable[[InspectorKey], bool]) -> None:
        """Let go of the inspectors that are not wanted; parts that began with one finish with it."""
        for key in [key for key in self._ready if not is_wanted(key)]:
            self._ready.pop(key).lease.end()
        for key in [key for key in self._failed if not is_wanted(key)]:
            del self._failed[key]

    async def stop(self) -> None:
        """Let what is being built finish: a release cannot be freed while it loads."""
        if self._building:
            await asyncio.wait(self._building.values())
        self.retain(lambda _key: False)

    def unready_reason(self, key: InspectorKey) -> str | None:
        """Why there is no inspector now; None if there is, or if nobody asked for it yet."""
        why = self.failure(key)
        if why is None and key in self._building:
            why = "its release is being loaded"
        return None if why is None else f"recipe {key.recipe_id!r} version {key.version}: {why}"

    def _may_build(self, key: InspectorKey) -> bool:
        if key in self._building:
            return False
        failed = self._failed.get(key)
        return failed is None or self._clock.monotonic() - failed[1] > _RETRY_AFTER_S

    def _start(self, key: InspectorKey) -> asyncio.Task[None]:
        task = asyncio.create_task(self._build(key))
        self._building[key] = task
        return task

    async def _build(self, key: InspectorKey) -> None:
        try:
            stored = self._recipes.get(key.recipe_id, key.version)
            references = await asyncio.to_thread(lambda: stored.references)
            lease = await asyncio.to_thread(self._releases.load, key.ref, key.purpose)
            try:
                inspector = Inspector(
                    recipe=stored.recipe,
                    release=lease.loaded.release,
                    detector=lease.loaded.detector,
                    references=references,
                    limits=self._limits,
                    monotonic=self._clock.monotonic,
                )
            except BaseException:
                lease.end()  # a release that does not fit the recipe is not held in memory for it
                raise
            self._ready[key] = ReadyInspector(inspector, lease)
            self._failed.pop(key, None)
        except (LinesideError, OSError) as error:
            self._failed[key] = (str(error), self._clock.monotonic())
            _log.error("release_not_usable", recipe=key.recipe_id, version=key.version, reason=str(error))
        except Exception as error:  # noqa: BLE001 - a library's own failure to load leaves the parts NOT_INSPECTED too
            message = f"loading it failed unexpectedly ({type(error).__name__}); the server's log says why"
            self._failed[key] = (message, self._clock.monotonic())
            _log.error("release_not_usable", recipe=key.recipe_id, version=key.version, exc_info=error)
        finally:
            self._building.pop(key, None)
