"""Uploading, deploying and rolling back through the client, over real HTTP."""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from blob_detector import TinyRelease
from lineside.client import Contradicted, LinesideClient, NothingThere, pack_release
from lineside.inspection.release import DeploymentMode
from lineside.serving.security import Role
from live_server import LiveServer, live_server
from odd_releases import Workshop, version
from plant import RECIPE, bad_board
from signing import TestKeys


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, keys: TestKeys) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), keys)


@pytest.fixture
def trusting(tmp_path: Path, keys: TestKeys) -> Iterator[LiveServer]:
    """A server that believes the test's keys."""
    (tmp_path / "releases").mkdir()
    Workshop(tmp_path / "releases", keys).write(TinyRelease()).rename(tmp_path / "releases" / "blobs")
    with live_server(tmp_path, trust_file=keys.write_trust(tmp_path / "trust.json")) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield server


def test_a_package_of_the_same_folder_is_always_the_same_bytes(workshop: Workshop) -> None:
    folder = workshop.write(version("2.0.0"))
    package = pack_release(folder)
    assert package == pack_release(folder)
    assert package.digest == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
        assert {entry.filename: archive.read(entry) for entry in archive.infolist()} == {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }


def test_a_release_goes_live_is_seen_and_is_rolled_back(
    trusting: LiveServer, workshop: Workshop, keys: TestKeys
) -> None:
    live, shadow = workshop.write(version("2.0.0")), workshop.write(version("3.0.0"))

    async def run() -> None:
        async with LinesideClient(trusting.url, trusting.keys[Role.MLOPS], timeout_s=60) as client:
            for folder in (live, shadow):
                uploaded = await client.upload_release(pack_release(folder))
                assert uploaded == await client.upload_release(pack_release(folder))
            assert "2.0.0" in {item["version"] for item in (await client.releases())["items"]}
            deployed = await client.deploy(*keys.deploy_release(live, serial=1))
            looking_on = await client.deploy(*keys.deploy_release(shadow, serial=2, mode=DeploymentMode.SHADOW))
            found = await client.deployments()
            assert [item["deployment"]["serial"] for item in found["items"]] == [2, 1]
            assert found["highest_serial"] == 2
            (row,) = await client.in_force()
            assert (row["live"]["version"], row["candidate_deployment"]) == ("2.0.0", looking_on["deployment"]["id"])
            assert trusting.post(bad_board(1), "P").json()["release"]["version"] == "2.0.0"
            assert await client.disagreements(looking_on["deployment"]["id"]) == []
            withdrawn = await client.withdraw(deployed["deployment"]["id"], reason="a trial")
            assert withdrawn["deployment"]["withdrawal"]["by"] == "test mlops"
            assert (await client.deployment(deployed["deployment"]["id"]))["standing"] == "withdrawn"
            assert trusting.post(bad_board(2), "Q").json()["release"]["version"] == "1.0.0"

    asyncio.run(run())


def test_refusals_say_what_was_found(trusting: LiveServer, workshop: Workshop, keys: TestKeys) -> None:
    folder = workshop.write(version("2.0.0"))

    async def run() -> None:
        async with LinesideClient(trusting.url, trusting.keys[Role.MLOPS], timeout_s=60) as client:
            with pytest.raises(NothingThere, match="PUT /v1/releases"):
                await client.deploy(*keys.deploy_release(folder))
            with pytest.raises(Contradicted, match="trust file does not have"):
                await client.deploy(*TestKeys().deploy_release(folder))
            with pytest.raises(NothingThere, match="no deployment"):
                await client.withdraw("nothing", reason="a test")

    asyncio.run(run())
