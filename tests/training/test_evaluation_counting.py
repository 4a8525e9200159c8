"""Which detection is about which defect, and the curves made of it, on cases small enough to count by hand."""

import math
import socket
from pathlib import Path

import numpy as np
import pytest

from lineside.inspection.detections import Detections
from lineside.training.evaluation import JudgedImage
from lineside.training.evaluation.curves import Froc, class_curve
from lineside.training.evaluation.matching import one_to_one, touches
from lineside.training.evaluation.outcomes import DefectOutcome
from lineside.training.evaluation.ranked import RankedClass
from lineside.training.evaluation.sizes import recall_by_size
from lineside.training.evaluation.timing import describe_host

Box = tuple[float, float, float, float]
A: Box = (0, 0, 20, 20)
B: Box = (100, 100, 140, 140)
FAR: Box = (300, 300, 320, 320)


def boxes(*rows: Box) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(rows, np.float32).reshape(-1, 4)


def image(truth: list[tuple[Box, int]], found: list[tuple[Box, float, int]]) -> JudgedImage:
    return JudgedImage(
        boxes(*(box for box, _ in truth)),
        np.array([class_id for _, class_id in truth], np.int64),
        Detections(
            boxes(*(box for box, _, _ in found)),
            np.array([score for _, score, _ in found], np.float32),
            np.array([class_id for _, _, class_id in found], np.int64),
        ),
    )


@pytest.mark.parametrize(
    ("found", "is_found"),
    [
        pytest.param(A, True, id="the same box"),
        pytest.param((15, 0, 35, 20), True, id="a seventh of both"),
        pytest.param((17, 0, 37, 20), False, id="a sliver, its middle outside"),
        pytest.param((8, 8, 11, 11), True, id="small, in the middle: IoU 0.02"),
        pytest.param((-200, -200, 420, 420), False, id="a box around everything points at nothing"),
        pytest.param(FAR, False, id="elsewhere"),
    ],
)
def test_a_report_is_about_a_defect_if_it_shows_a_person_the_place(found: Box, *, is_found: bool) -> None:
    assert touches(boxes(A), boxes(found)).tolist() == [[is_found]]


def test_nothing_touches_nothing() -> None:
    assert touches(boxes(), boxes(A)).shape == (0, 1)
    assert touches(boxes(A), boxes()).shape == (1, 0)


def test_a_true_box_takes_the_right_class_before_the_larger_overlap() -> None:
    found = image([], [((2, 0, 22, 20), 0.9, 1), ((6, 0, 26, 20), 0.5, 0)]).found
    assert one_to_one(boxes(A), found, np.array([0])).tolist() == [1]
    assert one_to_one(boxes(A), found, np.array([2])).tolist() == [0]
    assert one_to_one(boxes(A, FAR), found, np.array([0, 0])).tolist() == [1, -1]


def test_each_report_serves_one_true_box() -> None:
    near: Box = (4, 0, 24, 20)
    found = image([], [(A, 0.9, 0)]).found
    assert sorted(one_to_one(boxes(A, near), found, np.array([0, 0])).tolist()) == [-1, 0]


