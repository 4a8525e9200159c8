"""What Label Studio says of tasks becomes reviews: one a part, and the one that the latest states say."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from label_state import MODEL_BOX, Desk
from lineside.serving.security import Role

OPEN_BOX = {"class_name": "open", "box_xyxy_px": [100.0, 100.0, 120.0, 130.0]}


def test_a_part_goes_from_candidate_to_review(desk: Desk, part: str) -> None:
    inspection_id = desk.inspect(part)
    assert inspection_id in {each["inspection_id"] for each in desk.candidates()}
    (made,) = desk.pick(inspection_id, reason="near_threshold", score=0.4)
    assert made["is_new"]
    assert inspection_id not in {each["inspection_id"] for each in desk.candidates()}
    assert desk.get_pick(made["id"])["state"] == "waiting"
    task_ids = desk.plan(made["id"])
    number = desk.push(*task_ids)[task_ids[0]]
    assert desk.get_pick(made["id"])["state"] == "pushed"
    at = desk.later()
    (answer,) = desk.send(
        {
            "id": task_ids[0],
            "label_studio_task_id": number,
            "updated_at": at,
            "annotations": [{"id": 3, "updated_at": at, "annotator": "Kim", "lead_time_s": 90}],
            "reading": {"reviewer": "Kim", "at": at, "is_defective": True, "boxes": [MODEL_BOX], "minutes": 1.5},
        }
    )
    assert (answer["outcome"], answer["pick_id"], answer["review_kind"]) == ("applied", made["id"], "escape")
    (review,) = desk.reviews(inspection_id)
    assert (review["kind"], review["source"], review["reviewer"]) == ("escape", "label_studio", "Kim")
    assert review["boxes"] == [{"view": "default", **MODEL_BOX}]
    pick = desk.get_pick(made["id"])
    assert (pick["state"], pick["review_id"]) == ("labelled", review["id"])
    assert pick["label"]["boxes"] == review["boxes"]
    assert pick["label"]["minutes"] == 1.5


@pytest.mark.parametrize(
    ("bad", "drawn", "kind"),
    [
        pytest.param(False, [], "confirmed", id="a good part with nothing drawn"),
        pytest.param(False, [OPEN_BOX], "escape", id="a good part with a defect"),
        pytest.param(True, [], "false_call", id="a reject with nothing drawn"),
        pytest.param(True, None, "confirmed", id="a reject with the model's boxes"),
        pytest.param(True, [OPEN_BOX], "corrected", id="a reject with another defect"),
    ],
)
def test_what_is_drawn_and_the_verdict_say_together_what_the_review_is(
    desk: Desk, part: str, *, bad: bool, drawn: list[dict[str, Any]] | None, kind: str
) -> None:
    pushed = desk.pushed_part(part, bad=bad)
    answer = pushed.send(*(pushed.model_boxes() if drawn is None else drawn), comment="seen")
    assert answer["review_kind"] == kind
    (review,) = pushed.reviews
    assert (review["kind"], review["reason"]) == (kind, "seen")
    assert [{key: box[key] for key in ("class_name", "box_xyxy_px")} for box in review["boxes"]] == (
        drawn if kind in {"escape", "corrected"} else []
    )
    assert pushed.standing == kind


def test_a_box_that_was_moved_a_little_still_confirms_and_one_of_another_class_corrects(desk: Desk, part: str) -> None:
    moved, renamed = (desk.pushed_part(f"{part} {each}", bad=True) for each in ("moved", "renamed"))
    (box,) = moved.model_boxes()
    left, top, right, bottom = box["box_xyxy_px"]
    assert moved.send({**box, "box_xyxy_px": [left + 0.3, top, right + 0.3, bottom]})["review_kind"] == "confirmed"
    assert renamed.send({**box, "class_name": "open"})["review_kind"] == "corrected"


def test_a_defect_on_the_seam_of_two_tiles_is_one_defect(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part, tiles=[[0, 0, 100, 160], [80, 0, 160, 160]])
    piece = {"class_name": "open", "box_xyxy_px": [70.0, 20.0, 100.0, 40.0]}
    other = {"class_name": "open", "box_xyxy_px": [80.0, 20.0, 120.0, 40.0]}
    assert pushed.send(piece, task=0)["review_id"] is None
    assert pushed.pick["state"] == "pushed"
    assert pushed.send(other, OPEN_BOX, task=1)["review_kind"] == "escape"
    (review,) = pushed.reviews
    boxes = sorted(box["box_xyxy_px"] for box in review["boxes"])
    assert boxes == [[70.0, 20.0, 120.0, 40.0], OPEN_BOX["box_xyxy_px"]]


def test_tiles_of_one_part_that_arrive_together_are_one_review(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part, tiles=[[0, 0, 100, 160], [60, 0, 160, 160]])
    answers = desk.send(pushed.state(task=0, reviewer="Kim"), pushed.state(OPEN_BOX, task=1, reviewer="Lee"))
    assert len({answer["review_id"] for answer in answers}) == 1
    (review,) = pushed.reviews
    assert review["reviewer"] == "Kim + Lee"


def test_an_edited_label_supersedes_its_review(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    first = pushed.send(OPEN_BOX)["review_id"]
    second = pushed.send(reviewer="Lee")
    assert second["review_kind"] == "confirmed"
    assert [review["supersedes"] for review in pushed.reviews] == [None, first]
    assert pushed.standing == "confirmed"
    assert pushed.pick["review_id"] == second["review_id"]


@pytest.mark.parametrize(
    "attention",
    [
        pytest.param([], id="its annotation is deleted"),
        pytest.param([{"code": "skipped", "message": "Kim skipped it"}], id="it is skipped"),
        pytest.param([{"code": "conflict", "message": "Kim and Lee differ"}], id="two people differ"),
    ],
)
def test_a_label_that_is_gone_takes_its_review_back(desk: Desk, part: str, attention: list[dict[str, str]]) -> None:
    pushed = desk.pushed_part(part)
    pushed.send(OPEN_BOX)
    labelled = pushed.pick["change"]
    gone = pushed.send(read=False, attention=attention)
    assert gone["review_kind"] == "withdrawn"
    assert pushed.standing == "unreviewed"
    pick = pushed.pick
    assert (pick["state"], pick["label"], pick["review_id"]) == ("attention" if attention else "pushed", None, None)
    assert pick["change"] > labelled
    said_anew = pushed.send(OPEN_BOX, reviewer="Lee")
    assert said_anew["review_kind"] == "escape"
    assert [review["kind"] for review in pushed.reviews] == ["escape", "withdrawn", "escape"]
    assert pushed.standing == "escape"
    assert pushed.pick["state"] == "labelled"


def test_the_same_state_again_and_a_bare_touch_write_nothing(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    state = pushed.state(OPEN_BOX)
    desk.send(state)
    events, pick = desk.last_sequence(), pushed.pick
    assert desk.send(state)[0]["outcome"] == "unchanged"
    touched = {**state, "updated_at": desk.later()}  # as a prediction that was added touches a task
    assert desk.send(touched)[0]["outcome"] == "unchanged"
    assert desk.last_sequence() == events
    after = pushed.pick
    assert after.pop("tasks")[0]["updated_at"] > pick.pop("tasks")[0]["updated_at"]
    assert after == pick


def test_a_state_that_is_older_than_the_known_one_is_stale(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    old, new = pushed.state(OPEN_BOX), pushed.state()
    desk.send(new)
    assert desk.send(old)[0]["outcome"] == "stale"
    assert [review["kind"] for review in pushed.reviews] == ["confirmed"]


def test_an_old_state_is_stale_behind_a_bare_touch_too(desk: Desk, part: str) -> None:
    """drawn, erased (never pulled), redrawn: the erased state arrives last, from a pull that was slow."""
    pushed = desk.pushed_part(part)
    at = desk.later()
    drawn = pushed.state(OPEN_BOX, at=at)
    erased = pushed.state(read=False)
    redrawn = {**drawn, "updated_at": desk.later()}
    assert [desk.send(each)[0]["outcome"] for each in (drawn, redrawn, erased)] == ["applied", "unchanged", "stale"]
    assert pushed.standing == "escape"


def test_a_task_given_twice_in_one_request_stands_as_its_later_state(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    first, second = pushed.state(), pushed.state(OPEN_BOX)
    assert [answer["outcome"] for answer in desk.send(second, first)] == ["applied", "stale"]
    assert pushed.standing == "escape"


def test_a_task_that_was_made_in_label_studio_before_we_wrote_it_down_is_adopted(desk: Desk, part: str) -> None:
    """The push was killed between Label Studio's answer and our own."""
    inspection_id = desk.inspect(part)
    (made,) = desk.pick(inspection_id)
    (task_id,) = desk.plan(made["id"])
    at = desk.later()
    state = {"id": task_id, "label_studio_task_id": 9001, "updated_at": at, "annotations": [], "reading": None}
    assert desk.send(state)[0]["outcome"] == "applied"
    pick = desk.get_pick(made["id"])
    assert (pick["state"], pick["tasks"][0]["label_studio_task_id"]) == ("pushed", 9001)


