"""The copies that Label Studio shows: the judged pixels, nothing else."""

import struct
from typing import Any
from uuid import UUID, uuid4

import cv2
import numpy as np
import pytest

from label_studio import LabelStudioServer
from label_tasks import label_task, noise_png
from lineside.datasets.labelling import (
    LabelStudio,
    LabelTaskRefused,
    PredictedBox,
    StudioProject,
    judged_pixels,
    label_png,
)
from lineside.datasets.labelling.pushing import BYTES_A_BATCH, FILES_A_BATCH, batches
from lineside.inspection.decoding import ShiftRight
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import MediaType, PixelFormat, RawGeometry
from lineside.inspection.tiling import Tile


def jpeg_turned_by_exif() -> bytes:
    """A JPEG of 200x100 px whose EXIF says "turn me by a quarter" and whose comment names a person."""
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 150:] = 255
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    directory = struct.pack("<HHHII", 1, 0x0112, 3, 1, 6) + struct.pack("<I", 0)
    exif = b"Exif\0\0" + b"II*\0" + struct.pack("<I", 8) + directory
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    named = b"taken by Hong Gil-dong"
    remark = b"\xff\xfe" + struct.pack(">H", len(named) + 2) + named
    return jpeg[:2] + segment + remark + jpeg[2:]


def test_a_copy_has_the_pixels_that_were_judged_and_no_metadata() -> None:
    """The decoding of an inspection ignores EXIF's orientation; a browser would not, so the copy has none."""
    body = jpeg_turned_by_exif()

    image = judged_pixels(body, MediaType.JPEG)
    png = label_png(image)

    assert image.shape == (100, 200, 3)
    assert image[:, :100].max() < 30
    assert image[:, 170:].min() > 220
    shown = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(shown, image)
    assert png_chunks(png) == {b"IHDR", b"IDAT", b"IEND"}
    assert b"Hong" not in png


def png_chunks(png: bytes) -> set[bytes]:
    """Kinds of chunks in a PNG."""
    kinds, at = set(), 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kinds.add(png[at + 4 : at + 8])
        at += 12 + length
    return kinds


def test_raw_and_16_bit_frames_are_shown_as_they_were_judged() -> None:
    pixels = np.arange(6, dtype=np.uint16).reshape(2, 3) * 16
    geometry = RawGeometry(3, 2, PixelFormat.MONO16)

    image = judged_pixels(pixels.tobytes(), MediaType.RAW, raw=geometry, sixteen_bit=ShiftRight(4))

    np.testing.assert_array_equal(image, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(label_png(image), np.uint8), cv2.IMREAD_UNCHANGED), image)
    with pytest.raises(FrameError):
        judged_pixels(pixels.tobytes(), MediaType.RAW, raw=geometry)


def test_a_tile_is_cut_where_it_lies() -> None:
    image = np.random.default_rng(3).integers(0, 255, (60, 80), np.uint8)

    png = label_png(image, Tile(10, 20, 50, 60))

    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED), image[20:60, 10:50])
    with pytest.raises(LabelTaskRefused, match="of a 80x60 px picture"):
        label_png(image, Tile(10, 20, 81, 60))


def test_label_studio_serves_the_copy_byte_for_byte(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    task = label_task(reference_png=noise_png(99))
    made = studio.push(project.id, [task])

    data = label_studio.http.get(f"/api/tasks/{made[task.uuid]}").json()["data"]

    assert label_studio.http.get(data["image"]).content == task.image_png
    (reference,) = data["reference"]
    assert label_studio.http.get(reference).content == task.reference_png
    assert data["facts"] == "part: 부품-1  ·  station: s1"
    assert data["part"] == "부품-1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"image_png": jpeg_turned_by_exif()}, "is no PNG", id="not a PNG"),
        pytest.param({"reference_png": b"GIF89a"}, "reference .* is no PNG", id="the reference is no PNG"),
        pytest.param({"size_wh_px": (100, 200)}, "mapped back wrongly", id="another size"),
        pytest.param({"data": {"vid": "x"}}, r"\['vid'\]", id="a key that is taken"),
        pytest.param({"model_version": None}, "no model version", id="boxes of nobody"),
    ],
)
def test_a_task_that_label_studio_would_take_without_a_word_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LabelTaskRefused, match=message):
        label_task(**changes)


@pytest.mark.parametrize(
    ("score", "box"),
    [
        (1.5, (0, 0, 1, 1)),
        (-0.1, (0, 0, 1, 1)),
        (float("nan"), (0, 0, 1, 1)),
        (0.5, (1, 0, 1, 1)),
        (0.5, (0, 0, 1, float("inf"))),
    ],
    ids=str,
)
def test_what_is_no_prediction_is_refused(score: float, box: tuple[float, float, float, float]) -> None:
    with pytest.raises(LabelTaskRefused):
        PredictedBox("dent", score, box)


def test_a_prediction_that_is_not_on_its_picture_stops_its_batch_before_anything_is_sent(
    studio: LabelStudio, project: StudioProject
) -> None:
    wrong = label_task(predictions=(PredictedBox("dent", 0.5, (300.0, 20.0, 380.0, 60.0)),))

    with pytest.raises(LabelTaskRefused, match="in the tile's pixels"):
        studio.push(project.id, [label_task(), wrong])

    assert studio.task_count(project.id) == 0


def test_two_tasks_of_one_id_are_refused(studio: LabelStudio, project: StudioProject) -> None:
    same = uuid4()

    with pytest.raises(LabelTaskRefused, match=f"two tasks to push have the id {same}"):
        studio.push(project.id, [label_task(same), label_task(same, look=8)])


def test_a_model_that_found_nothing_suggests_ok(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    silent, unasked = label_task(predictions=()), label_task(predictions=(), model_version=None)
    made = studio.push(project.id, [silent, unasked])

    def predicted(uuid: UUID) -> Any:
        return label_studio.http.get("/api/predictions/", params={"task": made[uuid]}).json()

    (suggestion,) = predicted(silent.uuid)
    assert [each["value"] for each in suggestion["result"]] == [{"choices": ["ok"]}]
    assert predicted(unasked.uuid) == []


def test_batches_keep_to_what_label_studio_takes() -> None:
    tasks = [label_task(look=look) for look in range(200)]
    shared = noise_png(500)
    with_reference = [label_task(look=look, reference_png=shared) for look in range(100)]
    large = [label_task(image_png=noise_png(look) + bytes(20 * 1024 * 1024)) for look in range(3)]

    assert [len(batch) for batch in batches(tasks)] == [FILES_A_BATCH, FILES_A_BATCH, 20]
    assert [len(batch) for batch in batches(with_reference)] == [FILES_A_BATCH - 1, 11]
    assert [len(batch) for batch in batches(large)] == [1, 1, 1]
    assert 20 * 1024 * 1024 < BYTES_A_BATCH < 40 * 1024 * 1024
    assert list(batches([])) == []
