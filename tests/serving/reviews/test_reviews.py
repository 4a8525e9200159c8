import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lineside.serving.security import Role
from plant import Plant, bad_board, good_board, open_plant

BOX = {"class_name": "short", "box_xyxy_px": [10.0, 20.0, 30.0, 40.0]}


@pytest.fixture(scope="module")
def plant(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2"}, headers=plant.headers())
        yield plant


_SEEDS = itertools.count(1000)  # the same picture twice in a row is a frozen camera


@pytest.fixture
def part(request: pytest.FixtureRequest) -> str:
    """A part name of the test's own."""
    return str(request.node.name)


def review(plant: Plant, inspection_id: str, kind: str, *, key: str | None = None, **fields: Any) -> httpx.Response:
    return say(plant, f"/v1/inspections/{inspection_id}/reviews", kind, key=key, **fields)


def say(plant: Plant, path: str, kind: str, *, key: str | None = None, **fields: Any) -> httpx.Response:
    body = {"kind": kind, "source": "operator", "reviewer": "Kim", "at": "2026-03-01T00:00:00Z", **fields}
    headers = plant.headers(Role.QUALITY) | ({} if key is None else {"Idempotency-Key": key})
    return plant.http.post(path, json=body, headers=headers)


def standing(plant: Plant, inspection_id: str) -> str:
    answer = plant.http.get(f"/v1/inspections/{inspection_id}/reviews", headers=plant.headers())
    return str(answer.json()["standing"])


@pytest.mark.parametrize(
    ("board", "kind", "boxes"),
    [
        pytest.param(bad_board, "confirmed", [], id="a confirmed reject"),
        pytest.param(bad_board, "false_call", [], id="a false call"),
        pytest.param(bad_board, "corrected", [BOX], id="corrected boxes"),
        pytest.param(good_board, "confirmed", [], id="a confirmed pass"),
        pytest.param(good_board, "escape", [BOX], id="an escape with what was missed"),
        pytest.param(good_board, "escape", [], id="an escape"),
    ],
)
def test_a_review_that_fits_its_verdict_counts(plant: Plant, part: str, board: Any, kind: str, boxes: Any) -> None:
    inspection = plant.post(board(next(_SEEDS)), part_id=part).json()["id"]
    assert standing(plant, inspection) == "unreviewed"
    answer = review(plant, inspection, kind, boxes=boxes, reason="seen\nunder the microscope")
    assert answer.status_code == 200, answer.text
    assert answer.json()["standing"] == kind
    assert standing(plant, inspection) == kind


@pytest.mark.parametrize(
    ("body", "kind", "boxes", "wanted"),
    [
        pytest.param(good_board(21), "false_call", [], "NG", id="a false call of a passed part"),
        pytest.param(good_board(22), "corrected", [BOX], "NG", id="a correction of a passed part"),
        pytest.param(bad_board(2), "escape", [], "OK", id="an escape of a rejected part"),
        pytest.param(b"text", "confirmed", [], "NG or OK", id="a confirmation of what was not inspected"),
        pytest.param(b"text", "escape", [], "OK", id="an escape of what was not inspected"),
    ],
)
def test_a_review_that_does_not_fit_says_what_it_is_said_of(
    plant: Plant, part: str, body: bytes, kind: str, boxes: Any, wanted: str
) -> None:
    inspection = plant.post(body, part_id=part).json()["id"]
    answer = review(plant, inspection, kind, boxes=boxes)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/review-unfit")
    assert f"said of {wanted}" in answer.json()["detail"]
    assert standing(plant, inspection) == "unreviewed"


def test_reviews_that_differ_are_unresolved_until_one_is_superseded(plant: Plant, part: str) -> None:
    inspection = plant.post(bad_board(3), part_id=part).json()["id"]
    review(plant, inspection, "confirmed")
    wrong = review(plant, inspection, "false_call", reviewer="Lee").json()
    assert wrong["standing"] == "unresolved"
    settled = review(plant, inspection, "confirmed", reviewer="Park", supersedes=wrong["id"])
    assert settled.json()["standing"] == "confirmed"
    again = review(plant, inspection, "false_call", supersedes=wrong["id"])
    assert again.json()["type"] == "/problems/review-unfit"


def test_a_review_supersedes_only_one_of_the_same_inspection(plant: Plant, part: str) -> None:
    first = plant.post(bad_board(4), part_id=f"{part} a").json()["id"]
    second = plant.post(bad_board(5), part_id=f"{part} b").json()["id"]
    said = review(plant, first, "confirmed").json()["id"]
    assert review(plant, second, "false_call", supersedes=said).status_code == 409


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param([{**BOX, "box_xyxy_px": [10, 20, 161, 40]}], id="outside the frame"),
        pytest.param([{**BOX, "box_xyxy_px": [-1, 20, 30, 40]}], id="left of the frame"),
        pytest.param([{**BOX, "box_xyxy_px": [30, 20, 10, 40]}], id="inside out"),
        pytest.param([{**BOX, "box_xyxy_px": [10, 20, 10, 40]}], id="empty"),
        pytest.param([{**BOX, "view": "back"}], id="on a view that is not there"),
        pytest.param([{**BOX, "box_xyxy_px": [1, 2, 3]}], id="three numbers"),
    ],
)
def test_boxes_that_lie_nowhere_are_refused(plant: Plant, part: str, boxes: Any) -> None:
    inspection = plant.post(bad_board(6), part_id=part).json()["id"]
    assert review(plant, inspection, "corrected", boxes=boxes).status_code == 422
    assert standing(plant, inspection) == "unreviewed"


