"""A release folder as the one file that is uploaded."""

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

_MANIFEST = "manifest.json"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip file knows no earlier time; one and the same makes equal folders equal files


@dataclass(frozen=True, slots=True)
class ReleasePackage:
    """A release folder's content, packed.

    Attributes:
        digest: lowercase hex SHA-256 of the manifest: the release's name for programs.
        content: a zip file.
    """

    digest: str
    content: bytes = field(repr=False)


def pack_release(folder: Path) -> ReleasePackage:
    """Pack a release folder; the same folder always gives the same bytes.

    Args:
        folder: holds `manifest.json`, its signature and the files that it names.

    Raises:
        OSError: a file cannot be read.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EARLIEST)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return ReleasePackage(hashlib.sha256((folder / _MANIFEST).read_bytes()).hexdigest(), packed.getvalue())
