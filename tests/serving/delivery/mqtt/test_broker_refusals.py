"""What stops us at a real mosquitto's door, and whether a person must act."""

import asyncio
import base64
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certificates import Authority
from lineside.serving.delivery.errors import ConnectionLost, PersonNeeded, Trouble, TryAgain
from lineside.serving.delivery.mqtt.addresses import BrokerAddress, TlsFiles
from lineside.serving.delivery.mqtt.messages import Message
from lineside.serving.delivery.mqtt.refusals import refusal
from lineside.serving.delivery.mqtt.session import Session
from mosquitto import Mosquitto, running_mosquitto

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "plant")


@pytest.fixture(scope="module")
def tls_broker(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Mosquitto]:
    """Speaks TLS alone, and asks for a client certificate of the plant's authority."""
    pair = authority.sign("broker")
    lines = (
        "allow_anonymous true",
        f"cafile {authority.file}",
        f"certfile {pair.certificate}",
        f"keyfile {pair.key}",
        "require_certificate true",
    )
    with running_mosquitto(tmp_path_factory.mktemp("tls"), *lines) as broker:
        yield broker


@pytest.fixture(scope="module")
def login_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Asks for a user."""
    folder = tmp_path_factory.mktemp("login")
    # mosquitto's own format: PBKDF2-SHA512 of the password "right", as `mosquitto_passwd` writes it
    (folder / "users").write_text(_password_line("lineside", "right"))
    lines = ("allow_anonymous false", f"password_file {folder / 'users'}")
    with running_mosquitto(folder, *lines) as broker:
        yield broker


def _password_line(user: str, password: str) -> str:
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def at(broker: Mosquitto, **more: object) -> BrokerAddress:
    return replace(BrokerAddress("127.0.0.1", broker.port, timeout_s=5.0), **more)  # type: ignore[arg-type]  # test


def trouble_with(address: BrokerAddress) -> Trouble:
    async def connect() -> None:
        session = await Session.connect(address, client_id="door")
        await session.close()

    with pytest.raises(Trouble) as trouble:
        asyncio.run(connect())
    assert "right" not in trouble.value.reason
    return trouble.value


def test_with_the_right_certificates_it_lets_us_in(tls_broker: Mosquitto, authority: Authority) -> None:
    ours = authority.sign("sink")

    async def connect() -> None:
        address = at(tls_broker, tls=TlsFiles(authority.file, ours.certificate, ours.key))
        session = await Session.connect(address, client_id="door")
        await session.publish(Message("a", b"b" * 50_000, qos=1))
        await session.close()

    asyncio.run(connect())


def test_a_broker_that_wants_tls_says_so(tls_broker: Mosquitto) -> None:
    trouble = trouble_with(at(tls_broker))
    assert isinstance(trouble, PersonNeeded)
    assert "wants TLS" in trouble.reason
    assert "tls:" in trouble.what_to_do


def test_a_missing_client_certificate_is_named(tls_broker: Mosquitto, authority: Authority) -> None:
    trouble = trouble_with(at(tls_broker, tls=TlsFiles(authority.file)))
    assert isinstance(trouble, PersonNeeded)
    assert "client certificate" in trouble.reason


def test_a_broker_whose_certificate_we_do_not_believe(tls_broker: Mosquitto, tmp_path: Path) -> None:
    trouble = trouble_with(at(tls_broker, tls=TlsFiles(Authority(tmp_path, "stranger").file)))
    assert isinstance(trouble, PersonNeeded)
    assert "not believed" in trouble.reason


def test_a_broker_under_another_name_than_its_certificates(tls_broker: Mosquitto, authority: Authority) -> None:
    trouble = trouble_with(at(tls_broker, host="localhost", tls=TlsFiles(authority.file)))
    assert isinstance(trouble, PersonNeeded)
    assert "localhost" in trouble.reason


def test_a_broker_that_speaks_no_tls(login_broker: Mosquitto, authority: Authority) -> None:
    trouble = trouble_with(at(login_broker, tls=TlsFiles(authority.file)))
    assert isinstance(trouble, PersonNeeded | TryAgain)  # it closes, which a broken line does as well
    assert str(login_broker.port) in trouble.reason
    assert "TLS" in trouble.reason


@pytest.mark.parametrize("written", [None, b"no certificate"])
def test_a_certificate_file_that_is_none_is_named(tls_broker: Mosquitto, tmp_path: Path, written: bytes | None) -> None:
    path = tmp_path / "ca.crt"
    if written is not None:
        path.write_bytes(written)
    trouble = trouble_with(at(tls_broker, tls=TlsFiles(path)))
    assert isinstance(trouble, PersonNeeded)
    assert "ca.crt" in trouble.reason


@pytest.mark.parametrize(("user", "password"), [(None, None), ("lineside", "wrong"), ("nobody", "right")])
def test_a_broker_that_does_not_know_us_needs_a_person(
    login_broker: Mosquitto, user: str | None, password: str | None
) -> None:
    trouble = trouble_with(at(login_broker, user=user, password=password))
    assert isinstance(trouble, PersonNeeded)
    assert "password_file" in trouble.what_to_do


def test_a_topic_that_we_may_not_hear_needs_a_person() -> None:
    """mosquitto grants every subscription and then passes nothing on; other brokers refuse, as this one does."""

    async def subscribe(port: int) -> None:
        session = await Session.connect(BrokerAddress("127.0.0.1", port, timeout_s=5.0), client_id="door")
        with pytest.raises(PersonNeeded, match="subscribe to closed/a"):
            await session.subscribe("closed/a")
        await session.close()

    def serve(listening: socket.socket) -> None:
        door, _ = listening.accept()
        with door:
            door.recv(1024)
            door.sendall(b"\x20\x02\x00\x00")  # CONNACK: welcome
            subscription = door.recv(1024)
            door.sendall(b"\x90\x03" + subscription[2:4] + b"\x80")  # SUBACK: failure
            door.recv(1024)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        asyncio.run(subscribe(listening.getsockname()[1]))


def test_a_broker_that_is_not_there_is_tried_again() -> None:
    trouble = trouble_with(BrokerAddress("127.0.0.1", 9, timeout_s=2.0))
    assert isinstance(trouble, TryAgain)
    assert not isinstance(trouble, ConnectionLost)
    assert "cannot be reached" in trouble.reason


def test_a_name_that_nobody_knows_is_tried_again() -> None:
    assert isinstance(trouble_with(BrokerAddress("broker.invalid", 1883, timeout_s=2.0)), TryAgain)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda door: door.close(), id="closes"),
        pytest.param(lambda door: door.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="speaks something else"),
        pytest.param(lambda _door: None, id="hangs"),
    ],
)
def test_whatever_is_no_broker_is_tried_again(answer: Callable[[socket.socket], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        doors: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    door, _ = listening.accept()
                except OSError:
                    return
                doors.append(door)
                try:
                    door.recv(64)
                    answer(door)
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        trouble = trouble_with(BrokerAddress("127.0.0.1", listening.getsockname()[1], timeout_s=0.5))
        for door in doors:
            door.close()
    assert isinstance(trouble, TryAgain)


@pytest.mark.parametrize(("code", "kind"), [(132, PersonNeeded), (133, PersonNeeded), (136, TryAgain), (151, TryAgain)])
def test_refusals_are_told_apart(code: int, kind: type[Trouble]) -> None:
    assert isinstance(refusal(BrokerAddress("b", 1), code, "words"), kind)


def test_a_second_client_of_the_same_id_throws_us_out_and_we_notice(login_broker: Mosquitto) -> None:
    address = at(login_broker, user="lineside", password="right")  # noqa: S106

    async def meet() -> None:
        first = await Session.connect(address, client_id="same")
        second = await Session.connect(address, client_id="same")
        with pytest.raises(ConnectionLost):
            await asyncio.gather(*(first.publish(Message("open/a", b"", qos=1)) for _ in range(3)), first.confirm())
        assert not first.is_alive
        await second.publish(Message("open/a", b"", qos=1))
        await second.close()
        await first.close()

    asyncio.run(meet())


def test_the_password_is_never_shown() -> None:
    assert "right" not in repr(BrokerAddress("b", 1, user="u", password="right"))  # noqa: S106
