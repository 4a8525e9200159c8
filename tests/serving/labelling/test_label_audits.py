"""Audit draws in the labelling loop: read because they were drawn, and counted once."""

from collections.abc import Iterator
from typing import Any

import pytest

from label_state import AUDIT_ALL, PROJECT, Desk, open_desk
from lineside.serving.security import Role

BY_SCORE = ["near_threshold", "disagreement", "rare_class", "diversity", "novelty"]
BOX = {"class_name": "open", "box_xyxy_px": [100.0, 100.0, 120.0, 130.0]}


@pytest.fixture
def audited(either_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A plant whose audit draws every part."""
    with open_desk(tmp_path_factory.mktemp("audited"), recipe=AUDIT_ALL) as desk:
        yield desk


def total(desk: Desk) -> dict[str, Any]:
    """The rates of everything."""
    desk.plant.http.portal.call(desk.plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's
    found: dict[str, Any] = desk.done("GET", "/v1/rates", role=Role.MES)["total"]
    return found


def test_an_audit_draw_is_never_picked_for_its_score(audited: Desk) -> None:
    inspection_id = audited.inspect("drawn")
    (found,) = audited.candidates()
    assert (found["audit"], found["audit_probability"]) == (True, 1.0)
    for reason in BY_SCORE:
        items = [{"inspection_id": inspection_id, "reason": reason, "score": 1.0}]
        body = {"project": PROJECT, "seed": 1, "items": items}
        answer = audited.call("POST", "/v1/label-picks", json=body)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/label-pick-unfit"), reason
        assert "audit draw" in answer.json()["detail"]
    (made,) = audited.pick(inspection_id, reason="audit")
    pick = audited.get_pick(made["id"])
    assert (pick["audit"], pick["reason"], pick["probability"]) == (True, "audit", 1.0)


def test_labels_of_audit_draws_are_counted_once_a_part_however_often_they_change(audited: Desk) -> None:
    """Five drawn parts: one labelled well, one as an escape on two tiles, one changed, one withdrawn, one unread."""
    fine = audited.pushed_part("fine", reason="audit")
    tiled = audited.pushed_part("tiled", reason="audit", tiles=[[0, 0, 100, 160], [80, 0, 160, 160]])
    changed, gone = (audited.pushed_part(name, reason="audit") for name in ("changed", "gone"))
    audited.pushed_part("unread", reason="audit")
    fine.send()
    audited.send(tiled.state({**BOX, "box_xyxy_px": [70.0, 20.0, 100.0, 40.0]}, task=0))
    audited.send(tiled.state({**BOX, "box_xyxy_px": [80.0, 20.0, 120.0, 40.0]}, task=1))
    for boxes in ([BOX], [], [BOX, {**BOX, "class_name": "spur"}], []):
        changed.send(*boxes)
    gone.send(BOX)
    gone.send(read=False)
    found = total(audited)
    assert (found["inspected"], found["audited"], found["audits_due"]) == (5, 3, 2)
    assert found["escapes"]["found_in_audit"] == 1
    assert found["confirmed"] == 0  # of flagged parts, and none was


def test_a_label_beside_an_auditors_review_is_no_second_audit(audited: Desk) -> None:
    part = audited.pushed_part("read twice", reason="audit")
    said = {"kind": "confirmed", "source": "audit", "reviewer": "Lee", "at": audited.later()}
    audited.done("POST", f"/v1/inspections/{part.inspection_id}/reviews", json=said, role=Role.QUALITY)
    part.send()
    assert (total(audited)["audited"], total(audited)["unresolved"]) == (1, 0)
    part.send(BOX)  # now they differ, and it counts nowhere
    assert (total(audited)["audited"], total(audited)["unresolved"]) == (0, 1)
    part.send(read=False)  # the label is taken back, and the auditor's word stands again
    assert (total(audited)["audited"], total(audited)["unresolved"]) == (1, 0)
