"""A suggestion waits for every verdict, and comes from the release that is live."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from label_state import Desk, open_desk
from label_suggestions import ask, regions, results, verdict
from lineside.serving.releases import Purpose, ReleaseRef
from odd_engines import LiveEngine, take_over
from odd_releases import Workshop, version, without_short
from plant import bad_board, good_board
from signing import TestKeys


def eventually(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def engine_of(desk: Desk, purpose: Purpose) -> LiveEngine:
    loaded = desk.plant.services.releases.loaded(ReleaseRef("blobs"), purpose)
    assert loaded is not None
    return take_over(loaded.detector)


def test_a_verdict_comes_first(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk, ThreadPoolExecutor(2) as others:
        first, second = desk.pushed_part("asked-first", bad=True), desk.pushed_part("asked-second", bad=True)
        assert len(regions(results(desk, first.task_ids[0])[0])) == 1  # loads the model for looking on
        judging, looking = engine_of(desk, Purpose.JUDGE), engine_of(desk, Purpose.OBSERVE)
        judging.may_go_on.clear()
        part: Future[httpx.Response] = others.submit(desk.plant.post, good_board(1), part_id="on-the-line")
        eventually(lambda: desk.plant.services.inspections.admission.inside == 1)
        asked: Future[list[Any]] = others.submit(results, desk, second.task_ids[0])
        time.sleep(0.3)  # it would have looked by now, had it not waited
        assert (looking.begun, asked.done()) == (0, False)
        judging.may_go_on.set()
        assert part.result().json()["verdict"] == "OK"
        assert len(regions(asked.result()[0])) == 1
        assert looking.begun == 1


def test_a_look_that_hangs_holds_up_no_verdict_and_more_requests_are_shed(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk, ThreadPoolExecutor(4) as others:
        parts = [desk.pushed_part(f"hanging-{number}", bad=True) for number in range(5)]
        assert len(regions(results(desk, parts[0].task_ids[0])[0])) == 1
        looking = engine_of(desk, Purpose.OBSERVE)
        looking.may_go_on.clear()
        asked = [others.submit(results, desk, part.task_ids[0]) for part in parts[1:]]
        eventually(lambda: desk.plant.services.suggestions.waiting == 4)
        assert desk.plant.post(bad_board(1), part_id="on-the-line").json()["verdict"] == "NG"
        shed = ask(desk, parts[0].task_ids[0])
        assert (shed.status_code, shed.headers["Retry-After"]) == (503, "30")
        looking.may_go_on.set()
        assert [len(regions(each.result()[0])) for each in asked] == [1] * 4


def test_an_engine_that_fails_gives_no_suggestion(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        first, second = desk.pushed_part("before", bad=True), desk.pushed_part("after", bad=True)
        assert len(regions(results(desk, first.task_ids[0])[0])) == 1
        engine_of(desk, Purpose.OBSERVE).failure = RuntimeError("the engine broke")
        assert results(desk, second.task_ids[0]) == [[]]


def test_the_boxes_are_those_of_the_release_that_is_live_now(tmp_path: Path) -> None:
    keys = TestKeys()
    workshop = Workshop(tmp_path / "workshop", keys)
    live, better = workshop.write(without_short("2.0.0")), workshop.write(version("3.0.0"))
    with open_desk(tmp_path, signing=keys) as desk:
        desk.plant.upload(live)
        desk.plant.deploy(keys.deploy_release(live, serial=1)).raise_for_status()
        part = desk.pushed_part("missed", bad=True)
        assert part.pick["verdict"] == "OK"
        (before,) = results(desk, *part.task_ids)
        assert (verdict(before), before["model_version"][:11]) == ("ok", "blobs 2.0.0")
        desk.plant.upload(better)
        desk.plant.deploy(keys.deploy_release(better, serial=2)).raise_for_status()
        (after,) = results(desk, *part.task_ids)
        assert (verdict(after), after["model_version"][:11]) == ("defect", "blobs 3.0.0")
        assert len(regions(after)) == 1
