"""Labelling projects: changed in parts, never turned back, worked on by one at a time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from label_state import CLASSES, Desk, open_desk
from lineside.serving.clock import ManualClock
from lineside.serving.security import Role

EARLY, LATE = "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z"
BOX = {"class_name": "open", "box_xyxy_px": [1.0, 1.0, 9.0, 9.0]}


def lease(desk: Desk, project: str, holder: str, seconds: float = 60.0, purpose: str = "pull") -> Any:
    body = {"holder": holder, "purpose": purpose, "seconds": seconds}
    return desk.call("POST", f"/v1/label-projects/{project}/lease", json=body)


def test_a_project_keeps_what_a_change_does_not_name(desk: Desk) -> None:
    made = desk.done(
        "PUT", "/v1/label-projects/p", json={"classes": ["open"], "catalogue": {"id": "pcb", "version": 1}}
    )
    assert (made["revision"], made["label_studio_project_id"], made["change"]) == (None, None, 0)
    changed = desk.done(
        "PUT", "/v1/label-projects/p", json={"label_studio_url": "http://127.0.0.1:8080", "label_studio_project_id": 3}
    )
    assert changed["classes"] == ["open"]
    assert changed["catalogue"] == {"id": "pcb", "version": 1}
    hook = {"id": 5, "url": "http://127.0.0.1:8470/label-studio/webhook"}
    hooked = desk.done("PUT", "/v1/label-projects/p", json={"webhook": hook, "revision": "r-1"})
    assert (hooked["webhook"], hooked["revision"], hooked["label_studio_project_id"]) == (hook, "r-1", 3)
    cleared = desk.done("PUT", "/v1/label-projects/p", json={"webhook": None})
    assert (cleared["webhook"], cleared["revision"]) == (None, "r-1")
    names = [each["name"] for each in desk.done("GET", "/v1/label-projects")["items"]]
    assert {"boards", "p"} <= set(names)
    assert names == sorted(names)


@pytest.mark.parametrize("field", ["cursor", "pulled_at", "hinted_at"])
def test_time_never_goes_back(desk: Desk, field: str) -> None:
    path = f"/v1/label-projects/{field}"
    for given, standing in ((EARLY, EARLY), (LATE, LATE), (EARLY, LATE), (None, LATE)):
        assert desk.done("PUT", path, json={field: given})[field] == standing


def test_the_cursor_starts_again_with_another_label_studio_project(desk: Desk) -> None:
    path = "/v1/label-projects/moved"
    desk.done("PUT", path, json={"label_studio_project_id": 3, "cursor": LATE})
    assert desk.done("PUT", path, json={"label_studio_project_id": 4})["cursor"] is None
    assert desk.done("PUT", path, json={"label_studio_project_id": 5, "cursor": EARLY})["cursor"] == EARLY


def test_a_revision_never_claims_labels_that_there_are_not(desk: Desk) -> None:
    head = desk.get_project()["change"]
    assert desk.put_project(revision="r-9", revision_change=head + 1000)["revision_change"] == head


def test_in_another_label_studio_project_only_what_nobody_has_read_is_pushed_anew(
    either_database: None, tmp_path: Path
) -> None:
    with open_desk(tmp_path) as desk:
        desk.put_project(label_studio_project_id=3)
        read, unread, skipped = (desk.pushed_part(name) for name in ("read", "unread", "skipped"))
        read.send(BOX)
        skipped.send(read=False, attention=[{"code": "skipped", "message": "Kim skipped it"}])
        desk.put_project(label_studio_project_id=4)
        waiting = desk.picks(state="waiting")
        assert {each["id"] for each in waiting} == {unread.pick_id, skipped.pick_id}
        assert all(each["tasks"][0]["label_studio_task_id"] is None for each in waiting)
        assert (read.pick["state"], read.standing) == ("labelled", "escape")
        assert desk.attention() == []
        skipped.numbers = desk.push(*skipped.task_ids)
        assert skipped.send()["review_kind"] == "confirmed"


def test_one_holder_works_on_a_project_at_a_time_until_it_lets_go_or_its_time_is_over(
    either_database: None, tmp_path: Path
) -> None:
    clock = ManualClock(datetime(2026, 3, 1, 8, 0, tzinfo=UTC))
    with open_desk(tmp_path, clock=clock) as desk:
        first = lease(desk, "boards", "pull of host-1")
        assert first.json() == {"holder": "pull of host-1", "purpose": "pull", "until": "2026-03-01T08:01:00Z"}
        assert desk.get_project()["lease"] == first.json()
        refused = lease(desk, "boards", "pull of host-2")
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/label-lease-held")
        assert refused.headers["retry-after"] == "60"
        for word in ("pull of host-1", "(pull)", "2026-03-01 08:01:00"):
            assert word in refused.json()["detail"]
        clock.advance(30)
        assert lease(desk, "boards", "pull of host-1").json()["until"] == "2026-03-01T08:01:30Z"
        path = "/v1/label-projects/boards/lease"
        assert desk.call("DELETE", path, params={"holder": "pull of host-2"}).status_code == 204
        assert lease(desk, "boards", "pull of host-2").status_code == 409
        assert desk.call("DELETE", path, params={"holder": "pull of host-1"}).status_code == 204
        assert desk.get_project()["lease"] is None
        assert lease(desk, "boards", "pull of host-2", purpose="push").status_code == 200
        clock.advance(60)  # it was killed
        assert lease(desk, "boards", "pull of host-1").status_code == 200


def test_a_project_counts_its_picks_by_state(either_database: None, tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.pick(desk.inspect("waiting"))
        desk.pushed_part("pushed")
        desk.pushed_part("labelled").send()
        desk.pushed_part("attention").send(read=False, attention=[{"code": "conflict", "message": "Kim and Lee"}])
        withdrawn = desk.pushed_part("withdrawn")
        desk.done("POST", f"/v1/label-picks/{withdrawn.pick_id}/withdrawal", json={"by": "Kim", "reason": "no"})
        counts = desk.get_project()["counts"]
        assert counts == {
            "waiting": 1,
            "pushed": 1,
            "labelled": 1,
            "attention": 1,
            "withdrawn": 1,
            "open_attention": 1,
            "pushed_tasks": 4,
        }
        assert desk.get_project()["minutes"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"label_studio_project_id": -1}, id="a number that is none"),
        pytest.param({"classes": [""]}, id="a class without a name"),
        pytest.param({"cursor": "2026-03-01T08:00:00"}, id="a time without an offset"),
        pytest.param({"catalogue": {"id": "pcb"}}, id="a catalogue without its version"),
        pytest.param({"colour": "red"}, id="a field that is none"),
    ],
)
def test_a_project_that_cannot_be_is_refused(desk: Desk, given: dict[str, Any]) -> None:
    assert desk.call("PUT", "/v1/label-projects/boards", json=given).status_code == 422
    assert desk.get_project()["classes"] == list(CLASSES)


def test_a_project_that_nobody_made_is_not_found(desk: Desk) -> None:
    for answer in (desk.call("GET", "/v1/label-projects/none"), lease(desk, "none", "me")):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-label-project")


def test_quality_and_mlops_label_and_others_do_not(desk: Desk) -> None:
    allowed = {role for role in Role if desk.call("GET", "/v1/label-projects", role=role).status_code == 200}
    assert allowed == {Role.QUALITY, Role.MLOPS, Role.ADMIN}
    body = {"project": "boards", "items": []}
    states = "/v1/label-tasks/states"
    assert {role for role in Role if desk.call("POST", states, json=body, role=role).status_code == 200} == allowed
