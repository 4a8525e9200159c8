"""The page's panel of delivery, holds and proposals."""

import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from lineside.cli.reference import command_paths
from lineside.serving.dashboard.decisions import ShownDecisions, decisions_panel, shown_decisions
from lineside.serving.dashboard.delivery import age
from lineside.serving.dashboard.texts import TEXTS, Language
from lineside.serving.dashboard.wording import Wording
from lineside.serving.delivery import Proof
from lineside.serving.delivery.desk import DeliveryState
from lineside.serving.delivery.schemas import DeliveryOut, LagOut, SinkOut, TroubleOut
from lineside.serving.holds import HoldOut, HoldState
from lineside.serving.proposals import ProposalKind, ProposalOut, ProposalState
from lineside.serving.security import Role
from plant import open_plant

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ENGLISH = Wording(Language.EN, [])


def trouble(what_to_do: str | None, next_try_at: datetime | None = None) -> TroubleOut:
    return TroubleOut(reason="it answered <401>", since=NOW, attempts=4, next_try_at=next_try_at, what_to_do=what_to_do)


def sink(state: DeliveryState = DeliveryState.DELIVERING, **said: Any) -> SinkOut:
    return SinkOut.model_validate(
        {
            "name": "erp",
            "kind": "webhook",
            "proof": Proof.ACKNOWLEDGED,
            "filter": {},
            "is_configured": True,
            "state": state,
            "trouble": None,
            "began_after": 0,
            "position": 7,
            "lag": LagOut(events=0, seconds=0.0),
            "delivered": 7,
            "parked": 0,
            "to_resend": 0,
            "reported_at": NOW,
            **said,
        }
    )


def hold(hold_id: str = "hold-1", *, station: str | None = None, lot: str | None = None) -> HoldOut:
    return HoldOut(
        id=hold_id,
        station=station,
        lot=lot,
        state=HoldState.HELD,
        reason="look at the <stencil>",
        evidence=(),
        by="rule rate_above",
        at=NOW,
        released_by=None,
        released_at=None,
        release_reason=None,
    )


def proposal(kind: ProposalKind, change: Mapping[str, Any]) -> ProposalOut:
    return ProposalOut(
        id="proposal-1",
        kind=kind,
        change=change,
        reason="the queue <grows>",
        evidence=(),
        scenario_id=None,
        state=ProposalState.PROPOSED,
        proposed_by="Kim",
        proposed_at=NOW,
        decided_by=None,
        decided_at=None,
        note=None,
        outcome=None,
    )


def panel(
    *sinks: SinkOut,
    process: str = "running",
    holds: tuple[HoldOut, ...] = (),
    proposals: tuple[ProposalOut, ...] = (),
    wording: Wording = ENGLISH,
) -> str:
    delivery = DeliveryOut(head=9, process=process, items=sinks)
    worked_on = {"hold-1": ["aoi-1", "aoi-2"]}
    return decisions_panel(ShownDecisions(delivery, holds, worked_on, proposals), wording)


def commands(html: str) -> list[str]:
    return [unescape(found) for found in re.findall("<code>(.*?)</code>", html)]


def test_a_plant_with_nothing_to_say_gets_one_quiet_line() -> None:
    html = panel(process="no_sinks")
    assert html.count("<div") == 1
    assert "<table" not in html
    assert "No sink gets the line&#x27;s events. Nothing is held back. No proposal waits." in html


def test_a_sink_says_its_proof_how_far_it_is_and_what_a_person_has_to_do() -> None:
    broken = sink(
        DeliveryState.PERSON_NEEDED,
        trouble=trouble("give it the secret"),
        parked=3,
        lag=LagOut(events=12, seconds=3.24),
    )
    html = panel(broken)
    assert "acknowledged" in html
    assert "12 events, 3.2\N{NO-BREAK SPACE}s" in html
    assert '<span class="ls-chip ng">somebody is needed</span>' in html
    assert "it answered &lt;401&gt;" in html
    assert "tries: 4" in html
    assert "To do: give it the secret" in html
    assert commands(html) == ["lineside delivery parked erp"]


def test_a_sink_that_tries_again_by_itself_needs_nobody() -> None:
    soon = panel(sink(DeliveryState.WAITING, trouble=trouble(None, NOW + timedelta(seconds=8))))
    assert f"tried again at {(NOW + timedelta(seconds=8)).astimezone():%H:%M:%S}" in soon
    assert '<span class="ls-chip ni">tries again</span>' in soon
    assert "Nothing to do: tried again by itself" in panel(sink(DeliveryState.WAITING, trouble=trouble(None)))


