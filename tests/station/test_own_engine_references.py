"""A station that judges against golden images has them all, as their digests say, or judges nothing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from blob_detector import BlobModel, TinyRelease, blob_level
from in_a_loop import in_a_loop
from lineside.client import LinesideClient
from lineside.inspection.frames import Image, MediaType
from lineside.inspection.verdict import Verdict
from lineside.serving.security import Role
from lineside.station.own_engine import EngineSettings, NoKit, OwnEngine
from live_server import LiveServer, live_server
from odd_releases import Workshop
from plant import RECIPE
from signing import TestKeys
from spooled_parts import a_view
from station_scene import judged_by_kit

GOLDEN = np.random.default_rng(0).integers(0, 100, (160, 160), np.uint8)


def png(image: Image) -> bytes:
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def with_a_short() -> bytes:
    """The golden board with a square whose difference to it has the gray level of `short`."""
    image = GOLDEN.copy()
    image[64:80, 64:80] += np.uint8(blob_level(1))
    return png(image)


def recipe() -> str:
    digest = hashlib.sha256(png(GOLDEN)).hexdigest()
    spec = f'{{id: g1, image: "sha256:{digest}", approved_by: Lee, approved_at: 2026-01-01T00:00:00Z}}'
    view = f"views: {{default: {{size_wh_px: [160, 160], references: [{spec}]}}}}"
    return RECIPE.replace("release: blobs", "release: compare").replace(
        "views: {default: {size_wh_px: [160, 160]}}", view
    )


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, keys: TestKeys) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("references")
    release = TinyRelease(model=BlobModel(kind="reference"), name="compare")
    released = Workshop(folder / "releases", keys).write(release).rename(folder / "releases" / "compare")
    with live_server(folder, releases=(), trust_file=keys.write_trust(folder / "trust.json")) as live:
        headers = {**live.authorization(), "Content-Type": "image/png"}
        digest = hashlib.sha256(png(GOLDEN)).hexdigest()
        live.http.put(f"/v1/references/{digest}", content=png(GOLDEN), headers=headers).raise_for_status()
        live.put_recipe("board", recipe()).raise_for_status()
        live.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        live.deploy(keys.deploy_release(released)).raise_for_status()
        yield live


@pytest.fixture
def engine(tmp_path: Path, keys: TestKeys) -> Iterator[OwnEngine]:
    trust_file = keys.write_trust(tmp_path / "trust.json")
    settings = EngineSettings(engine="onnxruntime-fp32")
    engine = OwnEngine(tmp_path / "own", station="aoi-1", trust_file=trust_file, settings=settings)
    yield engine
    engine.close()


class OtherGolden(httpx.AsyncHTTPTransport):
    """Hands out another picture in the golden one's place."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/kit/references/" in request.url.path:
            return httpx.Response(200, content=with_a_short(), request=request)
        return await super().handle_async_request(request)


@in_a_loop
async def test_it_lays_the_golden_image_on_the_part_as_the_server_does(server: LiveServer, engine: OwnEngine) -> None:
    async with LinesideClient(server.url, server.keys[Role.STATION]) as client:
        await engine.refresh(client)
    for number, (body, verdict) in enumerate(((png(GOLDEN), Verdict.OK), (with_a_short(), Verdict.NG))):
        mine = judged_by_kit(engine, {"default": a_view(body)})
        theirs = server.post(body, f"golden-{number}", media_type=MediaType.PNG.value).json()
        assert (mine.verdict, mine.verdict.value) == (verdict, theirs["verdict"])
        assert [defect.class_name for defect in mine.defects] == [each["class_name"] for each in theirs["defects"]]
    engine.close()
    engine.load_kept()
    assert judged_by_kit(engine, {"default": a_view(with_a_short())}).verdict is Verdict.NG


@in_a_loop
async def test_another_picture_in_the_golden_ones_place_is_refused(server: LiveServer, engine: OwnEngine) -> None:
    async with LinesideClient(server.url, server.keys[Role.STATION], transport=OtherGolden()) as client:
        with pytest.raises(NoKit, match="other bytes"):
            await engine.refresh(client)
    assert judged_by_kit(engine, {"default": a_view(png(GOLDEN))}).verdict is Verdict.NOT_INSPECTED
