"""Regions that begin at a mark: where the marks are, not where a pitch would be; a mark too few or too many is seen."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dark_streaks import bright_web, scratch
from lineside.inspection.strips import SlipRule, TriggerSegmenter
from lineside.station.web import LinesRefused, MarkedLines, PartMark
from web_scene import MM_PER_LINE, WIDTH_PX, ArrayLines, Roll, WebScene, chunks_of

SCRATCH = (20, 210, 26, 216)


def _scene() -> WebScene:
    return WebScene(segmenter=TriggerSegmenter(roll="ROLL-1", nominal_mm=50.0, tolerance_mm=5.0))


def _judged(folder: Path, marks: Sequence[object], *, lines: int = 450) -> Roll:
    path = folder / "marks.txt"
    path.write_text("".join(f"{mark}\n" for mark in marks))
    scene, web = _scene(), bright_web(lines, WIDTH_PX)
    scratch(web, SCRATCH)
    return scene.run(MarkedLines(ArrayLines(list(chunks_of(web, (32,), clock=scene.clock))), path))


def _places(roll: Roll) -> list[tuple[float, float]]:
    return [(outcome.from_mm / MM_PER_LINE, outcome.to_mm / MM_PER_LINE) for outcome in roll.outcomes]


def test_a_region_begins_at_each_mark_and_what_lies_before_the_first_is_none(tmp_path: Path) -> None:
    roll = _judged(tmp_path, [40, 145, 240, 338])
    assert _places(roll) == [(40, 145), (145, 240), (240, 338), (338, 438), (438, 450)]
    assert roll.verdicts == ["OK", "NG", "OK", "NOT_INSPECTED", "NOT_INSPECTED"], "the last two end without a mark"
    assert roll.kinds == set()


def test_a_mark_that_did_not_come_ends_its_region_at_the_nominal_length_as_no_whole_one(tmp_path: Path) -> None:
    roll = _judged(tmp_path, [0, 100, 300, 400])
    assert _places(roll)[:4] == [(0, 100), (100, 200), (200, 300), (300, 400)]
    assert roll.verdicts[:4] == ["OK", "NOT_INSPECTED", "NG", "OK"]
    assert "no trigger came" in roll.outcomes[1].reasons[0].message


def test_a_mark_too_many_spoils_its_region_and_no_other(tmp_path: Path) -> None:
    roll = _judged(tmp_path, [0, 100, 200, 300, 340, 400])
    assert _places(roll)[:4] == [(0, 100), (100, 200), (200, 300), (300, 400)]
    assert roll.verdicts[:4] == ["OK", "OK", "NG", "NOT_INSPECTED"]


def test_a_wheel_that_slips_between_marks_is_told_and_spoils_that_region_alone() -> None:
    scene = replace(_scene(), slip=SlipRule(mark_distance_mm=50.0, tolerance_mm=1.0))
    chunks = list(chunks_of(bright_web(420, WIDTH_PX), (50,), clock=scene.clock))
    marks = [PartMark(count) for count in (0, 100, 205, 305, 406)]  # 2.5 mm too much, then 0.5
    roll = scene.run(ArrayLines([chunks[0], *marks, *chunks[1:]]))
    assert roll.verdicts[:4] == ["OK", "NOT_INSPECTED", "OK", "OK"]
    told = [event.message for event in roll.events if "wheel" in event.message]
    assert len(told) == 1
    assert told[0].startswith("by the encoder two marks lie 52.5 mm apart, 2.5 mm too much")


def test_a_mark_that_lies_where_the_web_has_been_is_told_and_ignored() -> None:
    scene = _scene()
    chunks = list(chunks_of(bright_web(300, WIDTH_PX), (50,), clock=scene.clock))
    roll = scene.run(ArrayLines([PartMark(-20), chunks[0], PartMark(100), *chunks[1:3], PartMark(90), *chunks[3:]]))
    assert [event.message.split(" lies")[0] for event in roll.events if event.kind.value == "encoder"] == [
        "the mark at count -20",
        "the mark at count 90",
    ]
    assert _places(roll)[0] == (100, 200)


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        pytest.param([10, "twenty"], "line 2: 'twenty' is no encoder count", id="no number"),
        pytest.param([10, 120, 120], "line 3: count 120 does not lie behind 120", id="twice"),
    ],
)
def test_a_file_that_is_no_row_of_marks_is_refused(tmp_path: Path, marks: list[object], said: str) -> None:
    with pytest.raises(LinesRefused, match=said):
        _judged(tmp_path, marks)
