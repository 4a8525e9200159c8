"""What the MES and the twin are told keeps its shape: programs of others read it, and events of years ago come again.

`golden_events/` holds events as real lines wrote them; `event_shapes.json` each field's place, kinds and presence.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from referencing import Registry, Resource

from event_shapes import broken_promises, published_shapes, shape_of
from lineside.serving.delivery.filters import DELIVERED_TYPES
from lineside.serving.delivery.webhook.cloud_events import structured_json
from lineside.serving.events import EVENT_DATA, event_json_schemas
from lineside.serving.ledger import Event

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[2] / "docs" / "schemas" / "events"
TYPES = [f"{name}.v1" for name in DELIVERED_TYPES]

Schema = dict[str, Any]

CURRENT = event_json_schemas()


def golden(event_type: str) -> list[dict[str, Any]]:
    """Events of a type as they were written when it was published."""
    path = HERE / "golden_events" / f"{event_type}.json"
    assert path.exists(), f"{event_type} is delivered and has no golden event: take one of a real line's ledger"
    events: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return events


GOLDEN = [
    pytest.param(event, id=f"{event_type} {number}")
    for event_type in TYPES
    for number, event in enumerate(golden(event_type), start=1)
]


@pytest.mark.parametrize("event_type", TYPES)
def test_every_delivered_type_has_a_schema_and_a_golden_event(event_type: str) -> None:
    assert (SCHEMAS / f"{event_type}.schema.json").exists()
    assert {event["type"] for event in golden(event_type)} == {event_type}


@pytest.mark.parametrize("event", GOLDEN)
def test_an_event_of_before_fits_the_schema_and_the_program_of_today(event: Mapping[str, Any]) -> None:
    jsonschema.validate(event, CURRENT[event["type"]], jsonschema.Draft202012Validator)
    EVENT_DATA[event["type"]].model_validate_json(json.dumps(event["data"]))


@pytest.fixture(scope="module")
def documented() -> Registry[Schema]:
    """The documented schemas, by the names that they give themselves."""
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SCHEMAS.glob("*.json"))]
    resources = [Resource.from_contents(content) for content in contents]
    found: Registry[Schema] = Registry().with_resources((resource.id() or "", resource) for resource in resources)
    return found


@pytest.mark.parametrize("event", GOLDEN)
def test_the_data_of_a_message_fits_the_schema_that_the_message_names(
    event: Mapping[str, Any], documented: Registry[Schema]
) -> None:
    """As a receiver would check it: the message's own `dataschema`, found among the documented files."""
    instants = {name: datetime.fromisoformat(event[name]) for name in ("occurred_at", "recorded_at")}
    body = structured_json(Event(**{**event, **instants}), line="line-1")
    message = from_http_event(HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=body))
    check = jsonschema.Draft202012Validator({"$ref": message.get_dataschema()}, registry=documented)
    check.validate(message.get_data())
    if message.get_data():
        assert not check.is_valid({"unknown": 1}), "the name leads to a schema that asks for something"


@pytest.mark.parametrize("event_type", TYPES)
def test_a_published_type_breaks_no_promise(event_type: str) -> None:
    """If this fails, what is delivered changed under a name that others rely on: write a new version of the type."""
    published = published_shapes()
    assert event_type in published, "a new type: python tests/support/event_shapes.py"
    assert broken_promises(published[event_type], shape_of(CURRENT[event_type])) == []


def changed(change: Callable[[Schema], None]) -> Schema:
    """The schema of inspections, changed."""
    schema = copy.deepcopy(dict(CURRENT["inspection.v1"]))
    change(schema)
    return schema


def _without(name: str) -> Callable[[Schema], None]:
    def change(schema: Schema) -> None:
        data = schema["properties"]["data"]
        del data["properties"][name]
        data["required"] = [each for each in data["required"] if each != name]

    return change


def _data(change: Callable[[Schema], object]) -> Callable[[Schema], None]:
    def apply(schema: Schema) -> None:
        change(schema["properties"]["data"])

    return apply


def _defect(change: Callable[[Schema], object]) -> Callable[[Schema], None]:
    def apply(schema: Schema) -> None:
        change(schema["$defs"]["DefectOut"])

    return apply


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(_without("lot"), "data.lot is gone", id="a field removed"),
        pytest.param(_defect(lambda it: it["properties"].pop("size_mm")), "data.defects[].size_mm is gone", id="deep"),
        pytest.param(_data(lambda it: it["required"].remove("lot")), "data.lot is not always", id="made optional"),
        pytest.param(
            _data(lambda it: it["properties"].update(lot={"type": "string"})), "data.lot was", id="null no more"
        ),
        pytest.param(
            _data(lambda it: it["properties"].update(attempt={"type": "string"})), "data.attempt was", id="another kind"
        ),
        pytest.param(
            lambda schema: schema["$defs"]["Verdict"]["enum"].remove("NG"), "no longer says ['NG']", id="a word removed"
        ),
        pytest.param(
            _data(lambda it: (it["properties"].update(new={"type": "string"}), it["required"].append("new"))),
            "data.new is new and always there",
            id="a required field added",
        ),
    ],
)
def test_what_would_break_a_reader_is_found(change: Callable[[Schema], None], said: str) -> None:
    published = published_shapes()["inspection.v1"]
    assert any(said in found for found in broken_promises(published, shape_of(changed(change))))


def test_a_field_made_required_is_found() -> None:
    schema = copy.deepcopy(dict(CURRENT["hold.v1"]))
    schema["properties"]["data"]["required"].append("hold_id")
    (said,) = broken_promises(published_shapes()["hold.v1"], shape_of(schema))
    assert said == "data.hold_id is always there, unlike before"


def test_an_optional_field_and_a_new_word_break_nobody() -> None:
    def grow(schema: Schema) -> None:
        schema["properties"]["data"]["properties"]["new"] = {
            "type": "object",
            "properties": {"inner": {"type": "string"}},
            "required": ["inner"],
        }
        schema["$defs"]["Verdict"]["enum"].append("DOUBTFUL")

    assert broken_promises(published_shapes()["inspection.v1"], shape_of(changed(grow))) == []


def test_a_golden_event_without_any_of_its_fields_would_not_be_one() -> None:
    """Each field of the data that is always there is asked for, in every golden event."""
    for event_type in TYPES:
        schema = CURRENT[event_type]["properties"]["data"]
        validator = jsonschema.Draft202012Validator({**schema, "$defs": CURRENT[event_type]["$defs"]})
        for name, smaller in _each_without_one(golden(event_type)[0]["data"]):
            assert validator.is_valid(smaller) == (name not in schema.get("required", ())), (event_type, name)


def _each_without_one(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in data:
        yield name, {other: value for other, value in data.items() if other != name}
