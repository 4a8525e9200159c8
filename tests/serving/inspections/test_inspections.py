"""The station's call against a real app: real ledger, real images, a small real detector."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blob_detector import TinyRelease
from lineside.serving.ledger import verify_chain
from lineside.serving.security import Role
from plant import RECIPE, TWO_VIEWS, Plant, bad_board, content_digest, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        yield plant


def test_a_good_part_is_ok_and_its_answer_explains_itself(plant: Plant) -> None:
    answer = plant.post(good_board(1), part_id="good-1", lot="L1", parent_id="panel-1", sequence="7")
    assert answer.status_code == 200
    body = answer.json()
    assert body["verdict"] == "OK"
    assert body["reasons"] == []
    assert (body["station"], body["part_id"], body["attempt"], body["cause"]) == ("aoi-1", "good-1", 1, "first")
    assert (body["lot"], body["parent_id"], body["product"]) == ("L1", "panel-1", "BRD")
    assert body["recipe"]["id"] == "board"
    assert body["release"]["name"] == "blobs"
    assert body["engine"] == "onnxruntime-fp32"
    assert body["threshold_status"] == "uncertified"
    assert body["frames"][0]["digest"] == hashlib.sha256(good_board(1)).hexdigest()
    assert set(body["timings_ms"]) == {"decode", "health", "register", "detect", "to_verdict"}


def test_a_part_with_a_defect_is_ng_and_says_where(plant: Plant) -> None:
    body = plant.post(bad_board(2), part_id="bad-1").json()
    assert body["verdict"] == "NG"
    assert [reason["code"] for reason in body["reasons"]] == ["defect_limit"]
    (defect,) = body["defects"]
    assert defect["class_name"] == "short"
    assert defect["box_xyxy_px"] == pytest.approx([64, 48, 80, 64], abs=1.0)


def test_the_image_of_a_rejected_part_is_kept(plant: Plant) -> None:
    body = plant.post(bad_board(3), part_id="bad-2").json()
    assert body["frames"][0]["kept"]
    image = plant.http.get(f"/v1/inspections/{body['id']}/image", headers=plant.headers())
    assert image.content == bad_board(3)


def test_what_was_answered_is_in_the_ledger_word_for_word(plant: Plant) -> None:
    body = plant.post(good_board(4), part_id="good-2").json()
    assert [data for data in plant.inspections() if data["id"] == body["id"]] == [body]


def test_what_is_said_of_a_frame_may_come_in_headers(plant: Plant) -> None:
    body = good_board(5)
    answer = plant.http.post(
        "/v1/inspections",
        content=body,
        headers={
            **plant.headers(Role.STATION),
            "Content-Type": "image/png",
            "Content-Digest": content_digest(body),
            "Lineside-Station": "aoi-1",
            "Lineside-Part-Id": "good-3",
        },
    )
    assert answer.json()["part_id"] == "good-3"


def test_the_query_and_a_header_may_not_contradict_each_other(plant: Plant) -> None:
    answer = plant.post(good_board(6), part_id="good-4", headers={"Lineside-Part-Id": "another"})
    assert answer.status_code == 422


def test_a_retry_with_the_same_idempotency_key_gets_the_same_answer(plant: Plant) -> None:
    first = plant.post(good_board(7), part_id="retry-1", headers={"Idempotency-Key": "k-1"})
    again = plant.post(good_board(7), part_id="retry-1", headers={"Idempotency-Key": "k-1"})
    assert again.json() == first.json()
    assert again.headers["Lineside-Replayed"] == "true"
    assert sum(data["part_id"] == "retry-1" for data in plant.inspections()) == 1


def test_the_same_idempotency_key_with_another_body_is_refused(plant: Plant) -> None:
    plant.post(good_board(8), part_id="retry-2", headers={"Idempotency-Key": "k-2"})
    answer = plant.post(good_board(9), part_id="retry-2", headers={"Idempotency-Key": "k-2"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_retry_without_a_key_is_known_by_its_part_and_body(plant: Plant) -> None:
    first = plant.post(good_board(10), part_id="retry-3")
    again = plant.post(good_board(10), part_id="retry-3")
    assert again.json() == first.json()


def test_another_body_for_a_judged_attempt_is_refused(plant: Plant) -> None:
    plant.post(good_board(11), part_id="retry-4")
    answer = plant.post(good_board(12), part_id="retry-4")
    assert answer.status_code == 409
    assert "attempt 2" in answer.json()["detail"]


def test_many_retries_at_once_are_judged_once(plant: Plant) -> None:
    answers = []

    def post() -> None:
        answers.append(plant.post(good_board(13), part_id="storm", headers={"Idempotency-Key": "storm"}).json())

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["id"] for answer in answers}) == 1
    assert sum(data["part_id"] == "storm" for data in plant.inspections()) == 1


def test_a_later_attempt_has_a_row_of_its_own(plant: Plant) -> None:
    plant.post(bad_board(14), part_id="again-1")
    answer = plant.post(good_board(15), part_id="again-1", attempt="2", cause="after_rework")
    assert (answer.status_code, answer.json()["verdict"], answer.json()["attempt"]) == (200, "OK", 2)
    assert [data["verdict"] for data in plant.inspections() if data["part_id"] == "again-1"] == ["NG", "OK"]


@pytest.mark.parametrize(
    ("attempt", "cause", "status"),
    [
        pytest.param("3", "retest", 409, id="skips one"),
        pytest.param("2", "first", 422, id="a second attempt is not the first"),
        pytest.param("1", "retest", 422, id="a first attempt is no retest"),
        pytest.param("0", "first", 422, id="attempts count from 1"),
    ],
)
def test_an_attempt_out_of_order_is_refused(plant: Plant, attempt: str, cause: str, status: int) -> None:
    plant.post(good_board(16), part_id="order-1")
    answer = plant.post(good_board(17), part_id="order-1", attempt=attempt, cause=cause)
    assert answer.status_code == status
    assert [data["attempt"] for data in plant.inspections() if data["part_id"] == "order-1"] == [1]


def test_the_same_image_of_the_next_part_is_a_frozen_camera(plant: Plant) -> None:
    plant.post(good_board(18), part_id="frozen-1")
    body = plant.post(good_board(18), part_id="frozen-2").json()
    assert body["verdict"] == "NOT_INSPECTED"
    assert body["reasons"][0]["code"] == "unhealthy"
    assert "frozen" in body["reasons"][0]["message"]


def test_a_frame_may_be_posted_by_login_with_its_token(plant: Plant) -> None:
    """The token's header begins like those that say something of the frame, and says nothing of it."""
    plant.http.post("/login", data={"key": plant.keys[Role.ADMIN]})
    token = plant.http.get("/v1/session").json()["csrf_token"]
    answer = plant.post(good_board(23), part_id="by-login", headers={"Authorization": None, "Lineside-CSRF": token})
    assert answer.json()["verdict"] == "OK"


