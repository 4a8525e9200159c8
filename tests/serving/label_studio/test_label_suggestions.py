"""Label Studio asks for boxes as it asks an ML backend: the live model's, one answer a task, in order."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from label_state import Desk, open_desk
from label_suggestions import password, regions, results, verdict
from lineside.serving.security import Role


@pytest.fixture(scope="module")
def desk(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("plant")) as desk:
        yield desk


def test_setup_and_the_rest_have_the_shapes_that_label_studio_expects_and_load_nothing(desk: Desk) -> None:
    before = set(desk.plant.services.releases.all_loaded())
    http = desk.plant.http
    health = http.get("/label-studio/health", auth=password(desk))
    assert (health.status_code, health.json()) == (200, {"status": "UP", "model_class": "Lineside"})
    sent = {"project": "2.1700000000", "schema": "<View/>", "hostname": "http://x", "access_token": "a-secret-token"}
    for _ in range(3):
        setup = http.post("/label-studio/setup", json=sent, auth=password(desk))
        assert setup.status_code == 200
        (live,) = http.get("/label-studio/versions", auth=password(desk)).json()["versions"]
        assert setup.json() == {"model_version": live}
    assert live.startswith("blobs 1.0.0 (")
    assert set(desk.plant.services.releases.all_loaded()) == before


def test_setup_logs_nothing_of_the_token(desk: Desk) -> None:
    with structlog.testing.capture_logs() as logs:
        desk.plant.http.post("/label-studio/setup", content=b'{"access_token": "a-secret-token', auth=password(desk))
    assert "a-secret-token" not in str(logs)


def test_one_result_for_each_task_in_the_order_asked(desk: Desk) -> None:
    bad, good = desk.pushed_part("order-bad", bad=True), desk.pushed_part("order-good")
    stranger = str(uuid.uuid4())
    with structlog.testing.capture_logs() as logs:
        found = results(desk, good.task_ids[0], stranger, bad.task_ids[0], "no uuid at all", good.task_ids[0])
    assert [found[1], found[3]] == [[], []]
    assert [verdict(found[at]) for at in (0, 2, 4)] == ["ok", "defect", "ok"]
    # 16 px from (64, 48) on a board of 160 px
    assert regions(found[2]) == [("short", 40.0, 30.0, 10.0, 10.0)]
    assert regions(found[0]) == []
    assert 0.5 < found[2]["score"] <= 1.0
    assert {found[at]["model_version"] for at in (0, 2)} == {
        desk.plant.http.post("/label-studio/setup", auth=password(desk)).json()["model_version"]
    }
    said = [entry["label_task"] for entry in logs if entry["event"] == "nothing_suggested"]
    assert said == [stranger, None]


def test_a_tile_has_the_boxes_that_lie_on_it_in_its_own_percent(desk: Desk) -> None:
    """The defect is from 64 to 80 px: whole on the first tile, half on the second, not on the third."""
    tiles = [(0, 0, 100, 160), (72, 0, 160, 160), (90, 0, 160, 160)]
    part = desk.pushed_part("tiled", bad=True, tiles=tiles)
    whole, half, none = results(desk, *part.task_ids)
    assert regions(whole) == [("short", 64.0, 30.0, 16.0, 10.0)]
    ((_, *percent),) = regions(half)
    assert percent == pytest.approx([0.0, 30.0, 100 * 8 / 88, 10.0])
    assert (regions(none), verdict(none)) == ([], "ok")


def test_a_task_whose_image_is_gone_has_no_suggestion_and_the_others_have_theirs(desk: Desk) -> None:
    gone, there = desk.pushed_part("gone", bad=True), desk.pushed_part("there", bad=True)
    (view,) = gone.pick["views"]
    for path in desk.plant.services.settings.images_dir.rglob(view["digest"]):
        path.unlink()
    with structlog.testing.capture_logs() as logs:
        found = results(desk, gone.task_ids[0], there.task_ids[0])
    assert found[0] == []
    assert len(regions(found[1])) == 1
    (said,) = (entry["reason"] for entry in logs if entry["event"] == "nothing_suggested")
    assert "no image" in said


def test_a_class_without_a_label_gives_no_suggestion_at_all(desk: Desk) -> None:
    """Boxes that cannot be shown would leave a part that looks good."""
    part = desk.pushed_part("unlabelled", bad=True)
    desk.put_project(classes=["open"])
    try:
        assert results(desk, part.task_ids[0]) == [[]]
    finally:
        desk.put_project(classes=["open", "short"])
    assert len(regions(results(desk, part.task_ids[0])[0])) == 1


@pytest.mark.parametrize("call", ["GET health", "POST setup", "POST predict", "GET versions"])
def test_without_a_key_of_its_role_nobody_is_answered(desk: Desk, call: str) -> None:
    method, _, name = call.partition(" ")
    http = desk.plant.http

    def status(**options: Any) -> int:
        return http.request(method, f"/label-studio/{name}", **options).status_code

    assert status() == 401
    assert status(auth=("whoever", "lsk_" + "0" * 43)) == 401
    assert status(auth=("whoever", "")) == 401
    assert status(headers={"Authorization": "Basic !!!"}) == 401
    assert status(auth=password(desk, Role.QUALITY)) == 403
    assert status(auth=password(desk, Role.STATION)) == 403


def test_that_key_opens_nothing_else(desk: Desk) -> None:
    headers = desk.plant.headers(Role.LABEL_STUDIO)
    for path in ("/v1/inspections", "/v1/label-projects", "/v1/session", "/metrics"):
        assert desk.plant.http.get(path, headers=headers).status_code == 403
    # and no password opens what is not Label Studio's
    assert desk.plant.http.get("/v1/inspections", auth=password(desk, Role.ADMIN)).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"[a-secret-token", 422, id="no JSON"),
        pytest.param(b'{"tasks": "a-secret-token"}', 422, id="tasks is no list"),
        pytest.param(b'{"tasks": [{"id": "a-secret-token"}]}', 422, id="a task without data"),
        pytest.param(b'{"tasks": [' + b'{"data": {}},' * 1000 + b'{"data": {}}]}', 422, id="1001 tasks"),
        pytest.param(b" " * (16 * 1024 * 1024 + 1), 413, id="more than 16 MiB"),
        pytest.param(b'{"tasks": []}', 200, id="no task"),
        pytest.param(b'{"tasks": [{"data": {"vid": 7}}, {"data": {"vid": null}}]}', 200, id="vid is no text"),
    ],
)
def test_what_label_studio_does_not_send_is_refused_by_place_and_not_echoed(
    desk: Desk, body: bytes, status: int
) -> None:
    answer = desk.plant.http.post("/label-studio/predict", content=body, auth=password(desk))
    assert answer.status_code == status, answer.text
    assert "a-secret-token" not in answer.text
