"""Each thing that a receiver can do to a sender, done by a real one."""

import asyncio
import base64
import datetime as dt
import email.utils
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.delivery import PersonNeeded, Poison, Proof, SinkContext, Trouble, TryAgain
from lineside.serving.delivery.webhook.answers import LONGEST_WAIT_S
from lineside.serving.delivery.webhook.settings import WebhookSettings
from lineside.serving.delivery.webhook.sink import MOST_ANSWER_BYTES, WebhookSink, build
from rude_receiver import Reply, RudeReceiver, answering, hanging, rude_receiver, streaming_for_ever, writing
from told_events import NOON, sink_context, told

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SinkContext]:
    folder = tmp_path_factory.mktemp("sink")
    (folder / "mes.secret").write_text(f"{SECRET}\n")
    with sink_context(folder, clock=ManualClock(NOON)) as context:
        yield context


def webhook(context: SinkContext, url: str, **settings: object) -> WebhookSink:
    chosen = {"timeout_s": 5.0, "secret_files": ["mes.secret"], **settings}
    return build(WebhookSettings(name="mes", kind="webhook", url=url, **chosen), context)  # type: ignore[arg-type]  # a test's own keys


def outcome(
    context: SinkContext, *replies: Reply, times: int = 1, **settings: object
) -> tuple[Trouble | None, RudeReceiver]:
    """Deliver one event to a receiver that answers like that; gives the last try's trouble and what was received."""

    async def scenario() -> tuple[Trouble | None, RudeReceiver]:
        async with rude_receiver(*replies) as receiver:
            sink = webhook(context, receiver.url, **settings)
            await sink.open()
            trouble: Trouble | None = None
            for _ in range(times):
                trouble = None
                try:
                    await sink.deliver(told())
                except Trouble as found:
                    trouble = found
            await sink.close()
            return trouble, receiver

    return asyncio.run(scenario())


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_the_receivers_word_that_it_has_the_event(context: SinkContext, status: int) -> None:
    trouble, receiver = outcome(context, answering(status))
    assert trouble is None
    assert [request.headers["webhook-id"] for request in receiver.requests] == [told().id]
    assert webhook(context, receiver.url).proof is Proof.ACKNOWLEDGED


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 507, 599, 600, 999])
def test_what_may_pass_by_itself_is_tried_again(context: SinkContext, status: int) -> None:
    trouble, _ = outcome(context, answering(status, "not now"))
    assert type(trouble) is TryAgain
    assert str(status) in trouble.reason
    assert "not now" in trouble.reason
    assert trouble.after_s is None


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 406, 407, 410, 411, 415, 417, 421, 426, 431, 451])
def test_what_no_time_heals_calls_a_person_and_says_what_to_do(context: SinkContext, status: int) -> None:
    trouble, _ = outcome(context, answering(status))
    assert isinstance(trouble, PersonNeeded)
    assert trouble.what_to_do


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_event_that_the_receiver_refuses_for_good_is_poison(context: SinkContext, status: int) -> None:
    trouble, _ = outcome(context, answering(status, "part number has no check digit"))
    assert isinstance(trouble, Poison)
    assert "check digit" in trouble.reason


def test_a_conflict_is_poison_unless_this_receiver_means_that_it_has_the_event(context: SinkContext) -> None:
    assert isinstance(outcome(context, answering(409))[0], Poison)
    assert outcome(context, answering(409), conflict="duplicate")[0] is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_signed_message_follows_no_redirect(context: SinkContext, status: int) -> None:
    async def scenario() -> tuple[Trouble, int]:
        async with (
            rude_receiver(answering(200)) as elsewhere,
            rude_receiver(answering(status, location=f"{elsewhere.url}?token=of-ours")) as receiver,
        ):
            sink = webhook(context, receiver.url)
            with pytest.raises(PersonNeeded) as caught:
                await sink.deliver(told())
            await sink.close()
            assert elsewhere.url in caught.value.what_to_do
            assert "of-ours" not in caught.value.what_to_do  # a receiver that moved repeats our address, token and all
            return caught.value, len(elsewhere.requests)

    assert asyncio.run(scenario())[1] == 0


