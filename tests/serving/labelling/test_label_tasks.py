"""Tasks of picks: made once, showing every view whole, and known by our own names."""

from typing import Any

import pytest

from label_state import PROJECT, Desk
from lineside.serving.security import Role
from plant import TWO_VIEWS, board_png

WHOLE = [None]
HALVES = [[0, 0, 90, 160], [80, 0, 160, 160]]
BOX = {"class_name": "open", "box_xyxy_px": [1.0, 1.0, 9.0, 9.0]}


def refusal(desk: Desk, *items: dict[str, Any]) -> tuple[int, str, str]:
    answer = desk.call("POST", "/v1/label-tasks", json={"project": PROJECT, "items": list(items)})
    said = answer.json()
    return answer.status_code, str(said["type"]).removeprefix("/problems/"), str(said["detail"])


@pytest.fixture
def pick(desk: Desk, part: str) -> str:
    (made,) = desk.pick(desk.inspect(part))
    return str(made["id"])


def test_making_and_pushing_the_same_tasks_again_changes_nothing(desk: Desk, pick: str) -> None:
    task_ids = desk.plan(pick, tiles=HALVES)
    numbers = desk.push(*task_ids)
    before, events = desk.get_pick(pick), desk.last_sequence()
    assert desk.plan(pick, tiles=HALVES) == task_ids
    items = [{"id": task_id, "label_studio_task_id": number} for task_id, number in numbers.items()]
    desk.done("POST", "/v1/label-tasks/pushed", json={"project": PROJECT, "items": items})
    assert desk.get_pick(pick) == before
    assert desk.last_sequence() == events
    assert before["state"] == "pushed"


def test_a_pick_is_pushed_when_all_of_its_tasks_are(desk: Desk, pick: str) -> None:
    left, right = desk.plan(pick, tiles=HALVES)
    desk.push(left)
    assert desk.get_pick(pick)["state"] == "waiting"
    desk.push(right)
    assert desk.get_pick(pick)["state"] == "pushed"


def test_tasks_of_another_tiling_take_the_place_of_those_that_were_never_pushed(desk: Desk, pick: str) -> None:
    desk.plan(pick, tiles=WHOLE)
    desk.plan(pick, tiles=HALVES)
    assert sorted(task["tile_xyxy_px"] for task in desk.get_pick(pick)["tasks"]) == HALVES


def test_tasks_that_people_have_are_not_exchanged(desk: Desk, pick: str) -> None:
    desk.push(*desk.plan(pick, tiles=WHOLE))
    status, kind, detail = refusal(desk, *[desk.task(pick, tile) for tile in HALVES])
    assert (status, kind) == (409, "label-tasks-unfit")
    assert "tile size" in detail


@pytest.mark.parametrize(
    "tiles",
    [
        pytest.param([[0, 0, 80, 160]], id="half of it"),
        pytest.param([[0, 0, 79, 160], [80, 0, 160, 160]], id="all but a column"),
        pytest.param([[0, 0, 160, 80], [0, 80, 100, 160]], id="all but a corner"),
    ],
)
def test_tiles_that_leave_something_unseen_are_refused(desk: Desk, pick: str, tiles: list[list[int]]) -> None:
    status, kind, detail = refusal(desk, *[desk.task(pick, tile) for tile in tiles])
    assert (status, kind) == (409, "label-tasks-unfit")
    assert "unseen" in detail
    assert desk.get_pick(pick)["tasks"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"view": "top"}, 409, id="a view that the part has not"),
        pytest.param({"tile_xyxy_px": [0, 0, 161, 160]}, 422, id="a tile outside the frame"),
        pytest.param({"tile_xyxy_px": [10, 0, 10, 160]}, 422, id="an empty tile"),
        pytest.param({"frame_size_wh_px": [0, 160]}, 422, id="a frame of no size"),
        pytest.param({"id": "1"}, 422, id="an identifier that is none"),
        pytest.param({"pick_id": "00000000-0000-7000-8000-000000000000"}, 404, id="a pick that nobody made"),
    ],
)
def test_a_task_that_cannot_be_is_refused(desk: Desk, pick: str, change: dict[str, Any], status: int) -> None:
    assert refusal(desk, {**desk.task(pick), **change})[0] == status


