"""Archives from strangers: the same as the folder, or refused before anything lands elsewhere."""

import io
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from importing_folders import Importer
from labelled_folders import write_files, yolo_files
from lineside.datasets.archives import ArchiveLimits, is_archive, unpacked
from lineside.datasets.errors import SampleUnreadable, UnsafeArchive
from lineside.datasets.formats import FormatName

Files = Mapping[str, str | bytes]


def make_zip(path: Path, files: Files, *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: Files) -> Path:
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # its modes are literals
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


MAKERS: dict[str, Callable[[Path, Files], Path]] = {
    "set.zip": make_zip,
    "set.tar": make_tar,
    "set.tar.gz": make_tar,
    "set.tgz": make_tar,
    "set.tar.xz": make_tar,
    "set.tar.bz2": make_tar,
}
EVERY_KIND = pytest.mark.parametrize("name", list(MAKERS))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked; what stays there after a test was not cleared away."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@EVERY_KIND
@pytest.mark.parametrize("inside", ["", "my-set/"], ids=["flat", "in a folder"])
def test_an_archive_gives_the_revision_of_its_folder(
    tmp_path: Path, importer: Importer, temporary: Path, name: str, inside: str
) -> None:
    folder = importer(write_files(tmp_path / "set", yolo_files()), FormatName.YOLO)
    path = MAKERS[name](tmp_path / name, {f"{inside}{key}": content for key, content in yolo_files().items()})
    assert is_archive(path)
    assert importer(path, FormatName.YOLO).id == folder.id
    assert list(temporary.iterdir()) == []


def test_what_is_wrong_in_an_archive_is_named_by_its_place_in_it(
    tmp_path: Path, importer: Importer, temporary: Path
) -> None:
    path = make_zip(tmp_path / "set.zip", {**yolo_files(1), "labels/train/board-0.txt": "0 1\n"})
    with pytest.raises(SampleUnreadable, match=r"set\.zip/labels/train/board-0\.txt:1: 2 numbers"):
        importer(path, FormatName.YOLO)


@EVERY_KIND
@pytest.mark.parametrize(
    "member",
    [
        pytest.param("../evil.txt", id="above"),
        pytest.param("a/../../evil.txt", id="above by a detour"),
        pytest.param("/var/evil.txt", id="absolute"),
        pytest.param("..\\evil.txt", id="above, with Windows' slash"),
        pytest.param("C:\\evil.txt", id="a drive"),
    ],
)
def test_members_that_lead_out_are_refused(tmp_path: Path, temporary: Path, name: str, member: str) -> None:
    path = MAKERS[name](tmp_path / name, {"a.txt": "x", member: "evil"})
    with pytest.raises(UnsafeArchive, match="leads out of the archive"), unpacked(path):
        pytest.fail("it was unpacked")
    assert list(temporary.iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, temporary: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        member = tarfile.TarInfo("images")
        member.type, member.linkname = kind, "/etc"
        archive.addfile(member)
    with pytest.raises(UnsafeArchive, match="'images' is a link or device"), unpacked(tmp_path / "set.tar"):
        pytest.fail("it was unpacked")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, temporary: Path, kind: int) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        member = zipfile.ZipInfo("images")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc")
    with pytest.raises(UnsafeArchive, match="'images' is a link or device"), unpacked(tmp_path / "set.zip"):
        pytest.fail("it was unpacked")


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz", "set.tar.xz"])
def test_a_bomb_is_refused_while_it_unpacks_whatever_it_says_of_itself(
    tmp_path: Path, temporary: Path, name: str
) -> None:
    path = MAKERS[name](tmp_path / name, {"zeros.txt": bytes(20_000_000)})
    assert path.stat().st_size < 50_000
    limits = ArchiveLimits(free_bytes=1_000_000)
    with pytest.raises(UnsafeArchive, match=r"more than 100 times its \d+ bytes"), unpacked(path, limits):
        pytest.fail("it was unpacked")
    assert list(temporary.iterdir()) == []


@EVERY_KIND
def test_too_many_members_and_too_many_bytes_are_refused(tmp_path: Path, temporary: Path, name: str) -> None:
    path = MAKERS[name](tmp_path / name, {f"{number}.txt": "0123456789" for number in range(20)})
    with pytest.raises(UnsafeArchive, match="more than 19 members"), unpacked(path, ArchiveLimits(max_members=19)):
        pytest.fail("it was unpacked")
    with pytest.raises(UnsafeArchive, match="more than 199 bytes"), unpacked(path, ArchiveLimits(max_bytes=199)):
        pytest.fail("it was unpacked")
    with unpacked(path, ArchiveLimits(max_members=20, max_bytes=200)) as root:
        assert len(list(root.iterdir())) == 20


@EVERY_KIND
def test_a_damaged_archive_is_refused(tmp_path: Path, temporary: Path, name: str) -> None:
    path = MAKERS[name](tmp_path / name, yolo_files(2))
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(UnsafeArchive, match="cannot be unpacked"), unpacked(path):
        pytest.fail("it was unpacked")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UnsafeArchive, match="cannot be unpacked"), unpacked(path):
        pytest.fail("it was unpacked")


def test_a_changed_byte_in_a_zip_is_found_by_its_checksum(tmp_path: Path, temporary: Path) -> None:
    path = make_zip(tmp_path / "set.zip", {"a.txt": "0123456789"}, compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"0123456789", b"0123456788"))
    with pytest.raises(UnsafeArchive, match="cannot be unpacked"), unpacked(path):
        pytest.fail("it was unpacked")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("a", "a"), id="a file twice"),
        pytest.param(("a", "a/b"), id="a file that is a folder later"),
        pytest.param(("a/b", "a"), id="a folder that is a file later"),
        pytest.param(("a", "./a"), id="one file in two spellings"),
    ],
)
def test_one_name_twice_is_refused(tmp_path: Path, temporary: Path, names: tuple[str, str]) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(UnsafeArchive, match="is there twice"), unpacked(tmp_path / "set.tar"):
        pytest.fail("it was unpacked")