@pytest.mark.parametrize(
    ("header", "after_s"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param(email.utils.format_datetime(NOON + dt.timedelta(seconds=90), usegmt=True), 90.0, id="a date"),
        pytest.param(email.utils.format_datetime(NOON - dt.timedelta(hours=1), usegmt=True), 0.0, id="a date gone by"),
        pytest.param("999999999999", LONGEST_WAIT_S, id="for ever"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT_S, id="until the end of time"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="a word"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("\u00b2", None, id="a digit that is none"),
        pytest.param("", None, id="empty"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_to_wait_is_heeded(
    context: SinkContext, status: int, header: str, after_s: float | None
) -> None:
    trouble, _ = outcome(context, answering(status, retry_after=header))
    assert type(trouble) is TryAgain
    assert trouble.after_s == after_s


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(writing(b"\x00\xff garbage \r\n\r\n"), id="garbage"),
        pytest.param(writing(b"HTTP/1.1 abc What\r\n\r\n"), id="a status that is no number"),
        pytest.param(writing(b"HTTP/1.1 20000 OK\r\n\r\n"), id="a status of five digits"),
        pytest.param(writing(b"220 mail.example ESMTP\r\n"), id="a mail server"),
        pytest.param(writing(b""), id="closes without a word"),
        pytest.param(writing(b"HTTP/1.1 200 OK\r\nConte"), id="closes within the headers"),
        pytest.param(writing(OK_HEAD + b"half"), id="closes within a body of known length"),
        pytest.param(writing(CHUNKED_HEAD + b"5\r\nhel"), id="closes within a chunk"),
        pytest.param(writing(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 500_000), id="a header without end"),
    ],
)
def test_half_an_answer_proves_nothing(context: SinkContext, reply: Reply) -> None:
    trouble, receiver = outcome(context, reply)
    assert type(trouble) is TryAgain
    assert len(receiver.requests) == 1, "the runner tries again, not the sink by itself"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(hanging(), id="says nothing"),
        pytest.param(hanging(b"HTTP/1.1 200 OK\r\n"), id="stops within the headers"),
        pytest.param(hanging(OK_HEAD + b"half"), id="stops within the body"),
        pytest.param(hanging(b"HTTP/1.1 100 Continue\r\n\r\n"), id="only asks for more"),
    ],
)
def test_a_receiver_that_hangs_holds_nothing_up_for_longer_than_it_may(context: SinkContext, reply: Reply) -> None:
    trouble, _ = outcome(context, reply, timeout_s=0.2)
    assert type(trouble) is TryAgain
    assert "0.2 s" in trouble.reason


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", None, id="success"),
        pytest.param(b"HTTP/1.1 500 Oops\r\nContent-Length: 99999999999\r\n\r\n", TryAgain, id="a failure"),
    ],
)
def test_of_an_answer_without_end_only_the_beginning_is_read(
    context: SinkContext, head: bytes, expected: type[Trouble] | None
) -> None:
    trouble, _ = outcome(context, streaming_for_ever(head))
    assert type(trouble) is (expected or type(None))
    assert trouble is None or len(trouble.reason) < 400


def test_an_answer_that_unpacks_to_a_flood_stays_packed(context: SinkContext) -> None:
    packed = b"\x1f\x8b" + b"\x00" * 50
    head = b"HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    trouble, _ = outcome(context, writing(head + packed))
    assert type(trouble) is TryAgain
    assert "503" in trouble.reason


def test_what_a_receiver_says_cannot_forge_lines_of_a_log(context: SinkContext) -> None:
    trouble, _ = outcome(context, answering(500, "x\nERROR forged\x1b[31m\x00" + "y" * MOST_ANSWER_BYTES))
    assert trouble is not None
    assert trouble.reason.isprintable()
    assert len(trouble.reason) < 400


