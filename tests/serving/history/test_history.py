from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lineside.client.records import InspectionAnswer, parse
from lineside.serving.errors import CursorUnreadable
from lineside.serving.history.cursor import cursor_after, inspection_before
from lineside.serving.security import Role
from plant import RECIPE, TWO_VIEWS, Plant, bad_board, good_board, open_plant

KEEP_NONE = RECIPE + "retention: {ok_share: 0.0}\naudit: {share: 0.0}\n"  # the draws are random, the test is not
KEEP_ALL = RECIPE + "retention: {ok_share: 1.0}\naudit: {share: 1.0}\n"


@pytest.fixture(scope="module")
def plant(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant"), recipe=KEEP_NONE) as plant:
        for number in range(6):
            board = bad_board(number) if number % 3 == 0 else good_board(number)
            plant.post(board, part_id=f"p{number}", lot="A" if number < 4 else "B", parent_id="panel-1")
        plant.post(b"text", part_id="p6", lot="B")
        yield plant


def listed(plant: Plant, **query: Any) -> list[str]:
    answer = plant.http.get("/v1/inspections", params=query, headers=plant.headers(Role.MES))
    assert answer.status_code == 200, answer.text
    return [item["part_id"] for item in answer.json()["items"]]


def one(plant: Plant, part_id: str) -> dict[str, Any]:
    items = plant.http.get("/v1/inspections", params={"part_id": part_id}, headers=plant.headers()).json()["items"]
    body: dict[str, Any] = plant.http.get(f"/v1/inspections/{items[0]['id']}", headers=plant.headers()).json()
    return body


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        pytest.param({}, "6543210", id="all, newest first"),
        pytest.param({"verdict": "NG"}, "30", id="verdict"),
        pytest.param({"verdict": "NOT_INSPECTED"}, "6", id="not inspected"),
        pytest.param({"lot": "B"}, "654", id="lot"),
        pytest.param({"lot": "B", "verdict": "OK"}, "54", id="two at once"),
        pytest.param({"class_name": "short"}, "30", id="defect class"),
        pytest.param({"class_name": "open"}, "", id="a class that was not found"),
        pytest.param({"station": "aoi-1", "product": "BRD"}, "6543210", id="station and product"),
        pytest.param({"station": "aoi-2"}, "", id="another station"),
        pytest.param({"parent_id": "panel-1"}, "543210", id="panel"),
        pytest.param({"audit": "true"}, "", id="audit draws"),
        pytest.param({"from": "2020-01-01T00:00:00Z"}, "6543210", id="since"),
        pytest.param({"to": "2020-01-01T00:00:00Z"}, "", id="until"),
        pytest.param({"lot": "'; DROP TABLE events; --"}, "", id="a hostile lot"),
    ],
)
def test_filters_narrow_the_list(plant: Plant, query: dict[str, str], parts: str) -> None:
    assert listed(plant, **query) == [f"p{digit}" for digit in parts]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_give_each_inspection_once_and_new_ones_do_not_disturb(plant: Plant, limit: int) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = plant.http.get(
            "/v1/inspections", params={"limit": limit, "lot": "A", **cursor}, headers=plant.headers()
        ).json()
        seen += [item["part_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["p3", "p2", "p1", "p0"]


@pytest.mark.parametrize("cursor", ["x", "%%%", "AAAA", "é", "A" * 64])
def test_a_cursor_from_elsewhere_is_refused(plant: Plant, cursor: str) -> None:
    answer = plant.http.get("/v1/inspections", params={"cursor": cursor}, headers=plant.headers())
    assert answer.status_code == 422
    with pytest.raises(CursorUnreadable):
        inspection_before(cursor)


def test_a_cursor_reads_back() -> None:
    identifier = "01a20498-b77e-7278-b3ea-f9a291f44aee"
    assert inspection_before(cursor_after(identifier)) == identifier


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 501}, {"verdict": "MAYBE"}, {"from": "yesterday"}, {"lot": "a\0b"}]
)
def test_a_query_that_means_nothing_is_refused(plant: Plant, query: dict[str, Any]) -> None:
    assert plant.http.get("/v1/inspections", params=query, headers=plant.headers()).status_code == 422


