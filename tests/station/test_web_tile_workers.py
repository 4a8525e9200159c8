"""Threads over the ring: tiles in order, what was shed is not judged and costs later ones no time."""

import threading
from collections.abc import Mapping

import numpy as np

from dark_streaks import THRESHOLDS, DarkStreaks, bright_web
from lineside.inspection.detections import Detections
from lineside.inspection.frames import Image
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.strips import LineRing
from lineside.inspection.tiling import Tile
from lineside.station.web.tile_workers import JudgedTile, TileWorkers


class Gated(DarkStreaks):
    """Judges when it is let."""

    def __init__(self) -> None:
        super().__init__(streams=1)
        self.begun, self.gate = threading.Event(), threading.Event()

    def detect(self, image: Image, *, thresholds: Mapping[str, float] | None = None) -> Detections:
        self.begun.set()
        self.gate.wait(10.0)
        return super().detect(image, thresholds=thresholds)


def _tile(number: int) -> Tile:
    return Tile(0, 10 * number, 16, 10 * number + 10)


def test_what_is_shed_counts_no_longer_and_is_handed_back_unjudged() -> None:
    ring = LineRing(width_px=16, capacity_lines=256)
    ring.write(bright_web(100, 16))
    judged: list[JudgedTile] = []
    all_back = threading.Event()

    def note(tile: JudgedTile) -> None:
        judged.append(tile)
        if len(judged) == 6:
            all_back.set()

    detector = Gated()
    workers = TileWorkers(
        detector,
        ring,
        thresholds=THRESHOLDS,
        health=HealthLimits(),
        band_lines=10,
        compose=None,
        monotonic=lambda: 0.0,
        on_judged=note,
    )
    try:
        for number in range(6):
            workers.offer(_tile(number))
        assert detector.begun.wait(10.0)
        assert workers.waiting_before(60) == 6
        workers.shed(10, 40)
        assert workers.waiting_before(60) == 3, "one under way, two that are left"
        assert workers.waiting_before(40) == 1
        detector.gate.set()
        assert all_back.wait(10.0)
    finally:
        workers.close()
    assert [each.tile for each in judged] == [_tile(number) for number in range(6)]
    assert [each.is_shed for each in judged] == [False, True, True, True, False, False]
    assert detector.calls == 3


def test_a_tile_is_judged_by_the_lines_of_its_own_place() -> None:
    ring = LineRing(width_px=16, capacity_lines=256)
    web = bright_web(100, 16)
    web[45:48, 4:9] = 10
    ring.write(web)
    back = threading.Event()
    judged: list[JudgedTile] = []

    def note(tile: JudgedTile) -> None:
        judged.append(tile)
        back.set()

    workers = TileWorkers(
        DarkStreaks(streams=1),
        ring,
        thresholds=THRESHOLDS,
        health=HealthLimits(),
        band_lines=10,
        compose=None,
        monotonic=lambda: 0.0,
        on_judged=note,
    )
    try:
        workers.offer(Tile(2, 40, 14, 60))
        assert back.wait(10.0)
    finally:
        workers.close()
    found = judged[0].found
    assert found is not None
    assert np.array_equal(found.boxes_xyxy_px, [[2, 5, 7, 8]])
