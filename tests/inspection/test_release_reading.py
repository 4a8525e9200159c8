import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import jsonschema  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest

from blob_detector import BLOB_CLASSES, Blob, BlobModel, WriteRelease, describe_files
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import EngineChoice, choose_engine
from lineside.inspection.errors import CanaryFailed, NonFiniteOutput, ReleaseError, ReleaseUnverified
from lineside.inspection.heads import Head
from lineside.inspection.release import (
    InputKind,
    manifest_json_schema,
    read_release,
    run_canary,
    starter_release_folder,
)

ORT = EngineChoice("onnxruntime-fp32", threads=1)


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_a_release_says_what_it_is(tiny_release_folder: Path) -> None:
    release = read_release(tiny_release_folder)
    assert (release.name, release.version, release.licence) == ("blobs", "1.0.0", "Apache-2.0")
    assert (release.input_kind, release.head) == (InputKind.SINGLE, Head.RAW)
    assert release.input_size_wh_px == (160, 160)
    assert release.classes == BLOB_CLASSES
    assert dict(release.thresholds) == dict.fromkeys(BLOB_CLASSES, 0.25)
    assert (release.catalogue_id, release.catalogue_version) == ("pcb", 1)
    assert [defect.class_name for defect in release.canary[0].expected] == list(BLOB_CLASSES)


def test_the_digest_is_that_of_the_manifest(tiny_release_folder: Path) -> None:
    text = (tiny_release_folder / "manifest.json").read_bytes()
    assert read_release(tiny_release_folder).digest == hashlib.sha256(text).hexdigest()


def test_thresholds_of_a_release_cannot_be_changed(tiny_release_folder: Path) -> None:
    thresholds: Any = read_release(tiny_release_folder).thresholds
    with pytest.raises(TypeError):
        thresholds["open"] = 0.99


def test_a_reference_canary_is_composed_of_frame_reference_and_difference(write_release: WriteRelease) -> None:
    image = read_release(write_release(model=BlobModel(kind="reference"))).canary[0].image
    frame, reference, difference = (image[..., channel] for channel in range(3))
    assert not reference.any()
    np.testing.assert_array_equal(difference, frame)
    assert frame.any()


def test_a_file_exchanged_after_reading_has_no_effect(tiny_release_folder: Path) -> None:
    """The model is read once; what runs is what was verified."""
    release = read_release(tiny_release_folder)
    for path in tiny_release_folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"exchanged")
    detector = open_detector(release, ORT)
    run_canary(detector, release)
    detector.close()


def change_a_byte(folder: Path) -> None:
    model = bytearray((folder / "model.onnx").read_bytes())
    model[1000] ^= 1
    (folder / "model.onnx").write_bytes(bytes(model))


def append_a_byte(folder: Path) -> None:
    with (folder / "MODEL_CARD.md").open("ab") as file:
        file.write(b"x")


def link_the_model(folder: Path) -> None:
    (folder / "model.onnx").rename(folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


def link_the_canaries(folder: Path) -> None:
    (folder / "canary").rename(folder.parent / "elsewhere")
    (folder / "canary").symlink_to(folder.parent / "elsewhere", target_is_directory=True)


def link_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").rename(folder.parent / "elsewhere.json")
    (folder / "manifest.json").symlink_to(folder.parent / "elsewhere.json")


def replace_the_model_by_a_folder(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").mkdir()


def name_a_file_outside(folder: Path) -> None:
    outside = folder.parent / "outside.txt"
    outside.write_bytes(b"secret")
    entry = {"sha256": hashlib.sha256(b"secret").hexdigest(), "size_bytes": 6}
    edit_manifest(folder, lambda manifest: manifest["files"].update({"../outside.txt": entry}))


def name_an_absolute_file(folder: Path) -> None:
    edit_manifest(
        folder, lambda manifest: manifest["files"].update({"/etc/hostname": {"sha256": "0" * 64, "size_bytes": 1}})
    )


def name_a_file_by_a_detour(folder: Path) -> None:
    def detour(manifest: dict[str, Any]) -> None:
        manifest["files"]["canary/../LICENSE"] = manifest["files"].pop("LICENSE")

    edit_manifest(folder, detour)


def write_twice_the_same_key(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"head": "raw"', '"head": "raw", "head": "raw"'))


def write_nan(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"open": 0.25', '"open": NaN'))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(change_a_byte, "manifest says", id="one bit of the model"),
        pytest.param(append_a_byte, "longer than", id="a file that grew"),
        pytest.param(lambda folder: (folder / "LICENSE").unlink(), r"missing \['LICENSE'\]", id="a file missing"),
        pytest.param(lambda folder: (folder / "x.so").touch(), r"not in the manifest \['x.so'\]", id="a stranger"),
        pytest.param(link_the_model, "symbolic link", id="the model a symbolic link"),
        pytest.param(link_the_canaries, "symbolic link", id="a folder a symbolic link"),
        pytest.param(link_the_manifest, "cannot be read", id="the manifest a symbolic link"),
        pytest.param(replace_the_model_by_a_folder, "missing", id="a folder for the model"),
        pytest.param(name_a_file_outside, "no plain path", id="a file outside, by .."),
        pytest.param(name_an_absolute_file, "no plain path", id="an absolute file"),
        pytest.param(name_a_file_by_a_detour, "no plain path", id="a file by a detour"),
        pytest.param(lambda folder: (folder / "manifest.json").unlink(), "cannot be read", id="no manifest"),
        pytest.param(lambda folder: (folder / "manifest.json").write_text("{"), "Invalid JSON|no JSON", id="half JSON"),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text("[" * 100_000), "no JSON", id="deeply nested JSON"
        ),
        pytest.param(write_twice_the_same_key, "stand there twice", id="a key twice"),
        pytest.param(write_nan, "thresholds.open", id="NaN for a threshold"),
    ],
)
def test_a_folder_that_is_not_as_its_manifest_says_is_refused(
    damage: Callable[[Path], object], message: str, tiny_release_folder: Path
) -> None:
    damage(tiny_release_folder)
    with pytest.raises(ReleaseUnverified, match=message):
        read_release(tiny_release_folder)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseUnverified, match="cannot be read"):
        read_release(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"note": "hello"}, "note: Extra inputs", id="an unknown key"),
        pytest.param({"schema": "lineside.release/2"}, "schema", id="a later schema"),
        pytest.param({"head": "end_to_end"}, "manifest's head is end_to_end", id="another head than the model's"),
        pytest.param({"input": {"kind": "single", "size_wh_px": [320, 160]}}, "size_wh_px is", id="another input size"),
        pytest.param({"input": {"kind": "reference", "size_wh_px": [160, 160]}}, "input kind", id="another input kind"),
        pytest.param({"classes": list(BLOB_CLASSES[::-1])}, "manifest's classes", id="classes in another order"),
        pytest.param({"classes": [*BLOB_CLASSES[:5], "dent"]}, "thresholds", id="another class"),
        pytest.param({"thresholds": {"open": 0.25}}, "thresholds", id="thresholds missing"),
        pytest.param({"thresholds": dict.fromkeys(BLOB_CLASSES, 0.0)}, "thresholds", id="a threshold of zero"),
        pytest.param({"canary": []}, "canary", id="no canary"),
        pytest.param(
            {
                "canary": [
                    {
                        "frame": "canary/99.png",
                        "reference": None,
                        "expected": [{"class": "open", "box_xyxy_px": [0, 0, 9, 9]}],
                    }
                ]
            },
            "files lack",
            id="a canary that is not there",
        ),
        pytest.param({"name": "../x"}, "name", id="a name that is a path"),
        pytest.param({"task": "segment"}, "task", id="another task"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    changes: dict[str, Any], message: str, write_release: WriteRelease
) -> None:
    with pytest.raises(ReleaseUnverified, match=message):
        read_release(write_release(changes=changes))


