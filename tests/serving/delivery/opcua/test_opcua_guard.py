"""Clients that try to get past the trust list; asyncua's own client, bent for it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, Server, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from lineside.serving.clock import SystemClock
from lineside.serving.delivery.opcua.guard import GuardedServer
from lineside.serving.delivery.opcua.trust import TrustList
from lineside.serving.delivery.opcua.users import UserBook
from opcua_client import Identity, client_identity
from opcua_line import OPERATOR, write_opcua_files

pytestmark = pytest.mark.system


async def _client(url: str, folder: Path, identity: Identity) -> Client:
    client = Client(url, timeout=20)
    client.application_uri = identity.uri
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        certificate=str(identity.certificate),
        private_key=str(identity.key),
        server_certificate=str(folder / "server.der"),
    )
    client.set_user(OPERATOR[0])
    client.set_password(OPERATOR[1])
    return client


def _against_a_guarded_server(folder: Path, attempt: Callable[[str], Awaitable[None]]) -> None:
    """Run an attempt against a server with our guard, without the models, which it does not need."""

    async def run() -> None:
        guard = GuardedServer(
            users=UserBook(folder / "users.json"),
            trusted=TrustList(folder / "trusted"),
            clock=SystemClock(),
            most_clients=5,
        )
        server = Server(iserver=guard)
        await server.init()
        await server.set_application_uri("urn:test:lineside")
        server.set_endpoint("opc.tcp://127.0.0.1:0/lineside")
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        server.set_identity_tokens([ua.UserNameIdentityToken])
        await server.load_certificate(str(folder / "server.der"))
        await server.load_private_key(str(folder / "server.key.pem"))
        await server.start()
        try:
            port = server.bserver._server.sockets[0].getsockname()[1]
            await attempt(f"opc.tcp://127.0.0.1:{port}/lineside")
        finally:
            await guard.end_sessions()
            await server.stop()

    asyncio.run(run())


def test_a_stranger_who_names_no_certificate_in_its_session_is_still_held_against_its_channels(tmp_path: Path) -> None:
    write_opcua_files(tmp_path)
    stranger = client_identity(tmp_path / "stranger", uri="urn:test:stranger")
    attempts: list[str] = []

    async def attempt(url: str) -> None:
        client = await _client(url, tmp_path, stranger)
        original = client.uaclient.create_session

        async def silent(parameters: Any) -> Any:
            parameters.ClientCertificate = None
            return await original(parameters)

        client.uaclient.create_session = silent
        await client.connect_socket()
        await client.send_hello()
        await client.open_secure_channel()
        await client.create_session()
        attempts.append("has a session")
        with pytest.raises(ua.UaStatusCodeError) as refusal:
            await client.activate_session(username=OPERATOR[0], password=OPERATOR[1])
        attempts.append(ua.StatusCode(refusal.value.code).name)
        await client.close_secure_channel()
        client.disconnect_socket()

    _against_a_guarded_server(tmp_path, attempt)
    assert attempts == ["has a session", "BadCertificateUntrusted"]


def test_a_trusted_certificate_of_another_application_is_refused(tmp_path: Path) -> None:
    trusted = write_opcua_files(tmp_path)
    refused: list[str] = []

    async def attempt(url: str) -> None:
        client = await _client(url, tmp_path, trusted)
        client.application_uri = "urn:test:another"
        with pytest.raises(ua.UaStatusCodeError) as refusal:
            await client.connect()
        refused.append(ua.StatusCode(refusal.value.code).name)

    _against_a_guarded_server(tmp_path, attempt)
    assert refused == ["BadCertificateUriInvalid"]
