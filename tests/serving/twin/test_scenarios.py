"""What-if questions over the API: asked, answered in a process of their own, kept, proposed, and asked by alarms."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.errors import WhatIfFileInvalid
from lineside.serving.ledger import Transaction
from lineside.serving.security import Role
from lineside.serving.twin.line_model import Standing
from lineside.serving.twin.scenarios import AlarmQuestions, Proposing, ScenarioOut, read_what_if_file
from lineside.serving.twin.scenarios.schemas import OptionIn, ResultOut
from plant import Plant, open_plant
from twin_history import Past, write_past

PAST = Past(hours=3.0, per_hour=300.0, defective=0.15, audit=1.0)
COSTS = {"escape": 500.0, "false_call": 0.5, "rework": 2.0, "scrap": 5.0}

WHAT_IF = """\
schema: lineside.what-if/1
alarms: [drift_alarm, chart_signal, rate]
rate_above: 0.05
pause_hours: 2
question:
  period_hours: 1
  learn_hours: 2
  costs: {escape: 500, false_call: 0.5, rework: 2, scrap: 5}
  draws: 5
  options: [{name: stricter, threshold: 0.3}]
"""


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant whose station has a past of three hours, at whose end the clock stands."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / "data").mkdir()
    clock = ManualClock(_end())
    with open_plant(folder, clock=clock) as plant:
        write_past(plant.services.ledger, PAST)
        yield plant


def _end() -> Any:
    from twin_history import START

    return START + timedelta(hours=PAST.hours)


def _question(**changed: Any) -> dict[str, Any]:
    return {
        "station": "aoi-1",
        "period_hours": 1.0,
        "learn_hours": 2.0,
        "costs": COSTS,
        "options": [{"name": "stricter", "threshold": 0.3}, {"name": "two", "stations": 4}],
        "draws": 5,
        **changed,
    }


def _ask(plant: Plant, question: Mapping[str, Any], *, role: Role = Role.QUALITY) -> Any:
    return plant.http.post("/v1/twin/scenarios", json=question, headers=plant.headers(role))


def _answered(plant: Plant, scenario_id: str) -> dict[str, Any]:
    until = time.monotonic() + 90.0
    while time.monotonic() < until:
        found: dict[str, Any] = plant.http.get(f"/v1/twin/scenarios/{scenario_id}", headers=plant.headers()).json()
        if found["state"] not in {"queued", "running"}:
            return found
        time.sleep(0.1)
    raise AssertionError("the question has no answer")


@pytest.fixture(scope="module")
def answered(plant: Plant) -> dict[str, Any]:
    """A question with its answer."""
    answer = _ask(plant, _question(propose=True, draws=12))
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/twin/scenarios/{answer.json()['id']}"
    return _answered(plant, answer.json()["id"])


def test_a_question_is_answered_kept_and_proposed(plant: Plant, answered: dict[str, Any]) -> None:
    found, result = answered, answered["result"]
    assert (found["state"], found["requested_by"], result["is_reproduced"]) == ("done", "test quality", True)
    assert {check["measure"] for check in result["checks"]} == {
        "throughput_per_h",
        "ng_rate",
        "time_to_last_verdict_s",
    }
    assert all(check["lower"] <= check["observed"] <= check["upper"] for check in result["checks"])
    first = result["options"][0]
    assert (first["name"], first["rank"], first["standing"]) == ("stricter", 1, "cheaper")
    cost = first["differences"]["cost_per_part"]
    assert cost["lower"] < cost["mean"] < cost["upper"] < 0
    assert "'stricter' is the cheapest" in result["message"]
    (proposal_id,) = found["proposals"]
    proposal = plant.http.get(f"/v1/proposals/{proposal_id}", headers=plant.headers()).json()
    assert (proposal["kind"], proposal["state"], proposal["scenario_id"]) == ("threshold", "proposed", found["id"])
    assert set(proposal["change"]["thresholds"].values()) == {0.3}
    listed = plant.http.get("/v1/twin/scenarios", params={"station": "aoi-1"}, headers=plant.headers(Role.VIEWER))
    assert found["id"] in {item["id"] for item in listed.json()["items"]}


def test_the_same_request_sent_again_is_one_question(plant: Plant) -> None:
    headers = {**plant.headers(), "Idempotency-Key": "once"}
    question = _question(to="2020-01-01T00:00:00Z")
    first, again = (plant.http.post("/v1/twin/scenarios", json=question, headers=headers) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    other = plant.http.post("/v1/twin/scenarios", json=_question(seed=2), headers=headers)
    assert other.status_code == 409
    found = _answered(plant, first.json()["id"])  # of a time in which nothing came
    assert found["state"] == "refused"
    assert "0 parts came to station 'aoi-1'" in found["why"]


def test_a_line_that_cannot_keep_up_is_refused_with_the_reason(plant: Plant) -> None:
    busy = _answered(plant, _ask(plant, _question(stations=1, handling_s=60.0)).json()["id"])
    assert busy["state"] == "refused"
    assert "inspection is asked for" in busy["why"]


IMPOSSIBLE: Mapping[str, Mapping[str, Any]] = {
    "a negative time": {"handling_s": -1.0},
    "no hours": {"period_hours": 0.0},
    "years": {"learn_hours": 20_000.0},
    "a threshold above 1": {"options": [{"name": "a", "threshold": 1.5}]},
    "half a station": {"options": [{"name": "a", "stations": 1.5}]},
    "no station": {"options": [{"name": "a", "stations": 0}]},
    "a million stations": {"options": [{"name": "a", "stations": 1_000_000}]},
    "a negative pace": {"options": [{"name": "a", "pace": -1.0}]},
    "an option that changes nothing": {"options": [{"name": "a"}]},
    "two options of one name": {"options": [{"name": "a", "stations": 2}, {"name": "a", "stations": 3}]},
    "no option": {"options": []},
    "a negative cost": {"costs": {"escape": -1.0}},
    "nothing that costs": {"costs": {}},
    "lateness without a time": {"costs": {"late": 1.0}},
    "one draw": {"draws": 1},
    "a million replications": {"replications": 1_000_000},
    "a word that is not known": {"colour": "blue"},
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_impossible_numbers_are_refused_at_once(plant: Plant, case: str) -> None:
    answer = _ask(plant, _question(**IMPOSSIBLE[case]))
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["where"].startswith("body")


def test_numbers_that_are_none_are_refused(plant: Plant) -> None:
    for number in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = json.dumps(_question(handling_s=0.125)).replace("0.125", number)
        answer = plant.http.post(
            "/v1/twin/scenarios", content=body, headers={**plant.headers(), "Content-Type": "application/json"}
        )
        assert answer.status_code in {400, 422}, answer.text


def test_unknown_names_and_other_roles_are_refused(plant: Plant) -> None:
    assert _ask(plant, _question(station="nowhere")).status_code == 404
    assert plant.http.get("/v1/twin/scenarios/none", headers=plant.headers()).status_code == 404
    for role in (Role.STATION, Role.VIEWER, Role.MES):
        assert _ask(plant, _question(), role=role).status_code == 403


def test_only_so_many_questions_wait(tmp_path: Path) -> None:
    """The ninth is told to come later; nobody answers them here."""
    with open_plant(tmp_path) as plant:
        plant.http.portal.call(plant.services.scenarios.stop)  # type: ignore[attr-defined]  # TestClient's loop
        answers = [_ask(plant, _question(seed=seed)) for seed in range(9)]
    assert [answer.status_code for answer in answers] == [202] * 8 + [503]
    assert answers[-1].headers["Retry-After"]


def test_a_question_that_was_being_answered_is_answered_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(_end())
    with open_plant(tmp_path, clock=clock) as plant:
        write_past(plant.services.ledger, PAST)
        asked = _ask(plant, _question()).json()
    with open_plant(tmp_path, clock=clock) as plant:
        assert _answered(plant, asked["id"])["state"] == "done"


def _append(plant: Plant, event_type: str, data: Mapping[str, Any], *, station: str | None) -> None:
    def write(transaction: Transaction) -> None:
        transaction.append_event(event_type, station=station, occurred_at=transaction.now(), data=data)

    plant.services.ledger.write_blocking(write)


def _follow(plant: Plant, file: Path) -> AlarmQuestions:
    content = read_what_if_file(file)
    assert content is not None
    services = plant.services
    return AlarmQuestions(services.ledger, clock=services.clock, scenarios=services.scenarios, file=content)


def test_an_alarm_asks_once_and_what_is_cheaper_waits_for_a_person(tmp_path: Path) -> None:
    file = tmp_path / "what-if.yaml"
    file.write_text(WHAT_IF)
    clock = ManualClock(_end())
    with open_plant(tmp_path, clock=clock) as plant:
        write_past(plant.services.ledger, PAST)
        call = plant.http.portal.call  # type: ignore[attr-defined]  # TestClient's loop
        _append(plant, "drift_alarm.v1", {"state": "raised", "message": "before"}, station="aoi-1")
        call(_follow(plant, file).catch_up)  # the first time it begins with the present
        assert not _asked_by_alarms(plant)
        rate = {"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:00:00Z", "figures": {"rate": {"lower": 0.02}}}
        _append(plant, "rate.v1", rate, station="aoi-1")
        _append(plant, "drift_alarm.v1", {"state": "acknowledged", "message": "over"}, station="aoi-1")
        call(_follow(plant, file).catch_up)
        assert not _asked_by_alarms(plant)
        _append(plant, "rate.v1", {**rate, "figures": {"rate": {"lower": 0.08}}}, station="aoi-1")
        _append(plant, "chart_signal.v1", {"message": "too soon", "stations": ["aoi-1", "gone"]}, station=None)
        call(_follow(plant, file).catch_up)
        call(_follow(plant, file).catch_up)  # another process, after a restart
        (asked,) = _asked_by_alarms(plant)
        assert asked["cause"]["event_type"] == "rate.v1"
        found = _answered(plant, asked["id"])
        assert found["state"] == "done", found["why"]
        (proposal_id,) = found["proposals"]
        proposal = plant.http.get(f"/v1/proposals/{proposal_id}", headers=plant.headers()).json()
        assert proposal["state"] == "proposed"
        assert "0.08" in proposal["reason"]
        assert proposal["evidence"][1]["sequence"] == asked["cause"]["sequence"]
        clock.advance(3 * 3600.0)
        _append(plant, "drift_alarm.v1", {"state": "raised", "message": "again"}, station="aoi-1")
        call(_follow(plant, file).catch_up)
        assert len(_asked_by_alarms(plant)) == 2


def _asked_by_alarms(plant: Plant) -> list[dict[str, Any]]:
    items = plant.http.get("/v1/twin/scenarios", headers=plant.headers()).json()["items"]
    return [item for item in items if item["cause"] is not None]


WRONG_FILES = {
    "an alarm that is not known": (WHAT_IF.replace("drift_alarm", "fire_alarm"), "alarms"),
    "a limit without its alarm": (WHAT_IF.replace(", rate]", "]"), "rate_above belongs"),
    "an impossible option": (WHAT_IF.replace("threshold: 0.3", "threshold: 3"), "threshold"),
    "another schema": (WHAT_IF.replace("what-if/1", "what-if/9"), "schema"),
    "a key that is not known": (WHAT_IF + "colour: blue\n", "colour"),
    "no YAML": ("{", "what-if.yaml"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, case: str) -> None:
    text, place = WRONG_FILES[case]
    (tmp_path / "what-if.yaml").write_text(text)
    with pytest.raises(WhatIfFileInvalid, match=place):
        read_what_if_file(tmp_path / "what-if.yaml")
    with pytest.raises(WhatIfFileInvalid, match="No such file"):
        read_what_if_file(tmp_path / "gone.yaml")


def _cheaper(scenario: ScenarioOut, result: ResultOut, option: Mapping[str, Any]) -> tuple[ScenarioOut, ResultOut]:
    """The same answer, had it been of another option."""
    asked = OptionIn.model_validate({"name": "it", **option})
    question = scenario.question.model_copy(update={"options": (asked,)})
    outcome = result.options[0].model_copy(update={"name": "it", "standing": Standing.CHEAPER})
    return scenario.model_copy(update={"question": question}), result.model_copy(update={"options": (outcome,)})


ORDER = {"order_id": "JO-9", "product": "BRD", "lot": "L9", "quantity": 50}

PROPOSALS: Mapping[str, tuple[Mapping[str, Any], str | None]] = {
    "a threshold": ({"threshold": 0.35}, "threshold"),
    "a second station": ({"stations": 2}, "second_station"),
    "an order": ({"order": ORDER}, "order"),
    "an order of a product without a recipe": ({"order": {**ORDER, "product": "NONE"}}, None),
    "a pace, which nobody can approve here": ({"pace": 1.2}, None),
    "places of rework, the same": ({"rework_places": 3}, None),
    "two changes at once": ({"threshold": 0.35, "stations": 2}, None),
}


@pytest.mark.parametrize("case", PROPOSALS)
def test_what_is_cheaper_is_proposed_as_what_a_person_can_approve(
    plant: Plant, answered: dict[str, Any], case: str
) -> None:
    scenario = plant.http.portal.call(plant.services.scenarios.get, answered["id"])  # type: ignore[attr-defined]
    assert scenario.result is not None
    option, kind = PROPOSALS[case]
    services = plant.services
    proposing = Proposing(services.proposals, stations=services.stations, recipes=services.recipes)
    made = plant.http.portal.call(  # type: ignore[attr-defined]  # TestClient's loop
        lambda: proposing.propose(*_cheaper(scenario, scenario.result, option), by="test")
    )
    if kind is None:
        assert made == ()
        return
    proposal = plant.http.get(f"/v1/proposals/{made[0]}", headers=plant.headers()).json()
    assert (proposal["kind"], proposal["scenario_id"], proposal["state"]) == (kind, scenario.id, "proposed")
    if kind == "order":
        assert proposal["change"]["order"]["quantity"] == 50
