"""Running the server: uvicorn around the application, with the page if wanted, until a signal ends it."""

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import structlog
import uvicorn

from lineside.inspection.errors import LinesideError
from lineside.workflows.errors import ServerFailed
from lineside.workflows.unix_listener import listening_at

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lineside.serving.dashboard import Language
    from lineside.serving.settings import Settings

_SHUTDOWN_S = 20  # frames inside get their answer first; longer than any sensible deadline
_BACKLOG = 256


class LogFormat(StrEnum):
    """How the log on stderr is written."""

    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        host: as bound.
        port: the real one, also where any was asked for.
    """

    host: str
    port: int

    @property
    def url(self) -> str:
        """What a client on this machine uses."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"


def configure_logging(log_format: LogFormat) -> None:
    """Send our structured log and the libraries' to stderr, in one format; warnings and above of the libraries."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    is_json = log_format is LogFormat.JSON
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=lambda event, **_: json.dumps(event, default=str))
        if is_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    exceptions = [structlog.processors.format_exc_info] if is_json else []
    structlog.configure(
        processors=[*shared, *exceptions, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *exceptions, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def run_server(
    settings: "Settings",
    *,
    page_language: "Language | None",
    on_ready: Callable[[Address], None],
    ends_with_stdin: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM; frames inside are answered first.

    Args:
        settings: the server's.
        page_language: first language of the page; None for no page.
        on_ready: called once requests are answered.
        ends_with_stdin: also end when stdin closes, so that a child never outlives the program that started it.

    Raises:
        LinesideError: why it could not start, e.g. that another server writes this ledger.
        ServerFailed: the port is taken, the data folder cannot be used, or it could not start and the log on stderr
            says why.
    """
    app = _application(settings, page_language)
    failure = _ExpectedFailure(app)

    def begin_delivery(address: Address) -> None:
        app.state.services.delivery.supervisor.begin(address.url)
        on_ready(address)

    async def end_delivery() -> None:
        if hasattr(app.state, "services"):  # else its start failed
            await app.state.services.delivery.supervisor.end()

    with failure.kept_out_of_the_log():
        was_ready = run_app(
            app,
            host=settings.host,
            port=settings.port,
            unix_socket=settings.unix_socket,
            on_ready=begin_delivery,
            on_ending=end_delivery,
            ends_with_stdin=ends_with_stdin,
        )
    if isinstance(failure.error, OSError):
        raise ServerFailed(
            f"cannot start with the data folder {settings.data_dir}: {failure.error}; "
            "expected a folder that this user may write to, choose another with --data"
        ) from failure.error
    if failure.error is not None:
        raise failure.error
    if not was_ready:
        raise ServerFailed("the server could not start; the lines above say why")


def run_app(
    app: "FastAPI",
    *,
    host: str,
    port: int,
    unix_socket: Path | None = None,
    on_ready: Callable[[Address], None],
    on_ending: Callable[[], Awaitable[None]] | None = None,
    ends_with_stdin: bool = False,
) -> bool:
    """Serve an app until SIGINT or SIGTERM; requests inside are answered first.

    Args:
        app: any.
        host: address to listen on.
        port: on it; 0 for any.
        unix_socket: where to listen too, for stations on this machine; of this user and group only.
        on_ready: called once requests are answered.
        on_ending: awaited when the end has begun and requests are still answered.
        ends_with_stdin: also end when stdin closes.

    Returns:
        Whether it ever was ready; where it was not, the app's own start failed.

    Raises:
        ServerFailed: the port or the socket is taken.
    """
    with ExitStack() as listening:
        listener = listening.enter_context(_bind(host, port))
        listeners = [listener]
        if unix_socket is not None:
            listeners.append(listening.enter_context(listening_at(unix_socket)))
        return _serve(
            app, listeners, host=host, on_ready=on_ready, on_ending=on_ending, ends_with_stdin=ends_with_stdin
        )


def _serve(
    app: "FastAPI",
    listeners: Sequence[socket.socket],
    *,
    host: str,
    on_ready: Callable[[Address], None],
    on_ending: Callable[[], Awaitable[None]] | None,
    ends_with_stdin: bool,
) -> bool:
    address = Address(host, listeners[0].getsockname()[1])
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        ws="websockets-sansio",
    )
    server = _Server(app, config, on_ready=lambda: on_ready(address), on_ending=on_ending)
    if ends_with_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True, name="stdin-watch").start()
    # uvicorn exits the process by itself when an app does not start; we have a status and a line of our own for that
    with _ended_by_signals(), suppress(SystemExit):
        server.run(sockets=list(listeners))
    return server.was_ready


class _ExpectedFailure:
    """Catches an error of ours or of the disk that keeps an app from starting: a person gets one line, no traceback.

    Attributes:
        error: the error; None if there was none.
    """

    def __init__(self, app: "FastAPI") -> None:
        self.error: LinesideError | OSError | None = None
        inner_lifespan = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(inner: "FastAPI") -> AsyncIterator[None]:
            try:
                async with inner_lifespan(inner):
                    yield
            except (LinesideError, OSError) as error:
                self.error = error
                raise

        app.router.lifespan_context = lifespan

    @contextmanager
    def kept_out_of_the_log(self) -> Iterator[None]:
        """Leave out what uvicorn would log of it."""
        log = logging.getLogger("uvicorn.error")

        def is_news(_record: logging.LogRecord) -> bool:
            return self.error is None

        log.addFilter(is_news)
        try:
            yield
        finally:
            log.removeFilter(is_news)


class _Server(uvicorn.Server):
    """Uvicorn's server, which also says when it is ready, and tells the app first that it ends."""

    def __init__(
        self,
        app: "FastAPI",
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        on_ending: Callable[[], Awaitable[None]] | None,
    ) -> None:
        super().__init__(config)
        self._app = app
        self._on_ready = on_ready
        self._on_ending = on_ending
        self.was_ready = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open everything, then say so."""
        await super().startup(sockets=sockets)
        if not self.should_exit:
            self.was_ready = True
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, which never end by themselves, then wait for what is under way."""
        from lineside.serving.shutdown import begin_shutdown

        begin_shutdown(self._app)
        if self._on_ending is not None:
            await self._on_ending()
        await super().shutdown(sockets=sockets)


def _application(settings: "Settings", page_language: "Language | None") -> "FastAPI":
    from lineside.serving import create_app

    app = create_app(settings)
    if page_language is not None:
        from lineside.serving.dashboard import mount_dashboard

        mount_dashboard(app, language=page_language)
    return app


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServerFailed(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port"
        ) from error
    return listener


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM be a good end: uvicorn sends itself the signal again once all is closed."""

    def nothing_left_to_do(_number: int, _frame: FrameType | None) -> None:
        pass

    before = {number: signal.signal(number, nothing_left_to_do) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_with_stdin(server: uvicorn.Server) -> None:
    """Wait until whoever holds the other end of stdin is gone."""
    # Past Python's buffer, whose lock this thread would hold while the interpreter ends: it would end with an abort.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
