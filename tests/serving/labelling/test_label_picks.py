"""Who may be picked for labelling, for what, and what the pull is told of a pick."""

import base64
from typing import Any

import pytest
from sqlalchemy import insert

from label_state import PROJECT, Desk
from lineside.serving.ledger.tables import deployments, shadow_results
from lineside.serving.security import Role


def candidate(desk: Desk, inspection_id: str) -> dict[str, Any]:
    (found,) = [each for each in desk.candidates() if each["inspection_id"] == inspection_id]
    return found


def refusal(desk: Desk, *items: dict[str, Any], project: str = PROJECT) -> tuple[int, str]:
    body = {"project": project, "seed": 1, "items": list(items)}
    answer = desk.call("POST", "/v1/label-picks", json=body)
    return answer.status_code, str(answer.json().get("type", "")).removeprefix("/problems/")


def test_a_candidate_says_all_that_the_queue_chooses_by(desk: Desk, part: str) -> None:
    inspection_id = desk.inspect(part, bad=True, lot="L-7", parent_id="panel-1")
    found = candidate(desk, inspection_id)
    (view,) = found.pop("views")
    (defect,) = found.pop("defects")
    stored = desk.done("GET", f"/v1/inspections/{inspection_id}")
    assert view["digest"] == stored["frames"][0]["digest"]
    assert (view["view"], view["kept"]) == ("default", True)
    assert view["peak_score"] >= defect["confidence"] - 1e-6
    assert defect["class_name"] == "short"
    assert defect["box_xyxy_px"] == stored["defects"][0]["box_xyxy_px"]
    assert "short" in found.pop("thresholds")
    assert found.pop("judged_at") == stored["judged_at"]
    assert found == {
        "inspection_id": inspection_id,
        "part_id": part,
        "attempt": 1,
        "station": "aoi-1",
        "line": "line-1",
        "lot": "L-7",
        "product": "BRD",
        "parent_id": "panel-1",
        "verdict": "NG",
        "recipe": {"name": "board", "version": "1"},
        "release": {name: stored["release"][name] for name in ("name", "version", "digest")},
        "audit": False,
        "audit_probability": 0.0,
        "standing": "unreviewed",
        "operator_report": False,
        "disagreement": None,
        "kept_probability": 1.0,
    }


@pytest.mark.parametrize(
    ("kind", "source", "is_report"),
    [
        pytest.param("false_call", "operator", True, id="the operator says that it is good"),
        pytest.param("false_call", "downstream", True, id="somebody downstream does"),
        pytest.param("confirmed", "operator", False, id="the operator agrees"),
        pytest.param("false_call", "audit", False, id="an auditor"),
    ],
)
def test_what_people_at_the_line_report_as_wrong_is_told_apart(
    desk: Desk, part: str, *, kind: str, source: str, is_report: bool
) -> None:
    inspection_id = desk.inspect(part, bad=True)
    path = f"/v1/inspections/{inspection_id}/reviews"
    said = {"source": source, "reviewer": "Kim", "at": desk.later()}
    review = desk.done("POST", path, json={"kind": kind, **said}, role=Role.QUALITY)
    found = candidate(desk, inspection_id)
    assert (found["operator_report"], found["standing"]) == (is_report, kind)
    desk.done("POST", path, json={"kind": "withdrawn", "supersedes": review["id"], **said}, role=Role.QUALITY)
    found = candidate(desk, inspection_id)
    assert (found["operator_report"], found["standing"]) == (False, "unreviewed")


def test_a_part_that_two_releases_see_differently_says_so(desk: Desk, part: str) -> None:
    inspection_id = desk.inspect(part)
    ledger = desk.plant.services.ledger

    def write(transaction: Any) -> str:
        deployment_id: str = transaction.new_id()
        transaction.connection.execute(
            insert(deployments).values(
                id=deployment_id, plant=transaction.plant, serial=1, document="{}", signature="", mode="shadow",
                state="accepted", accepted_at=transaction.now(), accepted_by="test",
            )
        )  # fmt: skip
        transaction.connection.execute(
            insert(shadow_results).values(
                id=transaction.new_id(), deployment_id=deployment_id, inspection_id=inspection_id,
                candidate_judged=False, verdict_differs=True, live={}, candidate={}, recorded_at=transaction.now(),
            )
        )  # fmt: skip
        return deployment_id

    deployment_id = ledger.write_blocking(write)
    assert candidate(desk, inspection_id)["disagreement"] == {"deployment_id": deployment_id, "verdict_differs": True}


