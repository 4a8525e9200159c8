"""The line as an OPC UA server: a sink that offers every event, and the results again to whoever missed them."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from asyncua import Node, Server, ua
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import Connection, func, select

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.errors import PersonNeeded, SinkMisconfigured, TryAgain
from lineside.serving.delivery.opcua.announcing import Announcer
from lineside.serving.delivery.opcua.certificates import CertificateRefused, application_uri_of, read_certificate
from lineside.serving.delivery.opcua.found_results import ResultShelf
from lineside.serving.delivery.opcua.guard import GuardedServer
from lineside.serving.delivery.opcua.job_orders import StoredOrders
from lineside.serving.delivery.opcua.methods import Method, bind
from lineside.serving.delivery.opcua.order_methods import OrderMethods
from lineside.serving.delivery.opcua.result_methods import ResultMethods
from lineside.serving.delivery.opcua.result_values import ResultValues
from lineside.serving.delivery.opcua.settings import OpcUaSettings
from lineside.serving.delivery.opcua.station_methods import StationMethods
from lineside.serving.delivery.opcua.telling import SHOWN_TYPES, Teller, stations_of
from lineside.serving.delivery.opcua.trust import TrustList
from lineside.serving.delivery.opcua.type_models import Models, load_models
from lineside.serving.delivery.opcua.users import UserBook, UsersFileRefused
from lineside.serving.delivery.opcua.vision_system import VisionSystem, add_vision_system
from lineside.serving.delivery.secret_sources import path_from
from lineside.serving.delivery.settings import SinkSettings
from lineside.serving.delivery.sinks import Proof
from lineside.serving.ledger import Event
from lineside.serving.ledger.events import read_after
from lineside.serving.ledger.tables import events, stations

_log = logging.getLogger("lineside.delivery.opcua")

_POLICIES: Final = (
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
)
"""Nothing unencrypted, nothing only signed."""

_PRODUCT_URI: Final = "urn:lineside:product"
_CLOSE_WITHIN_S: Final = 4.0
_LARGEST_MESSAGE_BYTES: Final = 4 * 1024 * 1024


def build(settings: SinkSettings, context: SinkContext) -> "OpcUaSink":
    """Make the sink; nothing listens yet.

    Raises:
        SinkMisconfigured: the settings are another kind's.
    """
    if not isinstance(settings, OpcUaSettings):
        raise SinkMisconfigured(f"settings of kind {settings.kind!r}; expected 'opcua'")
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
        self._server: Server | None = None
        self._guard: GuardedServer | None = None
        self._models: Models | None = None
        self._folder: Node | None = None
        self._teller: Teller | None = None
        self._systems: dict[str, VisionSystem] = {}
        self._stored = StoredOrders(context.state_dir / "job_orders.json")

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
        """Where it listens; with the port that it got where the settings leave that open."""
        parts = urlsplit(self._settings.endpoint)
        port = parts.port
        if port == 0 and self._server is not None and self._server.bserver is not None:
            port = self._server.bserver._server.sockets[0].getsockname()[1]
        return f"opc.tcp://{parts.hostname}:{port}{parts.path}"

    async def check(self) -> None:
        """Look at certificate, key, users and trusted clients; another server may listen meanwhile.

        Raises:
            PersonNeeded: one of them does not do.
        """
        self._require_files()

    async def open(self) -> None:
        """Load the models, add the stations, listen.

        Raises:
            PersonNeeded: the certificate, its key or the users' file does not do.
            TryAgain: the port is taken.
        """
        application_uri = self._require_files()
        try:
            await self._start(application_uri)
        except OSError as error:
            await self.close()
            raise TryAgain(f"cannot listen at {self._settings.endpoint}: {error.strerror or error}") from error
        except BaseException:
            await self.close()
            raise

    async def deliver(self, event: Event) -> None:
        """Offer one event."""
        if self._teller is None:
            raise TryAgain("the OPC UA server is not open")
        for station in stations_of(event):
            system = await self._system_of(station)
            await self._teller.tell(system, event)

    async def close(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        self._teller = None
        self._systems.clear()
        if server is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await server.stop()
        except (TimeoutError, OSError, ua.UaError) as error:
            _log.warning("the OPC UA server did not end as it should: %s", type(error).__name__)

    def _require_files(self) -> str:
        """Look at the files; gives the application URI of the certificate."""
        try:
            certificate = read_certificate(self._path(self._settings.certificate_file))
            key = load_pem_private_key(self._path(self._settings.private_key_file).read_bytes(), password=None)
            if key.public_key() != certificate.public_key():
                raise CertificateRefused(f"{self._settings.private_key_file} is another certificate's key")
            names = UserBook(self._path(self._settings.users_file)).names()
            uri = application_uri_of(certificate)
        except (CertificateRefused, UsersFileRefused) as error:
            raise PersonNeeded(str(error), "see `lineside opcua --help`") from error
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise PersonNeeded(
                f"the private key {self._settings.private_key_file} cannot be used ({type(error).__name__})",
                "make certificate and key with `lineside opcua certificate`",
            ) from error
        if not names:
            raise PersonNeeded("nobody may log in to the OPC UA server", "add somebody with `lineside opcua user`")
        if certificate.not_valid_after_utc < self._context.clock.now():
            raise PersonNeeded(
                f"the OPC UA server's certificate ended at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
                "make a new one with `lineside opcua certificate` and give it to the clients",
            )
        return uri

    async def _start(self, application_uri: str) -> None:
        settings = self._settings
        guard = GuardedServer(
            users=UserBook(self._path(settings.users_file)),
            trusted=TrustList(self._path(settings.trusted_dir), rejected=self._context.state_dir / "rejected"),
            clock=self._context.clock,
            most_clients=settings.most_clients,
        )
        server = Server(iserver=guard)
        self._server, self._guard = server, guard
        server.limits.max_message_size = _LARGEST_MESSAGE_BYTES
        await server.init()
        await server.set_application_uri(application_uri)
        server.product_uri = _PRODUCT_URI
        server.set_server_name(f"Lineside {self._context.plant}")
        server.application_type = ua.ApplicationType.Server
        server.set_endpoint(settings.endpoint)
        server.set_security_policy(list(_POLICIES))
        server.set_identity_tokens([ua.UserNameIdentityToken])
        await server.load_certificate(str(self._path(settings.certificate_file)))
        await server.load_private_key(str(self._path(settings.private_key_file)))
        self._models = await load_models(server)
        self._folder = await server.nodes.objects.add_folder(
            ua.NodeId("Lineside", self._models.own), ua.QualifiedName(self._context.plant, self._models.own)
        )
        announcer = Announcer(server, self._models, self._context.clock)
        await announcer.prepare()
        values = ResultValues(self._models)
        self._teller = Teller(server, announcer, ResultShelf(self._context.ledger), values)
        for station in await self._context.ledger.read(self._stations):
            await self._system_of(station)
        await server.start()

    async def _system_of(self, station: str) -> VisionSystem:
        """A station's vision system, added where there is none yet."""
        found = self._systems.get(station)
        if found is not None:
            return found
        if self._server is None or self._models is None or self._teller is None:
            raise TryAgain("the OPC UA server is not open")
        system = await add_vision_system(self._server, self._models, self._folder, station=station, name=station)
        await self._bind_methods(system)
        await system.quality.show(self._context.clock.now(), IsHeld=False, HoldReason="")
        for event in await self._context.ledger.read(lambda connection: self._last_events(connection, station)):
            await self._teller.show(system, event)
        self._systems[station] = system
        return system

    async def _bind_methods(self, system: VisionSystem) -> None:
        values = ResultValues(self._models)
        client, may = self._context.client, self._settings.may
        results = ResultMethods(system.station, ResultShelf(self._context.ledger), values)
        station = StationMethods(system, self._models, client, values, may=may, sink=self._context.name)
        orders = OrderMethods(system, client, self._stored, is_allowed="orders" in may)
        vision, jobs = self._models.vision, self._models.jobs
        groups: Sequence[tuple[Node, int, dict[str, Method]]] = (
            (system.results, vision, dict(results.methods())),
            (system.recipes, vision, dict(station.recipes())),
            (system.outer, vision, dict(station.outer())),
            (system.inner, vision, dict(station.inner())),
            (system.orders, jobs, dict(orders.receiver())),
            (system.responses, jobs, dict(orders.provider())),
        )
        for parent, namespace, methods in groups:
            for name, method in methods.items():
                node = await parent.get_child([f"{namespace}:{name}"])
                await bind(self._server, self._guard, node, method, timeout_s=self._settings.method_timeout_s)
        await orders.begin()

    def _stations(self, connection: Connection) -> Sequence[str]:
        query = select(stations.c.id, stations.c.line).where(stations.c.plant == self._context.plant)
        wanted = self._settings.filter.to_record()
        return [
            row.id
            for row in connection.execute(query.order_by(stations.c.id))
            if (not wanted.stations or row.id in wanted.stations) and (not wanted.lines or row.line in wanted.lines)
        ]

    def _last_events(self, connection: Connection, station: str) -> Sequence[Event]:
        """The last event of each type that a station's variables show, oldest first."""
        found: list[Event] = []
        for event_type in SHOWN_TYPES:
            last = connection.execute(
                select(func.max(events.c.sequence)).where(
                    events.c.plant == self._context.plant, events.c.station == station, events.c.type == event_type
                )
            ).scalar_one()
            if last is not None:
                found += read_after(connection, self._context.plant, sequence=last - 1, limit=1)
        return sorted(found, key=lambda event: event.sequence)

    def _path(self, written: str) -> Path:
        return path_from(self._context.folder, written)