def test_one_inspection_is_the_answer_and_what_came_of_it(plant: Plant) -> None:
    answer = plant.post(bad_board(50), part_id="whole", encoder=12, sequence=3).json()
    plant.http.post(
        f"/v1/inspections/{answer['id']}/disposition",
        json={"kind": "rejected", "confirmed_by_sensor": True, "at": "2026-01-01T00:00:00Z"},
        headers=plant.headers(Role.STATION),
    )
    plant.http.post(
        f"/v1/inspections/{answer['id']}/reviews",
        json={"kind": "false_call", "source": "audit", "reviewer": "K", "at": "2026-01-01T00:00:00Z"},
        headers=plant.headers(Role.QUALITY),
    )
    found = one(plant, "whole")
    assert {key: found[key] for key in answer if key != "frames"} == {
        key: value for key, value in answer.items() if key != "frames"
    }
    assert [each["kind"] for each in found["dispositions"]] == ["rejected"]
    assert [each["kind"] for each in found["reviews"]] == ["false_call"]
    assert found["standing"] == "false_call"
    (frame,) = found["frames"]
    assert (frame["encoder"], frame["sequence"], frame["media_type"]) == (12, 3, "image/png")
    assert frame["detections"][0]["class_name"] == "short"
    assert frame["failure"] is None


def test_our_client_reads_it(plant: Plant) -> None:
    identifier = one(plant, "p0")["id"]
    body = plant.http.get(f"/v1/inspections/{identifier}", headers=plant.headers()).content
    assert parse(InspectionAnswer, body).part_id == "p0"


def test_a_view_that_could_not_be_inspected_says_why(plant: Plant) -> None:
    (frame,) = one(plant, "p6")["frames"]
    assert frame["detections"] is None
    assert frame["failure"]["code"] == "undecodable"


def test_an_attempt_without_all_its_views_is_pending(either_database: None, tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=TWO_VIEWS) as plant:
        plant.post(good_board(1), part_id="half", view="top")
        found = one(plant, "half")
        assert (found["status"], found["verdict"]) == ("pending", None)
        assert [frame["view"] for frame in found["frames"]] == ["top"]
        review = plant.http.post(
            f"/v1/inspections/{found['id']}/reviews",
            json={"kind": "confirmed", "source": "operator", "reviewer": "K", "at": "2026-01-01T00:00:00Z"},
            headers=plant.headers(Role.QUALITY),
        )
        assert review.status_code == 409


def test_an_image_comes_back_as_it_was_sent_and_is_not_sent_twice(plant: Plant) -> None:
    identifier = one(plant, "p0")["id"]
    first = plant.http.get(f"/v1/inspections/{identifier}/image", headers=plant.headers())
    assert (first.content, first.headers["content-type"]) == (bad_board(0), "image/png")
    again = plant.http.get(
        f"/v1/inspections/{identifier}/image",
        headers={**plant.headers(), "If-None-Match": first.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


def test_an_image_that_was_not_kept_is_gone_and_says_so(plant: Plant) -> None:
    for what in ("image", "overlay"):
        answer = plant.http.get(f"/v1/inspections/{one(plant, 'p1')['id']}/{what}", headers=plant.headers())
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/image-gone")
        assert "not kept" in answer.json()["detail"]


def test_an_image_whose_file_was_removed_is_gone(plant: Plant) -> None:
    answer = plant.post(bad_board(60), part_id="removed").json()
    for image in list(plant.services.images.images()):
        if image.digest == answer["frames"][0]["digest"]:
            plant.services.images.remove(image)
    gone = plant.http.get(f"/v1/inspections/{answer['id']}/image", headers=plant.headers())
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/image-gone")


def test_a_view_that_is_not_there_names_those_that_are(plant: Plant) -> None:
    answer = plant.http.get(f"/v1/inspections/{one(plant, 'p0')['id']}/image?view=back", headers=plant.headers())
    assert answer.status_code == 404
    assert "it has: default" in answer.json()["detail"]


def test_an_overlay_marks_the_defect_and_leaves_the_rest(plant: Plant) -> None:
    identifier = one(plant, "p0")["id"]
    answer = plant.http.get(f"/v1/inspections/{identifier}/overlay", headers=plant.headers())
    assert answer.headers["content-type"] == "image/png"
    drawn = np.asarray(cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR))
    plain = np.asarray(cv2.imdecode(np.frombuffer(bad_board(0), np.uint8), cv2.IMREAD_COLOR))
    assert drawn.shape == plain.shape
    changed = np.not_equal(drawn, plain).any(axis=2)
    assert changed[48, 64:81].all()  # the top edge of the box at (64, 48)-(80, 64)
    assert not changed[100:, :].any()


def test_the_mes_counts_parts_and_sees_no_images(plant: Plant) -> None:
    answer = plant.http.get(f"/v1/inspections/{one(plant, 'p0')['id']}/image", headers=plant.headers(Role.MES))
    assert answer.status_code == 403


def test_an_audit_draw_can_be_found(either_database: None, tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=KEEP_ALL) as plant:
        plant.post(good_board(1), part_id="drawn")
        plant.post(bad_board(2), part_id="rejected")
        assert listed(plant, audit="true") == ["drawn"]
        assert listed(plant, audit="false") == ["rejected"]