def test_work_on_a_second_copy_of_a_task_and_on_a_stranger_is_on_the_list_once(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    pushed.send()
    copy = {**pushed.state(OPEN_BOX), "label_studio_task_id": 9999}
    stranger = {**pushed.state(OPEN_BOX), "id": "00000000-0000-5000-8000-000000000000"}
    for _ in range(2):
        assert [answer["outcome"] for answer in desk.send(copy, stranger)] == ["duplicate", "unknown"]
    assert pushed.standing == "confirmed"
    mine = [each for each in desk.attention() if each["task_id"] in {copy["id"], stranger["id"]}]
    assert sorted(each["code"] for each in mine) == ["duplicate_task", "unknown_task"]
    for each in mine:
        desk.done("POST", f"/v1/label-attention/{each['id']}/settled", json={"by": "Kim", "note": "deleted there"})
    desk.send(copy, stranger)  # the overlap brings the same work again
    assert not {copy["id"], stranger["id"]} & {each["task_id"] for each in desk.attention()}


@pytest.mark.parametrize(
    ("boxes", "is_defective", "code"),
    [
        pytest.param([{**OPEN_BOX, "class_name": "dent"}], True, "unknown_class", id="a class that is not there"),
        pytest.param([{**OPEN_BOX, "box_xyxy_px": [1, 1, 161, 9]}], True, "box_outside", id="outside the frame"),
        pytest.param([], True, "verdict_contradicts_boxes", id="defect without a box"),
        pytest.param([OPEN_BOX], False, "verdict_contradicts_boxes", id="ok with a box"),
    ],
)
def test_a_reading_that_cannot_be_goes_to_people_and_takes_nothing_with_it(
    desk: Desk, part: str, *, boxes: list[dict[str, Any]], is_defective: bool, code: str
) -> None:
    pushed = desk.pushed_part(part)
    pushed.send(OPEN_BOX)
    state = pushed.state(*boxes)
    state["reading"]["is_defective"] = is_defective
    assert desk.send(state)[0]["review_kind"] == "withdrawn"
    assert pushed.pick["state"] == "attention"
    (entry,) = [each for each in desk.attention() if each["pick_id"] == pushed.pick_id]
    assert (entry["code"], entry["task_id"]) == (code, pushed.task_ids[0])
    assert pushed.send(OPEN_BOX)["review_kind"] == "escape"  # mended in Label Studio
    assert pushed.pick_id not in {each["pick_id"] for each in desk.attention()}
    (settled,) = [each for each in desk.attention(show="settled") if each["pick_id"] == pushed.pick_id]
    assert settled["settled_by"] == "lineside"


def test_more_boxes_than_a_review_can_hold_go_to_people(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part, tiles=[[0, 0, 160, 90], [0, 70, 160, 160]])
    many = [{"class_name": "open", "box_xyxy_px": [x / 8, 1, x / 8 + 0.1, 2]} for x in range(600)]
    lower = [{"class_name": "open", "box_xyxy_px": [x / 8, 100, x / 8 + 0.1, 101]} for x in range(600)]
    desk.send(pushed.state(*many, task=0), pushed.state(*lower, task=1))
    assert pushed.reviews == []
    assert pushed.pick["state"] == "attention"
    assert "too_many_boxes" in {each["code"] for each in desk.attention() if each["pick_id"] == pushed.pick_id}


def test_two_pulls_at_once_make_one_review_a_part(desk: Desk, part: str) -> None:
    pushed = [desk.pushed_part(f"{part} {number}") for number in range(8)]
    states = [each.state(OPEN_BOX) for each in pushed]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: desk.send(*states), range(4)))
    assert [len(each.reviews) for each in pushed] == [1] * len(pushed)


