"""Counting what two engines find, and the limits that the counts are held against."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from lineside.inspection.detections import Detections
from lineside.inspection.engines import Precision
from lineside.training.errors import ParityBroken, ParityRefused
from lineside.training.parity import EngineParity, ParityLimits, ParityReport, require_unbroken
from lineside.training.parity.differences import BoxDifferences, box_differences, recall
from lineside.training.parity.limits import Closeness, why_past_limit

Row = tuple[tuple[float, float, float, float], float, int]
BOX = (10.0, 10.0, 50.0, 50.0)
FAR = (200.0, 200.0, 240.0, 240.0)
THRESHOLDS = np.array([0.5, 0.25], np.float32)


def detections(rows: Sequence[Row]) -> Detections:
    return Detections(
        np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([class_id for _, _, class_id in rows], np.int64),
    )


@pytest.mark.parametrize(
    ("network", "engine", "expected"),
    [
        pytest.param([], [], BoxDifferences(0, 0, 0, 0, 0, 0, 0), id="neither finds anything"),
        pytest.param([(BOX, 0.9, 0)], [(BOX, 0.9, 0)], BoxDifferences(1, 0, 0, 0, 0, 0, 0), id="the same"),
        pytest.param(
            [(BOX, 0.9, 0)],
            [((11.0, 10.0, 50.0, 53.0), 0.8, 0)],
            BoxDifferences(1, 0, 0, 1.0, 3.0, 0.1, 0.1),
            id="two sides 1 and 3 px away: 1 px on average",
        ),
        pytest.param([(BOX, 0.9, 0)], [], BoxDifferences(0, 0, 1, 0, 0, 0, 0), id="missed"),
        pytest.param([], [(BOX, 0.9, 0)], BoxDifferences(0, 0, 1, 0, 0, 0, 0), id="made up"),
        pytest.param([(BOX, 0.9, 0)], [(BOX, 0.9, 1)], BoxDifferences(0, 0, 2, 0, 0, 0, 0), id="another class"),
        pytest.param([(BOX, 0.9, 0)], [(FAR, 0.9, 0)], BoxDifferences(0, 0, 2, 0, 0, 0, 0), id="elsewhere"),
        pytest.param(
            [(BOX, 0.52, 0)],
            [(BOX, 0.48, 0)],
            BoxDifferences(1, 1, 0, 0, 0, 0.04, 0.04),
            id="on either side of the threshold",
        ),
        pytest.param([(BOX, 0.3, 0)], [(BOX, 0.2, 0)], BoxDifferences(0, 0, 0, 0, 0, 0, 0), id="counts for neither"),
        pytest.param(
            [(BOX, 0.3, 1)],
            [(BOX, 0.3, 1), (FAR, 0.1, 1)],
            BoxDifferences(1, 0, 0, 0, 0, 0, 0),
            id="each class has its own threshold",
        ),
        pytest.param(
            [(BOX, 0.9, 0)],
            [(BOX, 0.9, 0), ((12.0, 10.0, 52.0, 50.0), 0.8, 0)],
            BoxDifferences(1, 0, 1, 0, 0, 0, 0),
            id="found twice",
        ),
    ],
)
def test_boxes_are_compared_one_to_one(network: Sequence[Row], engine: Sequence[Row], expected: BoxDifferences) -> None:
    found = box_differences([detections(network)], [detections(engine)], THRESHOLDS)
    counts = (found.matched, found.crossed, found.unmatched)
    assert counts == (expected.matched, expected.crossed, expected.unmatched)
    assert found.mean_box_difference_px == pytest.approx(expected.mean_box_difference_px)
    assert found.max_box_difference_px == pytest.approx(expected.max_box_difference_px)
    assert found.mean_score_difference == pytest.approx(expected.mean_score_difference, abs=1e-6)
    assert found.max_score_difference == pytest.approx(expected.max_score_difference, abs=1e-6)


def test_frames_count_together() -> None:
    one, other = detections([(BOX, 0.9, 0)]), detections([((14.0, 10.0, 50.0, 50.0), 0.7, 0)])
    found = box_differences([one, one, one], [one, other, detections([])], THRESHOLDS)
    assert (found.matched, found.unmatched) == (2, 1)
    assert found.mean_box_difference_px == pytest.approx(0.5)
    assert found.max_score_difference == pytest.approx(0.2)


def test_recall_counts_defects_shown_with_their_class_at_the_thresholds() -> None:
    truth = (np.array([BOX, FAR, (100.0, 100.0, 140.0, 140.0)], np.float32), np.array([0, 1, 0]))
    found = detections([(BOX, 0.9, 0), (FAR, 0.9, 0), ((100.0, 100.0, 140.0, 140.0), 0.4, 0)])
    assert recall([truth], [found], THRESHOLDS) == pytest.approx(1 / 3)
    assert recall([truth], [detections([])], THRESHOLDS) == 0
    assert recall([(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))], [found], THRESHOLDS) is None


CLOSE = Closeness(0.0, 0.0, 0.0, defects=1000, unmatched=0, matched=900)


@pytest.mark.parametrize(
    ("closeness", "precision", "why"),
    [
        pytest.param(CLOSE, Precision.FP32, None, id="fp32: the same"),
        pytest.param(replace(CLOSE, mean_box_difference_px=0.49), Precision.FP32, None, id="fp32: nearly"),
        pytest.param(replace(CLOSE, mean_box_difference_px=0.5), Precision.FP32, "0.500 px", id="fp32: boxes"),
        pytest.param(replace(CLOSE, delta_map50_95=-0.001), Precision.FP32, "mAP50-95", id="fp32: worse"),
        pytest.param(replace(CLOSE, delta_map50_95=0.001), Precision.FP32, "mAP50-95", id="fp32: better is as odd"),
        pytest.param(
            replace(CLOSE, matched=0, unmatched=5), Precision.FP32, "not one of 5", id="fp32: nothing in common"
        ),
        pytest.param(replace(CLOSE, defects=0, delta_map50_95=None), Precision.FP32, None, id="fp32: without labels"),
        pytest.param(
            replace(CLOSE, defects=12, delta_map50_95=-0.0084), Precision.FP32, None, id="fp32: a tie, few defects"
        ),
        pytest.param(
            replace(CLOSE, defects=12, unmatched=101),
            Precision.FP32,
            "101 of 1001 detections are found by one only",
            id="fp32: others, few defects",
        ),
        pytest.param(replace(CLOSE, mean_box_difference_px=3.0), Precision.BF16, None, id="bf16: mAP sees boxes"),
        pytest.param(replace(CLOSE, delta_map50_95=-0.0049), Precision.BF16, None, id="bf16: within"),
        pytest.param(replace(CLOSE, delta_map50_95=-0.0051), Precision.BF16, "-0.51 points", id="bf16: worse"),
        pytest.param(replace(CLOSE, delta_map50_95=0.0051), Precision.INT8, "+0.51 points", id="int8: odd"),
        pytest.param(replace(CLOSE, delta_recall=-0.006), Precision.INT8, "recall", id="int8: misses more"),
        pytest.param(replace(CLOSE, delta_recall=0.02), Precision.INT8, None, id="int8: finding more is no loss"),
        pytest.param(replace(CLOSE, defects=199), Precision.INT8, "199 labelled", id="int8: too few to tell"),
        pytest.param(replace(CLOSE, defects=0, delta_map50_95=None), Precision.BF16, "0 labelled", id="no labels"),
    ],
)
def test_the_limits_hold_on_both_sides(closeness: Closeness, precision: Precision, why: str | None) -> None:
    found = why_past_limit(closeness, precision, ParityLimits())
    assert (found is None) if why is None else (found is not None and why in found)


@pytest.mark.parametrize("name", list(ParityLimits().as_record()))
def test_a_limit_that_nothing_can_keep_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        ParityLimits(**{name: 0})


def engine_parity(*, is_offered: bool = True) -> EngineParity:
    return EngineParity(
        frames=3,
        defects=7,
        matched=6,
        crossed=1,
        unmatched=0,
        mean_box_difference_px=0.0123456789,
        max_box_difference_px=0.5,
        mean_score_difference=0.001,
        max_score_difference=0.01,
        map50_95=0.75,
        delta_map50_95=-0.0001,
        recall=1.0,
        delta_recall=0.0,
        is_offered=is_offered,
        limit={"delta_map50_95": 0.001},
        reason="" if is_offered else "boxes differ",
    )


def report(**engines: EngineParity) -> ParityReport:
    return ParityReport(
        release="boards 1",
        model_sha256=hashlib.sha256(b"model").hexdigest(),
        int8_model_sha256=None,
        network="the network",
        data={"revision": "0" * 64, "splits": ["val"]},
        thresholds={"open": 0.25},
        limits=ParityLimits().as_record(),
        network_map50_95=0.7501,
        network_recall=1.0,
        engines={name.replace("_", "-"): engine for name, engine in engines.items()},
        unavailable={"onnxruntime-cuda": "this host cannot run it"},
        machine="a processor",
        versions={"onnxruntime": "1.32.0"},
    )


def test_a_report_reads_back_as_it_was_written() -> None:
    written = report(onnxruntime_fp32=engine_parity(), openvino_bf16=engine_parity(is_offered=False))
    assert written.offered == ("onnxruntime-fp32",)
    read = ParityReport.from_json(written.to_json())
    assert read.to_json() == written.to_json()
    assert read.engines["onnxruntime-fp32"].mean_box_difference_px == 0.012346
    assert "schema" not in written.section()
    assert written.section()["engines"]["openvino-bf16"]["is_offered"] is False


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"schema": "lineside.parity/2"}, id="another schema"),
        pytest.param({"model_sha256": "abc"}, id="no digest"),
        pytest.param({"engines": {"openvino-bf16": {"is_offered": True}}}, id="a verdict without figures"),
        pytest.param({"surprise": 1}, id="an unknown key"),
    ],
)
def test_a_file_of_another_form_is_refused(change: dict[str, object]) -> None:
    document = report(onnxruntime_fp32=engine_parity()).as_document() | change
    with pytest.raises(ParityRefused, match=next(iter(change))):
        ParityReport.from_json(json.dumps(document))


def test_figures_of_another_model_are_refused() -> None:
    figures = report(onnxruntime_fp32=engine_parity())
    figures.require_model(b"model", source="model.onnx")
    with pytest.raises(ParityRefused, match="measure again"):
        figures.require_model(b"other", source="model.onnx")


def test_float32_past_its_limits_is_a_broken_export_and_less_is_a_choice() -> None:
    require_unbroken(report(onnxruntime_fp32=engine_parity(), openvino_int8=engine_parity(is_offered=False)))
    with pytest.raises(ParityBroken, match="openvino-fp32 is not the trained network: boxes differ"):
        require_unbroken(report(onnxruntime_fp32=engine_parity(), openvino_fp32=engine_parity(is_offered=False)))
