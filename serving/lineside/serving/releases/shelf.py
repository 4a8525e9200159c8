"""Finding, verifying, loading and warming releases: once each, for as long as anybody uses them."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from lineside.inspection.detector import open_detector
from lineside.inspection.engines import EngineChoice, choose_engine
from lineside.inspection.release import (
    MANIFEST_NAME,
    Release,
    read_release,
    run_canary,
    starter_release_folder,
)
from lineside.serving.clock import Clock
from lineside.serving.errors import UnknownRelease
from lineside.serving.releases.leases import Lease, LoadedRelease, SharedRelease
from lineside.serving.releases.packages import PackageStore
from lineside.serving.releases.trusted import TrustFile

STARTERS = ("pcb-single", "pcb-reference")
"""Names of the releases that come with the package: parts of the program, so they carry no signature."""

_log = structlog.get_logger(__name__)


class Purpose(StrEnum):
    """What a model is loaded for."""

    JUDGE = "judge"
    """It gives verdicts: all the threads that inference may use."""

    OBSERVE = "observe"
    """It looks at what another one judged: one thread, and nobody waits for it."""


@dataclass(frozen=True, slots=True)
class ReleaseRef:
    """Which release is meant.

    Attributes:
        name: of the model line, as recipes name it.
        digest: of the version that a deployment names; None for the one that the server came with.
    """

    name: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.name!r}" if self.digest is None else f"{self.name!r} {self.digest[:12]}"


class ReleaseShelf:
    """Releases that the server came with (a folder of them, and the starters) and those that were uploaded.

    Args:
        releases_dir: folder whose subfolders are releases, named as recipes name them; None for the starters alone.
        packages: the uploaded ones.
        trust: whose signatures count; everything but the starters needs one.
        takes_unsigned: the operator said that what lies in `releases_dir` may judge without a signature.
        clock: tells whether signatures still count.
        engine: "auto" or an engine's name.
        threads: processor threads for inference.
        cache_dir: where the measured engine choice is remembered.
    """

    def __init__(
        self,
        releases_dir: Path | None,
        *,
        packages: PackageStore,
        trust: TrustFile,
        takes_unsigned: bool,
        clock: Clock,
        engine: str,
        threads: int,
        cache_dir: Path,
    ) -> None:
        self._releases_dir = releases_dir
        self._packages = packages
        self._trust = trust
        self._takes_unsigned = takes_unsigned
        self._clock = clock
        self._engine = engine
        self._threads = threads
        self._cache_dir = cache_dir
        self._shared: dict[tuple[ReleaseRef, Purpose], SharedRelease] = {}
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._is_closed = False
        self._closer = ThreadPoolExecutor(1, thread_name_prefix="release-closer")

    def names(self) -> tuple[str, ...]:
        """Names of all releases that the server came with, sorted."""
        found = set(STARTERS)
        if self._releases_dir is not None and self._releases_dir.is_dir():
            found |= {entry.name for entry in self._releases_dir.iterdir() if (entry / MANIFEST_NAME).is_file()}
        return tuple(sorted(found))

    def read(self, ref: ReleaseRef) -> Release:
        """Verify a release without loading its model.

        Raises:
            UnknownRelease: no such release.
            NoTrustFile: it needs a signature, and this server believes none.
            ReleaseError: it does not verify.
        """
        loaded = self.loaded(ref)
        return self._verified(ref) if loaded is None else loaded.release

    def load(self, ref: ReleaseRef, purpose: Purpose = Purpose.JUDGE) -> Lease:
        """A lease of the release, loaded and warmed; blocks while it loads, so call it off the event loop.

        Raises:
            UnknownRelease: no such release.
            NoTrustFile: it needs a signature, and this server believes none.
            ReleaseError: it does not verify, or misses a known defect.
            NothingUsable: no engine here runs it.
        """
        with self._loading:
            return self._lease(ref, purpose) or self._first_lease(ref, purpose)

    def loaded(self, ref: ReleaseRef, purpose: Purpose = Purpose.JUDGE) -> LoadedRelease | None:
        """The release if it is in memory; never blocks."""
        with self._lock:
            shared = self._shared.get((ref, purpose))
        return None if shared is None else shared.loaded

    def all_loaded(self) -> dict[tuple[ReleaseRef, Purpose], LoadedRelease]:
        """Every release in memory."""
        with self._lock:
            return {key: shared.loaded for key, shared in self._shared.items()}

    def close(self) -> None:
        """Free the models, those that are still leased as well."""
        with self._loading, self._lock:
            self._is_closed = True
            left, self._shared = self._shared, {}
        self._closer.shutdown()
        for shared in left.values():
            shared.loaded.detector.close()

    def folder_of(self, ref: ReleaseRef) -> Path:
        """The folder of a release.

        Raises:
            UnknownRelease: no such release.
        """
        if ref.digest is None:
            return self._came_with(ref.name)
        uploaded = self._packages.folder_of(ref.digest)
        if uploaded.is_dir():
            return uploaded
        for name in self.names():
            folder = self._came_with(name)
            if name == ref.name and _manifest_digest(folder) == ref.digest:
                return folder
        raise UnknownRelease(f"no release {ref} is here: upload it with PUT /v1/releases/{ref.digest}")

    def folder_of_digest(self, digest: str) -> Path:
        """The folder of a release, uploaded or come with the server, by its digest alone.

        Raises:
            UnknownRelease: no such release.
        """
        for name in ("", *self.names()):  # an uploaded one is found by its digest alone
            try:
                return self.folder_of(ReleaseRef(name, digest))
            except UnknownRelease:
                continue
        raise UnknownRelease(f"no release of the digest {digest} is here; GET /v1/releases lists what is")

    def _came_with(self, name: str) -> Path:
        if self._releases_dir is not None and "/" not in name and "\\" not in name and name not in {"", ".", ".."}:
            folder = self._releases_dir / name
            if folder.is_dir():
                return folder
        if name in STARTERS:
            return starter_release_folder(name)
        raise UnknownRelease(f"no release {name!r}; there are {', '.join(self.names()) or 'none'}")

    def _verified(self, ref: ReleaseRef) -> Release:
        """The release, its signature checked where it needs one."""
        folder = self.folder_of(ref)
        is_starter = ref.name in STARTERS and folder == starter_release_folder(ref.name)
        if is_starter:
            release = read_release(folder)
        elif ref.digest is None and self._takes_unsigned:
            _log.warning("release_unsigned", release=ref.name, folder=str(folder))
            release = read_release(folder)
        else:
            release = self._trust.verified(folder, now=self._clock.now())
        if ref.digest is not None and release.digest != ref.digest:
            raise UnknownRelease(
                f"{folder} holds {release.name} {release.version} with the digest {release.digest}, expected "
                f"{ref.digest}: upload that one with PUT /v1/releases/{ref.digest}"
            )
        return release

    def _lease(self, ref: ReleaseRef, purpose: Purpose) -> Lease | None:
        with self._lock:
            shared = self._shared.get((ref, purpose))
        return None if shared is None else shared.lease()

    def _first_lease(self, ref: ReleaseRef, purpose: Purpose) -> Lease:
        loaded = self._load(ref, purpose)
        shared = SharedRelease(loaded, on_last_end=lambda: self._free(ref, purpose, loaded))
        with self._lock:
            self._shared[ref, purpose] = shared
        lease = shared.lease()
        if lease is None:
            raise RuntimeError(f"release {ref} was freed before its first use")
        return lease

    def _load(self, ref: ReleaseRef, purpose: Purpose) -> LoadedRelease:
        release = self._verified(ref)
        choice = choose_engine(release, cache_dir=self._cache_dir, threads=self._threads, requested=self._engine)
        if purpose is Purpose.OBSERVE:
            choice = EngineChoice(choice.name, 1, choice.lone_ms, choice.refused, choice.is_remembered)
        detector = open_detector(release, choice)
        try:
            run_canary(detector, release)
        except BaseException:
            detector.close()
            raise
        return LoadedRelease(release, choice, detector)

    def _free(self, ref: ReleaseRef, purpose: Purpose, loaded: LoadedRelease) -> None:
        """Forget a release that nobody uses any more, and close it on a thread of its own: that may take a moment."""
        with self._lock:
            if self._is_closed:
                return  # the shelf frees what is left by itself
            shared = self._shared.get((ref, purpose))
            if shared is not None and shared.loaded is loaded:  # else another copy has taken its place
                del self._shared[ref, purpose]
            self._closer.submit(loaded.detector.close)
        _log.info("release_freed", release=str(ref), purpose=purpose.value)


def _manifest_digest(folder: Path) -> str:
    return hashlib.sha256((folder / MANIFEST_NAME).read_bytes()).hexdigest()
