"""The ways of counting, on cases small enough to count by hand."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.inspection.detections import Detections
from lineside.training.evaluation import JudgedImage, Resampling, coco_precision, protocol_curve, score_images
from lineside.training.evaluation.ranked import RankedClass, mean_average_precisions

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")

Box = tuple[float, float, float, float]
A: Box = (10, 10, 40, 40)
B: Box = (100, 100, 140, 130)
FAR: Box = (300, 300, 320, 320)


def board(truth: Sequence[tuple[Box, int]], found: Sequence[tuple[Box, float, int]]) -> JudgedImage:
    found = sorted(found, key=lambda row: -row[1])
    return JudgedImage(
        np.array([box for box, _ in truth], np.float32).reshape(-1, 4),
        np.array([class_id for _, class_id in truth], np.int64),
        Detections(
            np.array([box for box, _, _ in found], np.float32).reshape(-1, 4),
            np.array([score for _, score, _ in found], np.float32),
            np.array([class_id for _, _, class_id in found], np.int64),
        ),
    )


def overlapping(box: Box, iou: float) -> Box:
    """A box of the same size, shifted right to overlap by `iou`."""
    width = box[2] - box[0]
    shift = width * (1 - iou) / (1 + iou)
    return (box[0] + shift, box[1], box[2] + shift, box[3])


class TestProtocol:
    def test_the_case_of_the_formula(self) -> None:
        """Right, wrong, right: AP = (1/1 + 2/3) / 3 truths."""
        case = board([(A, 0), (B, 1), (FAR, 2)], [(A, 0.9, 0), ((0, 0, 5, 5), 0.8, 0), (B, 0.7, 1)])
        curve = protocol_curve([case])
        assert curve.average_precision() == pytest.approx((1 + 2 / 3) / 3)
        assert curve.counts_at(0.75) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
        assert curve.counts_at(0.0) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
        assert curve.best_confidence() == pytest.approx(0.7)

    def test_with_slack_the_lowest_confidence_near_the_best_is_taken(self) -> None:
        """F from the top: 2/3, 1, 4/5, 2/3."""
        noise: list[tuple[Box, float, int]] = [(FAR, 0.3, 0), ((0, 0, 5, 5), 0.2, 0)]
        curve = protocol_curve([board([(A, 0), (B, 1)], [(A, 0.9, 0), (B, 0.7, 1), *noise])])
        assert curve.best_confidence() == pytest.approx(0.7)
        assert curve.best_confidence(slack=0.21) == pytest.approx(0.3)

    @pytest.mark.parametrize(
        ("iou", "is_right"),
        [
            pytest.param(0.5, True, id="half"),
            pytest.param(0.36, True, id="above"),
            pytest.param(0.30, False, id="below"),
        ],
    )
    def test_a_third_of_overlap_is_the_bar(self, iou: float, is_right: bool) -> None:  # noqa: FBT001 - a case table
        big: Box = (100, 100, 400, 400)  # large, so that cutting to integers moves the IoU little
        curve = protocol_curve([board([(big, 0)], [(overlapping(big, iou), 0.9, 0)])])
        assert curve.is_right.tolist() == [is_right]

    def test_the_most_confident_overlapping_detection_is_taken_whatever_its_class(self) -> None:
        """A wrong class first costs the true box; the right one behind it stays a false call."""
        curve = protocol_curve([board([(A, 0)], [(A, 0.9, 3), (A, 0.8, 0)])])
        assert curve.is_right.tolist() == [False, False]
        assert curve.average_precision() == 0.0

    def test_truth_is_served_in_file_order(self) -> None:
        """Two truths on one place: the first takes the most confident, the second the next."""
        near = overlapping(A, 0.8)
        curve = protocol_curve([board([(A, 1), (near, 2)], [(A, 0.9, 1), (near, 0.8, 2)])])
        assert curve.is_right.tolist() == [True, True]
        swapped = protocol_curve([board([(near, 2), (A, 1)], [(A, 0.9, 1), (near, 0.8, 2)])])
        assert swapped.is_right.tolist() == [False, False]

    def test_detections_of_all_boards_are_ranked_together(self) -> None:
        good, bad = board([(A, 0)], [(A, 0.5, 0)]), board([(B, 0)], [(FAR, 0.9, 0)])
        assert protocol_curve([good, bad]).average_precision() == pytest.approx(1 / 2 / 2)

    def test_nothing_found_scores_nothing(self) -> None:
        curve = protocol_curve([board([(A, 0)], [])])
        assert curve.average_precision() == 0.0
        assert curve.counts_at(0.1) == (0.0, 0.0, 0.0)
        assert curve.best_confidence() == 1.0

    def test_boards_without_any_truth_are_refused(self) -> None:
        with pytest.raises(ValueError, match="none of the images has a true box"):
            protocol_curve([board([], [(A, 0.9, 0)])])


class TestCoco:
    def test_perfect_detections_score_one(self) -> None:
        case = board([(A, 0), (B, 5)], [(A, 0.9, 0), (B, 0.6, 5)])
        precision = coco_precision([case], CLASSES)
        assert precision.map50 == pytest.approx(1.0)
        assert precision.map50_95 == pytest.approx(1.0)
        assert [np.isnan(value) for value in precision.by_class_at_50] == [False, True, True, True, True, False]

    def test_an_overlap_of_two_thirds_counts_up_to_that_threshold(self) -> None:
        """IoU 0.67 passes 0.50, 0.55, 0.60, 0.65 of ten thresholds."""
        precision = coco_precision([board([(A, 0)], [(overlapping(A, 0.67), 0.9, 0)])], CLASSES)
        assert precision.map50 == pytest.approx(1.0)
        assert precision.map50_95 == pytest.approx(0.4)

    def test_a_wrong_class_is_a_miss_and_a_false_call(self) -> None:
        assert coco_precision([board([(A, 0)], [(A, 0.9, 1)])], CLASSES).map50 == pytest.approx(0.0)

    def test_a_false_call_before_the_only_hit_halves_precision(self) -> None:
        case = board([(A, 0)], [(FAR, 0.9, 0), (A, 0.5, 0)])
        assert coco_precision([case], CLASSES).map50 == pytest.approx(0.5)

    def test_nothing_found_scores_zero(self) -> None:
        precision = coco_precision([board([(A, 0)], [])], CLASSES)
        assert precision.map50 == 0.0
        assert precision.by_class_at_50[0] == 0.0


def random_image(rng: np.random.Generator) -> JudgedImage:
    """Up to six true boxes of three classes; detections around some of them, and others anywhere."""

    def boxes(count: int) -> list[Box]:
        corner, size = rng.uniform(0, 80, (count, 2)), rng.uniform(20, 50, (count, 2))
        return [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corner.tolist(), size.tolist(), strict=True)]

    truth = [(box, int(rng.integers(3))) for box in boxes(int(rng.integers(7)))]
    near = [
        (tuple(side + float(rng.uniform(-6, 6)) for side in box), class_id if rng.random() < 0.8 else 1)
        for box, class_id in truth
        for _ in range(int(rng.integers(3)))
    ]
    anywhere = [(box, int(rng.integers(3))) for box in boxes(int(rng.integers(4)))]
    found = [(box, float(np.float32(rng.random())), class_id) for box, class_id in [*near, *anywhere]]
    return board(truth, [((box[0], box[1], box[2], box[3]), score, class_id) for box, score, class_id in found])


class TestWeightedAveragePrecision:
    """The intervals' own average precision, which knows weights, against the library's, which does not."""

    @pytest.mark.parametrize("seed", range(8))
    def test_each_image_once_gives_the_library_s_figures(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        images = [random_image(rng) for _ in range(25)]
        expected = coco_precision(images, CLASSES[:3])
        ranked = [RankedClass.of(images, class_id) for class_id in range(3)]
        assert mean_average_precisions(ranked) == pytest.approx((expected.map50, expected.map50_95), abs=1e-6)
        for one, at_50, at_all in zip(ranked, expected.by_class_at_50, expected.by_class_50_95, strict=True):
            averages = one.average_precisions()
            assert (averages[0], averages.mean()) == pytest.approx((at_50, at_all), abs=1e-6)

    def test_a_weight_of_two_is_the_image_twice(self) -> None:
        rng = np.random.default_rng(11)
        images = [random_image(rng) for _ in range(10)]
        weights = rng.integers(0, 4, 10)
        copies = [image for image, weight in zip(images, weights, strict=True) for _ in range(int(weight))]
        ranked = [RankedClass.of(images, class_id) for class_id in range(3)]
        expected = coco_precision(copies, CLASSES[:3])
        assert mean_average_precisions(ranked, weights.astype(np.float64)) == pytest.approx(
            (expected.map50, expected.map50_95), abs=1e-6
        )

    def test_a_class_that_never_occurs_has_no_average(self) -> None:
        ranked = RankedClass.of([board([(A, 0)], [(A, 0.9, 1)])], 1)
        assert np.isnan(ranked.average_precisions()).all()


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float]:
    return (float(np.average(values, weights=weights)),)


class TestIntervals:
    def test_equal_boards_give_an_interval_without_width(self) -> None:
        scores = score_images([board([(A, 0)], [(A, 0.9, 0)])] * 5, CLASSES, confidence=0.25)
        assert (scores.map50.low, scores.map50.value, scores.map50.high) == pytest.approx((1.0, 1.0, 1.0))
        assert scores.best_f == pytest.approx(1.0)
        assert (scores.images, scores.defects, scores.refused) == (5, 5, 0)

    def test_the_interval_covers_the_truth_about_as_often_as_it_says(self) -> None:
        """Means of 60 coins: the percentile bootstrap's 95 % is known to be a little short; 90 to 99 % is right."""
        rng = np.random.default_rng(4)
        hits = 0
        for _ in range(300):
            coins = (rng.random(60) < 0.8).astype(np.float64)
            resampling = Resampling.of(range(60), ["one board"] * 60)
            (interval,) = resampling.intervals(partial(weighted_mean, coins))
            hits += interval.low <= 0.8 <= interval.high
        assert 0.90 <= hits / 300 <= 0.99

    def test_parts_of_one_board_are_drawn_together_where_there_are_boards_enough(self) -> None:
        """40 boards of ten equal parts carry the news of 40 parts, not of 400."""
        value = np.repeat(np.arange(40) % 2, 10).astype(np.float64)
        parts, boards = range(400), np.repeat(np.arange(40), 10).tolist()

        by_board = Resampling.of(parts, boards)
        few_boards = Resampling.of(parts, [board % 10 for board in boards])
        assert (by_board.is_by_group, by_board.units) == (True, 40)
        assert (few_boards.is_by_group, few_boards.units) == (False, 400)
        [wide], [narrow] = (drawn.intervals(partial(weighted_mean, value)) for drawn in (by_board, few_boards))
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low)

    def test_a_draw_that_leaves_nothing_to_score_is_left_out(self) -> None:
        images = [board([(A, 0)], [(A, 0.9, 0)]), board([], []), board([], [])]
        scores = score_images(images, CLASSES, confidence=0.25)
        assert (scores.map50.low, scores.map50.high) == pytest.approx((1.0, 1.0))

    def test_no_image_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no image to score"):
            Resampling.of([], [])

    def test_figures_are_recorded_as_json_values(self) -> None:
        record = score_images([board([(A, 0)], [(A, 0.9, 0)])], CLASSES, confidence=0.25).as_record()
        assert record["map50"] == [1.0, 1.0, 1.0]
        assert record["map50_by_class"] == {"open": 1.0}