class TestFroc:
    """Two parts: defects seen at 0.9, 0.6 and never; false calls at 0.7 and 0.2."""

    froc = Froc.of(
        [
            image([(A, 0), (B, 1)], [(A, 0.9, 0), (FAR, 0.7, 0), (B, 0.6, 0)]),
            image([(A, 0)], [(FAR, 0.2, 1)]),
        ],
        parts=2,
    )

    def test_sensitivity_and_false_calls_at_a_threshold(self) -> None:
        assert self.froc.at(0.8) == pytest.approx((0.0, 1 / 3))
        assert self.froc.at(0.65) == pytest.approx((0.5, 1 / 3))
        assert self.froc.at(0.5) == pytest.approx((0.5, 2 / 3))
        assert self.froc.at(0.1) == pytest.approx((1.0, 2 / 3))

    def test_the_curve_goes_from_no_false_call_to_all(self) -> None:
        points = self.froc.points()
        assert [round(threshold, 2) for _, _, threshold in points] == [0.9, 0.7, 0.6, 0.2]
        assert points[0][:2] == pytest.approx((0.0, 1 / 3))
        assert points[-1][:2] == pytest.approx((1.0, 2 / 3))

    @pytest.mark.parametrize(
        ("allowed", "sensitivity"),
        [
            pytest.param(0.0, 1 / 3, id="none: the threshold must be above 0.7"),
            pytest.param(0.4, 1 / 3, id="less than one in two parts is none"),
            pytest.param(0.5, 2 / 3, id="one in two parts"),
            pytest.param(5.0, 2 / 3, id="more than there are"),
        ],
    )
    def test_sensitivity_where_so_many_false_calls_are_allowed(self, allowed: float, sensitivity: float) -> None:
        assert self.froc.sensitivity_at(allowed) == pytest.approx(sensitivity)

    def test_weights_count_images_as_often_as_they_say(self) -> None:
        assert self.froc.sensitivity_at(5.0, np.array([2.0, 0.0])) == 1.0
        assert self.froc.sensitivity_at(5.0, np.array([0.0, 2.0])) == 0.0

    def test_without_a_defect_there_is_no_sensitivity(self) -> None:
        none = Froc.of([image([], [(FAR, 0.5, 0)])], parts=1)
        assert none.points() == ()
        assert math.isnan(none.sensitivity_at(1.0))


def test_a_class_s_curves_by_hand() -> None:
    """Right at 0.9, wrong at 0.8, right at 0.7, of three."""
    case = image([(A, 0), (B, 0), (FAR, 0)], [(A, 0.9, 0), ((200, 0, 220, 20), 0.8, 0), (B, 0.7, 0)])
    curve = class_curve(RankedClass.of([case], 0))
    assert np.array(curve.precision_recall) == pytest.approx(np.array([(1 / 3, 1), (1 / 3, 1 / 2), (2 / 3, 2 / 3)]))
    f_at = dict(curve.f_over_threshold)
    assert (f_at[0.95], f_at[0.85], f_at[0.75], f_at[0.5]) == pytest.approx((0, 2 / 4, 2 / 5, 4 / 6))
    assert (curve.best_threshold, curve.best_f) == pytest.approx((0.7, 2 / 3))


def test_a_class_without_a_true_box_has_no_curve() -> None:
    curve = class_curve(RankedClass.of([image([], [(A, 0.9, 0)])], 0))
    assert (curve.precision_recall, curve.f_over_threshold, curve.best_threshold) == ((), (), None)


def defect(size_px: float, *, is_found: bool, size_mm: float | None = None) -> DefectOutcome:
    return DefectOutcome("open", A, size_px, size_mm, is_found=is_found, is_right_class=False, confidence=0.5)


class TestSizes:
    def test_bins_double_the_area_and_hold_their_lower_end(self) -> None:
        defects = [defect(8, is_found=False), defect(11, is_found=True), defect(16, is_found=True)]
        unit, bins = recall_by_size(defects)
        assert unit == "px"
        assert [(round(one.least, 1), round(one.below, 1), one.found.events, one.found.units) for one in bins] == [
            (8.0, 11.3, 1, 2),
            (11.3, 16.0, 0, 0),
            (16.0, 22.6, 1, 1),
        ]
        assert bins[1].found.estimate is None
        assert (bins[0].found.lower, bins[0].found.upper) == pytest.approx((0.0126, 0.9874), abs=1e-4)

    def test_millimetres_only_where_every_defect_has_them(self) -> None:
        both = [defect(8, is_found=True, size_mm=0.4), defect(8, is_found=True, size_mm=0.8)]
        assert recall_by_size(both)[0] == "mm"
        assert recall_by_size([*both, defect(8, is_found=True)])[0] == "px"

    def test_no_defect_has_no_bin(self) -> None:
        assert recall_by_size([]) == ("px", ())


def test_the_host_is_described_without_its_name(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name : Imaginary 9000\n", encoding="utf-8")
    said = describe_host(info)
    assert "Imaginary 9000" in said
    assert "cores" in said
    assert socket.gethostname() not in said
    assert "cores" in describe_host(info.with_name("absent"))
