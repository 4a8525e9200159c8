"""Reading a release folder: every file verified against the manifest, read once, and passed on in memory.

Between checking a file and using it there is no second read, so nobody can exchange it in between.
"""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from importlib.resources import files as package_files
from pathlib import Path

import cv2
import numpy as np

from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.errors import FrameError, ReleaseUnverified
from lineside.inspection.frames import Image, MediaType
from lineside.inspection.model_graph import GraphLimits, ModelGraph, read_model_graph
from lineside.inspection.release.manifest import (
    INT8_MODEL_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    SIGNATURE_NAME,
    CanaryEntry,
    FileEntry,
    Manifest,
    parse_manifest,
)
from lineside.inspection.release.record import CanaryDefect, CanaryFrame, Release

_MAX_MANIFEST_BYTES = 4 * 2**20
_MAX_FILE_BYTES = 512 * 2**20
_MAX_FILES = 1000
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_CANARY_LIMITS = DecodingLimits(max_pixels=8192 * 8192, max_bytes=64 * 2**20)


def read_release(folder: Path, *, limits: GraphLimits | None = None) -> Release:
    """Read a release that nobody need have signed: one that came with the package, or one's own at the desk.

    Args:
        folder: holds `manifest.json`, the files that it names, perhaps its signature, and nothing else.
        limits: sizes past which the model is refused; the default ones if None.

    Returns:
        The release with its model and canary frames in memory; the folder is not needed afterwards.

    Raises:
        ReleaseUnverified: a file is missing, changed, not named by the manifest, a link, or outside the folder; or
            manifest and model contradict each other.
        NotADetector: the model is unsafe or no detector.
    """
    return read_contents(folder, read_manifest(folder), limits=limits)


def read_manifest(folder: Path) -> bytes:
    """The manifest's bytes, of which nothing is believed yet.

    Raises:
        ReleaseUnverified: it cannot be read.
    """
    return read_file(folder, MANIFEST_NAME, most_bytes=_MAX_MANIFEST_BYTES)


def read_contents(folder: Path, text: bytes, *, limits: GraphLimits | None = None) -> Release:
    """Read the release that a manifest describes.

    Args:
        folder: of the release.
        text: the manifest, as `read_manifest` read it.
        limits: sizes past which the model is refused; the default ones if None.

    Raises:
        ReleaseUnverified, NotADetector: as of `read_release`.
    """
    manifest, contents = read_files(folder, text)
    graph = read_model_graph(contents[MODEL_NAME], limits=limits)
    _compare_model(manifest, graph, folder)
    int8_model = None
    if INT8_MODEL_NAME in contents:
        int8_graph = read_model_graph(contents[INT8_MODEL_NAME], limits=limits)
        _compare_model(manifest, int8_graph, folder)
        int8_model = int8_graph.served_model
    return Release(
        name=manifest.name,
        version=manifest.version,
        digest=hashlib.sha256(text).hexdigest(),
        input_kind=manifest.input.kind,
        input_size_wh_px=graph.input_size_wh_px,
        head=graph.head,
        classes=graph.classes,
        thresholds=manifest.thresholds,
        catalogue_id=manifest.catalogue.id,
        catalogue_version=manifest.catalogue.version,
        licence=manifest.licence,
        canary=tuple(_canary_frame(entry, contents) for entry in manifest.canary),
        served_model=graph.served_model,
        int8_model=int8_model,
        offered_engines=frozenset(name for name, entry in manifest.parity.engines.items() if entry.is_offered),
    )


def read_files(folder: Path, text: bytes) -> tuple[Manifest, dict[str, bytes]]:
    """Read every file that a manifest names, once, and compare it with what the manifest says.

    Args:
        folder: of the release.
        text: the manifest, as `read_manifest` read it.

    Returns:
        The manifest, and the files' contents by their paths.

    Raises:
        ReleaseUnverified: as of `read_release`.
    """
    manifest = parse_manifest(text, source=str(folder / MANIFEST_NAME))
    _refuse_unsafe_paths(manifest, folder)
    _compare_listing(manifest, folder)
    contents = {path: _read_verified(folder, path, entry) for path, entry in manifest.files.items()}
    return manifest, contents


def starter_release_folder(name: str) -> Path:
    """Where a release that comes with the package lies.

    Args:
        name: "pcb-single" or "pcb-reference".

    Raises:
        ReleaseUnverified: no such starter is installed.
    """
    starters = Path(str(package_files("lineside.inspection") / "starters"))
    known = sorted(path.parent.name for path in starters.glob(f"*/{MANIFEST_NAME}"))
    if name not in known:
        raise ReleaseUnverified(f"no starter release {name!r} in {starters}, expected one of {known}")
    return starters / name


