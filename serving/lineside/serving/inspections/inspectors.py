"""One ready inspector for each recipe version in use, built off the event loop."""

import asyncio
from datetime import datetime

import structlog

from lineside.inspection.decoding import DecodingLimits
from lineside.inspection.errors import LinesideError
from lineside.inspection.inspector import EncodedFrame, Examination, Inspector
from lineside.inspection.verdict import Reason, ReasonCode, ViewNotInspected
from lineside.serving.clock import Clock
from lineside.serving.recipes import RecipeBook
from lineside.serving.releases import LoadedRelease, ReleaseShelf

_log = structlog.get_logger(__name__)
_RETRY_AFTER_S = 30.0  # a release that did not load is tried again this much later, not with each frame


def examine(inspector: Inspector, encoded: EncodedFrame, *, previous_digest: str | None, now: datetime) -> Examination:
    """Examine one view on the calling thread; whatever fails in there, the view was not inspected.

    Args:
        inspector: looks at the view.
        encoded: the view as received.
        previous_digest: digest of the frame before it from the same camera; None if that says nothing.
        now: aware UTC instant, for the expiry of references.
    """
    try:
        return inspector.examine(encoded, previous_digest=previous_digest, now=now)
    except Exception as error:  # noqa: BLE001 - a bug or a library's own error must not leave a part without a record
        _log.error("examination_failed", view=encoded.view, digest=encoded.digest, exc_info=error)
        message = f"the examination failed unexpectedly ({type(error).__name__}); the server's log says why"
        reason = Reason(ReasonCode.ENGINE_FAILURE, message, encoded.view)
        return Examination(ViewNotInspected(encoded.view, reason), {})


class InspectorPool:
    """Inspectors by recipe version. One that cannot be built is remembered with its reason for a while."""

    def __init__(self, recipes: RecipeBook, releases: ReleaseShelf, *, limits: DecodingLimits, clock: Clock) -> None:
        self._recipes = recipes
        self._releases = releases
        self._limits = limits
        self._clock = clock
        self._ready: dict[tuple[str, int], tuple[Inspector, LoadedRelease]] = {}
        self._failed: dict[tuple[str, int], tuple[str, float]] = {}
        self._building: dict[tuple[str, int], asyncio.Task[None]] = {}

    def ready(self, recipe_id: str, version: int) -> tuple[Inspector, LoadedRelease] | None:
        """The inspector if it stands ready; starts building it in the background if not."""
        key = (recipe_id, version)
        found = self._ready.get(key)
        if found is None and self._may_build(key):
            self._start(key)
        return found

    def failure(self, recipe_id: str, version: int) -> str | None:
        """Why the inspector could not be built; None if it was not tried or is being built."""
        failed = self._failed.get((recipe_id, version))
        return None if failed is None else failed[0]

    async def prepare(self, recipe_id: str, version: int) -> None:
        """Build the inspector now; a failure is logged, remembered, and leaves the parts NOT_INSPECTED."""
        key = (recipe_id, version)
        if key not in self._ready:
            await asyncio.shield(self._building.get(key) or self._start(key))

    async def stop(self) -> None:
        """Let what is being built finish: a release cannot be freed while it loads."""
        if self._building:
            await asyncio.wait(self._building.values())

    def unready_reason(self, recipe_id: str, version: int) -> str | None:
        """Why a recipe cannot be judged with now; None if it can, or if nobody asked for it yet."""
        why = self.failure(recipe_id, version)
        if why is None and (recipe_id, version) in self._building:
            why = "its release is being loaded"
        return None if why is None else f"recipe {recipe_id!r} version {version}: {why}"

    def _may_build(self, key: tuple[str, int]) -> bool:
        if key in self._building:
            return False
        failed = self._failed.get(key)
        return failed is None or self._clock.monotonic() - failed[1] > _RETRY_AFTER_S

    def _start(self, key: tuple[str, int]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._build(key))
        self._building[key] = task
        return task

    async def _build(self, key: tuple[str, int]) -> None:
        try:
            stored = self._recipes.get(*key)
            loaded, references = await asyncio.to_thread(
                lambda: (self._releases.load(stored.recipe.release), stored.references)
            )
            self._ready[key] = (
                Inspector(
                    recipe=stored.recipe,
                    release=loaded.release,
                    detector=loaded.detector,
                    references=references,
                    limits=self._limits,
                    monotonic=self._clock.monotonic,
                ),
                loaded,
            )
            self._failed.pop(key, None)
        except (LinesideError, OSError) as error:
            self._failed[key] = (str(error), self._clock.monotonic())
            _log.error("release_not_usable", recipe=key[0], version=key[1], reason=str(error))
        except Exception as error:  # noqa: BLE001 - a library's own failure to load leaves the parts NOT_INSPECTED too
            message = f"loading it failed unexpectedly ({type(error).__name__}); the server's log says why"
            self._failed[key] = (message, self._clock.monotonic())
            _log.error("release_not_usable", recipe=key[0], version=key[1], exc_info=error)
        finally:
            self._building.pop(key, None)
