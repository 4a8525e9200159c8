"""Finding, verifying, loading and warming releases, once each."""

import threading
from dataclasses import dataclass
from pathlib import Path

from lineside.inspection.detector import Detector, open_detector
from lineside.inspection.engines import EngineChoice, choose_engine
from lineside.inspection.release import Release, read_release, run_canary, starter_release_folder
from lineside.serving.errors import UnknownRelease

STARTERS = ("pcb-single", "pcb-reference")
"""Names of the releases that come with the package."""


@dataclass(frozen=True, slots=True)
class LoadedRelease:
    """A verified release with its model in memory, warmed by its own canary frames."""

    release: Release
    choice: EngineChoice
    detector: Detector


class ReleaseShelf:
    """Releases by name: a folder of them, and the starters. Each is verified and loaded on first use.

    Args:
        releases_dir: folder whose subfolders are releases; None for the starters alone.
        engine: "auto" or an engine's name.
        threads: processor threads for inference.
        cache_dir: where the measured engine choice is remembered.
    """

    def __init__(self, releases_dir: Path | None, *, engine: str, threads: int, cache_dir: Path) -> None:
        self._releases_dir = releases_dir
        self._engine = engine
        self._threads = threads
        self._cache_dir = cache_dir
        self._loaded: dict[str, LoadedRelease] = {}
        self._loading = threading.Lock()

    def folder_of(self, name: str) -> Path:
        """The folder of a release.

        Raises:
            UnknownRelease: no such release.
        """
        if self._releases_dir is not None and "/" not in name and "\\" not in name and name not in {"", ".", ".."}:
            folder = self._releases_dir / name
            if folder.is_dir():
                return folder
        if name in STARTERS:
            return starter_release_folder(name)
        raise UnknownRelease(f"no release {name!r}; there are {', '.join(self.names()) or 'none'}")

    def names(self) -> tuple[str, ...]:
        """Names of all releases that could be loaded, sorted."""
        found = set(STARTERS)
        if self._releases_dir is not None and self._releases_dir.is_dir():
            found |= {entry.name for entry in self._releases_dir.iterdir() if (entry / "manifest.json").is_file()}
        return tuple(sorted(found))

    def read(self, name: str) -> Release:
        """Verify a release without loading its model.

        Raises:
            UnknownRelease: no such release.
            ReleaseError: it does not verify.
        """
        loaded = self._loaded.get(name)
        return loaded.release if loaded else read_release(self.folder_of(name))

    def load(self, name: str) -> LoadedRelease:
        """The release, loaded and warmed; blocks while it loads, so call it off the event loop.

        Raises:
            UnknownRelease: no such release.
            ReleaseError: it does not verify, or misses a known defect.
            NothingUsable: no engine here runs it.
        """
        with self._loading:
            if name not in self._loaded:
                release = read_release(self.folder_of(name))
                choice = choose_engine(
                    release, cache_dir=self._cache_dir, threads=self._threads, requested=self._engine
                )
                detector = open_detector(release, choice)
                run_canary(detector, release)
                self._loaded[name] = LoadedRelease(release, choice, detector)
            return self._loaded[name]

    def loaded(self, name: str) -> LoadedRelease | None:
        """The release if it is in memory; never blocks."""
        return self._loaded.get(name)

    def all_loaded(self) -> tuple[LoadedRelease, ...]:
        """Every release in memory."""
        return tuple(self._loaded.values())

    def close(self) -> None:
        """Free the models."""
        with self._loading:
            for loaded in self._loaded.values():
                loaded.detector.close()
            self._loaded.clear()
