"""What comes as a package: whole, signed and harmless, or not kept."""

import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest

from lineside.client import pack_release
from lineside.serving.errors import PackageRefused
from lineside.serving.releases import ArchiveLimits, unpack
from odd_releases import Workshop, version
from plant import Plant, open_plant
from signing import TestKeys


def zipped(files: Mapping[str, bytes], *, change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    """A zip file; `change` may alter each entry's header."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo("placeholder")
            entry.filename = name
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            if change is not None:
                change(entry)
            archive.writestr(entry, content)
    return packed.getvalue()


def as_link(entry: zipfile.ZipInfo) -> None:
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"no zip", "no readable zip", id="no zip"),
        pytest.param(zipped({"a": b"1"})[:-10], "no readable zip", id="truncated"),
        pytest.param(zipped({"../outside": b"1"}), "no plain path", id="parent folder"),
        pytest.param(zipped({"/etc/outside": b"1"}), "no plain path", id="absolute"),
        pytest.param(zipped({"a\\..\\b": b"1"}), "no plain path", id="backslashes"),
        pytest.param(zipped({"C:a": b"1"}), "no plain path", id="drive"),
        pytest.param(zipped({"a//b": b"1"}), "no plain path", id="empty step"),
        pytest.param(zipped({"Model.onnx": b"1", "model.onnx": b"2"}), "twice", id="one name on some disks"),
        pytest.param(zipped({"a": b"/etc/passwd"}, change=as_link), "link", id="link"),
        pytest.param(zipped({"a": bytes(5_000_000)}), "no model", id="bomb"),
        pytest.param(zipped({f"f{number}": b"1" for number in range(30)}), "30 entries", id="many files"),
        pytest.param(zipped({"a": bytes(range(256)) * 8, "b": bytes(range(256)) * 8}), "unpacks to", id="large"),
    ],
)
def test_an_unsafe_archive_is_refused_and_leaves_nothing_outside(tmp_path: Path, content: bytes, says: str) -> None:
    archive, folder = tmp_path / "in.zip", tmp_path / "deep" / "folder"
    archive.write_bytes(content)
    folder.mkdir(parents=True)
    with pytest.raises(PackageRefused, match=says):
        unpack(archive, folder, limits=ArchiveLimits(entries=20, total_bytes=4000 if says == "unpacks to" else 10**7))
    outside = {path for path in tmp_path.rglob("*") if path.is_file() and folder not in path.parents}
    assert outside == {archive}


def test_an_archive_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a": bytes(range(256)) * 64}))
    for header, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(header) + offset
        content[at : at + 4] = (10).to_bytes(4, "little")
    archive, folder = tmp_path / "in.zip", tmp_path / "folder"
    archive.write_bytes(bytes(content))
    folder.mkdir()
    with pytest.raises(PackageRefused):
        unpack(archive, folder, limits=ArchiveLimits())
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 10


def put(plant: Plant, digest: str, content: bytes, media_type: str = "application/zip") -> httpx.Response:
    headers = {**plant.headers(), "Content-Type": media_type}
    return plant.http.put(f"/v1/releases/{digest}", content=content, headers=headers)


def stored(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "data" / "releases").iterdir())


def test_an_upload_is_kept_once_however_often_it_comes(tmp_path: Path, plant: Plant, workshop: Workshop) -> None:
    folder = workshop.write(version("2.0.0"))
    first, again = plant.upload(folder), plant.upload(folder)
    assert (first.status_code, first.json()) == (200, again.json())
    assert stored(tmp_path) == [first.json()["digest"]]
    assert len(plant.events("release.v1")) == 1
    listed = plant.http.get("/v1/releases", headers=plant.headers()).json()["items"]
    assert [item["version"] for item in listed if item["name"] == "blobs"] == ["1.0.0", "2.0.0"]
    assert {item["name"] for item in listed if item["upload"] is None} == {"blobs", "pcb-single", "pcb-reference"}


def test_what_is_not_as_it_was_signed_is_not_kept(tmp_path: Path, plant: Plant, workshop: Workshop) -> None:
    folder = workshop.write(version("2.0.0"))
    package = pack_release(folder)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    cases = {
        "another digest": (package.content, "0" * 64, 400),
        "no signature": (zipped({k: v for k, v in files.items() if k != "manifest.sig.json"}), package.digest, 409),
        "a changed file": (zipped({**files, "model.onnx": files["model.onnx"] + b"1"}), package.digest, 409),
        "one file more": (zipped({**files, "extra.py": b"1"}), package.digest, 409),
        "one file less": (zipped({k: v for k, v in files.items() if k != "LICENSE"}), package.digest, 409),
        "a manifest of another spelling": (
            zipped({**files, "manifest.json": files["manifest.json"] + b"\n"}),
            package.digest,
            409,
        ),
        "no zip": (b"text", package.digest, 422),
    }
    for name, (content, digest, status) in cases.items():
        answer = put(plant, digest, content)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), name
        assert str(tmp_path) not in answer.text or status == 409, name
    assert stored(tmp_path) == []
    assert plant.events("release.v1") == []


def test_a_stranger_s_package_is_not_kept(tmp_path: Path, plant: Plant) -> None:
    folder = Workshop(tmp_path / "stranger", TestKeys()).write(version("2.0.0"))
    assert plant.upload(folder).status_code == 409
    assert stored(tmp_path) == []


def test_too_much_and_the_wrong_kind_are_refused(tmp_path: Path, workshop: Workshop, keys: TestKeys) -> None:
    package = pack_release(workshop.write(version("2.0.0")))
    with open_plant(tmp_path, signing=keys, max_release_bytes=1024) as plant:
        assert put(plant, package.digest, package.content).status_code == 413
        assert put(plant, package.digest, package.content, "application/gzip").status_code == 415
        assert stored(tmp_path) == []


def test_what_a_killed_server_left_of_an_upload_is_cleared_away(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    half = tmp_path / "data" / "releases" / ".incoming-1234"
    half.mkdir(parents=True)
    (half / "model.onnx").write_bytes(b"half")
    with open_plant(tmp_path, signing=keys) as plant:
        assert stored(tmp_path) == []
        assert plant.upload(workshop.write(version("2.0.0"))).status_code == 200


def test_a_package_whose_row_was_lost_in_a_crash_can_be_uploaded_and_deployed(
    tmp_path: Path, workshop: Workshop, keys: TestKeys
) -> None:
    """Killed between the files and the ledger: the folder is there, the ledger knows of none."""
    folder = workshop.write(version("2.0.0"))
    digest = pack_release(folder).digest
    target = tmp_path / "data" / "releases" / digest
    for path in folder.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    with open_plant(tmp_path, signing=keys) as plant:
        assert plant.upload(folder).status_code == 200
        assert len(plant.events("release.v1")) == 1
        assert plant.deploy(keys.deploy_release(folder)).status_code == 200
