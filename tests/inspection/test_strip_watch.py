"""Lost, doubled, repeated lines and a straying encoder: each is named, and the web's lines stay in order."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lineside.inspection.errors import CalibrationRefused, GeometryMismatch
from lineside.inspection.strips import (
    EncoderScale,
    LineChunk,
    LineFault,
    LineFaultKind,
    LinePlaces,
    LinesOverwritten,
    LineWatch,
    SlipRule,
    SlipWatch,
    SpeedChange,
    SpeedRule,
    WatchRules,
    joined_faults,
)
from lineside.inspection.strips.lines import Counts, Lines
from lineside.inspection.strips.resampling import LineResampler

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WIDTH = 20
SCALE = EncoderScale(0.25)
RULES = WatchRules(counts_per_line=4, stuck_lines=10, most_fill_lines=50)
RESAMPLED = WatchRules(counts_per_line=4, stuck_lines=10, speed=SpeedRule(SpeedChange.RESAMPLE))


def noise(count: int, seed: int = 0) -> Lines:
    return np.random.default_rng(seed).integers(0, 256, (count, WIDTH), np.uint8)


def chunks(
    lines: Lines, encoder: Sequence[int] | Counts, *, cuts: Sequence[int] = (), numbers: Sequence[int] | None = None
) -> list[LineChunk]:
    """Pieces of a stream; cut as well wherever the camera's counter does not go on by one."""
    counters = np.arange(len(lines)) if numbers is None else np.array(numbers)
    breaks = {*(np.flatnonzero(np.diff(counters) != 1) + 1).tolist(), *(cut for cut in cuts if 0 < cut < len(lines))}
    edges = [0, *sorted(breaks), len(lines)]
    counts = np.array(encoder, np.int64)
    return [
        LineChunk(lines[first:stop], int(counters[first]), counts[first:stop], NOW)
        for first, stop in itertools.pairwise(edges)
    ]


def watched(
    watch: LineWatch, stream: list[LineChunk]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[LineFault, ...]]:
    results = [watch.accept(chunk) for chunk in stream]
    runs = [run for result in results for run in result.runs]
    lines = np.concatenate([np.zeros((0, WIDTH), np.uint8), *(run.lines for run in runs)])
    ends = np.concatenate([np.zeros(0, np.int64), *(run.ends for run in runs)])
    return lines, ends, joined_faults(fault for result in results for fault in result.faults)


def new_watch(rules: WatchRules = RULES) -> LineWatch:
    return LineWatch(width_px=WIDTH, scale=SCALE, rules=rules)


def kinds(faults: Sequence[LineFault]) -> list[str]:
    return [fault.kind.value for fault in faults]


EVEN = 4 * np.arange(1, 201)


def test_lines_in_order_pass_without_a_copy_or_a_fault() -> None:
    lines = noise(200)
    watch = new_watch()
    result = watch.accept(LineChunk(lines, 0, EVEN, NOW))
    (run,) = result.runs
    assert np.shares_memory(run.lines, lines)
    assert run.ends.tolist() == EVEN.tolist()
    assert watch.start_count == 0
    assert result.faults == ()


def test_lost_lines_are_filled_with_the_last_one_and_named() -> None:
    lines = noise(200)
    seen = np.r_[0:50, 57:200]
    got, ends, faults = watched(new_watch(), chunks(lines[seen], EVEN[seen], numbers=seen.tolist()))
    assert got.shape == lines.shape
    np.testing.assert_array_equal(got[50:57], np.repeat(lines[49:50], 7, axis=0))
    np.testing.assert_array_equal(ends, EVEN)
    (fault,) = faults
    assert (fault.kind, fault.first_line, fault.end_line) == (LineFaultKind.DROPPED, 50, 58)
    assert (fault.from_mm, fault.to_mm) == (50.0, 58.0)
    assert "7 lines were lost" in fault.message


