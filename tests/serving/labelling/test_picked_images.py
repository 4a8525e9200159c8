"""Images of picked parts stay until their labels are in a dataset revision."""

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from label_state import MODEL_BOX, Desk, LabelledPart, open_desk
from lineside.serving.clock import ManualClock
from lineside.serving.retention import Housekeeping
from plant import RECIPE

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
DAYS = 30
RECIPE_OF_A_MONTH = RECIPE + f"retention: {{ok_share: 1.0, days: {DAYS}}}\naudit: {{share: 0.0}}\n"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def desk(either_database: None, tmp_path: Path, clock: ManualClock) -> Iterator[Desk]:
    with open_desk(tmp_path, recipe=RECIPE_OF_A_MONTH, clock=clock) as desk:
        yield desk


def keep_house(desk: Desk) -> None:
    """One run of the housekeeping, with every file old enough to go."""
    services = desk.plant.services
    aged_s = time.time() - timedelta(hours=2).total_seconds()
    for image in services.images.images():
        path = services.settings.images_dir / "sha256" / image.digest[:2] / image.digest
        os.utime(path, (aged_s, aged_s))
    asyncio.run(
        Housekeeping(
            ledger=services.ledger,
            images=services.images,
            recipes=services.recipes,
            clock=services.clock,
            interval_s=3600.0,
            min_free_bytes=0,
        ).run_once()
    )


def has_image(desk: Desk, inspection_id: str) -> bool:
    return desk.call("GET", f"/v1/inspections/{inspection_id}/image").status_code == 200


def test_the_image_of_a_picked_part_outlives_its_days_until_its_label_is_in_a_revision(
    desk: Desk, clock: ManualClock
) -> None:
    other = desk.inspect("not picked", bad=True)
    waiting = desk.inspect("waiting")
    desk.pick(waiting)
    labelled = desk.pushed_part("labelled")
    labelled.send(MODEL_BOX)
    clock.advance(timedelta(days=DAYS + 1).total_seconds())
    keep_house(desk)
    assert not has_image(desk, other)
    assert has_image(desk, waiting)
    assert has_image(desk, labelled.inspection_id)
    desk.put_project(revision="r-1", revision_change=desk.get_project()["change"])
    keep_house(desk)
    assert not has_image(desk, labelled.inspection_id)
    assert has_image(desk, waiting)
    assert not labelled.pick["views"][0]["kept"]  # the push and the pull read from here that it is gone


def test_the_image_of_a_withdrawn_pick_goes_like_every_other(desk: Desk, clock: ManualClock) -> None:
    part: LabelledPart = desk.pushed_part("withdrawn")
    desk.done("POST", f"/v1/label-picks/{part.pick_id}/withdrawal", json={"by": "Kim", "reason": "a mistake"})
    clock.advance(timedelta(days=DAYS + 1).total_seconds())
    keep_house(desk)
    assert not has_image(desk, part.inspection_id)


def test_an_inspection_without_its_image_is_no_candidate(desk: Desk, clock: ManualClock) -> None:
    old = desk.inspect("old", bad=True)
    assert [each["inspection_id"] for each in desk.candidates()] == [old]
    clock.advance(timedelta(days=DAYS + 1).total_seconds())
    keep_house(desk)
    assert desk.candidates() == []
