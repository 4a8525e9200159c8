"""What stations judged while the server was away, handed in afterwards: often twice, and all at once."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from lineside.serving.ledger import verify_chain
from lineside.serving.releases import ReleaseRef
from lineside.serving.security import Role
from odd_engines import take_over
from plant import Plant, bad_board, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        yield plant


def hand_in(plant: Plant, number: int, body: bytes, *, part_id: str, **found: Any) -> httpx.Response:
    record = {
        "station": "aoi-1",
        "part_id": part_id,
        "recipe_id": "board",
        "recipe_version": 1,
        "release": {"name": "blobs", "version": "1.0.0", "digest": "0" * 64},
        "verdict": "OK",
        "opened_at": "2026-01-01T00:00:00Z",
        "judged_at": "2026-01-01T00:00:01Z",
        "frames": [
            {
                "view": "default",
                "digest": hashlib.sha256(body).hexdigest(),
                "size_bytes": len(body),
                "media_type": "image/png",
            }
        ],
        **found,
    }
    return plant.http.put(
        f"/v1/inspections/{UUID(int=number)}",
        data={"record": json.dumps(record)},
        files={"default": ("default.png", body, "image/png")},
        headers=plant.headers(Role.STATION),
    )


def test_a_report_sent_again_while_it_is_being_judged_gets_the_same_answer(plant: Plant) -> None:
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: hand_in(plant, 1, bad_board(1), part_id="p"), range(3)))
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert len(plant.inspections()) == 1


def test_a_part_that_the_server_judges_at_the_same_time_is_recorded_once(plant: Plant) -> None:
    for number in range(5):
        with ThreadPoolExecutor(2) as threads:
            reported = threads.submit(hand_in, plant, 100 + number, bad_board(number), part_id=f"p{number}")
            judged = threads.submit(plant.post, good_board(number), part_id=f"p{number}")
        assert sorted([reported.result().status_code, judged.result().status_code]) in ([200, 409], [201, 409])
    assert len(plant.inspections()) == 5
    assert verify_chain(plant.services.ledger).is_intact


def test_a_report_that_the_engine_fails_on_is_taken_in_all_the_same(plant: Plant) -> None:
    """Else the station would send it for ever, and everything behind it would wait."""
    plant.post(good_board(9), part_id="warm")
    loaded = plant.services.releases.loaded(ReleaseRef("blobs"))
    assert loaded is not None
    take_over(loaded.detector).failure = KeyError("output0")
    answer = hand_in(plant, 2, bad_board(2), part_id="p")
    assert (answer.status_code, answer.json()["verdict"]) == (201, "NOT_INSPECTED")
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["engine_failure"]


def test_an_outage_handed_in_at_once_is_shed_rather_than_piled_up(plant: Plant) -> None:
    plant.post(good_board(9), part_id="warm")
    loaded = plant.services.releases.loaded(ReleaseRef("blobs"))
    assert loaded is not None
    engine = take_over(loaded.detector)
    engine.may_go_on.clear()
    with ThreadPoolExecutor(12) as threads:
        waiting = [threads.submit(hand_in, plant, 200 + n, good_board(20 + n), part_id=f"q{n}") for n in range(12)]
        shed: list[Future[httpx.Response]] = []
        while len(shed) < 8:
            shed = [each for each in waiting if each.done()]
        assert {each.result().status_code for each in shed} == {503}
        assert all("retry-after" in each.result().headers for each in shed)
        engine.may_go_on.set()
    assert sorted(each.result().status_code for each in waiting) == [201] * 4 + [503] * 8


def test_a_part_with_thousands_of_defects_is_taken_in_whole(plant: Plant) -> None:
    """A fouled web: a record that is refused for its length would never get here."""
    defect = {
        "view": "default",
        "class_name": "scratch",
        "confidence": 0.9137,
        "box_xyxy_px": [1024.25, 2048.5, 1056.75, 2090.0],
        "size_mm": 1.2345,
        "size_definition": "longest_side",
        "zone": None,
        "severity": "critical",
    }
    reason = {"code": "defect_limit", "message": "5000 scratches; expected none", "view": "default"}
    answer = hand_in(plant, 3, bad_board(3), part_id="p", verdict="NG", reasons=[reason], defects=[defect] * 5000)
    assert answer.status_code == 201, answer.text
    [kept] = plant.inspections()
    assert len(kept["defects"]) == 5000


def test_an_order_that_begins_with_a_part_of_the_outage_begins_when_that_part_is_handed_in(plant: Plant) -> None:
    """Else the server would judge the parts after it by the recipe before."""
    said = {"order_id": "JO-1", "product": "BRD", "lot": "L-1", "effective": {"from": "part", "value": "first"}}
    ordered = plant.http.put("/v1/stations/aoi-1/order", json=said, headers=plant.headers(Role.MES))
    assert ordered.status_code == 200
    assert hand_in(plant, 1, good_board(1), part_id="before").status_code == 201
    assert plant.post(good_board(2), part_id="p2").json()["order_id"] is None
    assert hand_in(plant, 2, good_board(3), part_id="first").status_code == 201
    assert plant.post(good_board(4), part_id="p4").json()["order_id"] == "JO-1"


def test_a_record_may_be_larger_than_one_picture_and_no_picture_larger_than_it_may_be_alone(tmp_path: Path) -> None:
    board = bad_board(1)
    with open_plant(tmp_path, max_body_bytes=len(board)) as plant:
        answer = hand_in(plant, 4, board, part_id="p")
        assert answer.status_code == 201, "the picture and the words beside it"
        answer = hand_in(plant, 5, board + b"0", part_id="q")
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (413, "body-too-large")
        assert "view 'default'" in answer.json()["detail"]
