"""Clients that try to get past the guard; asyncua's own client, bent for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from lineside.serving.clock import SystemClock
from lineside.serving.delivery.opcua.guard import GuardedServer
from lineside.serving.delivery.opcua.listening import BoundedServer
from lineside.serving.delivery.opcua.trust import TrustList
from lineside.serving.delivery.opcua.users import UserBook
from opcua_client import Identity, client_identity
from opcua_line import OPERATOR, write_opcua_files

pytestmark = pytest.mark.system

SERVER_TIME = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)


@dataclass
class Guarded:
    """A server with our guard, without the models, which it does not need; it serves while `run` runs."""

    runner: asyncio.Runner
    guard: GuardedServer
    server: BoundedServer
    folder: Path
    trusted: Identity
    stranger: Identity

    def run(self, attempt: Callable[[], Awaitable[None]]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(120.0):
                await attempt()

        self.runner.run(bounded())

    async def client(self, identity: Identity) -> Client:
        client = Client(f"opc.tcp://127.0.0.1:{self.server.port}/lineside", timeout=20)
        client.application_uri = identity.uri
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            certificate=str(identity.certificate),
            private_key=str(identity.key),
            server_certificate=str(self.folder / "server.der"),
        )
        client.set_user(OPERATOR[0])
        client.set_password(OPERATOR[1])
        return client

    async def channel(self, identity: Identity) -> Client:
        """A client with an encrypted channel and no session."""
        client = await self.client(identity)
        await client.connect_socket()
        await client.send_hello()
        await client.open_secure_channel()
        return client


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    trusted = write_opcua_files(folder)
    stranger = client_identity(folder / "stranger", uri="urn:test:stranger")
    guard = GuardedServer(
        users=UserBook(folder / "users.json"),
        trusted=TrustList(folder / "trusted"),
        clock=SystemClock(),
        most_clients=20,
    )
    server = BoundedServer(guard)

    async def start() -> None:
        await server.init()
        await server.set_application_uri("urn:test:lineside")
        server.set_endpoint("opc.tcp://127.0.0.1:0/lineside")
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        server.set_identity_tokens([ua.UserNameIdentityToken])
        await server.load_certificate(str(folder / "server.der"))
        await server.load_private_key(str(folder / "server.key.pem"))
        await server.start()

    async def stop() -> None:
        await guard.end_sessions()
        await server.stop()

    with asyncio.Runner() as runner:
        runner.run(start())
        try:
            yield Guarded(runner, guard, server, folder, trusted, stranger)
        finally:
            runner.run(stop())


def _leave(client: Client) -> Awaitable[None]:
    async def leave() -> None:
        await client.close_secure_channel()
        client.disconnect_socket()

    return leave()


def _name(refusal: pytest.ExceptionInfo[ua.UaStatusCodeError]) -> str:
    return str(ua.StatusCode(refusal.value.code).name)


def test_a_stranger_who_names_no_certificate_in_its_session_is_still_held_against_its_channels(
    guarded: Guarded,
) -> None:
    async def attempt() -> None:
        client = await guarded.channel(guarded.stranger)
        original = client.uaclient.create_session

        async def silent(parameters: Any) -> Any:
            parameters.ClientCertificate = None
            return await original(parameters)

        client.uaclient.create_session = silent
        await client.create_session()
        with pytest.raises(ua.UaStatusCodeError) as refusal:
            await client.activate_session(username=OPERATOR[0], password=OPERATOR[1])
        assert _name(refusal) == "BadCertificateUntrusted"
        await _leave(client)

    guarded.run(attempt)


def test_a_trusted_certificate_of_another_application_is_refused(guarded: Guarded) -> None:
    async def attempt() -> None:
        client = await guarded.client(guarded.trusted)
        client.application_uri = "urn:test:another"
        with pytest.raises(ua.UaStatusCodeError) as refusal:
            await client.connect()
        assert _name(refusal) == "BadCertificateUriInvalid"

    guarded.run(attempt)


def test_a_stranger_cannot_take_over_a_session_by_guessing_its_token(guarded: Guarded) -> None:
    """asyncua's tokens count up from 1000, and naming one gives the session before signature and login are seen."""

    async def attempt() -> None:
        owner = await guarded.client(guarded.trusted)
        stranger = await guarded.channel(guarded.stranger)
        async with owner:
            token = owner.uaclient.protocol.authentication_token
            assert len(token.Identifier) == 32
            for guess in range(1000, 1050):
                stranger.uaclient.protocol.authentication_token = ua.NodeId(guess)
                signed = ua.ActivateSessionParameters(UserIdentityToken=ua.UserNameIdentityToken())
                signed.ClientSignature = ua.SignatureData(Algorithm="none", Signature=bytes(384))
                with pytest.raises(ua.UaStatusCodeError) as refusal:
                    await stranger.uaclient.activate_session(signed)
                assert _name(refusal) == "BadSessionIdInvalid"
            with pytest.raises(ua.UaError):
                await stranger.get_node(SERVER_TIME).read_value()
            await owner.get_node(SERVER_TIME).read_value()
        await _leave(stranger)

    guarded.run(attempt)


