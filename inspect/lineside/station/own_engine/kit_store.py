"""The last kit on disk: each one whole in its own folder, and one small file that says which counts."""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lineside.client.durable_files import sync_folder, write_durably
from lineside.inspection.errors import ArchiveRefused
from lineside.inspection.release.archives import ArchiveLimits, unpack
from lineside.station.own_engine.errors import KitStoreFailed, NoKit
from lineside.station.own_engine.followed import FollowedFile
from lineside.station.own_engine.kit_record import KitPapers

_CURRENT: Final = "current.json"
_FOLLOWED: Final = "followed.json"
_TIME: Final = "time.json"
_INCOMING: Final = ".incoming-"


@dataclass(frozen=True, slots=True)
class KeptKit:
    """A kit as it lies on disk, not verified.

    Attributes:
        papers: what the server said.
        release_folder: the unpacked release; it need not be there for one that comes with the program.
        references: image bodies by digest.
    """

    papers: KitPapers
    release_folder: Path
    references: Mapping[str, bytes]


class KitStore:
    """Keeps kits of one station; one process at a time.

    Args:
        folder: created when missing.
        station: whose kits.
    """

    def __init__(self, folder: Path, *, station: str) -> None:
        self._folder = folder
        self._station = station
        self.followed = FollowedFile(folder / _FOLLOWED)
        """What deployments ever counted; outlives every kit."""
        self.time_file = folder / _TIME
        """What time it was here at the latest; outlives every kit."""

    def has_content(self, content_id: str) -> bool:
        """Whether that kit's files are here."""
        return (self._folder / content_id).is_dir()

    def stage(self, archive: bytes | None, references: Mapping[str, bytes]) -> Path:
        """Write a kit's files where `keep` can take them from.

        Args:
            archive: the release as a zip file; None for one that comes with the program.
            references: image bodies by digest.

        Raises:
            NoKit: the archive is unsafe or damaged.
            KitStoreFailed: the disk does not take them.
        """
        incoming = self._folder / f"{_INCOMING}{secrets.token_hex(8)}"
        try:
            (incoming / "release").mkdir(parents=True)
            (incoming / "references").mkdir()
            if archive is not None:
                packed = incoming / "release.zip"
                packed.write_bytes(archive)
                unpack(packed, incoming / "release", limits=ArchiveLimits())
                packed.unlink()
            for digest, body in references.items():
                (incoming / "references" / digest).write_bytes(body)
        except ArchiveRefused as error:
            self.discard(incoming)
            raise NoKit(f"the release that came cannot be unpacked: {error}") from error
        except OSError as error:
            self.discard(incoming)
            raise KitStoreFailed(f"the kit cannot be written to {self._folder}: {error}") from error
        return incoming

    def keep(self, staged: Path, content_id: str) -> None:
        """Make staged and verified files durable under their name.

        Raises:
            KitStoreFailed: the disk does not take them.
        """
        target = self._folder / content_id
        try:
            _sync_tree(staged)
            if target.exists():
                shutil.rmtree(target)
            staged.rename(target)
            sync_folder(self._folder)
        except OSError as error:
            self.discard(staged)
            raise KitStoreFailed(f"the kit cannot be kept in {self._folder}: {error}") from error

    def point_to(self, answer: Mapping[str, Any], content_id: str) -> None:
        """Make a kept kit, with the present lot and order, the one that counts; drop the others.

        Raises:
            KitStoreFailed: the disk does not take it.
        """
        body = json.dumps({"content_id": content_id, "answer": dict(answer)}).encode()
        try:
            write_durably(self._folder / f"{_INCOMING}{secrets.token_hex(8)}", self._folder / _CURRENT, body)
        except OSError as error:
            raise KitStoreFailed(f"the kit cannot be kept in {self._folder}: {error}") from error
        for entry in self._folder.iterdir():
            if entry.name not in {content_id, _CURRENT, _FOLLOWED, _TIME}:
                self.discard(entry)

    def forget(self) -> None:
        """No kit counts any more.

        Raises:
            KitStoreFailed: the disk does not do it.
        """
        try:
            (self._folder / _CURRENT).unlink(missing_ok=True)
            if self._folder.is_dir():
                sync_folder(self._folder)
        except OSError as error:
            raise KitStoreFailed(f"the kit in {self._folder} cannot be removed: {error}") from error

    def forget_unless_of(self, papers: KitPapers) -> None:
        """No kit counts any more unless it is of the recipe and product that the server names now.

        Raises:
            KitStoreFailed: the disk does not do it.
        """
        try:
            current = json.loads((self._folder / _CURRENT).read_bytes())
            kept = KitPapers.of(current["answer"], station=self._station)
        except FileNotFoundError:
            return
        except (NoKit, OSError, ValueError, KeyError, TypeError):
            self.forget()
            return
        if kept.rules != papers.rules:
            self.forget()

    def load(self) -> KeptKit:
        """The kit that counts.

        Raises:
            NoKit: there is none, or it is damaged.
        """
        try:
            current = json.loads((self._folder / _CURRENT).read_bytes())
            papers = KitPapers.of(current["answer"], station=self._station)
            content = self._folder / papers.content_id
            references = {digest: (content / "references" / digest).read_bytes() for digest in papers.reference_digests}
        except FileNotFoundError as error:
            raise NoKit("the station has no kit yet: it fetches one when the server is there") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NoKit(f"the kept kit in {self._folder} cannot be read: {error}") from error
        return KeptKit(papers, content / "release", references)

    def files_of(self, folder: Path, papers: KitPapers) -> KeptKit:
        """Staged or kept files with the papers that they belong to.

        Raises:
            NoKit: an image is missing.
        """
        try:
            references = {digest: (folder / "references" / digest).read_bytes() for digest in papers.reference_digests}
        except OSError as error:
            raise NoKit(f"a reference image of the kit cannot be read: {error}") from error
        return KeptKit(papers, folder / "release", references)

    def folder_of(self, content_id: str) -> Path:
        """Where a kept kit lies."""
        return self._folder / content_id

    def discard(self, path: Path) -> None:
        """Remove what does not count; what stays because of a failure is removed with the next kit."""
        with contextlib.suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            sync_folder(path)
    sync_folder(folder)
