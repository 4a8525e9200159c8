"""Recipes that compare: the golden image lies beside the picture in Label Studio, and in the revision."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from blob_detector import Blob, BlobModel, TinyRelease
from label_scene import LabelScene
from label_studio import LabelStudioServer
from labelled_blobs import BlobImage, png
from live_server import LiveServer, live_server

pytestmark = pytest.mark.system

BLOB = Blob(1, 64, 48)
BOARD = BlobImage("P", drawn=[BLOB])
GOLDEN = png(BOARD.picture(with_blobs=False))
RECIPE = f"""\
schema: lineside.recipe/1
id: compared
version: 1
product: CMP
catalogue: {{id: pcb, version: 1}}
release: compares
deadline_ms: 20000
views:
  default:
    size_wh_px: [160, 160]
    references:
      - id: golden
        image: "sha256:{hashlib.sha256(GOLDEN).hexdigest()}"
        approved_by: qe
        approved_at: 2026-01-01T00:00:00Z
health: {{min_std: null, min_brightest: null, max_black_share: null, min_mean: null, min_sharpness: null}}
"""


@pytest.fixture(scope="module")
def comparing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    release = TinyRelease(model=BlobModel(kind="reference"), name="compares")
    with live_server(tmp_path_factory.mktemp("comparing"), releases=[release]) as server:
        headers = {**server.authorization(), "Content-Type": "image/png"}
        digest = hashlib.sha256(GOLDEN).hexdigest()
        server.http.put(f"/v1/references/{digest}", content=GOLDEN, headers=headers).raise_for_status()
        server.put_recipe("compared", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "compared", "version": 1}).raise_for_status()
        yield server


@pytest.fixture
def scene(comparing: LiveServer, label_studio: LabelStudioServer, tmp_path: Path) -> LabelScene:
    return LabelScene(comparing, label_studio, f"compared {uuid4().hex[:12]}", tmp_path, label_studio.url)


def test_the_golden_image_goes_along_and_raw_pixels_become_a_picture(scene: LabelScene) -> None:
    encoded = scene.server.post(png(BOARD.picture()), "CMP-1")
    raw = scene.server.post(
        BlobImage("RAW", drawn=[BLOB]).picture().tobytes(),
        "CMP-2",
        media_type="application/vnd.lineside.raw",
        said={"width": 160, "height": 160, "pixel_format": "mono8"},
    )
    ids = [answer.raise_for_status().json()["id"] for answer in (encoded, raw)]
    scene.pick(ids)
    assert scene.push().needs == ()
    for task in scene.tasks():
        shown = scene.studio.http.get(task["data"]["reference"][0])
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
        assert shown.content != GOLDEN  # laid on the frame, encoded anew
    for part in ("CMP-1", "CMP-2"):
        scene.annotate(scene.task_of(part), ("short", BLOB.box_xyxy_px))
    pulled = scene.pull()
    revision = scene.store.verify(str(pulled.revision)).revision
    images = {image.part_id: image for image in revision.images}
    assert {image.reference.sha256 for image in revision.images if image.reference is not None} == {
        hashlib.sha256(GOLDEN).hexdigest()
    }
    kept = scene.picks()["CMP-2"]["views"][0]["digest"]
    assert images["CMP-2"].ancestors == (kept,)
    assert (scene.store.pixels(images["CMP-2"].image) == BlobImage("RAW", drawn=[BLOB]).picture()).all()
    assert images["CMP-1"].ancestors == ()
    assert images["CMP-1"].image.sha256 == hashlib.sha256(png(BOARD.picture())).hexdigest()
