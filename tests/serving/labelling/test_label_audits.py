"""Audit draws in the labelling loop: read because they were drawn, and counted once."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from label_state import AUDIT_ALL, PROJECT, Desk, open_desk
from lineside.serving.rates.cells import QUARTER, count_parts
from lineside.serving.security import Role
from rate_ledger import stored_cells

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


def test_a_label_of_a_draw_that_was_picked_because_somebody_reported_it_is_no_audit(audited: Desk) -> None:
    """Two draws, one of which an operator reports: only what is read as a draw stands for the others."""
    audited.inspect("quiet")
    reported = audited.pushed_part("reported", reason="operator_report")
    said: dict[str, Any] = {"kind": "escape", "source": "operator", "reviewer": "Lee", "at": audited.later()}
    audited.done("POST", f"/v1/inspections/{reported.inspection_id}/reviews", json=said, role=Role.QUALITY)
    reported.send(BOX)
    found = total(audited)
    assert (found["audited"], found["audits_due"], found["escapes"]["found_in_audit"]) == (0, 2, 0)
    assert found["escapes"]["found_otherwise"] == 1
    assert is_as_counted_anew(audited)
    waiting = audited.done("GET", "/v1/verification", role=Role.QUALITY)["waiting"]
    assert waiting == {"flagged": 0, "audit": 2, "second": 0, "conflict": 0}
    said = {**said, "source": "audit", "reviewer": "Park", "blind": True, "at": audited.later()}
    audited.done("POST", f"/v1/inspections/{reported.inspection_id}/reviews", json=said, role=Role.QUALITY)
    found = total(audited)
    assert (found["audited"], found["audits_due"], found["escapes"]["found_in_audit"]) == (1, 1, 1)
    assert is_as_counted_anew(audited)
    assert audited.done("GET", "/v1/verification", role=Role.QUALITY)["waiting"]["audit"] == 1


def test_a_reported_draw_that_is_labelled_as_a_draw_is_an_audit(audited: Desk) -> None:
    part = audited.pushed_part("reported", reason="audit")
    said = {"kind": "escape", "source": "downstream", "reviewer": "Lee", "at": audited.later()}
    audited.done("POST", f"/v1/inspections/{part.inspection_id}/reviews", json=said, role=Role.QUALITY)
    part.send(BOX)
    found = total(audited)
    assert (found["audited"], found["audits_due"], found["escapes"]["found_in_audit"]) == (1, 0, 1)
    assert is_as_counted_anew(audited)


def is_as_counted_anew(desk: Desk) -> bool:
    """Whether the cells are those of a full rescan."""
    ledger = desk.plant.services.ledger

    def compare(connection: Connection) -> bool:
        whole = [dict(row) for row in connection.execute(count_parts(ledger.plant)).mappings()]
        ordered = sorted(whole, key=lambda row: [str(value) for value in row.values()])
        return stored_cells(connection, QUARTER.cells, ledger.plant) == ordered

    return ledger.read_blocking(compare)
