"""Our decoding against the training framework's own: the same network output must give the same defects."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.engines import load_engine
from lineside.inspection.heads import decode_output
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.release import InputKind, Release
from random_yolo import (
    CLASSES,
    CONFIDENCE,
    END_TO_END_MODELS,
    IOU,
    PICTURE_SEEDS,
    RAW_MODELS,
    FrameworkResult,
    RandomYolo,
    export,
    picture,
    predict,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "heads.npz"
MODELS = (*RAW_MODELS, *END_TO_END_MODELS)
by_architecture = pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.architecture)


def assert_same(found: Detections, expected: FrameworkResult, *, atol_px: float, atol: float) -> None:
    """The same defects, by falling confidence; the order of equal ones is nobody's promise.

    ultralytics also gives boxes turned inside out, which hold no pixel.
    """
    left, top, right, bottom = expected.boxes_xyxy_px.T
    has_area = (right > left) & (bottom > top)
    expected = FrameworkResult(
        expected.boxes_xyxy_px[has_area], expected.confidences[has_area], expected.class_ids[has_area]
    )
    assert len(found) == len(expected.confidences)
    assert (np.diff(found.confidences) <= 0).all()
    distance_px = np.abs(found.boxes_xyxy_px[:, None] - expected.boxes_xyxy_px[None]).max(axis=2)
    distance_px[found.class_ids[:, None] != expected.class_ids[None]] = np.inf
    # one anchor may give two boxes a few hundredths apart: their confidences tell them apart
    distance_px += 100 * np.abs(found.confidences[:, None] - expected.confidences[None])
    partner = distance_px.argmin(axis=0)
    assert len(set(partner.tolist())) == len(partner)
    np.testing.assert_array_equal(found.class_ids[partner], expected.class_ids)
    np.testing.assert_allclose(found.confidences[partner], expected.confidences, atol=atol)
    np.testing.assert_allclose(found.boxes_xyxy_px[partner], expected.boxes_xyxy_px, atol=atol_px)


@pytest.fixture(scope="module")
def golden() -> Iterator[dict[str, NDArray[np.generic]]]:
    with np.load(GOLDEN) as arrays:
        yield dict(arrays)


@by_architecture
def test_each_head_decodes_to_what_ultralytics_finds(spec: RandomYolo, golden: dict[str, NDArray[np.generic]]) -> None:
    expected = FrameworkResult(
        golden[f"{spec.architecture}/boxes_xyxy_px"].astype(np.float32),
        golden[f"{spec.architecture}/confidences"].astype(np.float32),
        golden[f"{spec.architecture}/class_ids"].astype(np.int64),
    )
    assert len(expected.confidences) >= 10
    found = decode_output(
        golden[f"{spec.architecture}/output"].astype(np.float32),
        spec.head,
        thresholds=np.full(len(CLASSES), CONFIDENCE, np.float32),
        size_wh_px=(spec.size_px, spec.size_px),
        nms_iou=IOU,
    )
    assert_same(found, expected, atol_px=0.002, atol=1e-6)


@pytest.mark.training
@by_architecture
def test_a_fresh_export_gives_what_ultralytics_finds(spec: RandomYolo, tmp_path: Path) -> None:
    """The whole way on each fp32 engine of ours: ONNX metadata, uint8 input, channel order, head, suppression."""
    model = export(spec, tmp_path)
    graph = read_model_graph(model.read_bytes())
    assert (graph.classes, graph.head) == (CLASSES, spec.head)
    release = Release(
        name="random",
        version="1",
        digest="0" * 64,
        input_kind=InputKind.SINGLE,
        input_size_wh_px=graph.input_size_wh_px,
        head=graph.head,
        classes=graph.classes,
        thresholds=dict.fromkeys(graph.classes, CONFIDENCE),
        catalogue_id="pcb",
        catalogue_version=1,
        licence="AGPL-3.0-only",
        canary=(),
        served_model=graph.served_model,
    )
    image = picture(spec.size_px, PICTURE_SEEDS[1])
    expected = predict(model, image)
    assert len(expected.confidences) >= 10
    for name in ("onnxruntime-fp32", "openvino-fp32"):
        detector = Detector(release, load_engine(name, release.served_model, threads=2), nms_iou=IOU)
        assert_same(detector.detect(image), expected, atol_px=0.05, atol=1e-3)
        detector.close()