@pytest.mark.parametrize("direction", [1, -1])
def test_lines_that_were_lost_before_the_first_one_keep_their_place(direction: Literal[1, -1]) -> None:
    """The web begins at the camera's line 0: whoever counts the same web, as a PLC does, began there."""
    lines, counts = noise(200), 1000 + EVEN
    watch = LineWatch(width_px=WIDTH, scale=EncoderScale(0.25, direction), rules=RULES)
    stream = chunks(lines[40:], direction * counts[40:], numbers=list(range(40, 200)), cuts=[1, 90])
    got, ends, faults = watched(watch, stream)
    assert watch.start_count == 1000
    assert got.shape == lines.shape
    np.testing.assert_array_equal(ends, counts)
    (fault,) = faults
    assert (fault.kind, fault.first_line, fault.end_line) == (LineFaultKind.DROPPED, 0, 41)
    assert (fault.from_mm, fault.to_mm) == (0.0, 41.0)
    assert "before the first" in fault.message


def test_more_lost_lines_before_the_first_than_may_be_filled_keep_their_place_too() -> None:
    watch = new_watch()
    got, ends, faults = watched(watch, chunks(noise(200)[90:], EVEN[90:], numbers=list(range(90, 200))))
    assert (watch.start_count, len(got), ends[-1]) == (0, 50 + 110, EVEN[-1])
    fault = next(each for each in faults if each.kind is LineFaultKind.DROPPED)
    assert (fault.from_mm, fault.to_mm) == (0.0, 91.0)


def test_a_gap_wider_than_may_be_filled_keeps_its_place_on_the_web() -> None:
    lines = noise(200)
    seen = np.r_[0:50, 150:200]
    got, ends, faults = watched(new_watch(), chunks(lines[seen], EVEN[seen], numbers=seen.tolist()))
    assert len(got) == 150
    assert ends[-1] == EVEN[-1]
    fault = next(each for each in faults if each.kind is LineFaultKind.DROPPED)
    assert (fault.from_mm, fault.to_mm) == (50.0, 151.0)
    assert "100 lines were lost" in fault.message


def test_copies_are_set_aside_and_spoil_nothing() -> None:
    lines = noise(200)
    sent = np.r_[0:100, 80:200]
    got, ends, faults = watched(new_watch(), chunks(lines[sent], EVEN[sent], numbers=sent.tolist()))
    np.testing.assert_array_equal(got, lines)
    np.testing.assert_array_equal(ends, EVEN)
    assert kinds(faults) == ["duplicated"]
    assert not faults[0].kind.spoils


def test_a_camera_that_was_restarted_is_told_by_the_encoder_from_copies() -> None:
    lines = noise(200)
    seen = np.r_[0:100, 110:200]
    numbers = np.r_[0:100, 0:90]
    got, ends, faults = watched(new_watch(), chunks(lines[seen], EVEN[seen], numbers=numbers.tolist()))
    assert len(got) == 200
    np.testing.assert_array_equal(ends, EVEN)
    assert kinds(faults) == ["counter_reset"]
    assert (faults[0].from_mm, faults[0].to_mm) == (100.0, 111.0)


def test_a_line_sent_again_and_again_is_noticed_on_a_moving_web() -> None:
    lines = noise(200)
    lines[90:120] = lines[90]
    _, _, faults = watched(new_watch(), chunks(lines, EVEN, cuts=[95, 100, 110]))
    assert kinds(faults) == ["repeated"]
    assert (faults[0].from_mm, faults[0].to_mm) == (90.0, 120.0)


def test_equal_lines_of_a_standing_web_are_no_fault() -> None:
    lines = noise(200)
    lines[90:99] = lines[90]
    encoder = np.concatenate([EVEN[:91], np.full(8, EVEN[90]), EVEN[91:192]])
    _, _, faults = watched(new_watch(RESAMPLED), chunks(lines, encoder))
    assert faults == ()


def test_a_web_that_runs_back_is_set_aside_until_it_has_passed_where_it_turned() -> None:
    lines = noise(160)
    encoder = 4 * np.r_[1:101, 99:79:-1, 81:121]
    got, ends, faults = watched(new_watch(), chunks(lines, encoder, cuts=[103, 130]))
    np.testing.assert_array_equal(ends, 4 * np.r_[1:101, 100, 101:121])
    np.testing.assert_array_equal(got, lines[np.r_[0:100, 139, 140:160]])
    assert kinds(faults) == ["encoder_backwards"]
    assert (faults[0].from_mm, faults[0].to_mm) == (100.0, 100.0)


