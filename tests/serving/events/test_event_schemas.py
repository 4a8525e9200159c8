import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from lineside.serving.events import EVENT_DATA, EventOut, event_json_schemas
from lineside.serving.security import Role
from plant import RECIPE, Plant, bad_board, good_board, open_plant
from study_files import pod_text

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schemas" / "events"
AT = "2026-01-01T00:00:00Z"


def test_the_documented_schemas_are_those_of_the_program() -> None:
    documented = {
        path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in SCHEMAS.iterdir()
    }
    assert documented == event_json_schemas(), "run: python -m lineside.serving.events docs/schemas/events"


@pytest.mark.parametrize("event_type", sorted(EVENT_DATA))
def test_a_schema_is_itself_valid(event_type: str) -> None:
    jsonschema.Draft202012Validator.check_schema(event_json_schemas()[event_type])


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(tmp_path_factory.mktemp("plant")) as plant:
        yield plant


@pytest.fixture(scope="module")
def busy_plant(plant: Plant) -> Plant:
    """A plant in which everything that appends an event through these resources has happened."""
    http, admin = plant.http, plant.headers()
    yaml = {**admin, "Content-Type": "application/yaml"}
    ok = plant.post(good_board(1), part_id="ok").json()["id"]
    ng = plant.post(bad_board(2), part_id="ng").json()["id"]
    plant.post(b"text", part_id="unreadable")
    fact = {"kind": "rejected", "confirmed_by_sensor": True, "at": AT}
    said = {"source": "audit", "reviewer": "Kim", "at": AT}
    box = {"class_name": "open", "box_xyxy_px": [1, 2, 3, 4]}
    glass = "schema: lineside.catalogue/1\nid: glass\nversion: 1\nclasses:\n  - {name: chip, name_ko: 깨짐, "
    answers = [
        http.post(f"/v1/inspections/{ng}/disposition", json=fact, headers=plant.headers(Role.STATION)),
        http.post(f"/v1/inspections/{ng}/reviews", json={"kind": "false_call", **said}, headers=admin),
        http.post(f"/v1/inspections/{ok}/reviews", json={"kind": "escape", "boxes": [box], **said}, headers=admin),
        http.put(
            "/v1/catalogues/glass",
            content=(glass + "severity: minor, size_definition: area}\n").encode(),
            headers=yaml,
        ),
        http.put(
            "/v1/recipes/board",
            content=RECIPE.replace("version: 1\nproduct", "version: 2\nproduct") + "limits: {open: {max_count: 9}}\n",
            params={"override_name": "Kim", "override_reason": "trial"},
            headers=yaml,
        ),
        http.put(
            "/v1/stations/aoi-1/order",
            json={"order_id": "JO-1", "product": "BRD", "effective": {"from": "part", "value": "next"}},
            headers=admin,
        ),
        http.post("/v1/stations/aoi-1/hold", json={"reason": "audit"}, headers=admin),
        http.post("/v1/holds", json={"lot": "L-1", "reason": "rate", "evidence": [{"rate": 0.04}]}, headers=admin),
        http.post("/v1/stations/aoi-1/jobs", json={"part_id": "next"}, headers=admin),
        http.post("/v1/proposals", json={"kind": "hold", "change": {"lot": "L-2"}, "reason": "rate"}, headers=admin),
        http.put(
            "/v1/stations/aoi-1/reports/00000000-0000-4000-8000-000000000001",
            json={"kind": "bypass_on", "severity": "alarm", "message": "the key was turned", "at": AT},
            headers=plant.headers(Role.STATION),
        ),
        http.put("/v1/calendar", json={"time_zone": "Asia/Seoul", "day_start": "06:00"}, headers=admin),
        http.put("/v1/known-parts/rabbit", json={"truth": "defective", "classes": ["open"]}, headers=admin),
        http.post("/v1/notes", json={"kind": "lamp", "text": "new lamp", "at": AT}, headers=admin),
        http.post("/v1/chart-exclusions", json={"lot": "L-1", "reason": "wrong paste"}, headers=admin),
        http.put("/v1/pod/board", json={"study": pod_text()}, headers=admin),
        http.put("/v1/label-projects/boards", json={}, headers=admin),
        http.post(
            "/v1/label-picks",
            json={"project": "boards", "seed": 1, "items": [{"inspection_id": ng, "reason": "operator_report"}]},
            headers=admin,
        ),
        http.post(
            "/v1/label-attention",
            json={"project": "boards", "items": [{"code": "not_uploaded", "message": "the disk is full"}]},
            headers=admin,
        ),
    ]
    assert [answer.status_code for answer in answers] == [200] * len(answers), [a.text for a in answers]
    plant.post(good_board(3), part_id="next")
    http.portal.call(plant.services.stations.stop)  # type: ignore[attr-defined]  # TestClient's loop
    return plant


def logged(plant: Plant) -> list[dict[str, Any]]:
    events = plant.http.portal.call(plant.services.ledger.events_after, 0)  # type: ignore[attr-defined]  # TestClient's
    return [json.loads(EventOut.of(event).model_dump_json()) for event in events]


def test_every_event_that_really_happens_fits_its_schema(busy_plant: Plant) -> None:
    schemas = event_json_schemas()
    seen = set()
    for event in logged(busy_plant):
        jsonschema.validate(event, schemas[event["type"]], jsonschema.Draft202012Validator)
        EVENT_DATA[event["type"]].model_validate(event["data"])
        seen.add(event["type"])
    elsewhere = {"rejudgement.v1", "retention.v1", "release.v1", "gate_report.v1"}  # each with its own feature's tests
    elsewhere |= {"drift_alarm.v1", "certificate.v1"}
    elsewhere |= {"chart_baseline.v1"}
    elsewhere |= {"rate.v1", "chart_signal.v1", "image_alarm.v1", "station_state.v1"}  # told when the watch looks
    assert seen >= set(EVENT_DATA) - elsewhere - {"deployment.v1", "shadow_disagreement.v1", "canary.v1"}


def test_a_schema_refuses_what_is_not_an_event(busy_plant: Plant) -> None:
    event = logged(busy_plant)[0]
    schema = event_json_schemas()[event["type"]]
    for broken in (
        {**event, "sequence": 0},
        {**event, "type": "other.v1"},
        {**event, "data": {}},
        {key: value for key, value in event.items() if key != "hash"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema, jsonschema.Draft202012Validator)
