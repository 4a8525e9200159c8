"""Sources of lines: a mapped web at a line rate, pictures of a folder, a camera whose frames are lines."""

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
import pytest

from dark_streaks import bright_web, scratch
from lineside.client.backoff import Backoff
from lineside.client.clock import ManualClock
from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.synthetic import BoardDesign, LayoutFamily
from lineside.datasets.synthetic.web import SyntheticWeb, WebDesign, read_web, web_strips, write_web
from lineside.inspection.frames import Image
from lineside.inspection.strips import LineChunk
from lineside.station.cameras import (
    CameraEnded,
    CameraError,
    CameraFrame,
    CameraHealth,
    CameraLost,
    CameraState,
    CameraTimeout,
    FrameBroken,
)
from lineside.station.cameras.reconnecting import ReconnectingCamera
from lineside.station.web import (
    CameraLines,
    FolderLines,
    LineSource,
    LinesRefused,
    LoopedWeb,
    PartMark,
    SourceTrouble,
    WebFileRefused,
    WebPlan,
    WebSettings,
    parse_web_file,
)
from lineside.station.web.planning import plan_of
from web_scene import WIDTH_PX, WebScene

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def _given(source: LineSource, most: int = 10_000) -> list[LineChunk | SourceTrouble | PartMark]:
    async def taken() -> list[LineChunk | SourceTrouble | PartMark]:
        found: list[LineChunk | SourceTrouble | PartMark] = []
        async with source as opened:
            async for item in opened.chunks():
                found.append(item)
                if len(found) == most:
                    break
        return found

    return asyncio.run(taken())


def _chunks(source: LineSource, most: int = 10_000) -> list[LineChunk]:
    return [item for item in _given(source, most) if isinstance(item, LineChunk)]


@pytest.fixture
def web_file(tmp_path: Path) -> Path:
    path = tmp_path / "web.mono8"
    path.write_bytes(np.arange(10 * 8, dtype=np.uint8).tobytes())
    return path


class TestLoopedWeb:
    def test_the_file_goes_around_without_a_copy_and_the_counter_goes_on(self, web_file: Path) -> None:
        chunks = _chunks(LoopedWeb(web_file, 8, ManualClock(NOW), chunk_lines=4, most_lines=23, counts_per_line=3))
        assert [(chunk.first_line, len(chunk)) for chunk in chunks] == [
            (0, 4), (4, 4), (8, 2), (10, 4), (14, 4), (18, 2), (20, 3),
        ]  # fmt: skip
        assert chunks[3].lines[0, 0] == 0, "line 10 is the first of the file again"
        assert chunks[-1].encoder.tolist() == [63, 66, 69], "the count at which each line ends"
        assert isinstance(chunks[0].lines.base, np.memmap)

    def test_lines_come_at_their_rate(self, web_file: Path) -> None:
        clock = ManualClock(NOW)
        came_s: list[float] = []

        async def sleep(seconds: float) -> None:
            clock.advance(seconds)
            came_s.append(clock.monotonic())

        source = LoopedWeb(web_file, 8, clock, line_rate_hz=100.0, chunk_lines=5, most_lines=20, sleep=sleep)
        assert len(_chunks(source)) == 4
        assert came_s == pytest.approx([0.05, 0.10, 0.15, 0.20])

    def test_a_reader_that_comes_much_too_late_has_lost_lines_and_sees_it(self, web_file: Path) -> None:
        clock = ManualClock(NOW)

        async def sleep(seconds: float) -> None:
            clock.advance(seconds)

        async def late() -> list[tuple[int, int]]:
            seen = []
            source = LoopedWeb(web_file, 8, clock, line_rate_hz=1000.0, chunk_lines=2, most_lines=1000, sleep=sleep)
            async with source:
                async for chunk in source.chunks():
                    assert isinstance(chunk, LineChunk)
                    seen.append((chunk.first_line, len(chunk)))
                    if len(seen) == 1:
                        clock.advance(0.5)
            return seen

        seen = asyncio.run(late())
        lost = 1000 - sum(count for _, count in seen)
        assert lost > 300
        assert seen[1][0] - 2 == lost, "one gap of the counter, as wide as what is gone"

    @pytest.mark.parametrize("width_px", [7, 81])
    def test_a_width_that_does_not_fit_the_file_is_refused(self, web_file: Path, width_px: int) -> None:
        with pytest.raises(LinesRefused, match="no whole number of lines"):
            _given(LoopedWeb(web_file, width_px, ManualClock(NOW)))


