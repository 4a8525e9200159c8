"""Who still uses a loaded model: it is freed when its last user ends, and not before."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from lineside.inspection.detector import Detector
from lineside.inspection.engines import EngineChoice
from lineside.inspection.release import Release


@dataclass(frozen=True, slots=True)
class LoadedRelease:
    """A verified release with its model in memory, warmed by its own canary frames."""

    release: Release
    choice: EngineChoice
    detector: Detector


class SharedRelease:
    """A loaded release and the number of its leases. Thread-safe.

    Args:
        loaded: what is shared.
        on_last_end: called once, on the thread that ends the last lease; must not block.
    """

    def __init__(self, loaded: LoadedRelease, *, on_last_end: Callable[[], None]) -> None:
        self.loaded = loaded
        self._on_last_end = on_last_end
        self._users = 0
        self._is_over = False
        self._lock = threading.Lock()

    @property
    def users(self) -> int:
        """Leases that have not ended."""
        return self._users

    def lease(self) -> "Lease | None":
        """One more user; None if the last one has just ended, and the model with it."""
        with self._lock:
            if self._is_over:
                return None
            self._users += 1
            return Lease(self)

    def leave(self) -> None:
        """One user less; only for `Lease.end`."""
        with self._lock:
            self._users -= 1
            is_last = self._is_over = self._users == 0
        if is_last:  # of this thread's own leaving: another one may have been the last meanwhile
            self._on_last_end()


class Lease:
    """The right to use a loaded release until `end`. Ending it twice is harmless."""

    def __init__(self, shared: SharedRelease) -> None:
        self._shared = shared
        self._has_ended = False

    @property
    def loaded(self) -> LoadedRelease:
        """What it is a lease of."""
        return self._shared.loaded

    def share(self) -> "Lease":
        """Another lease of the same release.

        Raises:
            RuntimeError: this one has ended, so the model may be gone.
        """
        another = None if self._has_ended else self._shared.lease()
        if another is None:
            raise RuntimeError("a lease that has ended cannot be shared: take it from the shelf again")
        return another

    def end(self) -> None:
        """Use it no more."""
        if not self._has_ended:
            self._has_ended = True
            self._shared.leave()
