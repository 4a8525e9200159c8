"""The web station from lines to verdicts: one defect is one however the web was cut, and nothing unseen is ever OK."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dark_streaks import DarkStreaks, bright_web, scratch
from lineside.inspection.detections import Detections
from lineside.inspection.errors import GeometryMismatch
from lineside.inspection.frames import Image
from lineside.inspection.strips import LineChunk, PitchSegmenter, WatchRules
from lineside.inspection.strips.lines import Counts
from lineside.inspection.verdict import Reason, ReasonCode
from lineside.station.web import (
    LinesRefused,
    MarkerFailed,
    PartMark,
    RegionOutcome,
    RejectPoint,
    SourceTrouble,
    WebEventKind,
)
from web_scene import MM_PER_LINE, WIDTH_PX, ArrayLines, WebScene, chunks_of

LONG = (20, 130, 26, 470)
"""A scratch through four regions and seven rows of tiles."""

REJECT = RejectPoint(distance_mm=200.0, actuator_s=0.05, nominal_mm_s=100.0)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


class TestOneDefect:
    def test_a_scratch_through_four_regions_is_one_defect_of_its_true_length_and_spoils_all_of_them(self) -> None:
        web = bright_web(600, WIDTH_PX)
        scratch(web, LONG)
        roll = WebScene().judge(web)
        [defect] = roll.roll_map.defects
        assert (defect.from_mm, defect.to_mm) == (130 * MM_PER_LINE, 470 * MM_PER_LINE)
        assert defect.length_mm == 340 * MM_PER_LINE
        assert roll.verdicts == ["OK", "NG", "NG", "NG", "NG", "OK"]
        assert [outcome.grade for outcome in roll.outcomes] == ["A", "B", "B", "B", "B", "A"]

    @settings(max_examples=12, deadline=None)
    @given(
        heights=st.lists(st.integers(1, 90), min_size=1, max_size=6),
        tile_px=st.sampled_from([48, 64, 80]),
        top=st.integers(0, 120),
        length=st.integers(3, 400),
    )
    def test_where_the_web_was_cut_changes_no_defect(
        self, heights: list[int], tile_px: int, top: int, length: int
    ) -> None:
        web = bright_web(560, WIDTH_PX)
        scratch(web, (70, top, 75, top + length))
        scratch(web, (10, 300, 14, 304))
        roll = WebScene(tile_px=tile_px).judge(web, heights)
        found = [(defect.from_mm, defect.to_mm, defect.left_mm, defect.right_mm) for defect in roll.roll_map.defects]
        assert sorted(found) == sorted(
            [
                (top * MM_PER_LINE, (top + length) * MM_PER_LINE, 35.0, 37.5),
                (150.0, 152.0, 5.0, 7.0),
            ]
        )


class TestInTime:
    def test_a_web_that_is_judged_in_time_has_a_verdict_for_every_region_before_it_reaches_the_marker(self) -> None:
        scene = WebScene(reject=REJECT)
        web = bright_web(800, WIDTH_PX)
        scratch(web, (40, 250, 44, 256))
        items = list(chunks_of(web, (32,), clock=scene.clock))

        async def all_judged() -> None:
            await asyncio.sleep(0.002)

        roll = scene.run(ArrayLines(items, after=all_judged))
        assert roll.verdicts == ["OK", "OK", "NG", *["OK"] * 5]
        assert roll.figures.regions_late == 0
        assert roll.figures.lines_read == 800

    def test_what_is_not_looked_at_before_the_marker_is_not_inspected_and_reported(self) -> None:
        """The model stands still while a live web runs on: no region may be OK, and each has its event."""
        release = threading.Event()

        class Standing(DarkStreaks):
            def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
                release.wait(10.0)
                return super().detect(image, thresholds=thresholds)

        scene = WebScene(detector=Standing(), reject=REJECT, ring_lines=1200)
        web = bright_web(1000, WIDTH_PX)
        chunks = list(chunks_of(web, (25,), clock=scene.clock))
        clock = scene.clock = type(scene.clock)(scene.clock.now())
        given_out = 0

        async def time_passes() -> None:
            nonlocal given_out
            given_out += 1
            clock.advance(0.125)
            await asyncio.sleep(0.0)
            if given_out == len(chunks):
                release.set()

        roll = scene.run(ArrayLines(chunks, is_live=True, after=time_passes))
        late = [event for event in roll.events if event.kind is WebEventKind.REGION_LATE]
        assert roll.verdicts[:5] == ["NOT_INSPECTED"] * 5
        assert len(late) == roll.figures.regions_late >= 5
        assert "to the marker" in late[0].message

    def test_lines_that_left_the_ring_unread_make_their_regions_not_inspected(self) -> None:
        release = threading.Event()

        class Standing(DarkStreaks):
            def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
                release.wait(10.0)
                return super().detect(image, thresholds=thresholds)

        scene = WebScene(detector=Standing(streams=1), ring_lines=128)
        items = list(chunks_of(bright_web(1000, WIDTH_PX), (50,), clock=scene.clock))
        given_out = 0

        async def then_release() -> None:
            nonlocal given_out
            given_out += 1
            await asyncio.sleep(0.0)
            if given_out == len(items):
                release.set()

        roll = scene.run(ArrayLines(items, is_live=True, after=then_release))
        assert roll.verdicts[2:8] == ["NOT_INSPECTED"] * 6
        assert roll.figures.tiles_shed > 0
        assert roll.kinds == {"lines_lost"}

    def test_what_was_decided_in_time_and_is_handed_on_too_late_is_not_inspected(self) -> None:
        """The marker takes the first region until the whole web has passed it."""
        is_first_decided, all_passed = asyncio.Event(), asyncio.Event()
        scene = WebScene(reject=REJECT, handing=lambda: _until(all_passed))
        items = list(chunks_of(bright_web(1000, WIDTH_PX), (25,), clock=scene.clock))
        given_out = 0

        async def until_the_first_is_decided() -> None:
            nonlocal given_out
            given_out += 1
            await (is_first_decided.wait() if given_out == 8 else asyncio.sleep(0.0))
            if given_out == len(items):
                all_passed.set()

        source = ArrayLines(items, is_live=True, after=until_the_first_is_decided)
        roll = scene.run(source, on_outcome=lambda _: is_first_decided.set())
        late = [event for event in roll.events if event.kind is WebEventKind.REGION_LATE]
        assert roll.verdicts == ["OK", *["NOT_INSPECTED"] * 6, *["OK"] * 3]
        assert [region.verdict.value for region in roll.roll_map.regions] == roll.verdicts
        assert len(late) == roll.figures.regions_late == 6
        assert roll.figures.regions == {"OK": 4, "NOT_INSPECTED": 6}
        assert {outcome.grade for outcome in roll.outcomes[1:7]} == {None}

    def test_between_frames_of_lines_that_take_long_the_web_is_taken_to_run_on(self) -> None:
        """300 lines of 0.15 s each: 0.14 s after a frame the web is 140 mm further, not the 100 mm of 0.1 s."""
        reject = RejectPoint(distance_mm=240.0, actuator_s=0.01, nominal_mm_s=1000.0)

        async def takes_long() -> None:
            scene.clock.advance(0.14)

        scene = WebScene(reject=reject, handing=takes_long)
        items = list(chunks_of(bright_web(300, WIDTH_PX), (300,), clock=scene.clock))
        roll = scene.run(ArrayLines(items))
        assert roll.verdicts[:2] == ["OK", "NOT_INSPECTED"]

    @pytest.mark.parametrize("streams", [1, 2])
    def test_no_region_counts_as_seen_because_the_place_of_an_open_tile_was_forgotten(self, streams: int) -> None:
        """One tile stands while ten rings of lines pass, each region with a defect: none may be OK."""
        release = threading.Event()

        class OnceStanding(DarkStreaks):
            def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
                if self.calls == 2:
                    release.wait(10.0)
                return super().detect(image, thresholds=thresholds)

        web = bright_web(1400, WIDTH_PX)
        for top in range(40, 1400, 100):
            scratch(web, (20, top, 30, top + 10))
        scene = WebScene(detector=OnceStanding(streams=streams), ring_lines=128)
        items = list(chunks_of(web, (50,), clock=scene.clock))
        given_out = 0

        async def then_release() -> None:
            nonlocal given_out
            given_out += 1
            await asyncio.sleep(0.0)
            if given_out == len(items):
                release.set()

        roll = scene.run(ArrayLines(items, is_live=True, after=then_release))
        assert "OK" not in roll.verdicts
        assert len(roll.verdicts) == 14
        assert roll.kinds == {"lines_lost"}
        assert any(fault.from_mm < 50.0 < fault.to_mm for fault in roll.roll_map.faults if fault.kind == "overrun")

    def test_a_gap_that_is_longer_than_places_are_kept_spoils_all_its_regions(self) -> None:
        scene = WebScene(ring_lines=128)
        items = [
            chunk
            for chunk in chunks_of(bright_web(3000, WIDTH_PX), (50,), clock=scene.clock)
            if not 500 <= chunk.first_line < 2500
        ]
        roll = scene.run(ArrayLines(items))
        assert roll.verdicts[5:25] == ["NOT_INSPECTED"] * 20
        assert roll.verdicts[26:] == ["OK"] * 4


class TestBadInput:
    def test_lines_that_the_camera_lost_make_their_region_not_inspected_and_no_other(self) -> None:
        scene = WebScene()
        items = [
            chunk
            for chunk in chunks_of(bright_web(600, WIDTH_PX), (20,), clock=scene.clock)
            if chunk.first_line not in (240, 260)
        ]
        roll = scene.run(ArrayLines(items))
        assert roll.figures.lines_lost == 40
        assert roll.kinds == {"lines_lost"}
        assert roll.verdicts == ["OK", "OK", "NOT_INSPECTED", "OK", "OK", "OK"]

    def test_an_encoder_that_stands_while_lines_come_is_told_and_its_place_not_inspected(self) -> None:
        scene = WebScene(rules=WatchRules(counts_per_line=1, stuck_lines=10))
        items: list[LineChunk] = []
        stood = 0
        for chunk in chunks_of(bright_web(600, WIDTH_PX), (20,), clock=scene.clock):
            encoder: Counts
            if 240 <= chunk.first_line < 300:
                encoder = np.full(20, 240, np.int64)
                stood += 20
            else:
                encoder = chunk.encoder - stood
            items.append(LineChunk(chunk.lines, chunk.first_line, encoder, chunk.captured_at))
        roll = scene.run(ArrayLines(items))
        assert "encoder" in roll.kinds
        assert roll.verdicts[2] == "NOT_INSPECTED"
        assert roll.verdicts[:2] == ["OK", "OK"]

    def test_a_web_that_runs_back_is_told_and_its_place_not_inspected(self) -> None:
        scene = WebScene()
        items = list(chunks_of(bright_web(600, WIDTH_PX), (20,), clock=scene.clock))
        back = [
            LineChunk(
                chunk.lines, chunk.first_line, chunk.encoder - (60 if chunk.first_line >= 240 else 0), chunk.captured_at
            )
            for chunk in items
        ]
        roll = scene.run(ArrayLines(back))
        assert "encoder" in roll.kinds
        assert "NOT_INSPECTED" in roll.verdicts
        assert roll.verdicts[0] == "OK"

    def test_an_engine_that_fails_leaves_nothing_ok(self) -> None:
        roll = WebScene(detector=DarkStreaks(fails=True)).judge(bright_web(400, WIDTH_PX))
        assert roll.verdicts == ["NOT_INSPECTED"] * 4
        assert roll.figures.tiles_judged == 0
        assert roll.kinds == {"image_health"}
        assert "always fails" in roll.roll_map.faults[0].message

    @pytest.mark.parametrize(
        ("level", "fault"),
        [pytest.param(1, "under_exposed", id="out"), pytest.param(254, "over_exposed", id="blinding")],
    )
    @pytest.mark.parametrize(("begin", "end"), [(300, 600), (301, 599), (330, 560), (385, 510)])
    def test_web_whose_lamp_is_out_or_blinds_the_camera_is_not_inspected_wherever_it_began(
        self, level: int, fault: str, begin: int, end: int
    ) -> None:
        """A model finds nothing in a picture of nothing. Regions are shorter than a tile: none may be dark and OK."""

        class Blind(DarkStreaks):
            def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
                return super().detect(np.full_like(image, 255), thresholds=thresholds)

        web = bright_web(900, WIDTH_PX)
        web[begin:end] = np.random.default_rng(1).integers(level - 1, level + 2, (end - begin, WIDTH_PX))
        pitch_lines = 25
        scene = WebScene(detector=Blind(), segmenter=PitchSegmenter(roll="ROLL-1", pitch_mm=pitch_lines * MM_PER_LINE))
        roll = scene.judge(web)
        assert set(roll.verdicts[begin // pitch_lines : -(-end // pitch_lines)]) == {"NOT_INSPECTED"}
        assert set(roll.verdicts[:8] + roll.verdicts[-8:]) == {"OK"}
        assert roll.kinds == {"image_health"}
        assert fault in roll.roll_map.faults[0].message

    def test_plain_web_is_healthy(self) -> None:
        """It is blank, and has no edge: that is how a good film looks."""
        web = np.full((300, WIDTH_PX), 150, np.uint8)
        web += np.random.default_rng(1).integers(0, 3, web.shape, dtype=np.uint8)
        web += np.linspace(0, 40, WIDTH_PX).astype(np.uint8)
        assert WebScene().judge(web).verdicts == ["OK"] * 3

    def test_a_tile_that_fails_in_an_unforeseen_way_is_not_inspected_and_the_roll_goes_on(self) -> None:
        class Odd(DarkStreaks):
            def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
                if (image < 100).any():
                    raise RuntimeError("out of memory, or so")
                return super().detect(image, thresholds=thresholds)

        web = bright_web(600, WIDTH_PX)
        scratch(web, (5, 260, 15, 275))
        roll = WebScene(detector=Odd()).judge(web)
        assert roll.verdicts[2] == "NOT_INSPECTED"
        assert roll.verdicts[4:] == ["OK", "OK"]
        assert "RuntimeError: out of memory" in roll.roll_map.faults[0].message
        assert roll.kinds == {"image_health"}

    def test_from_the_moment_that_nothing_may_judge_regions_are_not_inspected(self) -> None:
        refusal = Reason(ReasonCode.DEPLOYMENT_EXPIRED, "deployment 7 expired")
        is_first_decided = asyncio.Event()
        scene = WebScene(why_not=lambda: refusal if is_first_decided.is_set() else None)
        web = bright_web(600, WIDTH_PX)
        scratch(web, (20, 450, 26, 470))
        items = list(chunks_of(web, (30,), clock=scene.clock))
        given = 0

        async def waits_for_the_first_region() -> None:
            nonlocal given
            given += 1
            await (is_first_decided.wait() if given == len(items) // 3 else asyncio.sleep(0.0))

        roll = scene.run(
            ArrayLines(items, after=waits_for_the_first_region), on_outcome=lambda _: is_first_decided.set()
        )
        assert roll.verdicts[0] == "OK"
        assert roll.verdicts[3:] == ["NOT_INSPECTED"] * 3
        assert roll.outcomes[4].reasons == (refusal,), "what such a model found decides nothing"
        assert roll.roll_map.regions[4].verdict.value == "NOT_INSPECTED"

    def test_the_rest_of_a_roll_is_no_whole_region(self) -> None:
        roll = WebScene().judge(bright_web(250, WIDTH_PX))
        assert roll.verdicts == ["OK", "OK", "NOT_INSPECTED"]

    def test_trouble_of_the_source_is_an_event_in_its_place(self) -> None:
        scene = WebScene()
        first, *rest = chunks_of(bright_web(200, WIDTH_PX), (50,), clock=scene.clock)
        roll = scene.run(ArrayLines([first, SourceTrouble(WebEventKind.CAMERA_LOST, "unplugged"), *rest]))
        assert [event.kind.value for event in roll.events] == ["started", "camera_lost", "stopped"]

    def test_a_source_without_any_line_ends_without_a_verdict(self) -> None:
        roll = WebScene().run(ArrayLines([]))
        assert roll.verdicts == []
        assert roll.figures.lines_read == 0

    def test_a_marker_that_fails_ends_the_run(self) -> None:
        def fail(_: RegionOutcome) -> None:
            raise MarkerFailed("no answer")

        scene = WebScene()
        items = list(chunks_of(bright_web(400, WIDTH_PX), (32,), clock=scene.clock))
        with pytest.raises(MarkerFailed, match="no answer"):
            scene.run(ArrayLines(items), on_outcome=fail)

    def test_a_run_that_ends_in_an_error_leaves_no_web_without_a_verdict(self) -> None:
        """Nobody looked at the last lines; and the region on which the marker failed may pass unmarked."""

        class EndsInAnError(ArrayLines):
            async def chunks(self) -> AsyncIterator[LineChunk | SourceTrouble | PartMark]:
                async for item in super().chunks():
                    yield item
                await first_is_told.wait()
                raise LinesRefused("the camera was away")

        first_is_told = asyncio.Event()
        scene = WebScene()
        items = list(chunks_of(bright_web(550, WIDTH_PX), (50,), clock=scene.clock))
        with pytest.raises(LinesRefused):
            scene.run(EndsInAnError(items), on_outcome=lambda _: first_is_told.set())
        assert scene.roll_map is not None
        regions = scene.roll_map.regions
        assert (regions[0].verdict.value, regions[-1].part.to_mm) == ("OK", 275.0)
        assert [reason.code.value for reason in regions[-1].reasons] == ["interrupted"]

        def fail(_: RegionOutcome) -> None:
            raise MarkerFailed("no answer")

        scene = WebScene()
        with pytest.raises(MarkerFailed):
            scene.run(ArrayLines(list(chunks_of(bright_web(550, WIDTH_PX), (50,), clock=scene.clock))), on_outcome=fail)
        assert scene.roll_map is not None
        [cut] = scene.roll_map.cuts()
        assert (cut.from_mm, cut.to_mm, cut.verdict.value) == (0.0, scene.roll_map.length_mm, "NOT_INSPECTED")

    def test_lines_of_another_width_are_refused(self) -> None:
        scene = WebScene()
        items = list(chunks_of(bright_web(40, WIDTH_PX + 1), (20,), clock=scene.clock))
        with pytest.raises(GeometryMismatch, match="region of interest"):
            scene.run(ArrayLines(items))