def test_known_parts_and_what_was_not_inspected_are_no_candidates_and_cannot_be_picked(desk: Desk, part: str) -> None:
    known, broken = desk.inspect(f"{part} known", bad=True), desk.plant.post(b"text", part_id=f"{part} broken")
    desk.done("PUT", f"/v1/known-parts/{part} known", json={"truth": "defective"}, role=Role.QUALITY)
    offered = {each["inspection_id"] for each in desk.candidates()}
    for inspection_id in (known, broken.json()["id"]):
        assert inspection_id not in offered
        assert refusal(desk, {"inspection_id": inspection_id, "reason": "random"}) == (409, "label-pick-unfit")


def test_candidates_come_a_page_at_a_time_each_once_and_oldest_first(desk: Desk, part: str) -> None:
    wanted = [desk.inspect(f"{part} {number}") for number in range(5)]
    pages, cursor = [], None
    while True:
        asked = {"project": PROJECT, "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = desk.done("GET", "/v1/label-candidates", params=asked)
        assert 1 <= len(page["items"]) <= 2
        pages += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    ids = [each["inspection_id"] for each in pages]
    assert len(set(ids)) == len(ids)
    assert [each for each in ids if each in wanted] == wanted
    assert [each["judged_at"] for each in pages] == sorted(each["judged_at"] for each in pages)


def test_candidates_are_narrowed_by_time_station_and_product(desk: Desk, part: str) -> None:
    first, second, third = (candidate(desk, desk.inspect(f"{part} {number}")) for number in range(3))
    found = desk.candidates(**{"from": second["judged_at"], "to": third["judged_at"]})
    assert [each["inspection_id"] for each in found] == [second["inspection_id"]]
    assert first in desk.candidates(station="aoi-1", product="BRD")
    assert desk.candidates(station="aoi-9") == []
    assert desk.candidates(product="other") == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-03-01T00:00:00.0+0000 a\0b", id="no identifier"),
        pytest.param("0001-01-01T00:00:00.0+2359 00000000-0000-0000-0000-000000000000", id="before the first year"),
    ],
)
def test_a_candidates_cursor_of_strange_content_is_refused(desk: Desk, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    answer = desk.call("GET", "/v1/label-candidates", params={"project": PROJECT, "cursor": cursor})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")


@pytest.mark.parametrize("cursor", ["x", "AAAA", "ÿ", "MjAyNiBhIGI", "a" * 200])
@pytest.mark.parametrize(
    "path", ["/v1/label-candidates", "/v1/label-picks", "/v1/label-picks?after_change=0", "/v1/label-tasks"]
)
def test_a_cursor_that_was_not_given_out_is_refused(desk: Desk, path: str, cursor: str) -> None:
    path, _, query = path.partition("?")
    asked = {"project": PROJECT, "cursor": cursor, **({"after_change": "0"} if query else {})}
    answer = desk.call("GET", path, params=asked)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")


def test_an_inspection_is_picked_once_a_project_and_its_event_says_why(desk: Desk, part: str) -> None:
    inspection_id = desk.inspect(part)
    (made,) = desk.pick(inspection_id, reason="novelty", score=0.8, probability=0.25)
    events = desk.last_sequence()
    (again,) = desk.pick(inspection_id, reason="random")
    assert again == {**made, "is_new": False}
    assert desk.last_sequence() == events
    (event,) = [each for each in desk.plant.events("label_pick.v1") if each["id"] == made["id"]]
    assert (event["reason"], event["probability"], event["score"], event["seed"]) == ("novelty", 0.25, 0.8, 7)
    pick = desk.get_pick(made["id"])
    assert (pick["picked_by"], pick["seed"], pick["reason"]) == ("test mlops", 7, "novelty")
    desk.done("PUT", "/v1/label-projects/other", json={})
    assert candidate(Desk(desk.plant, "other"), inspection_id)["inspection_id"] == inspection_id


def test_one_that_may_not_be_picked_leaves_the_others_unpicked_too(desk: Desk, part: str) -> None:
    good = desk.inspect(part)
    wrong = {"inspection_id": "nothing", "reason": "random"}
    assert refusal(desk, {"inspection_id": good, "reason": "random"}, wrong) == (404, "unknown-inspection")
    assert good in {each["inspection_id"] for each in desk.candidates()}


@pytest.mark.parametrize(
    ("item", "project", "status", "kind"),
    [
        pytest.param({"reason": "because"}, PROJECT, 422, "invalid-request", id="a reason that is none"),
        pytest.param({"reason": "random", "probability": 0}, PROJECT, 422, "invalid-request", id="no chance at all"),
        pytest.param({"reason": "random", "probability": 1.1}, PROJECT, 422, "invalid-request", id="more than sure"),
        pytest.param({"reason": "audit"}, PROJECT, 409, "label-pick-unfit", id="an audit that was not drawn"),
        pytest.param({"reason": "random"}, "none", 404, "unknown-label-project", id="a project that is not there"),
    ],
)
def test_a_pick_that_cannot_be_is_refused(
    desk: Desk, part: str, item: dict[str, Any], project: str, status: int, kind: str
) -> None:
    inspection_id = desk.inspect(part)
    assert refusal(desk, {"inspection_id": inspection_id, **item}, project=project) == (status, kind)


def test_the_pull_is_told_all_that_a_dataset_revision_needs(desk: Desk, part: str) -> None:
    inspection_id = desk.inspect(part, lot="L-9", parent_id="panel-9")
    (made,) = desk.pick(inspection_id, reason="random", probability=0.5)
    (task_id,) = desk.plan(made["id"])
    number = desk.push(task_id)[task_id]
    box = {"class_name": "open", "box_xyxy_px": [1.25, 2.5, 30.0, 40.0]}
    at = desk.later()
    desk.send(
        {
            "id": task_id,
            "label_studio_task_id": number,
            "updated_at": at,
            "annotations": [],
            "reading": {
                "reviewer": "Kim",
                "at": at,
                "is_defective": True,
                "boxes": [box],
                "comment": "by the edge",
                "minutes": 0.25,
            },
        }
    )
    (pick,) = [each for each in desk.picks(state="labelled") if each["id"] == made["id"]]
    told = {name: pick[name] for name in ("part_id", "attempt", "product", "line", "lot", "parent_id", "verdict")}
    assert told == {
        "part_id": part,
        "attempt": 1,
        "product": "BRD",
        "line": "line-1",
        "lot": "L-9",
        "parent_id": "panel-9",
        "verdict": "OK",
    }
    assert (pick["reason"], pick["probability"]) == ("random", 0.5)
    assert [(each["view"], len(each["digest"])) for each in pick["views"]] == [("default", 64)]
    (task,) = pick["tasks"]
    assert (task["frame_size_wh_px"], task["tile_xyxy_px"]) == ([160, 160], None)
    assert task["reading"]["boxes"] == [box]
    label = pick["label"]
    assert label["boxes"] == [{"view": "default", **box}]
    assert (label["reviewer"], label["comment"], label["minutes"]) == ("Kim", "by the edge", 0.25)


def test_picks_whose_label_changed_come_in_the_order_of_their_changes(desk: Desk, part: str) -> None:
    start = desk.get_project()["change"]
    first, second, third = (desk.pushed_part(f"{part} {number}") for number in range(3))
    assert desk.picks(after_change=start) == []
    second.send()
    first.send()
    assert [each["id"] for each in desk.picks(after_change=start, limit=1)] == [second.pick_id, first.pick_id]
    head = desk.get_project()["change"]
    assert desk.picks(after_change=head) == []
    second.send(read=False)  # a label that is gone is a change too
    third.send(attention=[{"code": "conflict", "message": "Kim and Lee differ"}], read=False)
    assert [(each["id"], each["label"]) for each in desk.picks(after_change=head)] == [(second.pick_id, None)]


def test_a_label_that_changes_only_its_words_is_a_change_of_the_pick(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    pushed.send()
    before = pushed.pick["change"]
    pushed.send(comment="dust, not a defect")
    assert pushed.pick["change"] > before


def test_a_withdrawn_pick_takes_its_review_with_it_and_stays_withdrawn(desk: Desk, part: str) -> None:
    pushed = desk.pushed_part(part)
    pushed.send()
    path, body = f"/v1/label-picks/{pushed.pick_id}/withdrawal", {"by": "Kim", "reason": "the wrong product"}
    withdrawn = desk.done("POST", path, json=body)
    assert (withdrawn["state"], withdrawn["review_id"], withdrawn["label"]) == ("withdrawn", None, None)
    assert pushed.standing == "unreviewed"
    events = desk.last_sequence()
    assert desk.done("POST", path, json=body) == withdrawn
    assert desk.last_sequence() == events
    last = desk.plant.events("label_pick.v1")[-1]
    assert (last["change"], last["withdrawal_reason"]) == ("withdrawn", "the wrong product")
    pushed.send({"class_name": "open", "box_xyxy_px": [1, 1, 9, 9]})  # somebody labels it all the same
    assert pushed.standing == "unreviewed"
    assert pushed.pick["state"] == "withdrawn"
    (entry,) = [each for each in desk.attention() if each["pick_id"] == pushed.pick_id]
    assert entry["code"] == "label_of_withdrawn_pick"


def test_a_pick_that_nobody_made_is_not_found(desk: Desk) -> None:
    answer = desk.call("GET", "/v1/label-picks/00000000-0000-7000-8000-000000000000")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-label-pick")
