"""A full disk or a kill in the middle: the store stays whole, and running it again completes the work."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from failing_filesystems import FullDisk, register
from labelled_folders import draft, labelled, write_files, yolo_files
from lineside.datasets.errors import StoreUnwritable, TargetUnwritable
from lineside.datasets.exporting import export_revision
from lineside.datasets.formats import FormatName
from lineside.datasets.importing import ImportOptions, import_folder
from lineside.datasets.revisions import Revision, RevisionStore

IMAGES = 6
DIE_WHILE_IMPORTING = """
import sys
from pathlib import Path
from failing_filesystems import SuddenDeath, register
from lineside.datasets.formats import FormatName
from lineside.datasets.importing import ImportOptions, import_folder
from lineside.datasets.revisions import RevisionStore

folder, store, writes, moment = sys.argv[1:]
register()
SuddenDeath.writes_left, SuddenDeath.is_before_move = int(writes), moment == "before a move"
options = ImportOptions(licence_note="free")
import_folder(Path(folder), FormatName.YOLO, store=RevisionStore(f"death://{store}"), options=options)
print("survived")
"""
DIE_WHILE_EXPORTING = """
import os, signal, sys
from pathlib import Path
from lineside.datasets.exporting import export_revision
from lineside.datasets.formats import FormatName
from lineside.datasets.revisions import RevisionStore

def die(done: int, total: int) -> None:
    if done == int(pictures):
        os.kill(os.getpid(), signal.SIGKILL)

url, folder, pictures = sys.argv[1:]
store = RevisionStore(url)
export_revision(store, store.read(store.ids()[0]), Path(folder), FormatName.YOLO, on_image=die)
print("survived")
"""


def run(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    support = str(Path(__file__).parents[1] / "support")
    environment = os.environ | {"PYTHONPATH": support}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], env=environment, capture_output=True, text=True, check=False
    )


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def import_again(folder: Path, store: RevisionStore) -> Revision:
    return import_folder(folder, FormatName.YOLO, store=store, options=ImportOptions(licence_note="free"))


@pytest.mark.system
@pytest.mark.parametrize("moment", ["in a write", "before a move"])
@pytest.mark.parametrize("writes", [0, 3, IMAGES], ids=["the first picture", "a later picture", "the manifest"])
def test_a_killed_import_leaves_no_revision_and_running_it_again_completes_it(
    tmp_path: Path, writes: int, moment: str
) -> None:
    folder = write_files(tmp_path / "set", yolo_files(IMAGES))
    ran = run(DIE_WHILE_IMPORTING, folder, tmp_path / "store", writes, moment)
    assert (ran.returncode, ran.stdout) == (-9, ""), ran.stderr
    store = RevisionStore(str(tmp_path / "store"))
    assert store.ids() == ()
    stored = [name for name in files_below(tmp_path / "store") if name.startswith("files/")]
    assert len(stored) == writes
    revision = import_again(folder, store)
    assert store.verify(revision.id).files == IMAGES
    assert revision.id == import_again(folder, RevisionStore(f"memory://{tmp_path}")).id


@pytest.mark.system
@pytest.mark.parametrize("pictures", [1, 4, IMAGES])
def test_a_killed_export_leaves_nothing_under_its_name_and_running_it_again_completes_it(
    tmp_path: Path, pictures: int
) -> None:
    store = RevisionStore(str(tmp_path / "store"))
    revision = import_again(write_files(tmp_path / "set", yolo_files(IMAGES)), store)
    ran = run(DIE_WHILE_EXPORTING, tmp_path / "store", tmp_path / "out", pictures)
    assert (ran.returncode, ran.stdout) == (-9, ""), ran.stderr
    assert not (tmp_path / "out").exists()
    assert store.verify(revision.id).files == IMAGES
    assert export_revision(store, revision, tmp_path / "out", FormatName.YOLO) == IMAGES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "set", "store"]
    again = import_again(tmp_path / "out", RevisionStore(f"memory://{tmp_path}"))
    assert [image.image for image in again.images] == [image.image for image in revision.images]


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[RevisionStore]:
    register()
    yield RevisionStore(f"fulldisk://{tmp_path}/store")
    FullDisk.free_bytes = 0


@pytest.mark.parametrize("free_bytes", [0, 100, 4000])
def test_a_full_disk_leaves_no_half_picture_and_the_import_completes_when_there_is_room(
    tmp_path: Path, full_disk: RevisionStore, free_bytes: int
) -> None:
    folder = write_files(tmp_path / "set", yolo_files(IMAGES))
    FullDisk.free_bytes = free_bytes
    with pytest.raises(StoreUnwritable, match="No space left on device; the store holds no half of it"):
        import_again(folder, full_disk)
    for name in files_below(tmp_path / "store"):
        assert name.startswith("files/")
    assert full_disk.ids() == ()
    FullDisk.free_bytes = 10**9
    assert full_disk.verify(import_again(folder, full_disk).id).files == IMAGES


def test_a_disk_that_is_full_at_the_manifest_leaves_no_revision(tmp_path: Path, full_disk: RevisionStore) -> None:
    FullDisk.free_bytes = 10**9
    images = draft(labelled(full_disk, "a", seed=1), labelled(full_disk, "b", seed=2))
    FullDisk.free_bytes = 50
    with pytest.raises(StoreUnwritable):
        full_disk.write(images)
    assert full_disk.ids() == ()
    assert [name for name in files_below(tmp_path / "store") if not name.startswith("files/")] == []
    FullDisk.free_bytes = 10**9
    assert full_disk.verify(full_disk.write(images).id).files == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real filesystem of 64 KiB; only root can make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small filesystem cannot be mounted here; the tests above use one of fsspec's kind")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.system
def test_a_disk_that_is_really_full(tmp_path: Path, small_disk: Path) -> None:
    folder = write_files(tmp_path / "set", yolo_files(40))
    store = RevisionStore(str(small_disk / "store"))
    with pytest.raises(StoreUnwritable, match="No space left on device") as refused:
        import_again(folder, store)
    assert isinstance(refused.value.__cause__, OSError)
    assert refused.value.__cause__.errno == errno.ENOSPC
    assert store.ids() == ()
    roomy = RevisionStore(str(tmp_path / "store"))
    revision = import_again(folder, roomy)
    with pytest.raises(TargetUnwritable, match="No space left on device; nothing of it is left"):
        export_revision(roomy, revision, small_disk / "out", FormatName.YOLO)
    assert [path.name for path in small_disk.iterdir()] == ["store"]
