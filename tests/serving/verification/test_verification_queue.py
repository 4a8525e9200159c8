"""The review place by its API: who gets which part, and what a reading does."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.security import Principal, Role
from lineside.serving.verification.schemas import ClaimIn, ClaimOut
from plant import RECIPE, Plant, bad_board, good_board, open_plant
from reading_parts import claim, read, stored, taken, undo, waiting

AUDITED = RECIPE + "audit: {share: 1.0}\n"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def plant(tmp_path: Path, clock: ManualClock, either_database: None) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=AUDITED, clock=clock, verification_second_share=0.0) as plant:
        yield plant


def flagged(plant: Plant, part_id: str, seed: int = 0) -> str:
    return str(plant.post(bad_board(seed), part_id=part_id).json()["id"])


def passed(plant: Plant, part_id: str, seed: int = 0) -> str:
    return str(plant.post(good_board(seed), part_id=part_id).json()["id"])


def test_the_longest_waiting_part_comes_first_with_all_that_a_reader_needs(plant: Plant, clock: ManualClock) -> None:
    first = flagged(plant, "P-1")
    clock.advance(1)
    passed(plant, "P-2")
    assert waiting(plant) == {"flagged": 1, "audit": 1, "second": 0, "conflict": 0}
    part = taken(plant)
    assert (part["inspection_id"], part["part_id"], part["kind"], part["verdict"]) == (first, "P-1", "flagged", "NG")
    assert [defect["class_name"] for defect in part["defects"]] == ["short"]
    assert part["views"] == [{"view": "default", "size_wh_px": [160, 160], "layers": ["image"]}]
    assert {"name": "short", "name_ko": "단락(쇼트)"} in part["classes"]
    assert part["reader"] == "test quality"


def test_a_reading_is_a_review_and_a_disposition_at_once_and_the_next_part_follows(
    plant: Plant, clock: ManualClock
) -> None:
    first = flagged(plant, "P-1")
    clock.advance(1)
    second = passed(plant, "P-2")
    said = read(plant, taken(plant, "Kim")["id"], "confirmed", disposition="scrapped")
    assert said.status_code == 200, said.text
    assert said.json()["review"]["standing"] == "confirmed"
    found = stored(plant, first)
    assert [(each["kind"], each["source"], each["reviewer"], each["blind"]) for each in found["reviews"]] == [
        ("confirmed", "operator", "test quality / Kim", False)
    ]
    assert [(each["kind"], each["confirmed_by_sensor"]) for each in found["dispositions"]] == [("scrapped", False)]
    part = taken(plant, "Kim")
    assert (part["inspection_id"], part["kind"], part["defects"]) == (second, "audit", [])
    box = {"class_name": "open", "box_xyxy_px": [10, 10, 20, 20]}
    assert read(plant, part["id"], "escape", boxes=[box]).status_code == 200
    (review,) = stored(plant, second)["reviews"]
    assert (review["kind"], review["source"], review["boxes"][0]["class_name"]) == ("escape", "audit", "open")
    assert stored(plant, second)["dispositions"] == []


def test_two_readers_never_get_the_same_part_for_a_first_reading(plant: Plant) -> None:
    ids = {flagged(plant, f"P-{number}", number) for number in range(3)}
    got = [taken(plant, reader)["inspection_id"] for reader in ("Kim", "Lee", "Park")]
    assert set(got) == ids
    assert claim(plant, "Choi") is None


def test_a_window_that_asks_again_gets_the_part_that_it_holds_and_another_window_gets_another(plant: Plant) -> None:
    for number in range(2):
        flagged(plant, f"P-{number}", number)
    first = taken(plant, "Kim", holder="left")
    assert taken(plant, "Kim", holder="left")["id"] == first["id"]
    assert taken(plant, "Kim", holder="right")["inspection_id"] != first["inspection_id"]


def test_a_part_that_nobody_reads_goes_to_somebody_else_after_a_while(plant: Plant, clock: ManualClock) -> None:
    flagged(plant, "P-1")
    kim = taken(plant, "Kim")
    clock.advance(299)
    assert claim(plant, "Lee") is None
    held = plant.http.put(f"/v1/verification/claims/{kim['id']}", headers=plant.headers(Role.QUALITY))
    assert held.status_code == 200
    clock.advance(299)
    assert claim(plant, "Lee") is None  # a sign of life holds it longer
    clock.advance(1)
    lee = taken(plant, "Lee")
    assert lee["inspection_id"] == kim["inspection_id"]
    lost = plant.http.put(f"/v1/verification/claims/{kim['id']}", headers=plant.headers(Role.QUALITY))
    assert (lost.status_code, lost.json()["type"]) == (409, "/problems/claim-ended")


def test_what_a_late_reader_says_is_not_lost_but_counts_as_a_blind_second_reading(
    plant: Plant, clock: ManualClock
) -> None:
    inspection_id = flagged(plant, "P-1")
    kim = taken(plant, "Kim")
    clock.advance(301)
    lee = taken(plant, "Lee")
    assert read(plant, lee["id"], "confirmed").status_code == 200
    assert read(plant, kim["id"], "confirmed").status_code == 200
    said = stored(plant, inspection_id)
    assert [(each["reviewer"][-3:], each["blind"]) for each in said["reviews"]] == [("Lee", False), ("Kim", True)]
    assert said["standing"] == "confirmed"


def test_the_same_reading_again_changes_nothing_and_another_one_is_refused(plant: Plant) -> None:
    inspection_id = flagged(plant, "P-1")
    part = taken(plant)
    first = read(plant, part["id"], "false_call", disposition="passed")
    again = read(plant, part["id"], "false_call", disposition="passed")
    assert (again.status_code, again.json()) == (200, first.json())
    other = read(plant, part["id"], "confirmed")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/claim-ended")
    assert len(stored(plant, inspection_id)["reviews"]) == 1
    assert len(stored(plant, inspection_id)["dispositions"]) == 1


def test_a_part_let_go_is_the_next_ones(plant: Plant) -> None:
    flagged(plant, "P-1")
    part = taken(plant, "Kim")
    gone = plant.http.delete(f"/v1/verification/claims/{part['id']}", headers=plant.headers(Role.QUALITY))
    assert gone.status_code == 204
    assert taken(plant, "Lee")["inspection_id"] == part["inspection_id"]


def test_what_the_api_reviewed_waits_no_more(plant: Plant) -> None:
    inspection_id = flagged(plant, "P-1")
    assert waiting(plant)["flagged"] == 1
    plant.http.post(
        f"/v1/inspections/{inspection_id}/reviews",
        json={"kind": "confirmed", "source": "operator", "reviewer": "Kim", "at": NOW.isoformat()},
        headers=plant.headers(Role.QUALITY),
    ).raise_for_status()
    assert waiting(plant)["flagged"] == 0
    assert claim(plant) is None


def test_another_keys_claim_is_no_claim(plant: Plant) -> None:
    flagged(plant, "P-1")
    part = taken(plant)
    answer = plant.http.put(
        f"/v1/verification/claims/{part['id']}/reading", json={"kind": "confirmed"}, headers=plant.headers(Role.ADMIN)
    )
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-claim")


def test_a_box_outside_the_view_is_refused_and_the_part_is_held_still(plant: Plant) -> None:
    flagged(plant, "P-1")
    part = taken(plant)
    box = {"class_name": "open", "box_xyxy_px": [10, 10, 20, 200]}
    answer = read(plant, part["id"], "corrected", boxes=[box])
    assert (answer.status_code, "outside view" in answer.json()["detail"]) == (422, True)
    assert taken(plant)["id"] == part["id"]


def test_what_cannot_be_said_of_a_verdict_is_refused_whole(plant: Plant) -> None:
    inspection_id = passed(plant, "P-1")
    answer = read(plant, taken(plant)["id"], "false_call", disposition="passed")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/review-unfit")
    assert stored(plant, inspection_id)["dispositions"] == []


def test_only_parts_of_the_station_that_is_asked_for_are_given(plant: Plant) -> None:
    flagged(plant, "P-1")
    assert claim(plant, station="aoi-2") is None
    assert claim(plant, station="aoi-1") is not None
    assert claim(plant, station="aoi-2") is None  # the window has gone there: it holds the other part no more
    assert claim(plant, "Lee", station="aoi-1") is not None


def test_parts_that_were_not_drawn_never_wait(tmp_path: Path, either_database: None) -> None:
    with open_plant(tmp_path, recipe=RECIPE + "confirmation: {share: 0.4}\naudit: {share: 0.0}\n") as plant:
        posted = [plant.post(bad_board(number), part_id=f"P-{number}").json() for number in range(20)]
        drawn = {answer["id"] for answer in posted if answer["confirmation"]}
        assert 0 < len(drawn) < 20
        passed(plant, "P-ok")
        got = set()
        while (part := claim(plant)) is not None:
            got.add(part["inspection_id"])
            assert read(plant, part["id"], "confirmed").status_code == 200
        assert got == drawn


def test_a_reading_taken_back_counts_nowhere_and_the_part_is_its_readers_again(plant: Plant) -> None:
    inspection_id = flagged(plant, "P-1")
    part = taken(plant, "Kim")
    assert read(plant, part["id"], "confirmed", disposition="scrapped").status_code == 200
    back = undo(plant, part["id"])
    assert back.status_code == 200, back.text
    assert (back.json()["inspection_id"], back.json()["id"] != part["id"]) == (inspection_id, True)
    found = stored(plant, inspection_id)
    assert ([each["kind"] for each in found["reviews"]], found["standing"]) == (
        ["confirmed", "withdrawn"],
        "unreviewed",
    )
    assert [each["kind"] for each in found["dispositions"]] == ["scrapped", "set_aside"]
    assert claim(plant, "Lee") is None  # Kim holds it
    assert read(plant, back.json()["id"], "false_call", disposition="passed").status_code == 200
    assert stored(plant, inspection_id)["standing"] == "false_call"
    assert undo(plant, part["id"]).status_code == 204  # taken back before: nothing changes
    assert stored(plant, inspection_id)["standing"] == "false_call"


def test_nothing_can_be_taken_back_that_was_not_read(plant: Plant) -> None:
    flagged(plant, "P-1")
    part = taken(plant)
    assert (undo(plant, part["id"]).status_code, undo(plant, "none").status_code) == (409, 404)


def test_the_pictures_of_a_part_are_png_and_a_recipe_without_a_reference_has_none(plant: Plant) -> None:
    inspection_id = flagged(plant, "P-1")
    headers = plant.headers(Role.QUALITY)
    image = plant.http.get(f"/v1/inspections/{inspection_id}/layers/image", headers=headers)
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
    none = plant.http.get(f"/v1/inspections/{inspection_id}/layers/reference", headers=headers)
    assert (none.status_code, none.json()["type"]) == (404, "/problems/image-gone")


def test_readers_who_ask_at_the_same_moment_get_different_parts(plant: Plant) -> None:
    ids = {flagged(plant, f"P-{number}", number) for number in range(6)}
    principal = Principal("key-1", "shared", Role.QUALITY)

    async def all_at_once() -> list[ClaimOut | None]:
        wanted = [ClaimIn(reader=f"reader {number}") for number in range(8)]
        return list(await asyncio.gather(*(plant.services.verification.take(each, principal) for each in wanted)))

    got = plant.http.portal.call(all_at_once)  # type: ignore[attr-defined]  # TestClient's loop
    taken_ids = [part.inspection_id for part in got if part is not None]
    assert (len(taken_ids), set(taken_ids)) == (6, ids)
