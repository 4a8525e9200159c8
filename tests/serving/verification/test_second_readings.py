"""Reviewers err: who is read a second time, blind, and what becomes of those who disagree."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineside.inspection.audit import PlantSecret
from lineside.serving.clock import ManualClock
from lineside.serving.security import Role
from lineside.serving.verification import SecondReadings
from plant import RECIPE, Plant, bad_board, good_board, open_plant
from reading_parts import claim, read, stored, taken, undo, waiting

AUDITED = RECIPE + "audit: {share: 1.0}\n"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def plant(tmp_path: Path, either_database: None) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=AUDITED, clock=ManualClock(NOW), verification_second_share=1.0) as plant:
        yield plant


def said(plant: Plant, inspection_id: str) -> list[tuple[str, str, bool]]:
    return [
        (each["reviewer"].rpartition(" / ")[2], each["kind"], each["blind"])
        for each in stored(plant, inspection_id)["reviews"]
    ]


def test_a_second_reading_is_anothers_and_looks_like_a_first_one(plant: Plant) -> None:
    inspection_id = str(plant.post(bad_board(), part_id="P-1").json()["id"])
    first = taken(plant, "Kim")
    read(plant, first["id"], "confirmed", disposition="scrapped").raise_for_status()
    assert waiting(plant) == {"flagged": 0, "audit": 0, "second": 1, "conflict": 0}
    assert claim(plant, "Kim") is None
    second = taken(plant, "Lee")
    apart = {"id", "until", "reader"}
    assert {name: value for name, value in second.items() if name not in apart} == {
        name: value for name, value in first.items() if name not in apart
    }
    read(plant, second["id"], "confirmed").raise_for_status()
    assert said(plant, inspection_id) == [("Kim", "confirmed", False), ("Lee", "confirmed", True)]
    assert sum(waiting(plant).values()) == 0


def test_those_who_disagree_are_settled_by_a_third_who_sees_what_they_said(plant: Plant) -> None:
    inspection_id = str(plant.post(bad_board(), part_id="P-1").json()["id"])
    read(plant, taken(plant, "Kim")["id"], "confirmed").raise_for_status()
    read(plant, taken(plant, "Lee")["id"], "false_call").raise_for_status()
    assert stored(plant, inspection_id)["standing"] == "unresolved"
    assert waiting(plant)["conflict"] == 1
    assert (claim(plant, "Kim"), claim(plant, "Lee")) == (None, None)
    third = taken(plant, "Park")
    assert third["kind"] == "conflict"
    assert [(each["reviewer"][-3:], each["kind"]) for each in third["readings"]] == [
        ("Kim", "confirmed"),
        ("Lee", "false_call"),
    ]
    read(plant, third["id"], "false_call", disposition="passed").raise_for_status()
    found = stored(plant, inspection_id)
    assert found["standing"] == "false_call"
    assert [each["kind"] for each in found["dispositions"]] == ["passed"]
    assert sum(waiting(plant).values()) == 0


def test_a_settlement_taken_back_leaves_the_disagreement(plant: Plant) -> None:
    inspection_id = str(plant.post(bad_board(), part_id="P-1").json()["id"])
    read(plant, taken(plant, "Kim")["id"], "confirmed").raise_for_status()
    read(plant, taken(plant, "Lee")["id"], "false_call").raise_for_status()
    third = taken(plant, "Park")
    read(plant, third["id"], "false_call").raise_for_status()
    back = undo(plant, third["id"])
    assert (back.status_code, back.json()["kind"]) == (200, "conflict")
    assert stored(plant, inspection_id)["standing"] == "unresolved"
    read(plant, back.json()["id"], "confirmed").raise_for_status()
    assert stored(plant, inspection_id)["standing"] == "confirmed"


def test_a_first_reading_taken_back_after_the_second_leaves_the_second(plant: Plant) -> None:
    inspection_id = str(plant.post(bad_board(), part_id="P-1").json()["id"])
    first = taken(plant, "Kim")
    read(plant, first["id"], "false_call").raise_for_status()
    read(plant, taken(plant, "Lee")["id"], "confirmed").raise_for_status()
    assert undo(plant, first["id"]).status_code == 200
    assert stored(plant, inspection_id)["standing"] == "confirmed"


def test_an_escape_found_in_the_audit_is_always_read_again(tmp_path: Path, either_database: None) -> None:
    with open_plant(tmp_path, recipe=AUDITED, verification_second_share=0.0) as plant:
        plant.post(good_board(1), part_id="P-1")
        plant.post(good_board(2), part_id="P-2")
        for kind in ("escape", "confirmed"):
            read(plant, taken(plant, "Kim")["id"], kind).raise_for_status()
        assert waiting(plant)["second"] == 1


def test_the_draw_of_second_readings_keeps_its_share_and_cannot_be_foreseen() -> None:
    """Of 20,000 at 0.1, between 1,900 and 2,100 all but once in 50,000 secrets; this secret's number is fixed."""
    names = [f"inspection-{number}" for number in range(20_000)]
    one = SecondReadings(PlantSecret(b"0123456789abcdef"), 0.1)
    other = SecondReadings(PlantSecret(b"fedcba9876543210"), 0.1)
    drawn = {name for name in names if one.draws(name)}
    assert 1_900 < len(drawn) < 2_100
    overlap = sum(other.draws(name) for name in drawn) / len(drawn)
    assert 0.05 < overlap < 0.15  # as by chance: one secret tells nothing of another's draw
    assert drawn <= {name for name in names if SecondReadings(one.secret, 0.3).draws(name)}


def put_known(plant: Plant, part_id: str, truth: str) -> None:
    plant.http.put(
        f"/v1/known-parts/{part_id}", json={"truth": truth}, headers=plant.headers(Role.QUALITY)
    ).raise_for_status()


def test_parts_of_known_truth_wait_among_the_others_and_look_like_them(tmp_path: Path, either_database: None) -> None:
    recipe = RECIPE + "retention: {ok_share: 1.0, days: 90}\naudit: {share: 0.0}\n"
    with open_plant(tmp_path, recipe=recipe, verification_second_share=0.0) as plant:
        put_known(plant, "S-1", "defective")
        missed = plant.post(good_board(1), part_id="S-1").json()
        plant.post(good_board(2), part_id="P-1")  # neither drawn nor known
        later = plant.post(good_board(3), part_id="S-2").json()
        put_known(plant, "S-2", "good")
        assert waiting(plant) == {"flagged": 0, "audit": 2, "second": 0, "conflict": 0}
        parts: list[dict[str, Any]] = []
        while (part := claim(plant, "Kim")) is not None:
            parts.append(part)
            read(plant, part["id"], "confirmed").raise_for_status()
        assert [part["inspection_id"] for part in parts] == [missed["id"], later["id"]]
        assert {part["kind"] for part in parts} == {"audit"}
        assert not {"known", "truth", "audit", "probability"} & {name for part in parts for name in part}


def test_a_part_whose_image_is_gone_is_counted_and_handed_to_nobody(plant: Plant) -> None:
    from sqlalchemy import update

    from lineside.serving.ledger.tables import frames

    plant.post(bad_board(), part_id="P-1")
    plant.services.ledger.write_blocking(
        lambda transaction: transaction.connection.execute(update(frames).values(kept=False))
    )
    answer = plant.http.get("/v1/verification", headers=plant.headers()).json()
    assert (answer["waiting"]["flagged"], answer["without_image"]) == (1, 1)
    assert claim(plant, "Kim") is None
