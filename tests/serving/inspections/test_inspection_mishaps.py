"""What goes wrong while a part is judged: nothing acknowledged is lost, nothing unexamined is OK, nothing piles up."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from blob_detector import TinyRelease
from lineside.serving.ledger import verify_chain
from lineside.serving.releases import ReleaseRef
from odd_engines import LiveEngine, take_over
from plant import RECIPE, TWO_VIEWS, Plant, bad_board, good_board, open_plant

SOON = "deadline_ms: 400"
"""A deadline that a test can wait for."""


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        yield plant


@pytest.fixture
def two_views(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=TWO_VIEWS) as plant:
        yield plant


def live_engine(plant: Plant) -> LiveEngine:
    loaded = plant.services.releases.loaded(ReleaseRef("blobs"))
    assert loaded is not None
    return take_over(loaded.detector)


def fail_next_write(plant: Plant) -> None:
    """Let the ledger's connection refuse to write; the ledger drops it then and opens another."""
    plant.services.ledger.write_blocking(lambda t: t.connection.exec_driver_sql("PRAGMA query_only=ON").close())


def rows(plant: Plant, query: str) -> list[tuple[Any, ...]]:
    return plant.services.ledger.read_blocking(
        lambda connection: [tuple(row) for row in connection.exec_driver_sql(query)]
    )


def eventually(what: Callable[[], bool]) -> None:
    """Wait until something holds; fail if it never does."""
    for _ in range(400):
        if what():
            return
        time.sleep(0.025)
    pytest.fail("it did not come about")


def attempts_in_memory(plant: Plant) -> int:
    return plant.services.inspections.open_attempts


def test_a_view_that_could_not_be_written_is_not_counted_as_there(two_views: Plant) -> None:
    """Else its retry is told 202 although a crash would lose it, and the verdict rests on a frame without a row."""
    fail_next_write(two_views)
    assert two_views.post(bad_board(1), part_id="p", view="top").status_code == 503
    assert two_views.post(bad_board(1), part_id="p", view="top").json()["missing_views"] == ["bottom"]
    assert rows(two_views, "SELECT view FROM frames") == [("top",)]


def test_a_last_view_that_could_not_be_written_completes_the_part_when_it_is_sent_again(two_views: Plant) -> None:
    two_views.post(good_board(1), part_id="p", view="top")
    fail_next_write(two_views)
    assert two_views.post(bad_board(2), part_id="p", view="bottom").status_code == 503
    answer = two_views.post(bad_board(2), part_id="p", view="bottom")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "NG")
    assert rows(two_views, "SELECT view, kept FROM frames ORDER BY view") == [("bottom", 1), ("top", 1)]
    assert verify_chain(two_views.services.ledger).is_intact


def test_a_deadline_verdict_waits_until_the_ledger_takes_it(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=TWO_VIEWS.replace("deadline_ms: 20000", SOON)) as plant:
        plant.post(bad_board(1), part_id="p", view="top")
        fail_next_write(plant)
        eventually(lambda: len(plant.inspections()) == 1)
        (closed,) = plant.inspections()
        assert closed["verdict"] == "NG"
        assert {reason["code"] for reason in closed["reasons"]} == {"defect_limit", "missing_view"}
        retest = plant.post(good_board(2), part_id="p", view="top", attempt="2", cause="retest")
        assert retest.status_code == 202


def test_an_attempt_that_only_the_ledger_knows_of_does_not_block_its_part(two_views: Plant) -> None:
    """As after a commit whose answer was lost with the connection: written, and reported as failed."""
    two_views.post(good_board(1), part_id="p", view="top")
    forget_open_attempts(two_views)
    again = two_views.post(good_board(1), part_id="p", view="top")
    assert (again.status_code, again.json()["reasons"][0]["code"]) == (200, "interrupted")
    assert two_views.inspections() == [again.json()]
    retest = two_views.post(good_board(2), part_id="p", view="top", attempt="2", cause="retest")
    assert retest.status_code == 202


def forget_open_attempts(plant: Plant) -> None:
    plant.services.inspections._open._by_key.clear()


def test_attempts_closed_by_their_deadline_do_not_stay_in_memory(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=TWO_VIEWS.replace("deadline_ms: 20000", SOON)) as plant:
        for number in range(5):
            plant.post(good_board(number), part_id=f"p{number}", view="top")
        eventually(lambda: len(plant.inspections()) == 5)
        eventually(lambda: attempts_in_memory(plant) == 0)


def test_an_unforeseen_failure_of_the_engine_is_not_inspected_and_recorded(plant: Plant) -> None:
    live_engine(plant).failure = IndexError("index 8400 is out of bounds")
    answer = plant.post(good_board(1), part_id="p")
    assert answer.status_code == 200
    assert answer.json()["verdict"] == "NOT_INSPECTED"
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["engine_failure"]
    assert answer.json()["frames"][0]["kept"]
    assert len(plant.inspections()) == 1