def test_a_sink_that_the_file_names_no_more_alarms_nobody() -> None:
    html = panel(sink(DeliveryState.STOPPED, is_configured=False, trouble=trouble("leave it")))
    assert '<span class="ls-chip ">stopped</span>' in html
    assert '<span class="ls-chip ng">stopped</span>' in panel(sink(DeliveryState.STOPPED))


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    ("process", "is_said"),
    [("not_started", True), ("restarting", True), ("ended", True), ("running", False), ("no_sinks", False)],
)
def test_the_process_is_spoken_of_where_it_is_not_running(process: str, is_said: bool, language: Language) -> None:  # noqa: FBT001 - a case
    html = panel(sink(), process=process, wording=Wording(language, []))
    assert (TEXTS[language].get(f"process_{process}", "?") in unescape(html)) is is_said


@pytest.mark.parametrize("language", list(Language))
def test_every_state_and_proof_has_its_words(language: Language) -> None:
    wording = Wording(language, [])
    for state in DeliveryState:
        assert wording(f"sink_{state.value}") in panel(sink(state), wording=wording)
    for proof in Proof:
        assert wording(f"proof_{proof.value}") in panel(sink(proof=proof), wording=wording)


def test_held_parts_are_named_with_why_where_and_how_to_let_them_go() -> None:
    html = panel(holds=(hold("hold-0", station="aoi-1"), hold(lot="L-7")))
    assert html.index("lot L-7") < html.index("station aoi-1")  # newest first
    assert "now at aoi-1, aoi-2" in html
    assert "look at the &lt;stencil&gt;" in html
    assert "rule rate_above" in html
    assert commands(html) == [f'lineside holds release {name} --reason "why"' for name in ("hold-1", "hold-0")]


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        pytest.param(ProposalKind.HOLD, {"lot": "L-7"}, "hold back lot L-7", id="hold"),
        pytest.param(
            ProposalKind.ORDER,
            {"station": "aoi-1", "order": {"order_id": "MO-9", "product": "BRD", "lot": "L-9"}},
            "order station aoi-1: order MO-9 of BRD, lot L-9",
            id="order",
        ),
        pytest.param(
            ProposalKind.THRESHOLD,
            {"recipe_id": "board", "thresholds": {"short": 0.35, "<b>": 0.5}},
            "thresholds recipe board: short 0.35, <b> 0.5",
            id="threshold",
        ),
        pytest.param(
            ProposalKind.SECOND_STATION,
            {"station": "aoi-1"},
            "second station beside station aoi-1",
            id="second station",
        ),
    ],
)
def test_a_proposal_says_what_it_would_change(kind: ProposalKind, change: Mapping[str, Any], expected: str) -> None:
    html = panel(proposals=(proposal(kind, change),))
    assert expected in unescape(re.sub("<[^>]*>", "", html))
    assert "the queue &lt;grows&gt;" in html
    assert commands(html) == ["lineside proposals approve proposal-1"]


def test_many_holds_are_cut_short_and_the_command_that_lists_all_is_named() -> None:
    html = panel(holds=tuple(hold(f"hold-{number}", lot=f"L-{number}") for number in range(7)))
    assert html.count("lineside holds release") == 5
    assert "lot L-6" in html
    assert "lot L-1<" not in html
    assert commands(html)[-1] == "lineside holds list"


def test_the_commands_are_ones_that_there_are() -> None:
    html = panel(
        sink(parked=1),
        holds=tuple(hold(str(number), lot="L") for number in range(6)),
        proposals=(proposal(ProposalKind.HOLD, {"lot": "L"}),) * 6,
    )
    named = {tuple(shlex.split(command)[1:3]) for command in commands(html)}
    assert len(named) == 5
    assert named <= set(command_paths())


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (60, "1 min"), (3599, "60 min"), (7200, "2.0 h")]
)
def test_an_age_is_said_in_a_fitting_unit(seconds: float, expected: str) -> None:
    assert age(seconds, ENGLISH) == expected.replace(" ", "\N{NO-BREAK SPACE}")


def test_the_panel_is_asked_of_the_running_services(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        headers = plant.headers(Role.QUALITY)
        order = {"order_id": "MO-1", "product": "BRD", "lot": "L-1"}
        plant.http.put("/v1/stations/aoi-1/order", json=order, headers=plant.headers(Role.MES)).raise_for_status()
        for held in ({"lot": "L-1"}, {"station": "aoi-1"}):
            plant.http.post("/v1/holds", json={**held, "reason": "odd"}, headers=headers).raise_for_status()
        asked = {"kind": "hold", "change": {"lot": "L-2"}, "reason": "odder"}
        made = plant.http.post("/v1/proposals", json=asked, headers=headers).json()
        shown = plant.http.portal.call(shown_decisions, plant.services)  # type: ignore[attr-defined]  # TestClient's loop
        assert [each.lot for each in shown.holds] == ["L-1", None]
        assert shown.worked_on == {shown.holds[0].id: ["aoi-1"]}
        assert [each.id for each in shown.proposals] == [made["id"]]
        assert shown.delivery.process == "no_sinks"