class TestFolder:
    def test_pictures_are_one_web_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        for name, value in (("b.png", 20), ("a.png", 10)):
            cv2.imwrite(str(tmp_path / name), np.full((5, 16), value, np.uint8))
        chunks = _chunks(FolderLines(tmp_path, ManualClock(NOW), chunk_lines=3))
        assert [(chunk.first_line, int(chunk.lines[0, 0])) for chunk in chunks] == [(0, 10), (3, 10), (5, 20), (8, 20)]

    def test_another_width_or_no_picture_at_all_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(LinesRefused, match="holds no picture"):
            _given(FolderLines(tmp_path, ManualClock(NOW)))
        for name, width in (("a.png", 16), ("b.png", 17)):
            cv2.imwrite(str(tmp_path / name), np.zeros((4, width), np.uint8))
        with pytest.raises(LinesRefused, match="17 px wide"):
            _given(FolderLines(tmp_path, ManualClock(NOW)))


@dataclass
class ScriptedCamera:
    """A camera that gives, or raises, what it is told to, and has then ended."""

    script: Sequence[CameraFrame | Exception]
    name: str = "line"
    states: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.states.append("entered")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.states.append("left")

    async def grab(self, *, timeout_s: float) -> CameraFrame:
        if not self.script:
            raise CameraEnded("the script has ended")
        step, *self.script = self.script
        if isinstance(step, Exception):
            raise step
        return step

    async def trigger(self) -> None:
        raise NotImplementedError

    @property
    def health(self) -> CameraHealth:
        return CameraHealth(CameraState.CONNECTED, NOW)


def _frame(
    sequence: int,
    *,
    encoder: int | None = None,
    lost_before: int = 0,
    is_partial: bool = False,
    is_counted: bool = True,
    shape: tuple[int, ...] = (4, 16),
) -> CameraFrame:
    image: Image = np.full(shape, sequence, np.uint8)
    return CameraFrame(image, "line", sequence, NOW, 0.0, encoder, lost_before, is_partial, is_counted)


