"""The receiver as a program: its folder, its secret, and its app until a signal ends it."""

import base64
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lineside.client import LinesideClient
from lineside.serving.clock import SystemClock
from lineside.serving.languages import Language
from lineside.workflows.errors import ServerFailed
from lineside.workflows.mes_receiver.access import TOKEN_PARAMETER, PageAccess
from lineside.workflows.mes_receiver.app import WEBHOOK_PATH, create_receiver
from lineside.workflows.mes_receiver.errors import MailboxUnusable
from lineside.workflows.mes_receiver.line import Line
from lineside.workflows.mes_receiver.mailbox import Mailbox
from lineside.workflows.mes_receiver.messages import MessageReader
from lineside.workflows.mes_receiver.page_files import PageFiles
from lineside.workflows.running_server import Address, run_app

if TYPE_CHECKING:
    from fastapi import FastAPI

SECRET_FILE: Final = "webhook-secret"  # noqa: S105 - a file's name
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """One receiver.

    Attributes:
        folder: everything that it keeps; made if missing, for its owner alone.
        host: address to listen on.
        port: on it; 0 for any.
        language: the page's first.
        secret_files: secrets that messages may be signed with; none for the one that is made in the folder.
        server: URL of the Lineside server that gets orders and holds; None for no server.
        api_key: of that server, of the role `mes`; None for no server.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8490
    language: Language = Language.EN
    secret_files: tuple[Path, ...] = ()
    server: str | None = None
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse half a server."""
        if (self.server is None) != (self.api_key is None):
            raise ValueError("orders and holds need a server and an API key: give both or neither")


@dataclass(frozen=True, slots=True)
class RunningReceiver:
    """A receiver that answers.

    Attributes:
        webhook_url: where messages go.
        page_url: of the page, with the token that lets a browser in.
        secret_files: what senders sign with.
        delivery: lines for the delivery file of a Lineside server on this machine.
    """

    webhook_url: str
    page_url: str = field(repr=False)
    secret_files: tuple[Path, ...]
    delivery: str


def run_mes_receiver(
    settings: ReceiverSettings, *, on_ready: Callable[[RunningReceiver], None], ends_with_stdin: bool = False
) -> None:
    """Receive until SIGINT or SIGTERM.

    Args:
        settings: the receiver's.
        on_ready: called once it answers.
        ends_with_stdin: also end when stdin closes, so that a child never outlives the program that started it.

    Raises:
        MailboxUnusable: its database cannot be used, or a secret is none.
        ServerFailed: the port is taken.
        OSError: its folder cannot be written, or a secret's file not be read.
    """
    folder = settings.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    secret_files = settings.secret_files or (_own_secret(folder),)
    reader = _reader(secret_files)
    access = _access(folder)

    def announce(address: Address) -> None:
        url = f"{address.url}{WEBHOOK_PATH}"
        page_url = f"{address.url}/?{TOKEN_PARAMETER}={access.token}"
        on_ready(RunningReceiver(url, page_url, secret_files, delivery_lines(url, secret_files)))

    with Mailbox(folder / "mailbox.sqlite") as mailbox:
        client = None
        if settings.server is not None and settings.api_key is not None:
            client = LinesideClient(settings.server, settings.api_key)
        page = PageFiles(
            settings.language,
            is_connected=client is not None,
            delivery=lambda base_url: delivery_lines(f"{base_url}{WEBHOOK_PATH}", secret_files),
        )
        app = create_receiver(mailbox, reader, Line(client), access=access, page=page, clock=SystemClock())
        _open_with(app, client)
        is_ready = run_app(
            app, host=settings.host, port=settings.port, on_ready=announce, ends_with_stdin=ends_with_stdin
        )
    if not is_ready:
        raise ServerFailed("the receiver could not start; the lines above say why")


def delivery_lines(webhook_url: str, secret_files: tuple[Path, ...]) -> str:
    """A delivery file that has a Lineside server tell this receiver everything."""
    files = ", ".join(f'"{file.absolute()}"' for file in secret_files)
    return (
        "schema: lineside.delivery/1\n"
        "sinks:\n"
        "  - name: mes\n"
        "    kind: webhook\n"
        f"    url: {webhook_url}\n"
        f"    secret_files: [{files}]\n"
        "    from: beginning\n"
    )


def _open_with(app: "FastAPI", client: LinesideClient | None) -> None:
    """Hold the client's connections open as long as the app runs."""

    @asynccontextmanager
    async def lifespan(_app: "FastAPI") -> AsyncIterator[None]:
        async with nullcontext() if client is None else client:
            yield

    app.router.lifespan_context = lifespan


def _own_secret(folder: Path) -> Path:
    """The file of the secret that this receiver gives out; made at its first start."""
    path = folder / SECRET_FILE
    if not path.exists():
        text = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}\n"
        temporary = folder / f".{SECRET_FILE}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        temporary.replace(path)
    return path


def _reader(secret_files: tuple[Path, ...]) -> MessageReader:
    texts = [path.read_text(encoding="utf-8").strip() for path in secret_files]
    try:
        return MessageReader(texts)
    except ValueError as error:
        raise MailboxUnusable(
            f"{', '.join(map(str, secret_files))}: no webhook secret; expected whsec_ and base64"
        ) from error


def _access(folder: Path) -> PageAccess:
    try:
        return PageAccess(folder)
    except ValueError as error:
        raise MailboxUnusable(f"{error}") from error
