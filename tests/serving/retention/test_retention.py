"""Images go when their recipe says so, with an event; nothing that a record still claims goes."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import verify_chain
from lineside.serving.retention import Housekeeping
from plant import RECIPE, Plant, bad_board, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")

START = datetime(2026, 1, 1, tzinfo=UTC)


def housekeeping(plant: Plant) -> Housekeeping:
    services = plant.services
    return Housekeeping(
        ledger=services.ledger,
        images=services.images,
        recipes=services.recipes,
        clock=services.clock,
        interval_s=3600.0,
        min_free_bytes=0,
    )


def age_files(plant: Plant, hours: float) -> None:
    """The store tells an image's age by its file's time, which the test's clock cannot move."""
    then = (plant.services.clock.now() - timedelta(hours=hours)).timestamp()
    for file in (plant.services.settings.images_dir).rglob("*"):
        if file.is_file():
            os.utime(file, (then, then))


def retention_events(plant: Plant) -> list[dict[str, object]]:
    events = plant.services.ledger.read_blocking(
        lambda connection: connection.exec_driver_sql("SELECT data FROM events WHERE type = 'retention.v1'").all()
    )
    return [json.loads(row[0]) for row in events]


def image_status(plant: Plant, inspection_id: str) -> int:
    return plant.http.get(f"/v1/inspections/{inspection_id}/image", headers=plant.headers()).status_code


def test_an_image_goes_after_the_days_of_its_recipe_and_the_ledger_says_so(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with open_plant(tmp_path, recipe=RECIPE + "retention: {days: 30}\n", clock=clock) as plant:
        old = plant.post(bad_board(1), part_id="old").json()
        clock.advance(20 * 86400)
        young = plant.post(bad_board(2), part_id="young").json()
        clock.advance(11 * 86400)
        age_files(plant, hours=2)
        asyncio.run(housekeeping(plant).run_once())
        assert image_status(plant, old["id"]) == 404
        assert image_status(plant, young["id"]) == 200
        (event,) = retention_events(plant)
        assert (event["recipe_id"], event["cause"], event["frames"]) == ("board", "age", 1)
        assert verify_chain(plant.services.ledger).is_intact


def test_an_image_that_another_record_claims_stays(tmp_path: Path) -> None:
    """Two parts with the very same picture share one file."""
    clock = ManualClock(START)
    recipe = RECIPE.replace("health: {", "health: {refuse_repeats: false, ") + "retention: {days: 30}\n"
    with open_plant(tmp_path, recipe=recipe, clock=clock) as plant:
        plant.post(bad_board(1), part_id="old")
        clock.advance(20 * 86400)
        young = plant.post(bad_board(1), part_id="young").json()
        clock.advance(11 * 86400)
        age_files(plant, hours=2)
        asyncio.run(housekeeping(plant).run_once())
        assert image_status(plant, young["id"]) == 200


def test_for_size_the_ok_parts_images_go_before_the_rejected_ones(tmp_path: Path) -> None:
    clock = ManualClock(START)
    size = len(bad_board(1)) / 10**9
    recipe = RECIPE + f"retention: {{ok_share: 1.0, max_gigabytes: {size * 1.5}}}\naudit: {{share: 0.0}}\n"
    with open_plant(tmp_path, recipe=recipe, clock=clock) as plant:
        rejected = plant.post(bad_board(1), part_id="ng").json()
        clock.advance(60)
        passed = plant.post(good_board(2), part_id="ok").json()
        assert passed["frames"][0]["kept"]
        clock.advance(7200)
        age_files(plant, hours=2)
        asyncio.run(housekeeping(plant).run_once())
        assert image_status(plant, passed["id"]) == 404
        assert image_status(plant, rejected["id"]) == 200
        (event,) = retention_events(plant)
        assert event["cause"] == "size"


def test_a_file_that_no_record_claims_goes_once_it_is_no_longer_fresh(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with open_plant(tmp_path, clock=clock) as plant:
        images = plant.services.images
        orphan = images.stage(b"left behind by a crash between keeping the image and writing its row")
        images.keep(orphan)
        age_files(plant, hours=0.5)
        asyncio.run(housekeeping(plant).run_once())
        assert images.contains(orphan.digest)
        age_files(plant, hours=2)
        asyncio.run(housekeeping(plant).run_once())
        assert not images.contains(orphan.digest)


def test_many_frames_go_in_writes_that_verdicts_need_not_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(START)
    monkeypatch.setattr("lineside.serving.retention.service._FRAMES_AT_ONCE", 2)
    with open_plant(tmp_path, recipe=RECIPE + "retention: {days: 30}\n", clock=clock) as plant:
        ids = [plant.post(bad_board(n), part_id=f"p{n}").json()["id"] for n in range(5)]
        clock.advance(31 * 86400)
        age_files(plant, hours=2)
        asyncio.run(housekeeping(plant).run_once())
        assert [image_status(plant, inspection_id) for inspection_id in ids] == [404] * 5
        assert [event["frames"] for event in retention_events(plant)] == [2, 2, 1]


def test_an_image_whose_row_is_just_being_written_stays_however_full_the_disk_is(tmp_path: Path) -> None:
    with open_plant(tmp_path, min_free_bytes=2**62) as plant:
        images = plant.services.images
        images.keep(image := images.stage(b"its row comes with the next commit"))
        crowded = Housekeeping(
            ledger=plant.services.ledger,
            images=images,
            recipes=plant.services.recipes,
            clock=plant.services.clock,
            interval_s=3600.0,
            min_free_bytes=2**62,
        )
        asyncio.run(crowded.run_once())
        assert images.contains(image.digest)


def test_housekeeping_ends_with_its_server(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        keeper = housekeeping(plant)

        async def run_and_stop() -> None:
            running = asyncio.create_task(keeper.run_forever())
            await asyncio.sleep(0)
            keeper.stop()
            await running

        asyncio.run(run_and_stop())


@pytest.mark.parametrize("runs", [1, 3])
def test_running_again_with_nothing_due_writes_nothing(tmp_path: Path, runs: int) -> None:
    clock = ManualClock(START)
    with open_plant(tmp_path, clock=clock) as plant:
        plant.post(bad_board(1), part_id="p")
        for _ in range(runs):
            asyncio.run(housekeeping(plant).run_once())
        assert retention_events(plant) == []