def test_a_hanging_engine_makes_parts_late_and_then_sheds_but_passes_none(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=RECIPE.replace("deadline_ms: 20000", SOON), queue_bound=4) as plant:
        assert plant.post(good_board(0), part_id="before").json()["verdict"] == "OK"
        engine = live_engine(plant)
        engine.may_go_on.clear()
        answers = post_at_once(plant, [f"p{number}" for number in range(12)])
        judged = [answer.json() for answer in answers if answer.status_code == 200]
        shed = [answer for answer in answers if answer.status_code == 503]
        assert len(judged) + len(shed) == 12
        assert {answer["verdict"] for answer in judged} == {"NOT_INSPECTED"}
        assert {reason["code"] for answer in judged for reason in answer["reasons"]} == {"late"}
        assert all("retry-after" in answer.headers for answer in shed)
        engine.may_go_on.set()
        eventually(lambda: plant.services.inspections.admission.inside == 0)
        assert plant.post(good_board(99), part_id="after").json()["verdict"] == "OK"


def test_a_frame_that_is_late_before_its_turn_is_not_examined_any_more(tmp_path: Path) -> None:
    """Its verdict is given already; to examine it would only make those behind it late too."""
    with open_plant(tmp_path, recipe=RECIPE.replace("deadline_ms: 20000", SOON)) as plant:
        engine = live_engine(plant)
        engine.may_go_on.clear()
        answers = post_at_once(plant, [f"p{number}" for number in range(8)])
        assert {answer.status_code for answer in answers} == {200}
        engine.may_go_on.set()
        eventually(lambda: plant.services.inspections.admission.inside == 0)
        assert engine.begun == 2  # as many as run at once


def post_at_once(plant: Plant, part_ids: list[str]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(part_ids)) as threads:
        return list(
            threads.map(lambda item: plant.post(good_board(100 + item[0]), part_id=item[1]), enumerate(part_ids))
        )


def test_a_verdict_that_would_come_after_the_deadline_is_not_ok(tmp_path: Path) -> None:
    """The ledger's queue stood still while the other view of the part was written down: the deadline passed."""
    recipe = TWO_VIEWS.replace("deadline_ms: 20000", SOON)
    with open_plant(tmp_path, recipe=recipe, commit_reserve_ms=0) as plant:
        plant.post(good_board(0), part_id="warm", view="top")
        blocked, go_on = threading.Event(), threading.Event()

        def stand_still(_: object) -> None:
            blocked.set()
            go_on.wait()

        threading.Thread(target=plant.services.ledger.write_blocking, args=(stand_still,)).start()
        blocked.wait()
        with ThreadPoolExecutor(2) as threads:
            top = threads.submit(plant.post, good_board(1), part_id="p", view="top")
            bottom = threads.submit(plant.post, good_board(2), part_id="p", view="bottom")
            time.sleep(0.8)
            go_on.set()
            assert sorted([top.result().status_code, bottom.result().status_code]) in ([200, 202], [202, 409])
        eventually(lambda: any(data["part_id"] == "p" for data in plant.inspections()))
        (judged,) = [data for data in plant.inspections() if data["part_id"] == "p"]
        assert judged["verdict"] == "NOT_INSPECTED"
        assert {reason["code"] for reason in judged["reasons"]} <= {"late", "missing_view"}


def test_a_full_image_disk_costs_the_picture_and_not_the_verdict(plant: Plant) -> None:
    plant.services.images._free_floor_bytes = 2**62
    for number, body in enumerate((good_board(1), bad_board(2))):
        answer = plant.post(body, part_id=f"p{number}").json()
        assert answer["verdict"] == ("OK", "NG")[number]
        assert not answer["frames"][0]["kept"]
    assert answer["frames"][0]["notes"] == ["image_not_stored"]
    assert rows(plant, "SELECT DISTINCT kept FROM frames") == [(0,)]
    assert b"lineside_images_not_stored_total 2.0" in plant.http.get("/metrics", headers=plant.headers()).content


def test_a_view_whose_picture_was_not_stored_is_never_said_to_be_kept(two_views: Plant) -> None:
    floor_bytes = two_views.services.images._free_floor_bytes
    two_views.services.images._free_floor_bytes = 2**62
    assert two_views.post(bad_board(1), part_id="p", view="top").status_code == 202
    two_views.services.images._free_floor_bytes = floor_bytes
    answer = two_views.post(good_board(2), part_id="p", view="bottom").json()
    assert {frame["view"]: frame["kept"] for frame in answer["frames"]} == {"top": False, "bottom": True}
    assert rows(two_views, "SELECT view, kept FROM frames ORDER BY view") == [("bottom", 1), ("top", 0)]


def test_a_retest_after_a_changeover_is_judged_by_what_the_part_was_made_for(plant: Plant) -> None:
    """Else a part of one product is passed by the rules of another."""
    card = RECIPE.replace("id: board", "id: card").replace("product: BRD", "product: CRD")
    yaml = {**plant.headers(), "Content-Type": "application/yaml"}
    plant.http.put("/v1/recipes/card", content=card, headers=yaml)
    plant.post(bad_board(1), part_id="p")
    order = {"order_id": "JO-1", "product": "CRD", "lot": "L9"}
    plant.http.put("/v1/stations/aoi-1/order", json=order, headers=plant.headers())
    retest = plant.post(good_board(2), part_id="p", attempt="2", cause="retest").json()
    assert (retest["product"], retest["order_id"], retest["recipe"]["id"]) == ("BRD", None, "board")
    assert plant.post(good_board(3), part_id="q").json()["product"] == "CRD"


