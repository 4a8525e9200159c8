"""A line and a MES that know each other: a real server, the receiver on a real socket, and a webhook between them."""

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from lineside.client import LinesideClient
from lineside.serving.clock import SystemClock
from lineside.serving.delivery import SinkContext
from lineside.serving.delivery.filters import EventFilter
from lineside.serving.delivery.station_lines import StationLines
from lineside.serving.delivery.webhook.settings import WebhookSettings
from lineside.serving.delivery.webhook.sink import build
from lineside.serving.languages import Language
from lineside.serving.security import Role
from lineside.workflows.mes_receiver.access import PageAccess
from lineside.workflows.mes_receiver.app import create_receiver
from lineside.workflows.mes_receiver.line import Line
from lineside.workflows.mes_receiver.mailbox import Mailbox
from lineside.workflows.mes_receiver.messages import MessageReader
from lineside.workflows.mes_receiver.page_files import PageFiles
from live_server import LiveServer, listening, live_server
from plant import RECIPE

SECRET = "whsec_" + "QUJD" * 10
"""Signs what the line tells; ABCABC... of 30 bytes."""


@dataclass
class Receiver:
    """A receiver that listens.

    Attributes:
        url: where.
        mailbox: what it keeps.
        http: a client that the page let in.
    """

    url: str
    mailbox: Mailbox
    http: httpx.Client = field(repr=False)

    def board(self) -> dict[str, Any]:
        """What its page shows."""
        answer = self.http.get("/api/board")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@dataclass
class MesLine:
    """A plant and its MES."""

    server: LiveServer
    receiver: Receiver
    folder: Path
    told_up_to: int = 0

    def tell(self, url: str, *, again: bool = False) -> int:
        """Deliver the plant's news to an address, in order; gives how many events it were.

        Args:
            url: of the webhook.
            again: everything from the beginning.
        """
        return asyncio.run(self._tell(url, 0 if again else self.told_up_to))

    async def _tell(self, url: str, after: int) -> int:
        services = self.server.services
        lines = StationLines(services.ledger)
        await lines.refresh()
        state_dir = self.folder / "sink-state"
        state_dir.mkdir(exist_ok=True)
        (self.folder / "secret").write_text(SECRET)
        async with LinesideClient(self.server.url, self.server.keys[Role.ADMIN]) as client:
            context = SinkContext(
                name="mes",
                plant=services.settings.plant,
                clock=SystemClock(),
                ledger=services.ledger,
                client=client,
                lines=lines,
                state_dir=state_dir,
                folder=self.folder,
                is_simulated=False,
            )
            sink = build(WebhookSettings(name="mes", kind="webhook", url=url, secret_files=["secret"]), context)
            count = 0
            while events := await services.ledger.events_after(after, limit=200):
                for event in events:
                    if EventFilter().wants(event, line=lines.line_of(event.station)):
                        await sink.deliver(event)
                        count += 1
                after = events[-1].sequence
            await sink.close()
        self.told_up_to = max(after, self.told_up_to)
        return count


@contextmanager
def listening_receiver(
    folder: Path, *, server: LiveServer | None = None, language: Language = Language.EN
) -> Iterator[Receiver]:
    """A receiver on a free port; with a server its page sends orders and holds."""
    folder.mkdir(parents=True, exist_ok=True)
    access = PageAccess(folder)
    client = None if server is None else LinesideClient(server.url, server.keys[Role.MES])
    page = PageFiles(language, is_connected=client is not None, delivery=lambda url: f"url: {url}/webhook")
    with Mailbox(folder / "mailbox.sqlite") as mailbox:
        app = create_receiver(
            mailbox, MessageReader([SECRET]), Line(client), access=access, page=page, clock=SystemClock()
        )
        _closing(app, client)
        with listening(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=30.0) as http:
            assert http.get("/", params={"token": access.token}).status_code == 303
            yield Receiver(url, mailbox, http)


@contextmanager
def mes_line(folder: Path) -> Iterator[MesLine]:
    """A server with a recipe and the station `aoi-1`, and a receiver connected to it."""
    with (
        live_server(folder) as server,
        listening_receiver(folder / "mes", server=server) as receiver,
    ):
        assert server.put_recipe("board", RECIPE).status_code == 200
        put = server.put_station("aoi-1", recipe={"id": "board", "version": 1})
        assert put.status_code == 200, put.text
        yield MesLine(server, receiver, folder)


def _closing(app: FastAPI, client: LinesideClient | None) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI):  # type: ignore[no-untyped-def]  # one line of plumbing
        yield
        if client is not None:
            await client.__aexit__(None, None, None)

    app.router.lifespan_context = lifespan
