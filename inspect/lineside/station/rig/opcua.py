"""The station's side of a PLC's OPC UA server: encrypted, logged in, one service call for each block.

For verdicts whose deadline has room for tens of milliseconds; a reject pulse belongs on a fieldbus.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss, SecurityPolicyBasic256Sha256
from cryptography import x509

from lineside.client.secret_sources import path_from, read_secret
from lineside.station.rig.confirmations import ConfirmationReader
from lineside.station.rig.encoder_count import UnwrappedCount
from lineside.station.rig.errors import RigLost, RigMisconfigured, RigUnreadable
from lineside.station.rig.link import Link
from lineside.station.rig.opcua_nodes import INPUT_NODES, OUTPUT_NODES, inputs_from_values, outputs_to_values
from lineside.station.rig.protocol import Rig
from lineside.station.rig.records import Inputs, Outputs
from lineside.station.rig.register_map import InputsBlock, TornBlock
from lineside.station.rig.settings import OpcUaSettings, RigContext, RigSettings

_POLICIES: Final = {
    "Basic256Sha256": SecurityPolicyBasic256Sha256,
    "Aes256Sha256RsaPss": SecurityPolicyAes256Sha256RsaPss,
}
_MOST_READINGS: Final = 4


class _Session:
    """An open session with the nodes looked up once."""

    def __init__(self, client: Client, namespace: int, root: str) -> None:
        self.client = client
        self.inputs = [ua.NodeId(f"{root}.Inputs.{name}", namespace) for name, _ in INPUT_NODES]
        self.outputs = [ua.NodeId(f"{root}.Outputs.{name}", namespace) for name, _ in OUTPUT_NODES]


class OpcUaRig:
    """Nodes of a PLC's server.

    Args:
        settings: where they are.
        context: clock, and folder of the files that the settings name.

    Raises:
        RigMisconfigured: a certificate or the password is not where the settings say.
    """

    def __init__(self, settings: OpcUaSettings, context: RigContext) -> None:
        self._settings = settings
        self._folder = context.folder
        self._application_uri = _application_uri(path_from(context.folder, settings.certificate_file))
        _certificate(path_from(context.folder, settings.server_certificate_file))
        self._password = read_secret(
            file=settings.password_file,
            env=settings.password_env,
            folder=context.folder,
            what="the password for the PLC",
            error=RigMisconfigured,
            starter="the station",
        )
        self._encoder = UnwrappedCount()
        self._confirmations = ConfirmationReader()
        self._sequence = 0
        self.link: Link[_Session] = Link(
            f"the PLC at {settings.endpoint}",
            connect=self._connect,
            close=_close,
            broken=(ua.UaError, OSError, asyncio.IncompleteReadError, ValueError),
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            backoff=settings.backoff,
            clock=context.clock,
        )

    async def __aenter__(self) -> Self:
        """Get ready; the first `read` connects."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self.link.close()

    async def read(self) -> Inputs:
        """What the PLC says now.

        Raises:
            RigLost: not within the bound, or nothing that can be trusted.
        """
        block = await self.link.use(_read_block, may_connect=True)
        return replace(
            block.inputs,
            encoder=self._encoder.follow(block.inputs.encoder),
            confirmed=self._confirmations.fresh(block.ring),
        )

    async def write(self, outputs: Outputs) -> None:
        """Tell the PLC.

        Raises:
            RigLost: not within the bound; whether it arrived is not known.
        """
        self._sequence = (self._sequence + 1) & 0xFFFF
        values = [
            ua.DataValue(ua.Variant(value, ua.VariantType[kind]))
            for value, (_, kind) in zip(outputs_to_values(outputs, sequence=self._sequence), OUTPUT_NODES, strict=True)
        ]

        async def write_block(session: _Session) -> None:
            results = await session.client.uaclient.write_attributes(session.outputs, values, ua.AttributeIds.Value)
            for result, (name, _) in zip(results, OUTPUT_NODES, strict=True):
                if not result.is_good():
                    raise RigLost(f"the node Outputs.{name} was not written: {result.name}")

        await self.link.use(write_block, may_connect=False)

    async def _connect(self) -> _Session:
        settings = self._settings
        client = Client(settings.endpoint, timeout=settings.connect_timeout_s)
        client.name = "Lineside station"
        client.application_uri = self._application_uri
        client.set_user(settings.user)
        client.set_password(self._password)
        await client.set_security(
            _POLICIES[settings.policy],
            certificate=str(path_from(self._folder, settings.certificate_file)),
            private_key=str(path_from(self._folder, settings.private_key_file)),
            server_certificate=str(path_from(self._folder, settings.server_certificate_file)),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
        await client.connect()
        try:
            return _Session(client, await client.get_namespace_index(settings.namespace), settings.root)
        except BaseException:
            await _leave(client)
            raise


async def _read_block(session: _Session) -> InputsBlock:
    for _ in range(_MOST_READINGS - 1):
        try:
            return await _read_once(session)
        except TornBlock:
            await asyncio.sleep(0)
    return await _read_once(session)


async def _read_once(session: _Session) -> InputsBlock:
    found = await session.client.uaclient.read_attributes(session.inputs, ua.AttributeIds.Value)
    for value, (name, _) in zip(found, INPUT_NODES, strict=True):
        if not value.StatusCode.is_good() or value.Value is None:
            raise RigUnreadable(f"the node Inputs.{name} has no good value: {value.StatusCode.name}")
    return inputs_from_values([value.Value.Value for value in found])


async def _close(session: _Session) -> None:
    await _leave(session.client)


async def _leave(client: Client) -> None:
    try:
        await client.disconnect()
    finally:
        client.disconnect_socket()


def _application_uri(path: Path) -> str:
    """The station's own name in OPC UA: the server holds it against its certificate."""
    certificate = _certificate(path)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.UniformResourceIdentifier)[0]
    except (x509.ExtensionNotFound, IndexError) as error:
        raise RigMisconfigured(f"{path} names no application URI in its subject alternative name") from error


def _certificate(path: Path) -> x509.Certificate:
    try:
        content = path.read_bytes()
        is_pem = content.lstrip().startswith(b"-----BEGIN")
        return x509.load_pem_x509_certificate(content) if is_pem else x509.load_der_x509_certificate(content)
    except OSError as error:
        raise RigMisconfigured(f"cannot read the certificate {path}: {error.strerror}") from error
    except ValueError as error:
        raise RigMisconfigured(f"{path} holds no X.509 certificate, neither DER nor PEM") from error


def build(settings: RigSettings, context: RigContext) -> Rig:
    """Make the rig; nothing connects yet.

    Raises:
        RigMisconfigured: settings of another kind, or files that are not there.
    """
    if not isinstance(settings, OpcUaSettings):
        raise RigMisconfigured(f"settings of a {settings.kind!r} rig; expected opcua")
    return OpcUaRig(settings, context)