def test_a_canary_picture_that_claims_to_be_giant_is_refused(tiny_release_folder: Path) -> None:
    """256 megapixels in 80 bytes: the header is judged before anything is allocated."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 16000, 16000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tiny_release_folder / "canary/01_frame.png").write_bytes(bomb)
    edit_manifest(tiny_release_folder, lambda manifest: manifest.update(files=describe_files(tiny_release_folder)))
    with pytest.raises(ReleaseUnverified, match="canary picture"):
        read_release(tiny_release_folder)


def test_an_unsafe_model_is_refused_even_when_its_digest_is_right(write_release: WriteRelease) -> None:
    with pytest.raises(ReleaseError, match="no ONNX model"):
        read_release(write_release(model_bytes=b"\x08\x07not a model"))


def test_a_model_that_finds_its_canaries_passes(tiny_release_folder: Path) -> None:
    release = read_release(tiny_release_folder)
    detector = open_detector(release, ORT)
    run_canary(detector, release)
    detector.close()


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(BlobModel(mixing=(0.0, 0.0, 1e-6)), id="blind: its weights see almost nothing"),
        pytest.param(BlobModel(levels=BlobModel().levels[::-1]), id="classes swapped"),
    ],
)
def test_a_model_that_misses_a_known_defect_fails_its_canary(model: BlobModel, write_release: WriteRelease) -> None:
    release = read_release(write_release(model=model))
    detector = open_detector(release, ORT)
    with pytest.raises(CanaryFailed, match="Do not use this release"):
        run_canary(detector, release)
    detector.close()


def test_a_canary_in_the_wrong_place_is_a_miss(write_release: WriteRelease) -> None:
    folder = write_release(canary_blobs=[Blob(0, 40, 40)])

    def shift(manifest: dict[str, Any]) -> None:
        manifest["canary"][0]["expected"][0]["box_xyxy_px"] = [60, 40, 76, 56]

    edit_manifest(folder, shift)
    release = read_release(folder)
    detector = open_detector(release, ORT)
    with pytest.raises(CanaryFailed, match="IoU"):
        run_canary(detector, release)
    detector.close()


def test_a_model_that_computes_nan_from_finite_weights_is_found_out(write_release: WriteRelease) -> None:
    proto = BlobModel().proto()
    distance = next(node for node in proto.graph.node if node.op_type == "Abs")
    distance.op_type = "Sqrt"  # of negative numbers
    release = read_release(write_release(model_bytes=proto.SerializeToString()))
    detector = open_detector(release, ORT)
    with pytest.raises(NonFiniteOutput):
        run_canary(detector, release)
    detector.close()
    with pytest.raises(NonFiniteOutput):
        choose_engine(release, cache_dir=None)


def test_an_unknown_starter_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ReleaseUnverified, match="no starter release 'nothing'"):
        starter_release_folder("nothing")


def test_the_canary_frames_are_pictures_as_written(tiny_release_folder: Path) -> None:
    written = cv2.imread(str(tiny_release_folder / "canary/01_frame.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(read_release(tiny_release_folder).canary[0].image, written)


def test_the_manifests_schema_accepts_a_release_and_refuses_an_unknown_key(tiny_release_folder: Path) -> None:
    validator = jsonschema.Draft202012Validator(manifest_json_schema())
    manifest = json.loads((tiny_release_folder / "manifest.json").read_text())
    validator.validate(manifest)
    with pytest.raises(jsonschema.ValidationError, match="license"):
        validator.validate({**manifest, "license": "spelt otherwise"})