def _refuse_unsafe_paths(manifest: Manifest, folder: Path) -> None:
    """Allow only paths that mean one file of the folder on every system, spelt in the one way there is."""
    if len(manifest.files) > _MAX_FILES:
        raise ReleaseUnverified(f"{folder}: {len(manifest.files)} files, more than {_MAX_FILES}")
    for name in manifest.files:
        if not _PLAIN_PATH.fullmatch(name) or name in (MANIFEST_NAME, SIGNATURE_NAME):
            raise ReleaseUnverified(
                f"{folder}: {name!r} is no plain path within the release; expected letters, digits, '.', '_' and '-', "
                "no part beginning with a dot"
            )


def _compare_listing(manifest: Manifest, folder: Path) -> None:
    """The folder holds exactly the files of the manifest, and no link."""
    present: set[str] = set()
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink():
                raise ReleaseUnverified(f"{folder}: {relative!r} is a symbolic link; a release holds its own files")
            if name in names:
                present.add(relative)
    expected = {*manifest.files, MANIFEST_NAME}
    present.discard(SIGNATURE_NAME)  # cannot name itself; `verify_release` reads it
    if present != expected:
        raise ReleaseUnverified(
            f"{folder}: missing {sorted(expected - present)}, not in the manifest {sorted(present - expected)[:10]}; "
            "take the release from its source again"
        )


def _read_verified(folder: Path, name: str, entry: FileEntry) -> bytes:
    content = read_file(folder, name, most_bytes=min(entry.size_bytes, _MAX_FILE_BYTES))
    found = hashlib.sha256(content).hexdigest()
    if len(content) != entry.size_bytes or found != entry.sha256:
        raise ReleaseUnverified(
            f"{folder}: {name!r} has {len(content)} bytes with SHA-256 {found}, the manifest says "
            f"{entry.size_bytes} with {entry.sha256}; take the release from its source again"
        )
    return content


def read_file(folder: Path, name: str, *, most_bytes: int) -> bytes:
    """Read a regular file, following no link in its last part.

    Args:
        folder: of the release.
        name: of the file in it.
        most_bytes: it may have.

    Raises:
        ReleaseUnverified: there is no such file, it is longer, or no regular file.
    """
    path = folder / name
    try:
        with open(path, "rb", opener=_open_plainly) as file:  # Path.open takes no opener
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ReleaseUnverified(f"{path} is no regular file")
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise ReleaseUnverified(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > most_bytes:
        raise ReleaseUnverified(f"{path} is longer than the {most_bytes} bytes it may have")
    return content


def _open_plainly(path: str, flags: int) -> int:
    """Follow no link, and do not wait for the writer of a named pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _compare_model(manifest: Manifest, graph: ModelGraph, folder: Path) -> None:
    """The manifest says of the model what the model says of itself."""
    pairs = (
        ("classes", manifest.classes, graph.classes),
        ("input.size_wh_px", manifest.input.size_wh_px, graph.input_size_wh_px),
        ("head", manifest.head.value, graph.head.value),
    )
    for key, claimed, found in pairs:
        if claimed != found:
            raise ReleaseUnverified(f"{folder}: the manifest's {key} is {claimed}, the model's is {found}")


def _canary_frame(entry: CanaryEntry, contents: Mapping[str, bytes]) -> CanaryFrame:
    image = _picture(entry.frame, contents)
    if entry.reference is not None:
        frame, reference = _gray(image), _gray(_picture(entry.reference, contents))
        if frame.shape != reference.shape:
            raise ReleaseUnverified(f"canary {entry.frame!r} and its reference differ in size")
        image = np.dstack([frame, reference, cv2.absdiff(frame, reference)]).astype(np.uint8, copy=False)
    expected = tuple(CanaryDefect(defect.class_name, defect.box_xyxy_px) for defect in entry.expected)
    return CanaryFrame(entry.frame, image, expected)


def _picture(name: str, contents: Mapping[str, bytes]) -> Image:
    try:
        return decode(contents[name], MediaType.PNG, limits=_CANARY_LIMITS).image
    except FrameError as error:
        raise ReleaseUnverified(f"canary picture {name!r} cannot be used: {error}") from error


def _gray(image: Image) -> Image:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
