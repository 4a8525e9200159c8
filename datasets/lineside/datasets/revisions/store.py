"""Where revisions live: a folder, or any URL that fsspec knows.

```
<root>/files/<first two digits>/<sha256>    every picture, once
<root>/revisions/<id>.json                  every manifest
<root>/incoming/                            what is being written; a killed run may leave a file here, which may go
```
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import fsspec  # type: ignore[import-untyped]  # it ships no types

from lineside.datasets.errors import RevisionCorrupt, RevisionInvalid, RevisionUnknown, StoreUnknown
from lineside.datasets.labelled import ImageFile
from lineside.datasets.revisions.atomic_files import AtomicFiles
from lineside.datasets.revisions.manifest import manifest_bytes, read_manifest
from lineside.datasets.revisions.pictures import read_picture
from lineside.datasets.revisions.records import REVISION_ID, Revision, RevisionDraft, digest_of
from lineside.datasets.sample_origins import describe_picked, lost_picks
from lineside.inspection.frames import Image

_PREFIX = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True, slots=True)
class VerifiedRevision:
    """What a verification went through.

    Attributes:
        revision: the revision, every byte of which is what its id says.
        files: how many pictures and references were read.
        size_bytes: their total size.
    """

    revision: Revision
    files: int
    size_bytes: int


class RevisionStore:
    """Immutable revisions over content-addressed files.

    Files go in first and the manifest last, each under a temporary name that is then moved: a writer that is killed or
    finds the disk full leaves no revision that lacks a file, and running it again completes what is missing.
    """

    def __init__(self, url: str) -> None:
        """Name the store; nothing is made or connected until something is read or written.

        Args:
            url: a folder, or what fsspec takes, e.g. `s3://bucket/datasets` with s3fs installed.

        Raises:
            StoreUnknown: there is no filesystem for such URLs here.
        """
        self.url = url
        try:
            filesystem, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StoreUnknown(f"the store {url!r} cannot be reached: {error}") from error
        self._files = AtomicFiles(filesystem, root.rstrip("/"))

    def add_picture(self, data: bytes, *, source: str) -> ImageFile:
        """Store one encoded picture; one that is there already is not written again.

        Args:
            data: the whole file.
            source: what to call it in messages.

        Raises:
            SampleUnreadable: it is no picture that a revision may hold.
            StoreUnwritable: the store refused.
        """
        file = read_picture(data, source=source).file
        self.add_file(data, file)
        return file

    def add_file(self, data: bytes, file: ImageFile) -> None:
        """Store a picture that was read already.

        Raises:
            RevisionInvalid: the bytes are not the file's.
            StoreUnwritable: the store refused.
        """
        if digest_of(data) != file.sha256 or len(data) != file.size_bytes:
            raise RevisionInvalid(f"{len(data)} bytes with the digest {digest_of(data)} are not {file}")
        path = _file_path(file.sha256)
        if self._files.size_bytes(path) != file.size_bytes:
            self._files.write(path, data)

    def write(self, draft: RevisionDraft, files: Iterable[bytes] = ()) -> Revision:
        """Make a draft a revision. Writing the same one again changes nothing and gives the same id.

        Args:
            draft: what it holds.
            files: encoded pictures that are not in the store yet.

        Raises:
            RevisionInvalid: a picture is neither in the store nor among the files, the parent is unknown, or what it
                knows as picked is not picked any more.
            SampleUnreadable: a file is no picture.
            StoreUnwritable: the store refused; no half revision is left.
        """
        for number, data in enumerate(files, 1):
            self.add_picture(data, source=f"file {number} of the draft")
        data = manifest_bytes(draft)
        revision = read_manifest(data, revision_id=digest_of(data))  # what was written can be read, or is refused here
        for file in revision.files.values():
            size_bytes = self._files.size_bytes(_file_path(file.sha256))
            if size_bytes != file.size_bytes:
                raise RevisionInvalid(
                    f"picture {file.sha256} is not in the store {self.url}; add it before the revision"
                )
        if draft.parent is not None:
            self._require_fitting_parent(revision, draft.parent)
        if self._files.read(_revision_path(revision.id)) != data:
            self._files.write(_revision_path(revision.id), data)
        return revision

    def _require_fitting_parent(self, revision: Revision, parent: str) -> None:
        data = self._files.read(_revision_path(parent))
        if data is None:
            raise RevisionInvalid(f"the parent {parent} is no revision of the store {self.url}")
        lost = lost_picks(revision.images, parent=read_manifest(data, revision_id=parent).images)
        if lost:
            raise RevisionInvalid(
                f"{describe_picked(lost)} of the parent {parent[:12]} would lose that origin, and could then judge a "
                "model; keep it"
            )

    def ids(self) -> tuple[str, ...]:
        """The ids of all revisions, sorted."""
        stems = (name.removesuffix(".json") for name in self._files.names("revisions"))
        return tuple(sorted(stem for stem in stems if REVISION_ID.fullmatch(stem)))

    def list(self) -> Iterator[Revision]:
        """Read every revision, in the order of their ids.

        Raises:
            RevisionCorrupt: a manifest was changed.
        """
        for revision_id in self.ids():
            yield self.read(revision_id)

    def resolve(self, id_or_prefix: str) -> str:
        """The one id that begins so.

        Raises:
            RevisionUnknown: none does, or several, or it is no beginning of an id (at least 4 hex digits).
        """
        if not _PREFIX.fullmatch(id_or_prefix):
            raise RevisionUnknown(f"{id_or_prefix!r} is no revision; expected its id or at least 4 digits of it")
        found = [revision_id for revision_id in self.ids() if revision_id.startswith(id_or_prefix)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise RevisionUnknown(f"the store {self.url} has no revision {id_or_prefix}; it has {len(self.ids())}")
        raise RevisionUnknown(f"{len(found)} revisions begin with {id_or_prefix}: {', '.join(found)}; give more digits")

    def read(self, id_or_prefix: str) -> Revision:
        """Read a revision's manifest, checked against its id; the pictures are checked when they are read.

        Raises:
            RevisionUnknown: see `resolve`.
            RevisionCorrupt: the manifest was changed.
        """
        revision_id = self.resolve(id_or_prefix)
        data = self._files.read(_revision_path(revision_id))
        if data is None:
            raise RevisionUnknown(f"revision {revision_id} vanished from the store {self.url} while it was read")
        return read_manifest(data, revision_id=revision_id)

    def image_bytes(self, file: ImageFile) -> bytes:
        """The encoded picture.

        Raises:
            RevisionCorrupt: it is missing, or its bytes are not those of its digest.
        """
        data = self._files.read(_file_path(file.sha256))
        if data is None:
            raise RevisionCorrupt(f"picture {file.sha256} is missing from the store {self.url}; restore it from a copy")
        if digest_of(data) != file.sha256:
            raise RevisionCorrupt(
                f"picture {file.sha256} in the store {self.url} has the digest {digest_of(data)}: it was changed or is "
                "damaged; restore it from a copy"
            )
        return data

    def pixels(self, file: ImageFile) -> Image:
        """The decoded picture: uint8, (height, width) gray or (height, width, 3) BGR, not writeable.

        Raises:
            RevisionCorrupt: see `image_bytes`.
        """
        return read_picture(self.image_bytes(file), source=f"picture {file.sha256}").pixels

    def verify(self, id_or_prefix: str, *, on_file: Callable[[int, int], None] | None = None) -> VerifiedRevision:
        """Read every byte of a revision, its ancestors' manifests included, and compare with the digests.

        Args:
            id_or_prefix: the revision.
            on_file: called after each file with how many were read and how many there are.

        Raises:
            RevisionUnknown: see `resolve`.
            RevisionCorrupt: something is missing or was changed; the message names every such file.
        """
        revision = self.read(id_or_prefix)
        problems: list[str] = []
        for number, file in enumerate(revision.files.values(), 1):
            try:
                self.image_bytes(file)
            except RevisionCorrupt as error:
                names = [image.name for image in revision.images if file in image.files]
                problems.append(f"{error} (of {', '.join(names[:3])}{', ...' if len(names) > 3 else ''})")
            if on_file is not None:
                on_file(number, len(revision.files))
        if problems:
            raise RevisionCorrupt(f"revision {revision.id}: {len(problems)} file(s) differ: {'; '.join(problems)}")
        self._require_ancestors(revision)
        return VerifiedRevision(revision, len(revision.files), sum(file.size_bytes for file in revision.files.values()))

    def _require_ancestors(self, revision: Revision) -> None:
        """An id holds its parent's id, so a chain cannot turn in a circle."""
        parent = revision.parent
        while parent is not None:
            data = self._files.read(_revision_path(parent))
            if data is None:
                raise RevisionCorrupt(f"the ancestor {parent} of revision {revision.id} is missing from {self.url}")
            parent = read_manifest(data, revision_id=parent).parent


def _file_path(sha256: str) -> str:
    return f"files/{sha256[:2]}/{sha256}"


def _revision_path(revision_id: str) -> str:
    return f"revisions/{revision_id}.json"