def test_an_encoder_that_trembles_by_less_than_a_line_is_no_fault() -> None:
    encoder = EVEN + np.tile([0, 3, -2, 1], 50)
    _, ends, faults = watched(new_watch(), chunks(noise(200), encoder))
    assert faults == ()
    assert (np.diff(ends) >= 0).all()


def test_a_jump_is_named_with_the_web_that_nobody_saw() -> None:
    encoder = np.r_[EVEN[:100], EVEN[100:] + 400]
    _, ends, faults = watched(new_watch(), chunks(noise(200), encoder))
    assert ends[-1] == 1200
    jump = next(fault for fault in faults if fault.kind is LineFaultKind.ENCODER_JUMP)
    assert (jump.first_line, jump.end_line, jump.from_mm, jump.to_mm) == (100, 101, 100.0, 201.0)


def test_lines_of_a_standing_encoder_are_set_aside_after_a_while() -> None:
    encoder = np.concatenate([EVEN[:50], np.full(100, EVEN[49]), EVEN[50:100]])
    got, ends, faults = watched(new_watch(RESAMPLED), chunks(noise(200), encoder, cuts=[55, 57, 90]))
    assert kinds(faults) == ["encoder_stuck"]
    assert (faults[0].from_mm, faults[0].to_mm) == (50.0, 50.0)
    assert len(got) == 100
    np.testing.assert_array_equal(ends, EVEN[:100])
    kept, _, _ = watched(new_watch(), chunks(noise(200), encoder, cuts=[55, 57, 90]))
    assert len(kept) == 110


@pytest.mark.parametrize("bits", [16, 32])
def test_a_counter_that_rolls_over_goes_on(bits: int) -> None:
    rules = WatchRules(counts_per_line=4, encoder_bits=bits)
    encoder = (EVEN + 2**bits - 100) % 2**bits
    _, ends, faults = watched(new_watch(rules), chunks(noise(200), encoder, cuts=[24, 25, 26]))
    assert faults == ()
    assert (np.diff(ends) == 4).all()


@pytest.mark.parametrize("direction", [1, -1])
def test_lost_lines_that_a_narrow_counter_went_around_in_keep_their_place(direction: Literal[1, -1]) -> None:
    """150 lines are 600 counts: more than half of 10 bits, which alone look like 424 back."""
    rules = WatchRules(counts_per_line=4, encoder_bits=10, most_fill_lines=50)
    seen = np.r_[0:20, 170:200]
    watch = LineWatch(width_px=WIDTH, scale=EncoderScale(0.25, direction), rules=rules)
    stream = chunks(noise(200)[seen], direction * EVEN[seen] % 2**10, numbers=seen.tolist())
    _, ends, faults = watched(watch, stream)
    assert ends[-1] - ends[0] == EVEN[-1] - EVEN[0]
    assert "encoder_backwards" not in kinds(faults)
    assert "dropped" in kinds(faults)


def test_an_encoder_that_counts_down_places_the_same() -> None:
    down = LineWatch(width_px=WIDTH, scale=EncoderScale(0.25, -1), rules=RULES)
    _, ends, faults = watched(down, chunks(noise(200), -EVEN))
    np.testing.assert_array_equal(ends, EVEN)
    assert faults == ()


def test_another_pitch_is_refused_or_resampled_by_rule() -> None:
    encoder = 3 * np.arange(1, 201)
    got, _, faults = watched(new_watch(), chunks(noise(200), encoder, cuts=[50, 77]))
    assert len(got) == 200
    assert kinds(faults) == ["speed"]
    assert faults[0].to_mm == 0.25 * (3 * 192 + 1)  # six measured blocks of 32 lines, the first line a nominal one
    got, ends, faults = watched(new_watch(RESAMPLED), chunks(noise(200), encoder, cuts=[50, 77]))
    assert faults == ()
    assert len(got) == 150
    assert (np.diff(ends) == 4).all()


