"""The line as an OPC UA server: a sink that offers every event, and the results again to whoever missed them."""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog
from asyncua import ua
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import PersonNeeded, SinkMisconfigured, TryAgain
from lineside.serving.delivery.opcua.certificates import CertificateRefused, application_uri_of, read_certificate
from lineside.serving.delivery.opcua.line_server import LineServer
from lineside.serving.delivery.opcua.settings import OpcUaSettings
from lineside.serving.delivery.opcua.users import UserBook, UsersFileRefused
from lineside.serving.delivery.secret_sources import path_from
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Proof
from lineside.serving.ledger import Event, LedgerError

_log = structlog.get_logger(__name__)

_CLOSE_WITHIN_S: Final = 4.0


def build(settings: SinkSettings, context: SinkContext) -> "OpcUaSink":
    """Make the sink; nothing listens yet.

    Raises:
        SinkMisconfigured: the settings are another kind's.
    """
    if not isinstance(settings, OpcUaSettings):
        raise SinkMisconfigured(f"settings of kind {settings.kind!r}; expected 'opcua'")
    # asyncua writes a line, or the way through its code, for each thing that anybody does wrong who reaches the port;
    # what matters of that is logged by the guard. What a method of ours fails at is said below "address_space".
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    logging.getLogger("asyncua.server.address_space").setLevel(logging.ERROR)
    return OpcUaSink(settings, context)


class OpcUaSink:
    """One OPC UA server.

    What is delivered is offered to whoever is subscribed at that moment; a client that was away asks for the results
    that it missed (`GetResultListFiltered`), which come from the ledger.

    Args:
        settings: from the delivery file.
        context: what it works with.
    """

    def __init__(self, settings: OpcUaSettings, context: SinkContext) -> None:
        self._settings = settings
        self._context = context
        self._open: LineServer | None = None

    @property
    def proof(self) -> Proof:
        """Whoever missed a result can ask for it again."""
        return Proof.RECOVERABLE

    @property
    def lanes(self) -> int:
        """Events are handed to subscriptions in memory: nothing is gained by more than one at once."""
        return 1

    @property
    def endpoint(self) -> str:
        """Where clients find it."""
        return self._settings.endpoint if self._open is None else self._open.endpoint

    async def check(self) -> None:
        """Look at certificate, key and users; another server may listen meanwhile.

        Raises:
            PersonNeeded: one of them does not do.
        """
        self._application_uri()

    async def open(self) -> None:
        """Load the models, add the stations, listen.

        Raises:
            PersonNeeded: the certificate, its key or the users' file does not do.
            TryAgain: the port is taken, or the ledger cannot be read.
        """
        application_uri = self._application_uri()
        try:
            # First: to load the models takes seconds of work, which a port that is taken would have done in vain.
            await asyncio.to_thread(_require_free, self._settings.endpoint)
            self._open = await LineServer.start(self._settings, self._context, application_uri=application_uri)
        except OSError as error:
            raise TryAgain(f"cannot listen at {self._settings.endpoint}: {error.strerror or error}") from error
        except LedgerError as error:
            raise TryAgain(str(error)) from error

    async def deliver(self, event: Event) -> None:
        """Offer one event.

        Raises:
            TryAgain: the server is not open, or the ledger cannot be read.
        """
        if self._open is None:
            raise TryAgain("the OPC UA server is not open")
        try:
            await self._open.tell(event)
        except LedgerError as error:
            raise TryAgain(str(error)) from error

    async def close(self) -> None:
        """Stop listening."""
        server, self._open = self._open, None
        if server is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await server.stop()
        except (TimeoutError, OSError, ua.UaError) as error:
            _log.warning("opcua_close_failed", sink=self._context.name, error=type(error).__name__)

    def _application_uri(self) -> str:
        """What the certificate is made out to, once certificate, key and users are seen to do.

        Raises:
            PersonNeeded: they do not.
        """
        try:
            certificate = read_certificate(self._path(self._settings.certificate_file))
            uri = application_uri_of(certificate)
            names = UserBook(self._path(self._settings.users_file)).names()
        except (CertificateRefused, UsersFileRefused) as error:
            raise PersonNeeded(str(error), "see `lineside opcua --help`") from error
        if certificate.not_valid_after_utc < self._context.clock.now():
            raise PersonNeeded(
                f"the OPC UA server's certificate ended at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
                "make a new one with `lineside opcua certificate` and give it to the clients",
            )
        if self._key() != certificate.public_key():
            raise PersonNeeded(
                f"{self._settings.private_key_file} is another certificate's key",
                f"name the key that was made with {self._settings.certificate_file}",
            )
        if not names:
            raise PersonNeeded("nobody may log in to the OPC UA server", "add somebody with `lineside opcua user`")
        return uri

    def _key(self) -> object:
        """The public half of the private key."""
        try:
            content = self._path(self._settings.private_key_file).read_bytes()
            return load_pem_private_key(content, password=None).public_key()
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise PersonNeeded(
                f"the private key {self._settings.private_key_file} cannot be used ({type(error).__name__})",
                "make certificate and key with `lineside opcua certificate`",
            ) from error

    def _path(self, written: str) -> Path:
        return path_from(self._context.folder, written)


def _require_free(endpoint: str) -> None:
    """Listen there for a moment.

    Raises:
        OSError: one cannot.
    """
    parts = urlsplit(endpoint)
    family = socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET
    socket.create_server((parts.hostname or "", parts.port or 0), family=family).close()
