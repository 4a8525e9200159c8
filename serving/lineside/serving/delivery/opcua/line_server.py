"""The OPC UA server of a plant: its stations as vision systems, open to trusted clients that log in."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from asyncua import Node, Server, ua
from sqlalchemy import Connection, func, select

from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.opcua.announcing import Announcer
from lineside.serving.delivery.opcua.found_results import ResultShelf
from lineside.serving.delivery.opcua.guard import GuardedServer
from lineside.serving.delivery.opcua.job_orders import StoredOrders
from lineside.serving.delivery.opcua.listening import BoundedServer
from lineside.serving.delivery.opcua.methods import Method, bind
from lineside.serving.delivery.opcua.order_methods import OrderMethods
from lineside.serving.delivery.opcua.result_methods import ResultMethods
from lineside.serving.delivery.opcua.result_values import ResultValues
from lineside.serving.delivery.opcua.settings import OpcUaSettings
from lineside.serving.delivery.opcua.station_methods import StationMethods
from lineside.serving.delivery.opcua.telling import SHOWN_TYPES, Teller, shows, stations_of
from lineside.serving.delivery.opcua.trust import TrustList
from lineside.serving.delivery.opcua.type_models import Models, load_models
from lineside.serving.delivery.opcua.users import UserBook
from lineside.serving.delivery.opcua.vision_system import VisionSystem, add_vision_system
from lineside.serving.delivery.secret_sources import path_from
from lineside.serving.ledger import Event
from lineside.serving.ledger.events import read_after
from lineside.serving.ledger.tables import events, stations

_POLICIES: Final = (
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
)
"""Nothing unencrypted, nothing only signed."""

_OF_SEVERAL_STATIONS: Final = frozenset({"chart_signal.v1"})
"""Types that may be told of several stations at once, or of one."""
_NOT_EACH_SHOWS: Final = frozenset({"chart_signal.v1", "order.v1"})
"""Types of which not every event is about what a station's variables show."""
_LOOKED_BACK: Final = 50
"""How many of these are looked at."""
_PRODUCT_URI: Final = "urn:lineside:product"
_LARGEST_MESSAGE_BYTES: Final = 4 * 1024 * 1024


class LineServer:
    """A started server. Make it with `start`.

    Args:
        server: asyncua's.
        guard: asyncua's inner server, ours.
        models: loaded into it.
        folder: of the stations.
        settings: from the delivery file.
        context: what it works with.
    """

    def __init__(
        self,
        server: BoundedServer,
        guard: GuardedServer,
        models: Models,
        folder: Node,
        *,
        settings: OpcUaSettings,
        context: SinkContext,
    ) -> None:
        self._server = server
        self._guard = guard
        self._models = models
        self._folder = folder
        self._settings = settings
        self._context = context
        self._values = ResultValues(models)
        self._shelf = ResultShelf(context.ledger)
        self._stored = StoredOrders(context.state_dir / "job_orders.json")
        self._announcer = Announcer(server, guard, models, context.clock)
        self._teller = Teller(self._announcer, self._shelf, self._values)
        self._systems: dict[str, VisionSystem] = {}

    @classmethod
    async def start(cls, settings: OpcUaSettings, context: SinkContext, *, application_uri: str) -> "LineServer":
        """Load the models, add the stations, listen.

        Args:
            settings: from the delivery file.
            context: what it works with.
            application_uri: what its certificate is made out to.

        Raises:
            OSError: it cannot listen there.
            LedgerUnavailable: the stations cannot be read.
        """
        guard = GuardedServer(
            users=UserBook(path_from(context.folder, settings.users_file)),
            trusted=TrustList(path_from(context.folder, settings.trusted_dir), rejected=context.state_dir / "rejected"),
            clock=context.clock,
            most_clients=settings.most_clients,
        )
        server = BoundedServer(guard)
        await _configure(server, settings, context, application_uri=application_uri)
        models = await load_models(server)
        folder = await server.nodes.objects.add_folder(
            ua.NodeId("/stations", models.own), ua.QualifiedName(context.plant, models.own)
        )
        line_server = cls(server, guard, models, folder, settings=settings, context=context)
        await line_server._begin()
        return line_server

    @property
    def endpoint(self) -> str:
        """Where it listens; with the port that it got where the settings leave that open."""
        parts = urlsplit(self._settings.endpoint)
        return f"opc.tcp://{parts.hostname}:{parts.port or self._server.port}{parts.path}"

    async def tell(self, event: Event) -> None:
        """Tell the clients of an event."""
        for station in stations_of(event):
            await self._teller.tell(await self._system_of(station), event)

    async def stop(self) -> None:
        """End every session and listen no more."""
        await self._guard.end_sessions()
        await self._server.stop()

    async def _begin(self) -> None:
        await self._announcer.prepare()
        for station in await self._context.ledger.read(self._stations):
            await self._system_of(station)
        await self._server.start()

    async def _system_of(self, station: str) -> VisionSystem:
        """A station's vision system, added where there is none yet."""
        found = self._systems.get(station)
        if found is not None:
            return found
        system = await add_vision_system(self._server, self._models, self._folder, station=station)
        await self._bind_methods(system)
        await system.quality.show(self._context.clock.now(), IsHeld=False, HoldReason="")
        for event in await self._context.ledger.read(lambda connection: self._last_events(connection, station)):
            await self._teller.show(system, event)
        self._systems[station] = system
        return system

    async def _bind_methods(self, system: VisionSystem) -> None:
        client, may = self._context.client, self._settings.may
        results = ResultMethods(system.station, self._shelf, self._values)
        station = StationMethods(system, client, self._values, may=may, sink=self._context.name)
        orders = OrderMethods(system, client, self._stored, is_allowed="orders" in may)
        groups: Sequence[tuple[Node, int, Mapping[str, Method]]] = (
            (system.results, self._models.vision, results.methods()),
            (system.recipes, self._models.vision, station.recipes()),
            (system.outer, self._models.vision, station.outer()),
            (system.inner, self._models.vision, station.inner()),
            (system.orders, self._models.jobs, orders.receiver()),
            (system.responses, self._models.jobs, orders.provider()),
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
            for place in (station, "") if event_type in _OF_SEVERAL_STATIONS else (station,):
                rows = connection.execute(
                    select(events.c.sequence)
                    .where(
                        events.c.plant == self._context.plant,
                        events.c.type == event_type,
                        # A bare column would let SQLite go through all events of the station for a rare type.
                        func.coalesce(events.c.station, "") == place,
                    )
                    .order_by(events.c.sequence.desc())
                    .limit(_LOOKED_BACK if event_type in _NOT_EACH_SHOWS else 1)
                )
                for row in rows:
                    (event,) = read_after(connection, self._context.plant, sequence=row.sequence - 1, limit=1)
                    if station in stations_of(event) and shows(event):
                        found.append(event)
                        break
        return sorted(found, key=lambda event: event.sequence)


async def _configure(server: Server, settings: OpcUaSettings, context: SinkContext, *, application_uri: str) -> None:
    server.limits.max_message_size = _LARGEST_MESSAGE_BYTES
    await server.init()
    await server.set_application_uri(application_uri)
    server.product_uri = _PRODUCT_URI
    server.set_server_name(f"Lineside {context.plant}")
    server.application_type = ua.ApplicationType.Server
    server.set_endpoint(settings.endpoint)
    server.set_security_policy(list(_POLICIES))
    server.set_identity_tokens([ua.UserNameIdentityToken])
    await server.load_certificate(str(path_from(context.folder, settings.certificate_file)))
    await server.load_private_key(str(path_from(context.folder, settings.private_key_file)))