def test_lines_too_far_apart_are_a_fault_even_where_they_are_resampled() -> None:
    encoder = np.r_[EVEN[:96], EVEN[95] + 8 * np.arange(1, 105)]
    _, ends, faults = watched(new_watch(RESAMPLED), chunks(noise(200), encoder))
    assert kinds(faults) == ["speed"]
    assert faults[0].from_mm == 96.0
    assert (np.diff(ends) == 4).all()


@given(
    steps=st.lists(st.sampled_from([4, 4, 4, 4, 0, 3, 5, 8, 1, -6, 90]), min_size=1, max_size=150),
    lost=st.lists(st.integers(0, 60), max_size=2),
    cuts=st.lists(st.integers(0, 150), max_size=8),
    rules=st.sampled_from([RULES, RESAMPLED]),
)
@settings(max_examples=150, deadline=None)
def test_lines_places_and_faults_do_not_depend_on_the_chunks(
    steps: list[int], lost: list[int], cuts: list[int], rules: WatchRules
) -> None:
    encoder = 1000 + np.cumsum(steps)
    numbers = np.arange(len(steps))
    for at in lost:
        numbers[at:] += 3
    lines = noise(len(steps), seed=len(steps))
    whole = watched(new_watch(rules), chunks(lines, encoder, numbers=numbers.tolist()))
    cut = watched(new_watch(rules), chunks(lines, encoder, numbers=numbers.tolist(), cuts=cuts))
    np.testing.assert_array_equal(cut[0], whole[0])
    np.testing.assert_array_equal(cut[1], whole[1])
    assert [(f.kind, f.from_mm, f.to_mm) for f in cut[2]] == [(f.kind, f.from_mm, f.to_mm) for f in whole[2]]
    assert (np.diff(whole[1]) >= 0).all()


def test_resampling_averages_by_the_share_that_each_line_covers() -> None:
    resampler = LineResampler(width_px=1, counts_per_line=4, start_count=0, most_wide_lines=8)
    lines = np.array([[100], [20], [60], [80]], np.uint8)
    ((got, ends),) = resampler.resample(lines, np.array([3, 5, 6, 12], np.int64))
    # 3 of 100 and 1 of 20; 1 of 20, 1 of 60, 2 of 80; 4 of 80
    assert got.ravel().tolist() == [80, 60, 80]
    assert ends.tolist() == [4, 8, 12]


def test_resampling_keeps_the_mean_brightness_of_the_web() -> None:
    steps = np.random.default_rng(3).integers(1, 7, 500)
    ends = np.cumsum(steps)
    lines = noise(500)
    resampler = LineResampler(width_px=WIDTH, counts_per_line=4, start_count=0, most_wide_lines=8)
    pieces = resampler.resample(lines, ends)
    got = np.concatenate([piece for piece, _ in pieces])
    reached = pieces[-1][1][-1]
    covered = np.minimum(steps, np.maximum(reached - (ends - steps), 0))
    np.testing.assert_allclose(
        got.mean(axis=0), (lines * covered[:, None]).sum(axis=0) / reached, atol=0.2
    )  # rounding to whole gray levels


