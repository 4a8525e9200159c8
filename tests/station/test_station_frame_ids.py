"""What the ids of frames say about those that were lost."""

import pytest

from lineside.station.cameras import CameraLost
from lineside.station.cameras.frame_ids import FrameIds


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        pytest.param([0, 1, 2], [(0, True)] * 3, id="from 0 on"),
        pytest.param([1, 2, 5], [(0, True), (0, True), (2, True)], id="two were lost"),
        pytest.param([1, 65_535, 1], [(0, True), (65_533, True), (0, True)], id="16 bits that pass over 0"),
        pytest.param([1, 65_535, 0], [(0, True), (65_533, True), (0, True)], id="16 bits"),
        pytest.param([0, 0, 0], [(0, True), (0, False), (0, False)], id="no ids"),
        pytest.param([7, 8, 10], [(0, False), (0, False), (1, False)], id="the first is none"),
    ],
)
def test_lost_frames_are_those_whose_ids_did_not_come(ids: list[int], said: list[tuple[int, bool]]) -> None:
    frames = FrameIds("line")
    assert [frames.take(each) for each in ids] == said


@pytest.mark.parametrize("ids", [(65_534, 3), (65_535, 2), (9, 9), (9, 1)])
def test_ids_that_do_not_rise_are_a_loss_of_unknown_length(ids: tuple[int, int]) -> None:
    frames = FrameIds("line")
    frames.take(ids[0])
    with pytest.raises(CameraLost, match="expected ids that rise"):
        frames.take(ids[1])


def test_frames_that_came_without_a_readable_id_are_not_lost() -> None:
    frames = FrameIds("line")
    frames.passed(1)
    assert frames.take(2) == (0, True)
    frames.passed(2)
    assert frames.take(6) == (1, True)