def test_sessions_that_nobody_logs_in_to_do_not_add_up(guarded: Guarded) -> None:
    async def attempt() -> None:
        client = await guarded.channel(guarded.stranger)
        for _ in range(150):
            with pytest.raises(ua.UaStatusCodeError):
                await client.create_session()
        assert len(guarded.guard._external_sessions) <= 100
        await _leave(client)

    guarded.run(attempt)


def test_nobody_puts_a_server_into_what_clients_are_told(guarded: Guarded) -> None:
    async def attempt() -> None:
        client = await guarded.channel(guarded.stranger)
        with pytest.raises((ua.UaStatusCodeError, ServiceError)):
            await client.uaclient.register_server(
                ua.RegisteredServer(ServerUri="urn:test:other", ServerNames=[ua.LocalizedText("other")])
            )
        assert [found.ApplicationUri for found in await client.uaclient.find_servers(ua.FindServersParameters())] == [
            "urn:test:lineside"
        ]
        await _leave(client)

    guarded.run(attempt)


def test_a_message_larger_than_any_may_be_ends_its_connection(guarded: Guarded) -> None:
    async def attempt() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", guarded.server.port)
        writer.write(b"HELF" + (4_000_000_000).to_bytes(4, "little"))

        async def go_on() -> None:
            for _ in range(1000):
                writer.write(bytes(65536))
                await writer.drain()
            await reader.readexactly(1)

        with pytest.raises(OSError):  # noqa: PT011 - reset or broken, as the moment has it
            await go_on()
        writer.close()

    guarded.run(attempt)


def test_a_subscription_that_asks_for_what_no_event_has_keeps_nothing_from_the_others(guarded: Guarded) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    class Listener:
        def event_notification(self, event: Any) -> None:
            heard.put_nowait(event.Message.Text)

    async def attempt() -> None:
        async with await guarded.client(guarded.trusted) as client:
            spoilt = await client.create_subscription(0, Listener())
            odd = ua.EventFilter(SelectClauses=[ua.SimpleAttributeOperand(BrowsePath=[ua.QualifiedName("data_types")])])
            odd.SelectClauses[0].AttributeId = ua.AttributeIds.Value
            await spoilt.subscribe_events(evfilter=odd)
            good = await client.create_subscription(0, Listener())
            await good.subscribe_events()
            generator = await guarded.server.get_event_generator()
            event = generator.event
            event.emitting_node = ua.NodeId(ua.ObjectIds.Server)
            for said in ("first", "second"):
                event.EventId, event.Message = said.encode(), ua.LocalizedText(said)
                await guarded.guard.send_event(event)
            assert [await heard.get(), await heard.get()] == ["first", "second"]
            assert list(guarded.guard.subscription_service.subscriptions) == [good.subscription_id]

    guarded.run(attempt)