def test_lines_of_another_width_are_refused() -> None:
    with pytest.raises(GeometryMismatch, match="lines of 21 px; expected 20"):
        new_watch().accept(LineChunk(np.zeros((1, 21), np.uint8), 0, np.zeros(1, np.int64), NOW))


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"lines": np.zeros((0, 4), np.uint8)}, id="no line"),
        pytest.param({"lines": np.zeros((2, 4), np.uint16)}, id="16 bits"),
        pytest.param({"encoder": np.zeros(3, np.int64)}, id="a count too many"),
        pytest.param({"encoder": np.zeros(2, np.int32)}, id="counts of 32 bits"),
        pytest.param({"first_line": -1}, id="a line before the first"),
        pytest.param({"captured_at": datetime(2026, 3, 1)}, id="no time zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_chunk_that_contradicts_itself_is_refused(broken: dict[str, object]) -> None:
    fields: dict[str, object] = {
        "lines": np.zeros((2, 4), np.uint8),
        "first_line": 0,
        "encoder": np.zeros(2, np.int64),
        "captured_at": NOW,
    }
    with pytest.raises(ValueError, match="expected"):
        LineChunk(**{**fields, **broken})  # type: ignore[arg-type] # the table mixes fields


def test_two_marks_calibrate_the_encoder() -> None:
    assert EncoderScale.from_marks(10_000, 30_000, distance_mm=1000.0) == EncoderScale(0.05, 1)
    assert EncoderScale.from_marks(30_000, 10_000, distance_mm=1000.0) == EncoderScale(0.05, -1)
    with pytest.raises(CalibrationRefused, match="999 counts apart"):
        EncoderScale.from_marks(0, 999, distance_mm=10.0)
    with pytest.raises(CalibrationRefused, match="above 0"):
        EncoderScale.from_marks(0, 5000, distance_mm=0.0)


@pytest.mark.parametrize(
    ("second_mm", "slip_mm"),
    [
        pytest.param(600.0, None, id="as it should be"),
        pytest.param(600.9, None, id="tolerated"),
        pytest.param(603.0, 3.0, id="counted too much"),
        pytest.param(1198.0, -2.0, id="a mark unread, and slip"),
        pytest.param(1200.5, None, id="a mark unread"),
    ],
)
def test_marks_of_a_known_distance_show_slip(second_mm: float, slip_mm: float | None) -> None:
    found = SlipRule(mark_distance_mm=600.0, tolerance_mm=1.0).slip_mm(0.0, second_mm)
    assert found == slip_mm if slip_mm is None else found == pytest.approx(slip_mm)


def test_slip_spoils_the_web_between_two_marks() -> None:
    watch = SlipWatch(SlipRule(mark_distance_mm=600.0, tolerance_mm=1.0))
    assert watch.mark(10.0, line=40) is None
    assert watch.mark(610.5, line=2442) is None
    fault = watch.mark(1206.5, line=4826)
    assert fault is not None
    assert (fault.kind, fault.first_line, fault.end_line) == (LineFaultKind.SLIP, 2442, 4826)
    assert (fault.from_mm, fault.to_mm) == (610.5, 1206.5)
    assert "4 mm too little" in fault.message
    assert watch.mark(1806.5, line=7226) is None
    with pytest.raises(ValueError, match="in order"):
        watch.mark(1800.0, line=7200)


def test_a_chunk_lets_nobody_change_its_lines_and_leaves_the_senders_array_alone() -> None:
    sent = noise(4)
    chunk = LineChunk(sent, 0, np.arange(4, dtype=np.int64), NOW)
    assert not chunk.lines.flags.writeable
    assert sent.flags.writeable


def test_places_of_the_last_lines_are_known_and_older_ones_are_refused() -> None:
    places = LinePlaces(capacity_lines=10, scale=SCALE, start_count=100)
    places.extend(100 + EVEN[:7])
    places.extend(100 + EVEN[7:30])
    np.testing.assert_allclose(places.at_mm(np.array([20.0, 25.5, 30.0])), np.array([20, 25.5, 30]))
    assert places.count_mm(500) == 100.0
    with pytest.raises(LinesOverwritten, match="no longer known"):
        places.at_mm(np.array([19.0]))
    with pytest.raises(ValueError, match="newest known is 30"):
        places.at_mm(np.array([30.5]))
    with pytest.raises(ValueError, match="fall"):
        places.extend(np.array([5], np.int64))


@pytest.mark.parametrize(
    "broken",
    [
        {"counts_per_line": 0},
        {"counts_per_line": 4, "most_jump_lines": 1},
        {"counts_per_line": 4, "repeated_lines": 1},
        {"counts_per_line": 4, "encoder_bits": 63},
        {"counts_per_line": 4, "speed": SpeedRule(most_stretch=20.0)},
    ],
)
def test_rules_that_cannot_be_applied_are_refused(broken: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        WatchRules(**broken)  # type: ignore[arg-type] # the table mixes fields