def test_a_review_that_a_person_replaced_is_not_replaced_by_an_unchanged_label(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    labelled = pushed.send(OPEN_BOX)["review_id"]
    said = {"kind": "confirmed", "source": "operator", "reviewer": "Park", "at": desk.later(), "supersedes": labelled}
    path = f"/v1/inspections/{pushed.inspection_id}/reviews"
    assert desk.call("POST", path, json=said, role=Role.QUALITY).status_code == 200
    assert pushed.send(OPEN_BOX)["review_id"] is None  # saved again as it was
    assert pushed.standing == "confirmed"
    changed = pushed.send(OPEN_BOX, {**OPEN_BOX, "class_name": "spur"})
    assert changed["review_kind"] == "escape"
    assert pushed.standing == "unresolved"  # new evidence: people settle it


def test_minutes_are_what_label_studio_measured_and_stay_spent(desk: Desk, part: str) -> None:
    before = desk.get_project()["minutes"]
    pushed = desk.pushed_part(part)
    pushed.send(OPEN_BOX, lead_time_s=120.0)
    pushed.send(read=False, lead_time_s=None)
    assert desk.get_project()["minutes"] == pytest.approx(before + 2.0)


def test_many_states_in_one_request_come_back_in_its_order(desk: Desk, part: str) -> None:
    pushed = [desk.pushed_part(f"{part} {number}") for number in range(30)]  # more than one write takes
    answers = desk.send(*[each.state() for each in reversed(pushed)])
    assert [answer["pick_id"] for answer in answers] == [each.pick_id for each in reversed(pushed)]
    assert {answer["review_kind"] for answer in answers} == {"confirmed"}


def test_states_for_a_project_that_is_not_there_are_refused(desk: Desk, part: str) -> None:
    state = desk.pushed_part(part).state()
    answer = desk.call("POST", "/v1/label-tasks/states", json={"project": "none", "items": [state]})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-label-project")


def test_long_names_and_texts_do_not_stop_the_loop(desk: Desk, part: str) -> None:
    long = desk.pushed_part(part, tiles=[[0, 0, 160, 90], [0, 70, 160, 160]])
    names = ["a" * 200, "b" * 200]
    for task in (0, 1):
        long.send(task=task, reviewer=names[task], comment=f"{task}" * 4000)
    (review,) = long.reviews
    assert len(review["reviewer"]) <= 200
    assert (len(review["reason"]), review["reason"][-1]) == (4000, "…")
    classes = [{"class_name": f"{number:03}" * 66, "box_xyxy_px": [1, 1, 9, 9]} for number in range(50)]
    assert long.send(*classes, task=0)["review_kind"] == "withdrawn"
    annotators = [{"id": n, "updated_at": desk.later(), "annotator": f"{n:03}" * 66} for n in range(50)]
    copy = {**long.state(task=1), "annotations": annotators, "label_studio_task_id": 123456}
    assert desk.send(copy)[0]["outcome"] == "duplicate"
    mine = [each for each in desk.attention() if each["pick_id"] == long.pick_id]
    assert sorted(each["code"] for each in mine) == ["duplicate_task", "unknown_class"]
