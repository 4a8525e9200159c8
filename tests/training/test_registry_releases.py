"""The registry keeps releases as they were built, and says who signed and who retired them."""

import json
import shutil
import stat
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec  # type: ignore[import-untyped]  # it ships no types
import pytest

from blob_detector import TinyRelease
from lineside.datasets.errors import StoreUnwritable
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.errors import KeyFileRefused, ReleaseUnverified, SignatureRefused, TrustRefused
from lineside.inspection.release import MANIFEST_NAME, Role, TrustStore
from lineside.training.errors import RegistryDamaged, ReleaseTaken, ReleaseUnknown
from lineside.training.registry import Registry, Retirement, create_key, read_key, revoke_key
from signing import TestKeys

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def release_folder(folder: Path, version: str = "1.0.0", **fields: object) -> Path:
    """An unsigned release with a canonical manifest."""
    written = TinyRelease(changes={"version": version, **fields}).write(folder)
    manifest = written / MANIFEST_NAME
    manifest.write_text(canonical_json(json.loads(manifest.read_text())))
    return written


@pytest.fixture(params=["folder", "memory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """On a folder, and on a filesystem that is none."""
    if request.param == "folder":
        yield Registry(str(tmp_path / "registry"))
        return
    url = f"memory://registry-{uuid.uuid4().hex}"
    yield Registry(url)
    filesystem, root = fsspec.core.url_to_fs(url)
    if filesystem.exists(root):
        filesystem.rm(root, recursive=True)


@pytest.fixture
def keys() -> TestKeys:
    return TestKeys()


def test_a_release_comes_out_as_it_went_in(registry: Registry, tmp_path: Path) -> None:
    folder = release_folder(tmp_path / "new")
    release = registry.add(folder)
    with registry.folder("blobs", "1.0.0") as kept:
        found = {path.relative_to(kept).as_posix(): path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert found == {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    assert registry.find("blobs", "1.0.0").digest == release.digest


def test_a_release_is_never_changed(registry: Registry, tmp_path: Path) -> None:
    first = registry.add(release_folder(tmp_path / "one"))
    with pytest.raises(ReleaseTaken, match="next version"):
        registry.add(release_folder(tmp_path / "other", licence="MIT"))
    assert registry.find("blobs", "1.0.0").digest == first.digest


def test_of_several_who_build_one_version_at_once_one_does(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    folders = [release_folder(tmp_path / f"new-{number}", licence=f"MIT-{number}") for number in range(6)]

    def add(folder: Path) -> str | None:
        try:
            return registry.add(folder).digest
        except ReleaseTaken:
            return None

    with ThreadPoolExecutor(6) as pool:
        digests = [digest for digest in pool.map(add, folders) if digest is not None]
    assert len(digests) == 1
    assert registry.find("blobs", "1.0.0").digest == digests[0]
    assert not list((tmp_path / "registry/incoming").iterdir())


def test_what_a_killed_build_left_behind_is_no_release(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    left = tmp_path / "registry/incoming/1234"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(b"half")
    assert list(registry.list()) == []
    registry.add(release_folder(tmp_path / "new"))
    assert [entry.manifest.version for entry in registry.list()] == ["1.0.0"]


def test_a_registry_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("a file where the folder should be")
    with pytest.raises(StoreUnwritable, match="cannot be written"):
        Registry(str(tmp_path / "registry")).add(release_folder(tmp_path / "new"))


def test_a_damaged_release_is_not_taken_in(registry: Registry, tmp_path: Path) -> None:
    folder = release_folder(tmp_path / "new")
    (folder / "LICENSE").write_text("other terms")
    with pytest.raises(ReleaseUnverified):
        registry.add(folder)
    assert list(registry.list()) == []


def test_releases_are_listed_by_name_the_newest_version_last(registry: Registry, tmp_path: Path) -> None:
    for version in ("1.10.0", "1.9.0", "1.9.0-rc.1", "2"):
        registry.add(release_folder(tmp_path / version, version))
    registry.add(release_folder(tmp_path / "another", "1.0.0", name="another"))
    assert [(entry.manifest.name, entry.manifest.version) for entry in registry.list()] == [
        ("another", "1.0.0"),
        ("blobs", "1.9.0"),
        ("blobs", "1.9.0-rc.1"),
        ("blobs", "1.10.0"),
        ("blobs", "2"),
    ]


@pytest.mark.parametrize(("name", "version"), [("blobs", "9"), ("nothing", "1"), ("..", ".."), ("../x", "1")])
def test_a_release_that_is_not_there_is_named(name: str, version: str, registry: Registry, tmp_path: Path) -> None:
    registry.add(release_folder(tmp_path / "new"))
    with pytest.raises(ReleaseUnknown, match="has no"):
        registry.find(name, version)


def test_a_signed_release_verifies_and_an_unsigned_one_does_not(
    registry: Registry, keys: TestKeys, tmp_path: Path
) -> None:
    registry.add(release_folder(tmp_path / "new"))
    assert registry.find("blobs", "1.0.0").key_id is None
    with pytest.raises(ReleaseUnverified, match=r"manifest\.sig\.json"):
        registry.verify("blobs", "1.0.0", keys.trust, now=NOW)
    assert registry.sign("blobs", "1.0.0", keys.build) == keys.build.public.key_id
    assert registry.find("blobs", "1.0.0").key_id == keys.build.public.key_id
    assert registry.verify("blobs", "1.0.0", keys.trust, now=NOW).version == "1.0.0"


def test_signing_again_with_a_new_key_keeps_the_digest(registry: Registry, keys: TestKeys, tmp_path: Path) -> None:
    digest = registry.add(release_folder(tmp_path / "new")).digest
    registry.sign("blobs", "1.0.0", keys.build)
    new = TestKeys()
    registry.sign("blobs", "1.0.0", new.build)
    assert registry.verify("blobs", "1.0.0", new.trust, now=NOW).digest == digest
    with pytest.raises(ReleaseUnverified):
        registry.verify("blobs", "1.0.0", keys.trust, now=NOW)


def test_what_is_not_whole_is_not_signed(keys: TestKeys, tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    registry.add(release_folder(tmp_path / "new"))
    (tmp_path / "registry/releases/blobs/1.0.0/model.onnx").write_bytes(b"another")
    with pytest.raises(ReleaseUnverified, match=r"the manifest says|longer"):
        registry.sign("blobs", "1.0.0", keys.build)


def test_a_manifest_that_is_not_canonical_is_not_signed(registry: Registry, keys: TestKeys, tmp_path: Path) -> None:
    registry.add(TinyRelease().write(tmp_path / "new"))
    with pytest.raises(RegistryDamaged, match="not canonical"):
        registry.sign("blobs", "1.0.0", keys.build)


def test_a_release_moved_to_another_version_is_found_out(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    registry.add(release_folder(tmp_path / "new"))
    releases = tmp_path / "registry/releases/blobs"
    shutil.copytree(releases / "1.0.0", releases / "2.0.0")
    with pytest.raises(RegistryDamaged, match="somebody moved it"):
        registry.find("blobs", "2.0.0")


def test_a_name_in_a_registry_elsewhere_leads_to_no_file_outside_the_copy(tmp_path: Path) -> None:
    """An object store takes any key; the folder that a key would reach is this user's."""
    url = f"memory://registry-{uuid.uuid4().hex}"
    registry = Registry(url)
    registry.add(release_folder(tmp_path / "new"))
    filesystem, root = fsspec.core.url_to_fs(url)
    target = f"{root}/releases/blobs/1.0.0/../../../escaped"
    filesystem.store[target] = filesystem.open(f"{root}/releases/blobs/1.0.0/{MANIFEST_NAME}")
    copy = tmp_path / "a/b/c/copy"
    with pytest.raises(RegistryDamaged, match="no name of a file"):
        registry.storage.download("releases/blobs/1.0.0", copy)
    assert not (tmp_path / "a/escaped").exists()
    filesystem.store.clear()


def test_a_retirement_stands_and_its_first_reason_stays(registry: Registry, tmp_path: Path) -> None:
    registry.add(release_folder(tmp_path / "new"))
    registry.retire("blobs", "1.0.0", Retirement("Kim", "blind on line 3", NOW))
    registry.retire("blobs", "1.0.0", Retirement("Lee", "never mind", NOW + timedelta(days=1)))
    assert registry.find("blobs", "1.0.0").retirement == Retirement("Kim", "blind on line 3", NOW)


def test_a_damaged_retirement_brings_nothing_back(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "registry"))
    digest = registry.add(release_folder(tmp_path / "new")).digest
    registry.retire("blobs", "1.0.0", Retirement("Kim", "blind", NOW))
    (tmp_path / f"registry/retired/{digest}.json").write_text("{}")
    with pytest.raises(RegistryDamaged, match="stays retired"):
        registry.find("blobs", "1.0.0")


def test_a_key_is_written_for_its_owner_only_and_never_over_another(tmp_path: Path) -> None:
    trust = tmp_path / "keys/trust.json"
    key = create_key(tmp_path / "keys/build.pem", Role.BUILD, trust=trust, passphrase=None)
    assert stat.S_IMODE((tmp_path / "keys/build.pem").stat().st_mode) == 0o600
    before = (tmp_path / "keys/build.pem").read_bytes(), trust.read_bytes()
    with pytest.raises(KeyFileRefused, match="never written over"):
        create_key(tmp_path / "keys/build.pem", Role.BUILD, trust=trust, passphrase=None)
    assert ((tmp_path / "keys/build.pem").read_bytes(), trust.read_bytes()) == before
    other = create_key(tmp_path / "keys/deploy.pem", Role.DEPLOY, trust=trust, passphrase=None)
    assert TrustStore.load(trust).keys == (key.public, other.public)
    assert b"PRIVATE" not in trust.read_bytes()


def test_a_key_is_opened_with_its_passphrase_only(tmp_path: Path) -> None:
    path, trust = tmp_path / "build.pem", tmp_path / "trust.json"
    key = create_key(path, Role.BUILD, trust=trust, passphrase=b"open sesame")
    assert read_key(path, Role.BUILD, passphrase=b"open sesame").public == key.public
    for wrong, message in ((b"wrong", "wrong passphrase"), (None, "needs its passphrase")):
        with pytest.raises(KeyFileRefused, match=message):
            read_key(path, Role.BUILD, passphrase=wrong)
    assert "sesame" not in repr(key)


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "build.pem"
    create_key(path, Role.BUILD, trust=tmp_path / "trust.json", passphrase=None)
    path.chmod(0o644)
    with pytest.raises(KeyFileRefused, match="can be read by others"):
        read_key(path, Role.BUILD, passphrase=None)


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "build.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused):
        read_key(path, Role.BUILD, passphrase=None)


def test_a_revoked_key_counts_no_more(tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    key = create_key(tmp_path / "build.pem", Role.BUILD, trust=trust, passphrase=None)
    create_key(tmp_path / "deploy.pem", Role.DEPLOY, trust=trust, passphrase=None)
    revoke_key(trust, key.public.key_id[:8])
    with pytest.raises(SignatureRefused, match="revoked"):
        TrustStore.load(trust).key_of(key.public.key_id, role=Role.BUILD, now=NOW)
    for prefix in ("", "zz"):
        with pytest.raises(TrustRefused, match="keys of"):
            revoke_key(trust, prefix)
