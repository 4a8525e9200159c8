"""What needs a person: on the list once, until somebody settles it."""

from typing import Any

import pytest

from label_state import PROJECT, Desk
from lineside.serving.security import Role


def raise_it(desk: Desk, **entry: Any) -> dict[str, Any]:
    said = {"code": "not_uploaded", "message": "the picture cannot be read", **entry}
    (made,) = desk.done("POST", "/v1/label-attention", json={"project": PROJECT, "items": [said]})["items"]
    found: dict[str, Any] = made
    return found


def settle(desk: Desk, entry: dict[str, Any], *, by: str = "Kim", note: str = "looked after it") -> Any:
    path = f"/v1/label-attention/{entry['id']}/settled"
    return desk.call("POST", path, json={"by": by, "note": note}, role=Role.QUALITY)


def open_ids(desk: Desk) -> set[str]:
    return {each["id"] for each in desk.attention()}


def test_an_entry_knows_its_pick_and_its_inspection_and_stands_once(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    entry = raise_it(desk, task_id=pushed.task_ids[0])
    assert (entry["pick_id"], entry["inspection_id"]) == (pushed.pick_id, pushed.inspection_id)
    assert pushed.pick["state"] == "attention"
    events = desk.last_sequence()
    assert raise_it(desk, task_id=pushed.task_ids[0]) == entry
    assert desk.last_sequence() == events
    assert entry in desk.attention()
    assert desk.plant.events("label_attention.v1")[-1]["id"] == entry["id"]


def test_a_settled_entry_leaves_the_list_and_frees_its_pick(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    entry = raise_it(desk, pick_id=pushed.pick_id)
    settled = settle(desk, entry).json()
    assert (settled["settled_by"], settled["settled_note"]) == ("Kim", "looked after it")
    assert entry["id"] not in open_ids(desk)
    assert settled in desk.attention(show="settled")
    assert settled in desk.attention(show="all")
    assert pushed.pick["state"] == "pushed"
    events = desk.last_sequence()
    assert settle(desk, entry).json() == settled
    assert desk.last_sequence() == events
    other = settle(desk, entry, by="Lee")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/label-attention-settled")
    assert "Kim" in other.json()["detail"]


def test_what_comes_again_after_it_was_settled_is_raised_anew_unless_it_is_the_same_occurrence(
    desk: Desk, part: str
) -> None:
    lasting, once = raise_it(desk, message=part), raise_it(desk, message=part, occurrence=f"{part} at 08:00")
    assert raise_it(desk, message=f"{part}, in other words", occurrence=f"{part} at 08:00")["id"] == once["id"]
    for entry in (lasting, once):
        assert settle(desk, entry).status_code == 200
    assert raise_it(desk, message=part)["id"] != lasting["id"]
    assert raise_it(desk, message=part, occurrence=f"{part} at 08:00")["id"] == once["id"]
    assert raise_it(desk, message=part, occurrence=f"{part} at 09:00")["id"] != once["id"]


def test_one_thing_said_twice_in_a_request_is_one_entry(desk: Desk, part: str) -> None:
    said = {"code": "image_gone", "message": part}
    made = desk.done("POST", "/v1/label-attention", json={"project": PROJECT, "items": [said, said]})["items"]
    assert made[0]["id"] == made[1]["id"]


def test_what_is_wrong_with_the_dataset_leaves_a_label_as_it_is(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    pushed.send()
    raise_it(desk, code="golden_disputed", pick_id=pushed.pick_id)
    assert (pushed.pick["state"], pushed.standing) == ("labelled", "confirmed")


def test_what_a_person_settled_is_not_raised_again_by_an_edit_that_leaves_it_so(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    skipped = [{"code": "skipped", "message": f"Kim skipped {part}"}]
    pushed.send(read=False, attention=skipped)
    (entry,) = [each for each in desk.attention() if each["pick_id"] == pushed.pick_id]
    settle(desk, entry)
    pushed.send(read=False, attention=skipped, lead_time_s=99.0)
    assert pushed.pick_id not in {each["pick_id"] for each in desk.attention()}
    pushed.send()
    pushed.send(read=False, attention=skipped)  # labelled meanwhile, and skipped anew
    assert pushed.pick_id in {each["pick_id"] for each in desk.attention()}


def test_the_list_comes_in_pages_oldest_first(desk: Desk, part: str) -> None:
    made = [raise_it(desk, message=f"{part} {number}")["id"] for number in range(5)]
    listed = [each["id"] for each in desk.attention(limit=2)]
    assert [each for each in listed if each in made] == made
    assert len(set(listed)) == len(listed)


def test_an_entry_may_name_an_inspection_that_is_gone(desk: Desk, part: str) -> None:
    entry = raise_it(desk, code="inspection_gone", message=part, inspection_id="no-longer-there")
    assert entry["inspection_id"] == "no-longer-there"
    assert entry["pick_id"] is None


@pytest.mark.parametrize("attention_id", ["nothing", "00000000-0000-7000-8000-000000000000"])
def test_an_entry_that_is_not_there_cannot_be_settled(desk: Desk, attention_id: str) -> None:
    answer = settle(desk, {"id": attention_id})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-label-attention")
