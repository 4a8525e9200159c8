"""Results are found in both kinds of ledger."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.opcua.found_results import FoundResult, ResultQuery, ResultShelf
from lineside.serving.ledger import Event
from lineside.serving.ledger.context_tables import jobs
from sink_scene import PLANT, SinkScene, sink_scene


def _start_job(scene: SinkScene, job_id: str, *, part_id: str | None, ended_by: Event | None = None) -> None:
    ending: dict[str, Any] = {"state": "started"}
    if ended_by is not None:
        ending = {"state": "done", "ended_at": scene.clock.now(), "inspection_id": ended_by.data["id"]}
    row = {
        "id": job_id,
        "plant": PLANT,
        "station": "aoi-1",
        "meas_id": f"meas {job_id}",
        "part_id": part_id,
        "after_sequence": 0,
        "started_by": "somebody",
        "started_at": scene.clock.now(),
        **ending,
    }
    scene.ledger.write_blocking(lambda transaction: transaction.connection.execute(insert(jobs), row))


def _ids(found: tuple[FoundResult, ...]) -> list[str]:
    return [each.data["id"] for each in found]


def test_a_stations_results_are_found_newest_first_and_by_what_they_are(tmp_path: Path, ledger_url: str) -> None:
    with sink_scene(tmp_path, url=ledger_url) as scene:
        events = [scene.judge(verdict) for verdict in (Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED)]
        scene.judge(station="aoi-2")
        _start_job(scene, "job-1", part_id=None, ended_by=events[1])
        newest_first = [event.data["id"] for event in reversed(events)]
        shelf = ResultShelf(scene.context.ledger)

        def page(start: int = 0, limit: int = 10, **wanted: Any) -> tuple[list[str], bool]:
            found, is_complete = asyncio.run(shelf.page("aoi-1", ResultQuery(**wanted), start=start, limit=limit))
            return _ids(tuple(found)), is_complete

        assert page() == (newest_first, True)
        assert page(limit=2) == (newest_first[:2], False)
        assert page(start=2, limit=2) == (newest_first[2:], True)
        assert page(verdicts=frozenset({Verdict.OK, Verdict.NG})) == (newest_first[1:], True)
        assert page(verdicts=frozenset()) == ([], True)
        assert page(part_id=events[0].data["part_id"]) == (newest_first[2:], True)
        assert page(job_id="job-1") == (newest_first[1:2], True)
        assert page(meas_id="meas job-1") == (newest_first[1:2], True)
        assert page(job_id=newest_first[0]) == (newest_first[:1], True)
        assert page(job_id=newest_first[1]) == ([], True)
        assert page(recipe_version="not a number") == ([], True)
        assert asyncio.run(shelf.one("aoi-2", newest_first[0])) is None


def test_a_result_has_the_job_that_it_ended_or_is_about_to_end(tmp_path: Path, ledger_url: str) -> None:
    with sink_scene(tmp_path, url=ledger_url) as scene:
        first, second, third = scene.judge(), scene.judge(), scene.judge()
        _start_job(scene, "job-1", part_id=None, ended_by=first)
        _start_job(scene, "job-2", part_id=None)
        _start_job(scene, "job-3", part_id=third.data["part_id"])
        shelf = ResultShelf(scene.context.ledger)
        found = [asyncio.run(shelf.of_event(event)) for event in (first, second, third)]
        assert [each.job_id for each in found] == ["job-1", "job-2", "job-3"]
        other = scene.judge(station="aoi-2")
        alone = asyncio.run(shelf.of_event(other))
        assert (alone.job_id, alone.meas_id) == (other.data["id"], "")
