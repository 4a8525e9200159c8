"""What each camera showed last, so that its next frame can be held against it."""

from dataclasses import dataclass, replace

from lineside.inspection.camera_past import CameraPast
from lineside.serving.inspections.attempts import AttemptKey

RecipeVersion = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Before:
    """What a frame is held against.

    Attributes:
        digest: of the frame before it; None for a first one, or for a try of the very same part.
        past: what its examination left; None for a first one under this recipe.
    """

    digest: str | None = None
    past: CameraPast | None = None


@dataclass(frozen=True, slots=True)
class _Last:
    key: AttemptKey
    digest: str
    recipe: RecipeVersion
    past: CameraPast | None


class CameraMemory:
    """Keeps the last frame of each station and view; used on the event loop alone, so it needs no lock."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], _Last] = {}

    def meet(self, key: AttemptKey, view: str, *, digest: str, recipe: RecipeVersion) -> Before:
        """Remember that a frame has come; returns what was known before it.

        A part that is tried once more may show the very same frame: only the light of the past then counts.
        """
        camera = (key.station, view)
        last = self._last.get(camera)
        past = None if last is None or last.recipe != recipe else last.past
        self._last[camera] = _Last(key, digest, recipe, past)
        if last is None:
            return Before()
        if last.key == key:
            return Before(None, None if past is None else replace(past, noise=None))
        return Before(last.digest, past)

    def keep(self, key: AttemptKey, view: str, *, digest: str, past: CameraPast | None) -> None:
        """Keep what a frame's examination left, unless another frame has come since."""
        camera = (key.station, view)
        last = self._last.get(camera)
        if past is not None and last is not None and (last.key, last.digest) == (key, digest):
            self._last[camera] = replace(last, past=past)