@dataclass
class FailedCamera:
    """One connection: it gives its frames, then each grab fails at once, as a driver's does whose thread has ended."""

    frames: list[CameraFrame]
    trouble: CameraError
    is_connecting: bool = True
    name: str = "line"

    async def __aenter__(self) -> Self:
        if not self.is_connecting:
            raise self.trouble
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to release."""

    async def grab(self, *, timeout_s: float) -> CameraFrame:
        if not self.frames:
            raise self.trouble
        return self.frames.pop(0)

    async def trigger(self) -> None:
        raise NotImplementedError

    @property
    def health(self) -> CameraHealth:
        state = CameraState.CONNECTED if self.frames else CameraState.LOST
        return CameraHealth(state, NOW, trouble=str(self.trouble))


def _reconnecting(connections: list[FailedCamera]) -> ReconnectingCamera:
    return ReconnectingCamera(
        lambda: connections.pop(0),
        name="line",
        clock=ManualClock(NOW),
        backoff=Backoff(first_s=0.001, longest_s=0.001),
        rng=random.Random(1),  # noqa: S311 - jitter
    )


def _camera_file(camera: Mapping[str, object], lines_per_frame: int) -> WebSettings:
    file = {
        "schema": "lineside.web-station/1",
        "roll": "ROLL-7",
        "source": {"kind": "camera", "camera": camera, "width_px": 2048, "lines_per_frame": lines_per_frame},
        "encoder": {"mm_per_count": 0.02},
        "mm_per_px_across": 0.02,
        "parts": {"pitch_mm": 68.0},
        "reject": {"distance_mm": 400, "speed_mm_s": 120},
    }
    return parse_web_file(json.dumps(file), source="web.yaml")


class TestCamera:
    def test_frames_are_chunks_whose_encoder_is_that_of_their_first_line(self) -> None:
        camera = ScriptedCamera([_frame(0, encoder=1000), _frame(1, encoder=1012), _frame(2, encoder=1024)])
        chunks = _chunks(CameraLines(camera, 16, 4, counts_per_line=3))
        assert [chunk.first_line for chunk in chunks] == [0, 4]
        assert chunks[1].encoder.tolist() == [1015, 1018, 1021, 1024]
        assert camera.states == ["entered", "left"]

    def test_a_frame_waits_for_the_next_ones_count_and_the_last_of_a_replay_is_told(self) -> None:
        still = CameraTimeout("the web stands")
        camera = ScriptedCamera([_frame(0, encoder=0), still, still, _frame(1, encoder=4), still])
        first, trouble = _given(CameraLines(camera, 16, 4))
        assert isinstance(first, LineChunk)
        assert isinstance(trouble, SourceTrouble)
        assert (first.first_line, trouble.kind.value) == (0, "frames_lost")

    @pytest.mark.parametrize(
        ("counts", "given"),
        [
            pytest.param([0, 12, 24, 36, 48], [0, 4, 8, 12], id="as it should be"),
            pytest.param([0, 12, 27, 36, 48], [0, 4, 8, 12], id="a tremble of a line"),
            pytest.param([0, 12, 28, 40, 52], [0, 8, 12], id="dropped triggers"),
            pytest.param([0, 12, 8, 20, 32], [0, 8, 12], id="ran back"),
            pytest.param([65_520, 65_532, 8, 20, 32], [0, 4, 8, 12], id="rolls over"),
        ],
    )
    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_frame_whose_lines_cannot_lie_as_they_should_is_a_gap(
        self, counts: list[int], given: list[int], sign: int
    ) -> None:
        frames = [_frame(number, encoder=sign * count % 2**16) for number, count in enumerate(counts)]
        lines = CameraLines(ScriptedCamera(frames), 16, 4, counts_per_line=3 * sign, encoder_bits=16)
        found = _given(lines)
        assert [item.first_line for item in found if isinstance(item, LineChunk)] == given
        troubles = [item.kind.value for item in found if isinstance(item, SourceTrouble)]
        assert troubles == ["lines_lost"] * (len(counts) - 1 - len(given)) + ["frames_lost"]

    @pytest.mark.parametrize(
        ("frames", "problem"),
        [
            pytest.param([_frame(0, encoder=0), _frame(1, encoder=8)], "where it begins", id="within the first"),
            pytest.param(
                [*(_frame(number, encoder=900 + 4 * number) for number in range(3)), _frame(3, encoder=0)],
                "began to count anew",
                id="power cycle of the encoder",
            ),
            pytest.param([_frame(0, encoder=0), _frame(1)], "no encoder count", id="no count"),
        ],
    )
    def test_a_web_whose_places_mean_nothing_any_more_ends(self, frames: list[CameraFrame], problem: str) -> None:
        with pytest.raises(LinesRefused, match=problem):
            _given(CameraLines(ScriptedCamera(frames), 16, 4))

    def test_a_region_of_a_frame_with_dropped_triggers_is_not_inspected(self) -> None:
        """60 of 260 triggers were dropped within the second frame, from 100 to 230 mm: no region there is OK."""
        web = bright_web(1000, WIDTH_PX)
        frames = [
            CameraFrame(web[number * 200 :][:200], "line", number, NOW, 0.0, count)
            for number, count in enumerate([0, 200, 460, 660, 860])
        ]
        roll = WebScene(ring_lines=2000).run(CameraLines(ScriptedCamera(frames), WIDTH_PX, 200))
        assert roll.verdicts[:8] == ["OK", *["NOT_INSPECTED"] * 4, *["OK"] * 3], (
            "the second: its pitch was off at its end"
        )

    def test_a_frame_that_waits_takes_its_length_from_the_way_to_the_marker(self) -> None:
        camera = {"kind": "genicam", "producer": "v.cti", "encoder_feature": "ChunkEncoderValue"}

        def planned(lines_per_frame: int) -> WebPlan:
            return plan_of(_camera_file(camera, lines_per_frame), tile_wh_px=(640, 640))

        reject = planned(1000).reject
        assert reject is not None
        assert reject.distance_mm == 380.0
        with pytest.raises(WebFileRefused, match="the frame that waits for the next one's count, 320 mm"):
            planned(16_000)

    def test_a_camera_that_is_connected_anew_when_the_web_stands_is_refused(self) -> None:
        with pytest.raises(WebFileRefused, match="a web that stands"):
            _camera_file({"kind": "genicam", "producer": "v.cti", "lost_after_timeouts": 5}, 8)

    def test_a_camera_without_an_encoder_counts_lines(self) -> None:
        [chunk] = _chunks(CameraLines(ScriptedCamera([_frame(2)]), 16, 4, counts_per_line=3))
        assert chunk.encoder.tolist() == [27, 30, 33, 36]

    def test_lost_and_partial_frames_are_gaps_of_the_counter_and_told(self) -> None:
        camera = ScriptedCamera([_frame(0), _frame(3, lost_before=2), _frame(4, is_partial=True), _frame(5)])
        found = _given(CameraLines(camera, 16, 4))
        assert [item.first_line for item in found if isinstance(item, LineChunk)] == [0, 12, 20]
        assert [item.kind.value for item in found if isinstance(item, SourceTrouble)] == ["frames_lost"] * 2

    @pytest.mark.parametrize(
        "frames",
        [
            pytest.param([_frame(0, encoder=0, is_counted=False)], id="before the first"),
            pytest.param([_frame(0), _frame(1, is_counted=False)], id="without an encoder"),
        ],
    )
    def test_a_camera_that_does_not_tell_lost_frames_is_refused(self, frames: list[CameraFrame]) -> None:
        with pytest.raises(LinesRefused, match="ids do not say"):
            _given(CameraLines(ScriptedCamera(frames), 16, 4))

    def test_behind_the_first_frame_the_encoder_tells_what_ids_do_not(self) -> None:
        later = [_frame(number, encoder=count, is_counted=False) for number, count in ((1, 4), (2, 12), (3, 16))]
        chunks = _chunks(CameraLines(ScriptedCamera([_frame(0, encoder=0), *later]), 16, 4))
        assert [chunk.first_line for chunk in chunks] == [0, 8]

    @pytest.mark.parametrize("encoder", [None, 1000])
    def test_first_frames_that_are_lost_shift_no_region_against_the_plc(self, encoder: int | None) -> None:
        """The defect lies in the region that the PLC counts as its third."""
        web = bright_web(450, WIDTH_PX)
        scratch(web, (20, 210, 30, 230))
        frames = [
            CameraFrame(web[at : at + 50], "line", at // 50, NOW, 0.0, None if encoder is None else encoder + at)
            for at in range(50, 450, 50)
        ]
        broken = FrameBroken("no picture")
        roll = WebScene().run(CameraLines(ScriptedCamera([broken, *frames]), WIDTH_PX, 50))
        assert roll.verdicts[:4] == ["NOT_INSPECTED", "OK", "NG", "OK"]
        assert [(fault.from_mm, fault.to_mm) for fault in roll.roll_map.faults] == [(0.0, 25.5)]

    def test_a_camera_that_comes_late_is_told_once_and_once_when_it_is_there(self) -> None:
        away = CameraLost("not yet")
        found = _given(CameraLines(ScriptedCamera([away, away, _frame(0)]), 16, 4))
        assert [item.kind.value for item in found if isinstance(item, SourceTrouble)] == ["camera_lost", "camera_back"]
        assert [item.first_line for item in found if isinstance(item, LineChunk)] == [0]

    def test_where_a_plc_counts_the_same_web_no_camera_comes_late(self) -> None:
        camera = ScriptedCamera([CameraLost("not yet"), _frame(0)])
        with pytest.raises(LinesRefused, match="begin a new roll"):
            _given(CameraLines(camera, 16, 4, is_counted_elsewhere=True))

    @pytest.mark.parametrize("encoder", [None, 1000])
    def test_a_camera_that_was_away_ends_the_roll_encoder_or_not(self, encoder: int | None) -> None:
        """Its count may have begun anew meanwhile, or gone around."""
        camera = ScriptedCamera([_frame(0, encoder=encoder), CameraLost("unplugged"), _frame(1, encoder=encoder)])
        with pytest.raises(LinesRefused, match="begin a new roll"):
            _given(CameraLines(camera, 16, 4))

    @pytest.mark.parametrize("trouble", [CameraLost("unplugged"), FrameBroken("a buffer without a picture")])
    def test_an_outage_of_a_camera_that_comes_back_by_itself_ends_the_roll_and_starves_nobody(
        self, trouble: CameraError
    ) -> None:
        """A driver that has failed raises the same error from each grab until it is connected anew."""
        connections = [FailedCamera([_frame(0)], trouble), FailedCamera([_frame(0), _frame(1)], CameraEnded("end"))]
        with pytest.raises(LinesRefused, match="begin a new roll"):
            _given(CameraLines(_reconnecting(connections), 16, 4))

    def test_a_camera_that_connects_only_later_gives_its_lines(self) -> None:
        connections = [
            FailedCamera([], CameraLost("in use"), is_connecting=False),
            FailedCamera([_frame(0), _frame(1)], CameraEnded("end")),
        ]
        found = _given(CameraLines(_reconnecting(connections), 16, 4))
        assert [item.first_line for item in found if isinstance(item, LineChunk)] == [0, 4]

    def test_counts_of_a_web_whose_encoder_counts_down_fall_from_line_to_line(self) -> None:
        read, counted = [_frame(0, encoder=1000), _frame(1, encoder=988)], [_frame(1)]
        [one] = _chunks(CameraLines(ScriptedCamera(read), 16, 4, counts_per_line=-3))
        [other] = _chunks(CameraLines(ScriptedCamera(counted), 16, 4, counts_per_line=-3))
        assert (one.encoder.tolist(), other.encoder.tolist()) == ([997, 994, 991, 988], [-15, -18, -21, -24])

    @pytest.mark.parametrize("shape", [(4, 15), (5, 16), (4, 16, 3)], ids=["width", "height", "colour"])
    def test_frames_of_another_kind_are_refused(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(LinesRefused, match="set the camera's Height"):
            _given(CameraLines(ScriptedCamera([_frame(0, shape=shape)]), 16, 4))


@pytest.fixture(scope="module")
def design() -> WebDesign:
    board = BoardDesign(LayoutFamily.SPARSE, 3, (320, 400))
    return WebDesign(board, prints=3, gap_px=40, defects_per_print=1, streaks=1, streak_lines=(500, 700), seed=4)


@pytest.fixture(scope="module")
def web(design: WebDesign, tmp_path_factory: pytest.TempPathFactory) -> SyntheticWeb:
    return write_web(tmp_path_factory.mktemp("web"), design)


class TestSyntheticWeb:
    def test_a_web_is_read_back_as_it_was_written(self, web: SyntheticWeb, design: WebDesign) -> None:
        assert read_web(web.pixels_path.parent) == web
        assert web.pixels().shape == (3 * 440, 320) == (design.lines, design.width_px)

    def test_the_truth_says_where_the_web_differs_from_a_good_one(self, web: SyntheticWeb, design: WebDesign) -> None:
        pixels = web.pixels().astype(np.int16)
        streaks = [each.box_xyxy_px for each in web.defects if each.box_xyxy_px[3] - each.box_xyxy_px[1] >= 500]
        assert len(web.defects) == 3 + 1
        [(left, top, right, bottom)] = streaks
        inside = pixels[top:bottom, left:right]
        assert inside.max() < np.median(pixels), "dark all along, over the gaps too"

    def test_the_same_design_is_the_same_web_and_where_it_is_cut_changes_nothing(
        self, web: SyntheticWeb, design: WebDesign
    ) -> None:
        strips = list(web_strips(design))
        assert np.array_equal(np.concatenate([strip.frame for strip in strips]), web.pixels())
        assert [strip.top_px for strip in strips] == list(np.cumsum([0, *(len(strip.frame) for strip in strips)])[:-1])

    def test_a_folder_without_a_whole_web_is_refused(self, web: SyntheticWeb, tmp_path: Path) -> None:
        with pytest.raises(SampleUnreadable, match="lineside web draw"):
            read_web(tmp_path)
        (tmp_path / "web.json").write_text((web.pixels_path.parent / "web.json").read_text())
        (tmp_path / "web.mono8").write_bytes(b"12345")
        with pytest.raises(SampleUnreadable, match="draw the web again"):
            read_web(tmp_path)
