import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.inspection.errors import EngineError, NonFiniteOutput
from lineside.inspection.heads import MAX_DETECTIONS, Head, decode_output, threshold_vector

SIZE = (640, 640)
HALF = np.array([0.5, 0.5, 0.5], np.float32)


def raw_output(*anchors: tuple[float, ...]) -> NDArray[np.float32]:
    """(1, 7, n) of anchors: centre x, centre y, width, height, three scores."""
    return np.array(anchors, np.float32).reshape(-1, 7).T[None]


def end_to_end_output(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    """(1, n, 6) of rows: left, top, right, bottom, confidence, class."""
    return np.array(rows, np.float32).reshape(-1, 6)[None]


def test_a_raw_anchor_becomes_a_box_with_its_best_class() -> None:
    found = decode_output(raw_output((100, 50, 20, 10, 0.1, 0.75, 0.6)), Head.RAW, thresholds=HALF, size_wh_px=SIZE)
    assert found.boxes_xyxy_px.tolist() == [[90, 45, 110, 55]]
    assert found.class_ids.tolist() == [1]
    assert found.confidences.tolist() == [0.75]


def test_an_end_to_end_row_becomes_a_box() -> None:
    output = end_to_end_output((90, 45, 110, 55, 0.75, 2), (0, 0, 5, 5, 0.25, 0))
    found = decode_output(output, Head.END_TO_END, thresholds=HALF, size_wh_px=SIZE)
    assert found.boxes_xyxy_px.tolist() == [[90, 45, 110, 55]]
    assert found.class_ids.tolist() == [2]


def test_a_confidence_at_its_threshold_counts() -> None:
    at_threshold = raw_output((100, 50, 20, 10, 0.5, 0, 0))
    assert len(decode_output(at_threshold, Head.RAW, thresholds=HALF, size_wh_px=SIZE)) == 1


def test_a_lesser_class_counts_where_the_best_one_misses_its_own_threshold() -> None:
    """The strict threshold of one class must not hide a defect of another."""
    output = raw_output((100, 50, 20, 10, 0.6, 0.4, 0))
    thresholds = np.array([0.9, 0.3, 0.9], np.float32)
    found = decode_output(output, Head.RAW, thresholds=thresholds, size_wh_px=SIZE)
    assert (found.class_ids.tolist(), found.confidences.tolist()) == ([1], [pytest.approx(0.4)])


def test_near_duplicates_of_a_class_are_one_defect_and_another_class_is_a_second() -> None:
    output = raw_output((100, 50, 20, 20, 0.9, 0, 0), (102, 50, 20, 20, 0.8, 0, 0), (100, 50, 20, 20, 0, 0.7, 0))
    found = decode_output(output, Head.RAW, thresholds=HALF, size_wh_px=SIZE)
    assert found.class_ids.tolist() == [0, 1]


def test_boxes_are_clipped_to_the_input_and_one_outside_is_dropped() -> None:
    output = raw_output((0, 0, 20, 20, 0.9, 0, 0), (700, 700, 20, 20, 0.9, 0, 0))
    found = decode_output(output, Head.RAW, thresholds=HALF, size_wh_px=SIZE)
    assert found.boxes_xyxy_px.tolist() == [[0, 0, 10, 10]]


def test_a_confidence_rounded_just_above_one_is_one() -> None:
    output = raw_output((100, 50, 20, 10, 1.0001, 0, 0))
    assert decode_output(output, Head.RAW, thresholds=HALF, size_wh_px=SIZE).confidences.tolist() == [1.0]


@pytest.mark.parametrize("head", list(Head))
def test_no_detection_is_an_empty_result(head: Head) -> None:
    output = np.zeros((1, 7, 40) if head is Head.RAW else (1, 40, 6), np.float32)
    assert len(decode_output(output, head, thresholds=HALF, size_wh_px=SIZE)) == 0


@pytest.mark.parametrize("head", list(Head))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_single_non_finite_number_is_refused_wherever_it_stands(head: Head, value: float) -> None:
    shape = (1, 7, 40) if head is Head.RAW else (1, 40, 6)
    for position in (0, 139, 7 * 40 - 1 if head is Head.RAW else 239):
        output = np.zeros(shape, np.float32)
        output.ravel()[position] = value
        with pytest.raises(NonFiniteOutput, match="no defect"):
            decode_output(output, head, thresholds=HALF, size_wh_px=SIZE)


@pytest.mark.parametrize(
    ("output", "head", "message"),
    [
        pytest.param(np.zeros((1, 8, 40), np.float32), Head.RAW, "shape", id="raw with one class more"),
        pytest.param(np.zeros((2, 7, 40), np.float32), Head.RAW, "shape", id="raw of two images"),
        pytest.param(np.zeros((1, 40, 7), np.float32), Head.END_TO_END, "shape", id="end-to-end with masks"),
        pytest.param(end_to_end_output((0, 0, 5, 5, 0.9, 3)), Head.END_TO_END, "class ids", id="class too high"),
        pytest.param(end_to_end_output((0, 0, 5, 5, 0.9, -1)), Head.END_TO_END, "class ids", id="class negative"),
        pytest.param(raw_output((9, 9, 5, 5, 3.0, 0, 0)), Head.RAW, "sigmoid", id="scores without the sigmoid"),
    ],
)
def test_an_output_that_the_head_cannot_give_is_refused(output: NDArray[np.float32], head: Head, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        decode_output(output, head, thresholds=HALF, size_wh_px=SIZE)


@pytest.mark.parametrize("head", list(Head))
def test_no_more_than_the_limit_comes_out_the_most_confident_first(head: Head) -> None:
    count = MAX_DETECTIONS + 50
    confidences = np.linspace(0.5, 0.99, count)
    left = np.arange(count) * 1.5
    if head is Head.RAW:
        rows = np.stack([left + 0.5, left + 0.5, np.ones(count), np.ones(count), confidences])
        output = np.concatenate([rows, np.zeros((2, count))])[None].astype(np.float32)
    else:
        columns = [left, left, left + 1, left + 1, confidences, np.zeros(count)]
        output = np.stack(columns, axis=1)[None].astype(np.float32)
    found = decode_output(output, head, thresholds=HALF, size_wh_px=SIZE)
    assert len(found) == MAX_DETECTIONS
    np.testing.assert_allclose(found.confidences, confidences[::-1][:MAX_DETECTIONS].astype(np.float32))


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        pytest.param({"open": 0.5}, "missing", id="a class without a threshold"),
        pytest.param({"open": 0.5, "short": 0.5, "dent": 0.5}, "unknown", id="a threshold without a class"),
        pytest.param({"open": 0.5, "short": 0.0}, r"\(0, 1\]", id="zero would make every anchor a defect"),
        pytest.param({"open": 0.5, "short": float("nan")}, r"\(0, 1\]", id="not a number lets nothing through"),
        pytest.param({"open": 0.5, "short": 1.5}, r"\(0, 1\]", id="above one lets nothing through"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused(thresholds: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        threshold_vector(("open", "short"), thresholds)


@pytest.mark.parametrize("head", list(Head))
def test_the_peak_score_is_the_highest_of_all_candidates_also_below_their_threshold(head: Head) -> None:
    output = (
        raw_output((100, 50, 20, 10, 0.1, 0.3, 0.2), (300, 50, 20, 10, 0.4, 0.0, 0.1))
        if head is Head.RAW
        else end_to_end_output((90, 45, 110, 55, 0.3, 2), (0, 0, 5, 5, 0.4, 0))
    )
    found = decode_output(output, head, thresholds=HALF, size_wh_px=SIZE)
    assert len(found) == 0
    assert found.peak_score == pytest.approx(0.4)


def test_a_head_without_any_candidate_has_the_peak_score_0() -> None:
    nothing = np.zeros((1, 0, 6), np.float32)
    assert decode_output(nothing, Head.END_TO_END, thresholds=HALF, size_wh_px=SIZE).peak_score == 0.0


def test_scores_below_0_are_refused_as_those_above_1_are() -> None:
    """Logits of an export without its sigmoid are all negative on a good part, and would read as "no defect"."""
    output = np.full((1, 7, 40), -3.0, np.float32)
    with pytest.raises(EngineError, match="sigmoid"):
        decode_output(output, Head.RAW, thresholds=HALF, size_wh_px=SIZE)