def test_every_view_of_a_part_must_be_shown_and_its_label_has_all_of_them(desk: Desk, part: str) -> None:
    services = desk.plant.services
    version = 1 + max(stored.recipe.version for stored in services.recipes.latest())
    recipe = TWO_VIEWS.replace("version: 1\nproduct", f"version: {version}\nproduct") + "retention: {ok_share: 1.0}\n"
    headers = {**desk.plant.headers(), "Content-Type": "application/yaml"}
    override = {"override_name": "Kim", "override_reason": "a test"}
    put = desk.plant.http.put("/v1/recipes/board", content=recipe, headers=headers, params=override)
    assert put.status_code == 200, put.text
    station = {"name": "AOI 2", "recipe": {"id": "board", "version": version}}
    desk.plant.http.put("/v1/stations/aoi-2", json=station, headers=desk.plant.headers()).raise_for_status()
    for seed, view in enumerate(("top", "bottom")):
        asked: dict[str, Any] = {"station": "aoi-2", "part_id": part, "view": view}
        answer = desk.plant.post(board_png(seed=7000 + seed), role=Role.ADMIN, **asked)
    inspection_id = answer.json()["id"]
    (made,) = desk.pick(inspection_id)
    top, bottom = (desk.task(made["id"], view=view) for view in ("top", "bottom"))
    status, kind, detail = refusal(desk, top)
    assert (status, kind) == (409, "label-tasks-unfit")
    assert "bottom, top" in detail
    desk.done("POST", "/v1/label-tasks", json={"project": PROJECT, "items": [top, bottom]})
    numbers = desk.push(top["id"], bottom["id"])
    for task, boxes in ((top, []), (bottom, [BOX])):
        at = desk.later()
        reading = {"reviewer": "Kim", "at": at, "is_defective": bool(boxes), "boxes": boxes}
        state = {"id": task["id"], "label_studio_task_id": numbers[task["id"]], "updated_at": at, "reading": reading}
        desk.send(state)
    (review,) = desk.reviews(inspection_id)
    assert (review["kind"], review["boxes"]) == ("escape", [{"view": "bottom", **BOX}])


def test_the_push_finds_what_is_left_to_do(desk: Desk, pick: str) -> None:
    left, right = desk.plan(pick, tiles=HALVES)
    desk.push(left)

    def of_pick(**asked: Any) -> list[str]:
        page = desk.pages("/v1/label-tasks", {"project": PROJECT, "limit": 3, **asked})
        return [each["id"] for each in page if each["pick_id"] == pick]

    assert of_pick(pushed="false") == [right]
    assert of_pick(pushed="true") == [left]
    assert of_pick() == sorted([left, right])


def test_a_task_that_is_gone_in_label_studio_is_pushed_anew_unless_somebody_has_read_it(desk: Desk, part: str) -> None:
    unread, read = desk.pushed_part(f"{part} unread"), desk.pushed_part(f"{part} read")
    read.send(BOX)
    items = [{"id": each.task_ids[0], "label_studio_task_id": None} for each in (unread, read)]
    desk.done("POST", "/v1/label-tasks/pushed", json={"project": PROJECT, "items": items})
    assert unread.pick["state"] == "waiting"
    assert (read.pick["state"], read.standing) == ("labelled", "escape")
    unread.numbers = desk.push(*unread.task_ids)
    assert unread.send()["review_kind"] == "confirmed"


def test_a_task_that_nobody_made_cannot_be_pushed(desk: Desk, pick: str) -> None:
    items = [{"id": desk.task(pick)["id"], "label_studio_task_id": 1}]
    answer = desk.call("POST", "/v1/label-tasks/pushed", json={"project": PROJECT, "items": items})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/label-tasks-unfit")


def test_one_task_twice_in_a_request_is_refused(desk: Desk, pick: str) -> None:
    assert refusal(desk, desk.task(pick), desk.task(pick))[0] == 422
