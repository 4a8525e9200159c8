"""The receiver: what it believes, keeps, shows, and sends to the line."""

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from lineside.serving.delivery.webhook.cloud_events import structured_json
from lineside.serving.security import Role
from lineside.workflows.mes_receiver import MailboxUnusable, ReceiverSettings, run_mes_receiver
from lineside.workflows.mes_receiver.app import LONGEST_MESSAGE_BYTES
from lineside.workflows.mes_receiver.mailbox import Mailbox
from lineside.workflows.mes_receiver.texts import TEXTS
from mes_line import SECRET, MesLine, Receiver, listening_receiver, mes_line
from plant import bad_board, good_board
from told_events import told

NO_TEXT = b"\xff\xfe"
MEDIA = "application/cloudevents+json"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MesLine]:
    """A line on which two good parts and a bad one were judged, of which its MES knows."""
    with mes_line(tmp_path_factory.mktemp("line")) as line:
        order = {"station": "aoi-1", "order_id": "JO-1", "product": "BRD", "lot": "L-1", "quantity": 10}
        assert line.receiver.http.post("/api/orders", json=order).status_code == 200
        for number, body in enumerate((good_board(1), bad_board(2), good_board(3)), start=1):
            answer = line.server.post(body, f"P-{number}")
            assert answer.status_code == 200, answer.text
        assert line.tell(f"{line.receiver.url}/webhook") > 0
        yield line


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver without a server."""
    with listening_receiver(tmp_path_factory.mktemp("lonely")) as receiver:
        yield receiver


def send(
    receiver: Receiver,
    body: bytes,
    *,
    id: str = "m-1",  # noqa: A002 - the header's name
    secret: str = SECRET,
    at: datetime | None = None,
    **changed: str,
) -> httpx.Response:
    """Send a message with a good signature, or with what is changed of it."""
    at = at or datetime.now(UTC)
    headers = {
        "Content-Type": MEDIA,
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode("latin-1")),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    return httpx.post(f"{receiver.url}/webhook", content=body, headers=headers, trust_env=False)


def message(number: int = 1, **kind: Any) -> tuple[bytes, str]:
    """A message and its identifier; of a type that is only kept where nothing else is said."""
    event = told(number, **{"type": "review.v1", **kind})
    return structured_json(event, line="line-1"), event.id


def hold(state: str, reason: str = "burrs") -> dict[str, Any]:
    return {"station": "aoi-9", "lot": None, "hold_id": "H-1", "state": state, "reason": reason, "changed_by": "Kim"}


def test_the_page_shows_results_failed_parts_and_the_order_of_a_real_line(line: MesLine) -> None:
    board = line.receiver.board()
    assert board["verdicts"] == {"OK": 2, "NG": 1}
    assert [each["part_id"] for each in board["results"][:3]] == ["P-3", "P-2", "P-1"]
    (failed,) = board["failed"]
    assert failed["part_id"] == "P-2"
    assert [each["class_name"] for each in failed["defects"]] == ["short"]
    (order,) = board["orders"]
    assert (order["order_id"], order["product"], order["quantity"]) == ("JO-1", "BRD", 10)
    assert order["judged"] == {"OK": 2, "NG": 1}


def test_what_comes_again_is_counted_and_changes_nothing(line: MesLine) -> None:
    line.tell(f"{line.receiver.url}/webhook")
    before = line.receiver.board()
    again = line.tell(f"{line.receiver.url}/webhook", again=True)
    after = line.receiver.board()
    new = after["messages"]["stored"] - before["messages"]["stored"]  # the line may have had news meanwhile
    assert after["messages"]["repeats"] == before["messages"]["repeats"] + again - new
    assert all(after[name] == before[name] for name in ("results", "failed", "orders", "holds", "verdicts"))


def test_a_hold_and_its_release_go_to_the_line_and_come_back_as_messages(line: MesLine) -> None:
    webhook = f"{line.receiver.url}/webhook"
    assert line.receiver.http.post("/api/holds", json={"lot": "L-7", "reason": "wrong paste"}).status_code == 200
    line.tell(webhook)
    (held,) = [each for each in line.receiver.board()["holds"] if each["lot"] == "L-7"]
    assert (held["state"], held["reason"], held["station"]) == ("held", "wrong paste", None)
    sent = line.receiver.http.post(f"/api/holds/{held['hold_id']}/release", json={"reason": "paste was right"})
    assert sent.status_code == 200, sent.text
    line.tell(webhook)
    (released,) = [each for each in line.receiver.board()["holds"] if each["lot"] == "L-7"]
    assert (released["state"], released["reason"]) == ("released", "paste was right")


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        pytest.param(
            "/api/orders", {"station": "aoi-1", "order_id": "JO-2", "product": "unknown"}, "unknown", id="no recipe"
        ),
        pytest.param(
            "/api/orders", {"station": "nowhere", "order_id": "JO-2", "product": "BRD"}, "nowhere", id="no station"
        ),
        pytest.param("/api/holds", {"reason": "no place"}, "station", id="neither station nor lot"),
        pytest.param("/api/holds/none/release", {"reason": "x"}, "none", id="no such hold"),
    ],
)
def test_what_the_line_refuses_is_shown_in_its_own_words(
    line: MesLine, path: str, content: dict[str, str], said: str
) -> None:
    answer = line.receiver.http.post(path, json=content)
    assert answer.status_code == 409
    assert said in answer.json()["detail"]


def test_a_part_of_a_running_order_cannot_be_given_to_another_one(line: MesLine) -> None:
    """An order for parts already judged is refused by the line, and the MES sees why."""
    order = {"station": "aoi-1", "order_id": "JO-3", "product": "BRD", "from_part_id": "P-1"}
    answer = line.receiver.http.post("/api/orders", json=order)
    assert answer.status_code == 409
    assert "P-1" in answer.json()["detail"]


def test_an_order_may_begin_at_an_encoder_count_but_not_at_two_places(line: MesLine) -> None:
    order = {"station": "aoi-1", "order_id": "JO-4", "product": "BRD", "from_encoder": 123_456}
    assert line.receiver.http.post("/api/orders", json=order).status_code == 200
    pending = line.server.services.stations.get("aoi-1").pending
    assert pending is not None
    assert pending.encoder == 123_456
    both = line.receiver.http.post("/api/orders", json={**order, "from_part_id": "P-99"})
    assert both.status_code == 422
    assert "not at both" in both.text


def test_without_a_server_nothing_is_sent(lonely: Receiver) -> None:
    answer = lonely.http.post("/api/holds", json={"lot": "L", "reason": "x"})
    assert answer.status_code == 502
    assert "--server" in answer.json()["detail"]
    assert lonely.http.get("/api/stations").json() == {"items": []}


def test_a_message_is_stored_before_it_is_acknowledged_and_only_once(lonely: Receiver) -> None:
    body, id = message(71)  # noqa: A001 - the message's name for it
    assert send(lonely, body, id=id).json() == {"state": "stored"}
    assert send(lonely, body, id=id).json() == {"state": "known"}
    assert [row["repeats"] for row in lonely.mailbox.rows("SELECT repeats FROM messages WHERE id = ?", id)] == [1]


def test_an_order_that_begins_keeps_the_quantity_that_it_was_given_with(lonely: Receiver) -> None:
    context = {"product": "BRD", "order_id": "JO-9", "lot": "L-9", "recipe": {"id": "brd", "version": 1}}
    for number, state, quantity in ((91, "accepted", 48), (92, "in_force", None)):
        effective = {"from": "part", "value": "P-900"}
        told = {"station": "aoi-9", "state": state, "context": context, "quantity": quantity, "effective": effective}
        body, id = message(number, type="order.v1", station="aoi-9", data={**told, "changed_by": "mes", "judged": None})  # noqa: A001 - as above
        assert send(lonely, body, id=id).status_code == 200
    (shown,) = [each for each in lonely.board()["orders"] if each["order_id"] == "JO-9"]
    assert (shown["state"], shown["quantity"]) == ("in_force", 48)


def test_an_older_message_that_comes_late_does_not_undo_a_newer_one(lonely: Receiver) -> None:
    for number, state in ((82, "released"), (81, "held")):
        body, id = message(number, type="hold.v1", station="aoi-9", data=hold(state))  # noqa: A001 - as above
        assert send(lonely, body, id=id).status_code == 200
    (shown,) = [each for each in lonely.board()["holds"] if each["hold_id"] == "H-1"]
    assert shown["state"] == "released"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param({"secret": "whsec_" + base64.b64encode(bytes(32)).decode()}, 401, id="another secret"),
        pytest.param({"at": datetime.now(UTC) - timedelta(hours=1)}, 401, id="an hour old"),
        pytest.param({"at": datetime.now(UTC) + timedelta(hours=1)}, 401, id="an hour ahead"),
        pytest.param({"webhook_signature": "v1,AAAA"}, 401, id="another signature"),
        pytest.param({"webhook_signature": "v1"}, 401, id="half a signature"),
        pytest.param({"webhook_signature": "v1,x"}, 401, id="a signature that is no base64"),
        pytest.param({"webhook_signature": "v2,AAAA"}, 401, id="a signature of another version"),
        pytest.param({"webhook_timestamp": "yesterday"}, 401, id="an instant that is none"),
        pytest.param({"webhook_id": "another"}, 401, id="another identifier"),
        pytest.param({"Content_Type": "application/json"}, 415, id="another media type"),
        pytest.param({"id": "m-2"}, 400, id="an identifier that the event has not"),
    ],
)
def test_what_is_not_proven_is_not_kept(lonely: Receiver, changed: dict[str, Any], status: int) -> None:
    before = lonely.board()["messages"]["stored"]
    body, id = message(90)  # noqa: A001 - as above
    answer = send(lonely, body, **{"id": id, **changed})
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert lonely.board()["messages"]["stored"] == before


def cloud_event(**changed: Any) -> bytes:
    event = json.loads(message(type="inspection.v1")[0])
    event["id"] = "m-1"
    event.update(changed)
    return json.dumps({name: value for name, value in event.items() if value != "absent"}).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no JSON", id="no JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="a deep hole"),
        pytest.param(NO_TEXT, id="no text"),
        pytest.param(cloud_event(type="com.example.other"), id="of somebody else"),
        pytest.param(cloud_event(specversion="0.3"), id="an old version"),
        pytest.param(cloud_event(source="absent"), id="no source"),
        pytest.param(cloud_event(time="noon"), id="a time that is none"),
        pytest.param(cloud_event(time="absent"), id="no time"),
        pytest.param(cloud_event(sequence="absent"), id="no sequence"),
        pytest.param(cloud_event(data="text"), id="data that is text"),
        pytest.param(cloud_event(data={"part_id": "P"}), id="an inspection without its fields"),
        pytest.param(cloud_event(id=None), id="no identifier"),
    ],
)
def test_what_is_signed_and_no_event_is_refused_for_good(lonely: Receiver, body: bytes) -> None:
    before = lonely.board()["messages"]["stored"]
    at = datetime.now(UTC)
    signature = f"v1,{base64.b64encode(_signed(body, at)).decode()}"
    answer = send(lonely, body, at=at, webhook_signature=signature)
    assert answer.status_code == (401 if body == NO_TEXT else 400), "bytes that are no text cannot even be proven"
    assert lonely.board()["messages"]["stored"] == before


def _signed(body: bytes, at: datetime) -> bytes:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    return hmac.new(key, b"m-1.%d." % int(at.timestamp()) + body, hashlib.sha256).digest()


def test_a_message_without_end_is_cut_off(lonely: Receiver) -> None:
    assert send(lonely, b"x" * (LONGEST_MESSAGE_BYTES + 1)).status_code == 413


def test_a_receiver_whose_disk_is_full_asks_to_come_again(tmp_path: Path) -> None:
    with listening_receiver(tmp_path) as receiver:
        receiver.mailbox._connection.execute("PRAGMA query_only = ON")
        body, id = message(5, type="hold.v1", data=hold("held"))  # noqa: A001 - as above
        answer = send(receiver, body, id=id)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        receiver.mailbox._connection.execute("PRAGMA query_only = OFF")
        assert send(receiver, body, id=id).json() == {"state": "stored"}


def test_the_page_opens_for_its_address_with_the_token_and_nothing_else(lonely: Receiver) -> None:
    with httpx.Client(base_url=lonely.url, trust_env=False) as stranger:
        for path in ("/", "/?token=wrong", "/?token=", "/api/board", "/api/stations"):
            assert stranger.get(path).status_code == 401, path
        assert stranger.post("/api/holds", json={"lot": "L", "reason": "x"}).status_code == 401
        for cookie in (b"lineside_mes=wrong", b"lineside_mes=\xff\xf6", b"lineside_mes="):
            assert stranger.get("/", headers={b"Cookie": cookie}).status_code == 401
        assert stranger.get("/static/receiver.js").status_code == 200
        assert stranger.get("/static/..%2f..%2fapp.py").status_code == 404
    page = lonely.http.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text.replace(lonely.url, "").replace("http://www.w3.org/", "")


def test_the_page_speaks_two_languages(lonely: Receiver) -> None:
    assert '<html lang="en">' in lonely.http.get("/").text
    korean = lonely.http.get("/", params={"lang": "ko"}).text
    assert '<html lang="ko">' in korean
    assert "불합격 부품" in korean
    assert '<html lang="en">' in lonely.http.get("/", params={"lang": "xx"}).text


def test_both_languages_have_every_word() -> None:
    english, korean = TEXTS.values()
    assert set(english) == set(korean)
    assert all(english.values())
    assert all(korean.values())


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mailbox.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(MailboxUnusable, match="expected the receiver's own"):
        Mailbox(tmp_path / "mailbox.sqlite")
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE messages (id TEXT)")
    other.close()
    with Mailbox(tmp_path / "other.sqlite") as mailbox, pytest.raises(MailboxUnusable):
        mailbox.rows("SELECT received_at FROM messages")


@pytest.mark.parametrize(
    ("secret_file", "expected", "said"),
    [
        pytest.param("no-secret", MailboxUnusable, "whsec_", id="no secret"),
        pytest.param("absent", FileNotFoundError, "absent", id="no file"),
        pytest.param("secret", MailboxUnusable, "mailbox.sqlite", id="no mailbox"),
    ],
)
def test_a_receiver_that_cannot_start_says_why(
    tmp_path: Path, secret_file: str, expected: type[Exception], said: str
) -> None:
    (tmp_path / "mailbox.sqlite").write_bytes(b"no database" * 100)
    (tmp_path / "no-secret").write_text("hunter2 is no secret")
    (tmp_path / "secret").write_text(SECRET)
    settings = ReceiverSettings(tmp_path, port=0, secret_files=(tmp_path / secret_file,))
    with pytest.raises(expected, match=said) as caught:
        run_mes_receiver(settings, on_ready=lambda _running: pytest.fail("it started"))
    assert "hunter2" not in str(caught.value)


def test_half_a_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both or neither"):
        ReceiverSettings(tmp_path, server="http://127.0.0.1:1")
    assert "hush" not in repr(ReceiverSettings(tmp_path, server="http://127.0.0.1:1", api_key="hush"))


def test_the_key_of_the_mes_suffices_for_orders_and_holds(line: MesLine) -> None:
    """The receiver of this test speaks with a key of the role `mes` and no other."""
    assert asyncio.run(_may(line, Role.MES)) == {"items"}


async def _may(line: MesLine, role: Role) -> set[str]:
    async with httpx.AsyncClient(base_url=line.server.url, trust_env=False) as http:
        answer = await http.get("/v1/holds", headers=line.server.authorization(role))
    return set(answer.json())