def test_a_station_may_not_post_for_another(plant: Plant) -> None:
    plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2"}, headers=plant.headers())
    answer = plant.post(good_board(19), part_id="foreign", station="aoi-2")
    assert answer.status_code == 403


def test_the_digest_may_be_waived_for_a_station(plant: Plant) -> None:
    plant.http.put(
        "/v1/stations/aoi-3",
        json={"name": "AOI 3", "digest_required": False, "recipe": {"id": "board", "version": 1}},
        headers=plant.headers(),
    )
    answer = plant.post(
        good_board(20), part_id="waived", station="aoi-3", role=Role.ADMIN, headers={"Content-Digest": None}
    )
    assert answer.json()["verdict"] == "OK"


def test_a_station_without_a_recipe_gets_not_inspected(plant: Plant) -> None:
    plant.http.put("/v1/stations/aoi-4", json={"name": "AOI 4"}, headers=plant.headers())
    body = plant.post(good_board(21), part_id="no-recipe", station="aoi-4", role=Role.ADMIN).json()
    assert (body["verdict"], body["reasons"][0]["code"]) == ("NOT_INSPECTED", "no_recipe")


def test_a_view_that_the_recipe_does_not_ask_for_is_refused(plant: Plant) -> None:
    answer = plant.post(good_board(22), part_id="no-view", view="side")
    assert answer.status_code == 422
    assert "side" in answer.json()["detail"]


def test_the_chain_of_events_is_whole(plant: Plant) -> None:
    assert verify_chain(plant.services.ledger).is_intact


def test_every_view_is_needed_for_a_verdict(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=TWO_VIEWS) as plant:
        first = plant.post(good_board(1), part_id="p", view="top")
        assert first.status_code == 202
        assert first.json()["missing_views"] == ["bottom"]
        again = plant.post(good_board(1), part_id="p", view="top")
        assert (again.status_code, again.json()) == (202, first.json())
        second = plant.post(good_board(2), part_id="p", view="bottom")
        assert second.json()["verdict"] == "OK"
        assert second.json()["id"] == first.json()["id"]
        assert {frame["view"] for frame in second.json()["frames"]} == {"top", "bottom"}


def test_a_defect_in_one_view_makes_the_part_ng(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=TWO_VIEWS) as plant:
        plant.post(bad_board(1), part_id="p", view="top")
        body = plant.post(good_board(2), part_id="p", view="bottom").json()
        assert (body["verdict"], body["defects"][0]["view"]) == ("NG", "top")


