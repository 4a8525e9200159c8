"""What a message says and how it proves itself, read with the libraries of others and with nothing but the standard."""

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from lineside.serving.clock import ManualClock, SystemClock
from lineside.serving.delivery import SinkContext, SinkMisconfigured
from lineside.serving.delivery.webhook.cloud_events import source_of, structured_json, subject_of
from lineside.serving.delivery.webhook.settings import WebhookSettings
from lineside.serving.delivery.webhook.signing import WebhookSigner, secret_bytes
from lineside.serving.delivery.webhook.sink import build
from lineside.serving.ledger import Event
from rude_receiver import Request, answering, rude_receiver
from told_events import NOON, sink_context, told

OLD = "whsec_" + base64.b64encode(b"old key of the receiver, 32 byte").decode()
NEW = "whsec_" + base64.b64encode(b"new key of the receiver, 32 byte").decode()
OTHER = "whsec_" + base64.b64encode(b"key of another receiver, 32 byte").decode()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SinkContext]:
    folder = tmp_path_factory.mktemp("messages")
    (folder / "new").write_text(NEW)
    (folder / "old").write_text(OLD)
    with sink_context(folder, clock=SystemClock()) as context:
        yield context


def sent(context: SinkContext, *events: Event, secret_files: tuple[str, ...] = ("new",)) -> list[Request]:
    """The requests that deliver those events."""

    async def scenario() -> list[Request]:
        async with rude_receiver(answering(204)) as receiver:
            settings = WebhookSettings(
                name="mes", kind="webhook", url=receiver.url, secret_files=list(secret_files), timeout_s=5.0
            )
            sink = build(settings, context)
            for event in events:
                await sink.deliver(event)
            await sink.close()
            return receiver.requests

    return asyncio.run(scenario())


def test_the_library_of_cloudevents_reads_a_message(context: SinkContext) -> None:
    event = told(7, data={"part_id": "부품 7", "verdict": "NG", "defects": [{"class_name": "open"}]})
    (request,) = sent(context, event)
    assert request.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    read = from_http_event(HTTPMessage(headers=dict(request.headers), body=request.body))
    assert read.get_specversion() == "1.0"
    assert read.get_id() == event.id == request.headers["webhook-id"]
    assert read.get_type() == "org.lineside.inspection.v1"
    assert read.get_source() == "/plant-1/aoi-1"
    assert read.get_subject() == "부품 7"
    assert read.get_time() == NOON
    assert read.get_datacontenttype() == "application/json"
    assert read.get_dataschema() == "urn:lineside:event:inspection.v1#/properties/data"
    assert read.get_extension("sequence") == "00000000000000000007"
    assert read.get_extension("partitionkey") == "aoi-1"
    assert read.get_extension("recordedtime") == "2026-01-02T12:00:00Z"
    assert read.get_data() == event.data


def test_a_signature_is_what_the_standard_writes_down(context: SinkContext) -> None:
    (request,) = sent(context, told())
    signed = b".".join(
        [request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body]
    )
    expected = hmac.new(base64.b64decode(NEW.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"


def test_the_library_of_standard_webhooks_verifies_a_message_and_nothing_that_was_changed(context: SinkContext) -> None:
    (request,) = sent(context, told())
    headers = dict(request.headers)
    assert Webhook(NEW).verify(request.body, headers)["id"] == told().id
    for changed_body, changed_headers in (
        (request.body.replace(b'"NG"', b'"OK"'), headers),
        (request.body, {**headers, "webhook-id": "another"}),
        (request.body, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 60)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(changed_body, changed_headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, headers)


def test_while_a_receiver_changes_its_secret_both_verify(context: SinkContext) -> None:
    (request,) = sent(context, told(), secret_files=("new", "old"))
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(request.body, dict(request.headers))["id"] == told().id
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, dict(request.headers))


def test_an_event_that_comes_again_has_the_same_id_and_body_and_a_new_instant(tmp_path: Path) -> None:
    (tmp_path / "new").write_text(NEW)
    clock = ManualClock(NOON)
    with sink_context(tmp_path, clock=clock) as context:
        first = sent(context, told())[0]
        clock.advance(3600)
        again = sent(context, told())[0]
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 3600


def test_a_clock_that_steps_back_an_hour_changes_no_id_and_no_body(tmp_path: Path) -> None:
    """The receiver refuses the old instant with 401, which calls a person; set right, the same message goes through."""
    (tmp_path / "new").write_text(NEW)
    clock = ManualClock(NOON)
    with sink_context(tmp_path, clock=clock) as context:
        first = sent(context, told())[0]
        clock.set_now(NOON - dt.timedelta(hours=1))
        again = sent(context, told())[0]
    assert first.body == again.body
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


def test_the_line_of_the_station_is_in_the_source() -> None:
    assert json.loads(structured_json(told(), line="line-1"))["source"] == "/plant-1/line-1/aoi-1"


@pytest.mark.parametrize(
    ("place", "source"),
    [
        (("plant-1", "line-1", "aoi-1"), "/plant-1/line-1/aoi-1"),
        (("plant-1", None, None), "/plant-1"),
        (("plant-1", None, "aoi-1"), "/plant-1/aoi-1"),
        (("공장 1", "a/b", "s?#"), "/%EA%B3%B5%EC%9E%A5%201/a%2Fb/s%3F%23"),
    ],
)
def test_a_source_is_a_path_whatever_the_names(place: tuple[str, str | None, str | None], source: str) -> None:
    assert source_of(*place) == source


@pytest.mark.parametrize(
    ("data", "subject"),
    [
        ({"part_id": "P-1", "lot": "L"}, "P-1"),
        ({"context": {"order_id": "JO-1", "lot": "L"}}, "JO-1"),
        ({"lot": "L", "state": "held"}, "L"),
        ({"lot": None, "part_id": ""}, "aoi-1"),
        ({"context": None}, "aoi-1"),
    ],
)
def test_a_subject_is_the_part_or_order_or_lot_or_station(data: dict[str, object], subject: str) -> None:
    assert subject_of(told(data=data)) == subject


def test_an_event_of_the_whole_plant_has_no_subject() -> None:
    event = told(type="deployment.v1", station=None, data={"state": "accepted"})
    written = json.loads(structured_json(event, line=None))
    assert "subject" not in written
    assert "partitionkey" not in written
    assert written["source"] == "/plant-1"


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=5))
def test_any_data_comes_out_as_it_went_in(data: dict[str, object]) -> None:
    body = structured_json(told(data=data), line="line-1")
    assert json.loads(body)["data"] == data
    headers = WebhookSigner([NEW]).headers("id", body, at=dt.datetime.now(dt.UTC))
    Webhook(NEW).verify(body, dict(headers))


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("whsec_not base64!", id="no base64"),
        pytest.param("whsec_" + base64.b64encode(b"short").decode(), id="too short"),
        pytest.param("whsec_" + base64.b64encode(bytes(65)).decode(), id="too long"),
        pytest.param("whsec_비밀", id="no ASCII"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_secret_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(SinkMisconfigured) as caught:
        WebhookSigner([secret])
    assert secret == "" or secret.removeprefix("whsec_") not in str(caught.value)


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(SinkMisconfigured, match="secret"):
        WebhookSigner([])


def test_a_secret_may_come_without_its_prefix_and_padding() -> None:
    key = bytes(range(32))
    text = base64.b64encode(key).decode()
    assert secret_bytes(text) == secret_bytes(f"whsec_{text.rstrip('=')}\n") == key