def test_connections_are_kept_between_events(context: SinkContext) -> None:
    trouble, receiver = outcome(context, answering(204), times=5)
    assert trouble is None
    assert (len(receiver.requests), receiver.connections) == (5, 1)


def test_a_receiver_that_closes_after_each_answer_loses_nothing(context: SinkContext) -> None:
    closing = writing(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    trouble, receiver = outcome(context, closing, times=3)
    assert trouble is None
    assert len(receiver.requests) == 3


def test_a_tls_handshake_that_hangs_is_given_up(context: SinkContext) -> None:
    async def scenario() -> None:
        async with rude_receiver(answering(200), reads=False) as receiver:
            sink = webhook(context, receiver.url.replace("http:", "https:"), timeout_s=0.2)
            with pytest.raises(TryAgain, match="/lineside"):
                await sink.deliver(told())
            await sink.close()

    asyncio.run(scenario())


def test_nobody_at_the_address_is_tried_again(context: SinkContext) -> None:
    async def scenario() -> None:
        async with rude_receiver(answering(200)) as receiver:
            url = receiver.url
        sink = webhook(context, url)
        with pytest.raises(TryAgain, match="/lineside"):
            await sink.deliver(told())
        await sink.close()
        await sink.close()

    asyncio.run(scenario())


def test_a_new_secret_in_the_file_counts_after_the_receiver_refused_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "mes.secret").write_text(SECRET)
    (tmp_path / "token").write_text("old-token")

    async def scenario(context: SinkContext) -> list[str]:
        async with rude_receiver(answering(401), answering(204)) as receiver:
            sink = webhook(context, receiver.url, bearer_file="token")
            await sink.open()
            with pytest.raises(PersonNeeded):
                await sink.deliver(told())
            (tmp_path / "token").write_text("new-token\n")
            await sink.deliver(told())
            await sink.close()
            assert len({request.headers["webhook-signature"] for request in receiver.requests}) == 1
            return [request.headers["authorization"] for request in receiver.requests]

    with sink_context(tmp_path) as context:
        assert asyncio.run(scenario(context)) == ["Bearer old-token", "Bearer new-token"]


def test_a_secret_that_vanished_calls_a_person(tmp_path: Path) -> None:
    (tmp_path / "mes.secret").write_text(SECRET)
    with sink_context(tmp_path) as context:
        sink = webhook(context, "http://127.0.0.1:9/x")
        (tmp_path / "mes.secret").unlink()
        with pytest.raises(PersonNeeded, match=r"mes\.secret"):
            asyncio.run(sink.open())


def test_no_proxy_of_the_environment_gets_to_see_a_message(
    context: SinkContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    trouble, receiver = outcome(context, answering(204))
    assert trouble is None
    assert len(receiver.requests) == 1


def test_a_check_delivers_nothing_and_finds_what_is_wrong(context: SinkContext) -> None:
    async def scenario(reply: Reply) -> RudeReceiver:
        async with rude_receiver(reply) as receiver:
            await webhook(context, receiver.url).check()
            return receiver

    received = asyncio.run(scenario(answering(405)))
    assert [(request.method, request.body) for request in received.requests] == [("OPTIONS", b"")]
    for status in (404, 410, 302):
        with pytest.raises(PersonNeeded):
            asyncio.run(scenario(answering(status)))
    with pytest.raises(TryAgain):
        asyncio.run(scenario(answering(503)))


def test_a_secret_never_shows_in_what_a_sink_says(context: SinkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    token = secrets.token_hex(8)
    monkeypatch.setitem(os.environ, "MES_TOKEN", token)
    sink = webhook(context, "http://127.0.0.1:9/x?code=hush", bearer_env="MES_TOKEN")
    with pytest.raises(TryAgain) as caught:
        asyncio.run(sink.deliver(told()))
    shown = f"{caught.value} {caught.value.__cause__!r} {sink._credentials!r}"
    assert token not in shown
    assert SECRET[6:] not in shown
    assert "hush" not in str(caught.value)