def test_a_missing_view_is_not_inspected_when_the_deadline_passes(tmp_path: Path) -> None:
    recipe = TWO_VIEWS.replace("deadline_ms: 20000", "deadline_ms: 300")
    with open_plant(tmp_path, recipe=recipe) as plant:
        pending = plant.post(good_board(1), part_id="p", view="top").json()
        for _ in range(200):
            closed = [data for data in plant.inspections() if data["id"] == pending["id"]]
            if closed:
                break
            time.sleep(0.05)
        assert closed[0]["verdict"] == "NOT_INSPECTED"
        assert [reason["code"] for reason in closed[0]["reasons"]] == ["missing_view"]
        late = plant.post(good_board(2), part_id="p", view="bottom")
        assert late.status_code == 409


def test_an_attempt_that_a_restart_interrupted_is_not_inspected(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=TWO_VIEWS) as plant:
        pending = plant.post(good_board(1), part_id="p", view="top").json()
    with open_plant(tmp_path, recipe=TWO_VIEWS) as plant:
        (closed,) = plant.inspections()
        assert (closed["id"], closed["verdict"]) == (pending["id"], "NOT_INSPECTED")
        assert closed["reasons"][0]["code"] == "interrupted"
        retest = plant.post(good_board(2), part_id="p", view="top", attempt="2", cause="retest")
        assert retest.status_code == 202


def test_a_retry_after_a_restart_gets_the_answer_that_was_given(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        first = plant.post(bad_board(1), part_id="p").json()
    with open_plant(tmp_path) as plant:
        assert plant.post(bad_board(1), part_id="p").json() == first


def test_a_release_that_does_not_verify_leaves_its_parts_not_inspected(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        assert plant.post(good_board(1), part_id="p1").json()["verdict"] == "OK"
    model = tmp_path / "releases" / "blobs" / "model.onnx"
    damaged = bytearray(model.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    model.write_bytes(damaged)
    with open_plant(tmp_path) as plant:
        body = plant.post(good_board(2), part_id="p2").json()
        assert (body["verdict"], body["reasons"][0]["code"]) == ("NOT_INSPECTED", "no_release")
        assert body["release"] is None
        assert plant.http.get("/readyz").status_code == 503


def test_audit_draws_are_in_the_answer_and_their_images_are_kept(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=RECIPE + "audit: {share: 1.0}\n") as plant:
        body = plant.post(good_board(1), part_id="p").json()
        assert (body["verdict"], body["audit"], body["audit_probability"]) == ("OK", True, 1.0)
        assert body["frames"][0]["kept"]


def test_two_apps_in_one_process_do_not_share_anything(tmp_path: Path) -> None:
    with open_plant(tmp_path / "a", plant="a") as one, open_plant(tmp_path / "b", plant="b") as other:
        one.post(good_board(1), part_id="p")
        assert other.inspections() == []
        assert one.inspections()[0]["plant"] == "a"


def test_what_a_station_judged_alone_is_judged_again_and_counted_once(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        image = bad_board(1)
        record = {
            "station": "aoi-1",
            "part_id": "alone",
            "recipe_id": "board",
            "recipe_version": 1,
            "release": {"name": "blobs", "version": "1.0.0", "digest": "0" * 64},
            "verdict": "OK",
            "opened_at": "2026-01-01T00:00:00Z",
            "judged_at": "2026-01-01T00:00:01Z",
            "frames": [
                {
                    "view": "default",
                    "digest": hashlib.sha256(image).hexdigest(),
                    "size_bytes": len(image),
                    "media_type": "image/png",
                }
            ],
        }
        url = "/v1/inspections/01930000-0000-7000-8000-000000000001"

        def put(body: bytes) -> tuple[int, dict[str, object]]:
            answer = plant.http.put(
                url,
                data={"record": json.dumps(record)},
                files={"default": ("default.png", body, "image/png")},
                headers=plant.headers(Role.STATION),
            )
            return answer.status_code, answer.json()

        status, body = put(image)
        assert status == 201
        assert (body["station_verdict"], body["verdict"], body["agrees"]) == ("OK", "NG", False)
        assert put(image) == (201, body)
        (recorded,) = plant.inspections()
        assert (recorded["judged_by"], recorded["verdict"]) == ("station", "OK")
        assert put(good_board(2))[0] == 400  # not the image that its record names
        assert verify_chain(plant.services.ledger).is_intact


def test_the_releases_of_the_plant_need_not_be_the_starters(tmp_path: Path) -> None:
    release = TinyRelease(name="other")
    with open_plant(tmp_path, recipe=RECIPE.replace("blobs", "other"), releases=[release]) as plant:
        assert plant.post(good_board(1), part_id="p").json()["release"]["name"] == "other"


def test_a_digest_of_another_body_is_refused_and_nothing_is_recorded(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        wrong = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
        answer = plant.post(good_board(1), part_id="p", headers={"Content-Digest": f"sha-256=:{wrong}:"})
        assert answer.status_code == 400
        assert plant.inspections() == []
        assert plant.post(good_board(1), part_id="p").json()["verdict"] == "OK"
