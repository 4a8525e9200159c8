"""Releases around the blob detector, and frames for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blob_detector import TinyRelease, WriteRelease
from lineside.inspection.release import Release, read_release


@pytest.fixture
def write_release(tmp_path: Path) -> WriteRelease:
    """Write a release folder: `write_release(model=BlobModel(...), name=..., changes={...})`."""

    def write(**fields: Any) -> Path:
        release = replace(TinyRelease(), **fields)
        return release.write(tmp_path / f"release-{len(list(tmp_path.iterdir()))}")

    return write


@pytest.fixture
def tiny_release_folder(write_release: WriteRelease) -> Path:
    """A valid release folder of the single-image blob detector."""
    return write_release()


@pytest.fixture
def tiny_release(tiny_release_folder: Path) -> Release:
    """The same, read and verified."""
    return read_release(tiny_release_folder)
