from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from lineside.inspection.boxes import area_px2, clip, iou_matrix, overlap_of_smaller_matrix, suppress

Boxes = NDArray[np.float32]


def box_arrays(most: int = 12) -> st.SearchStrategy[Boxes]:
    """Boxes (n, 4) with corners on whole pixels in [0, 60]; some are empty."""

    def ordered(corners: NDArray[Any]) -> Boxes:
        pairs = np.sort(corners.reshape(-1, 2, 2), axis=1)
        return np.ascontiguousarray(pairs.reshape(-1, 4), np.float32)

    return st.integers(0, most).flatmap(lambda n: arrays(np.int16, (n, 4), elements=st.integers(0, 60)).map(ordered))


@st.composite
def scored_boxes(draw: st.DrawFn) -> tuple[Boxes, NDArray[np.float32], NDArray[np.int64]]:
    boxes = draw(box_arrays(20))
    count = len(boxes)
    confidences = draw(arrays(np.float32, count, elements=st.floats(0, 1, width=32)))
    class_ids = draw(arrays(np.int64, count, elements=st.integers(0, 2)))
    return boxes, confidences, class_ids


@pytest.mark.parametrize(
    ("second", "iou"),
    [
        pytest.param([0, 0, 10, 10], 1.0, id="the same box"),
        pytest.param([10, 0, 20, 10], 0.0, id="touching, half-open boxes share nothing"),
        pytest.param([5, 0, 15, 10], 1 / 3, id="half of each"),
        pytest.param([2, 2, 7, 7], 0.25, id="inside"),
        pytest.param([3, 3, 3, 9], 0.0, id="without area"),
    ],
)
def test_iou_of_two_boxes(second: list[float], iou: float) -> None:
    first = np.array([[0, 0, 10, 10]], np.float32)
    assert iou_matrix(first, np.array([second], np.float32))[0, 0] == pytest.approx(iou)


@given(box_arrays(), box_arrays())
def test_iou_is_symmetric_and_a_share(first: Boxes, second: Boxes) -> None:
    iou = iou_matrix(first, second)
    assert iou.shape == (len(first), len(second))
    np.testing.assert_array_equal(iou, iou_matrix(second, first).T)
    assert ((iou >= 0) & (iou <= 1)).all()


@given(box_arrays())
def test_a_box_with_area_overlaps_itself_wholly(boxes: Boxes) -> None:
    has_area = area_px2(boxes) > 0
    np.testing.assert_allclose(np.diag(iou_matrix(boxes, boxes)), has_area.astype(np.float32))


@given(box_arrays(), box_arrays())
def test_the_overlap_of_the_smaller_is_never_less_than_iou(first: Boxes, second: Boxes) -> None:
    share = overlap_of_smaller_matrix(first, second)
    assert (share >= iou_matrix(first, second)).all()
    assert (share <= 1).all()


@given(box_arrays(), st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(30, 60)] * 2))
def test_a_clipped_box_lies_in_the_window_and_clipping_again_changes_nothing(
    boxes: Boxes, window: tuple[int, int, int, int]
) -> None:
    clipped = clip(boxes, window)
    assert (clipped[:, :2] >= window[:2]).all()
    assert (clipped[:, 2:] <= window[2:]).all()
    np.testing.assert_array_equal(clip(clipped, window), clipped)
    assert (area_px2(clipped) <= area_px2(boxes)).all()


@given(scored_boxes(), st.sampled_from([0.3, 0.5, 0.9, 1.0]))
def test_suppression_keeps_a_subset_without_duplicates_that_explains_the_rest(
    scored: tuple[Boxes, NDArray[np.float32], NDArray[np.int64]], iou_threshold: float
) -> None:
    boxes, confidences, class_ids = scored
    kept = suppress(boxes, confidences, class_ids, iou_threshold=iou_threshold, limit=300)
    assert len(set(kept.tolist())) == len(kept)
    assert (np.diff(confidences[kept]) <= 0).all()
    iou = iou_matrix(boxes, boxes)
    for position, index in enumerate(kept):
        for other in kept[:position]:
            assert class_ids[index] != class_ids[other] or iou[index, other] <= iou_threshold + 1e-6
    for index in set(range(len(boxes))) - set(kept.tolist()):
        rivals = kept[(class_ids[kept] == class_ids[index]) & (confidences[kept] >= confidences[index])]
        assert (iou[index, rivals] > iou_threshold - 1e-6).any()


@given(scored_boxes())
def test_suppressing_again_drops_nothing(scored: tuple[Boxes, NDArray[np.float32], NDArray[np.int64]]) -> None:
    kept = suppress(*scored, iou_threshold=0.5, limit=300)
    boxes, confidences, class_ids = scored
    again = suppress(boxes[kept], confidences[kept], class_ids[kept], iou_threshold=0.5, limit=300)
    np.testing.assert_array_equal(again, np.arange(len(kept)))


def test_classes_do_not_suppress_each_other() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 2, np.float32)
    kept = suppress(boxes, np.array([0.9, 0.8], np.float32), np.array([0, 1]), iou_threshold=0.5, limit=300)
    assert kept.tolist() == [0, 1]


def test_suppression_stops_at_the_limit_with_the_most_confident() -> None:
    left = np.arange(50, dtype=np.float32) * 20
    boxes = np.stack([left, np.zeros(50, np.float32), left + 10, np.full(50, 10, np.float32)], axis=1)
    confidences = np.linspace(0.1, 0.9, 50, dtype=np.float32)
    kept = suppress(boxes, confidences, np.zeros(50, np.int64), iou_threshold=0.5, limit=3)
    assert kept.tolist() == [49, 48, 47]