def test_a_correction_needs_boxes_and_a_false_call_has_none(plant: Plant, part: str) -> None:
    inspection = plant.post(bad_board(7), part_id=part).json()["id"]
    assert review(plant, inspection, "corrected").status_code == 422
    assert review(plant, inspection, "false_call", boxes=[BOX]).status_code == 422


def test_a_retried_review_is_recorded_once(plant: Plant, part: str) -> None:
    inspection = plant.post(bad_board(8), part_id=part).json()["id"]
    first = review(plant, inspection, "confirmed", key="same")
    assert review(plant, inspection, "confirmed", key="same").json() == first.json()
    listed = plant.http.get(f"/v1/inspections/{inspection}/reviews", headers=plant.headers()).json()
    assert len(listed["items"]) == 1
    assert review(plant, inspection, "false_call", key="same").status_code == 409


def test_an_escape_found_downstream_is_said_of_the_parts_last_attempt(plant: Plant, part: str) -> None:
    plant.post(bad_board(9), part_id=part)
    passed = plant.post(good_board(9), part_id=part, attempt=2, cause="retest").json()["id"]
    answer = say(plant, f"/v1/parts/{part}/reviews", "escape", source="downstream")
    assert answer.json()["inspection_id"] == passed
    assert standing(plant, passed) == "escape"


def test_a_part_of_several_stations_needs_its_station_named(plant: Plant, part: str) -> None:
    plant.post(good_board(10), part_id=part)
    plant.post(good_board(10), part_id=part, role=Role.ADMIN, station="aoi-2")
    assert say(plant, f"/v1/parts/{part}/reviews", "escape").json()["type"] == "/problems/part-ambiguous"
    assert say(plant, f"/v1/parts/{part}/reviews?station=aoi-1", "escape").status_code == 200
    assert say(plant, "/v1/parts/nobody/reviews", "escape").json()["type"] == "/problems/unknown-part"


def test_a_review_is_taken_back_and_what_somebody_else_said_stands_again(plant: Plant, part: str) -> None:
    inspection = plant.post(bad_board(next(_SEEDS)), part_id=part).json()["id"]
    first = review(plant, inspection, "confirmed").json()
    changed = review(plant, inspection, "false_call", reviewer="Lee", supersedes=first["id"]).json()
    assert changed["standing"] == "false_call"
    taken = review(plant, inspection, "withdrawn", reviewer="Lee", supersedes=changed["id"])
    assert (taken.status_code, taken.json()["standing"]) == (200, "confirmed")
    undone = review(plant, inspection, "withdrawn", supersedes=first["id"])
    assert undone.json()["standing"] == "unreviewed"
    assert review(plant, inspection, "false_call").json()["standing"] == "false_call"


@pytest.mark.parametrize("target", ["a review that was taken back", "a withdrawal"])
def test_what_was_taken_back_is_not_taken_back_again(plant: Plant, part: str, target: str) -> None:
    inspection = plant.post(bad_board(next(_SEEDS)), part_id=part).json()["id"]
    said = review(plant, inspection, "confirmed").json()["id"]
    withdrawal = review(plant, inspection, "withdrawn", supersedes=said).json()["id"]
    again = review(plant, inspection, "withdrawn", supersedes=withdrawal if target == "a withdrawal" else said)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/review-unfit")
    assert standing(plant, inspection) == "unreviewed"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="of nothing"),
        pytest.param({"supersedes": "x", "boxes": [BOX]}, id="with boxes"),
    ],
)
def test_a_withdrawal_names_what_it_takes_back_and_draws_nothing(
    plant: Plant, part: str, fields: dict[str, Any]
) -> None:
    inspection = plant.post(bad_board(next(_SEEDS)), part_id=part).json()["id"]
    assert review(plant, inspection, "withdrawn", **fields).status_code == 422


def test_a_review_of_what_was_not_inspected_cannot_be_withdrawn_for_there_is_none(plant: Plant, part: str) -> None:
    inspection = plant.post(b"text", part_id=part).json()["id"]
    assert review(plant, inspection, "withdrawn", supersedes="x").status_code == 409