def test_a_retest_takes_the_newer_recipe_of_its_own_product(plant: Plant) -> None:
    """A corrected recipe is what parts are retested for."""
    plant.post(bad_board(1), part_id="p")
    yaml = {**plant.headers(), "Content-Type": "application/yaml"}
    plant.http.put("/v1/recipes/board", content=RECIPE.replace("\nversion: 1", "\nversion: 2"), headers=yaml)
    plant.http.put(
        "/v1/stations/aoi-1",
        json={"name": "AOI 1", "recipe": {"id": "board", "version": 2}},
        headers=plant.headers(),
    )
    retest = plant.post(good_board(2), part_id="p", attempt="2", cause="retest").json()
    assert retest["recipe"]["version"] == 2


def test_a_recipe_that_no_station_uses_any_more_does_not_keep_the_server_from_being_ready(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        broken = RECIPE.replace("id: board", "id: broken")
        yaml = {**plant.headers(), "Content-Type": "application/yaml"}
        plant.http.put("/v1/recipes/broken", content=broken, headers=yaml)
    model = tmp_path / "releases" / "blobs" / "model.onnx"
    intact = model.read_bytes()
    model.write_bytes(intact[:-1])
    with open_plant(tmp_path) as plant:
        assert plant.http.get("/readyz").status_code == 503
        model.write_bytes(intact)
        bind = {"name": "AOI 1", "recipe": {"id": "broken", "version": 1}}
        assert plant.http.put("/v1/stations/aoi-1", json=bind, headers=plant.headers()).status_code == 200
        assert plant.http.get("/readyz").status_code == 200


def test_stopping_with_views_missing_leaves_the_attempt_to_the_next_start(tmp_path: Path) -> None:
    recipe = TWO_VIEWS.replace("deadline_ms: 20000", SOON)
    with open_plant(tmp_path, recipe=recipe) as plant:
        plant.post(good_board(1), part_id="p", view="top")
    with open_plant(tmp_path, recipe=recipe) as plant:
        assert [data["verdict"] for data in plant.inspections()] == ["NOT_INSPECTED"]
        assert verify_chain(plant.services.ledger).is_intact


@pytest.mark.parametrize("restarts", [False, True], ids=["running on", "restarted meanwhile"])
def test_the_release_of_a_coming_order_is_loaded_before_its_first_part(tmp_path: Path, *, restarts: bool) -> None:
    other = TinyRelease(name="other")
    with open_plant(tmp_path, releases=[TinyRelease(), other]) as plant:
        card = RECIPE.replace("id: board", "id: card").replace("product: BRD", "product: CRD")
        yaml = {**plant.headers(), "Content-Type": "application/yaml"}
        plant.http.put("/v1/recipes/card", content=card.replace("blobs", "other"), headers=yaml)
        order = {"order_id": "JO-1", "product": "CRD", "effective": {"from": "part", "value": "p2"}}
        assert plant.http.put("/v1/stations/aoi-1/order", json=order, headers=plant.headers()).status_code == 200
        if not restarts:
            assert_changes_over(plant)
    if restarts:
        with open_plant(tmp_path, releases=[TinyRelease(), other]) as plant:
            assert_changes_over(plant)


def assert_changes_over(plant: Plant) -> None:
    answers = [plant.post(good_board(number), part_id=f"p{number}").json() for number in (1, 2, 3)]
    assert [answer["release"]["name"] for answer in answers] == ["blobs", "other", "other"]
    assert {answer["verdict"] for answer in answers} == {"OK"}


def test_views_that_come_at_the_same_moment_make_one_part(two_views: Plant) -> None:
    for number in range(5):
        with ThreadPoolExecutor(2) as threads:
            answers = list(
                threads.map(
                    lambda view, part_id=f"p{number}", seed=10 * number: two_views.post(
                        good_board(seed + len(view)), part_id=part_id, view=view
                    ),
                    ("top", "bottom"),
                )
            )
        assert sorted(answer.status_code for answer in answers) == [200, 202]
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert [data["verdict"] for data in two_views.inspections()] == ["OK"] * 5
    assert attempts_in_memory(two_views) == 0


def test_one_idempotency_key_for_two_parts_at_once_judges_one_of_them(plant: Plant) -> None:
    key = {"Idempotency-Key": "the same"}
    with ThreadPoolExecutor(2) as threads:
        answers = list(
            threads.map(
                lambda number: plant.post(good_board(number), part_id=f"p{number}", headers=key),
                (1, 2),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(plant.inspections()) == 1
    assert rows(plant, "SELECT count(*) FROM frames") == [(1,)]
    assert attempts_in_memory(plant) == 0
