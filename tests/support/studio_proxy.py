"""A real HTTP proxy in front of a server, that counts requests and fails where a test says so."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

_KEPT_BACK = frozenset({"transfer-encoding", "connection", "content-length", "content-encoding", "date", "server"})


@dataclass(frozen=True)
class Asked:
    """A request that arrived.

    Attributes:
        method: GET, POST ...
        path: with its query.
        size_bytes: of its body.
        has_cookie: whether it brought a cookie.
    """

    method: str
    path: str
    size_bytes: int
    has_cookie: bool


class How(StrEnum):
    """What happens to a request instead of being answered."""

    ANSWERED = "answered by the proxy, never forwarded"
    DONE_BUT_ANSWERED = "forwarded and done, then answered by the proxy"
    DONE_BUT_CUT = "forwarded and done, then the connection breaks"
    DONE_BUT_SILENT = "forwarded and done, then nothing comes until the proxy ends"


@dataclass
class Fault:
    """What goes wrong with which requests.

    Attributes:
        when: picks requests.
        how: what happens to them.
        times: to how many of them.
        status: of the proxy's own answer.
        body: of the proxy's own answer.
        headers: of the proxy's own answer.
    """

    when: Callable[[Asked], bool]
    how: How = How.ANSWERED
    times: int = 1
    status: int = 500
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def importing(asked: Asked) -> bool:
    """Whether tasks are imported, not files uploaded."""
    return asked.method == "POST" and "/import" in asked.path and "commit_to_project" not in asked.path


def uploading(asked: Asked) -> bool:
    """Whether files are uploaded."""
    return asked.method == "POST" and "commit_to_project=false" in asked.path


def anything(asked: Asked) -> bool:
    """Every request."""
    return True


class StudioProxy:
    """Where it answers, what was asked of it, what it does wrong, and how it changes paths on their way."""

    def __init__(self, upstream: str) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.rewrite: Callable[[str], str] = str
        self.ended = threading.Event()
        self.carried_out = threading.Semaphore(0)  # released for each request that is done and then met by silence
        self.forward = httpx.Client(base_url=upstream, timeout=60.0, trust_env=False)
        self._lock = threading.Lock()

    def fault_of(self, asked: Asked) -> Fault | None:
        """Note a request; the fault that it meets."""
        with self._lock:
            self.asked.append(asked)
            for fault in self.faults:
                if fault.times > 0 and fault.when(asked):
                    fault.times -= 1
                    return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: StudioProxy

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = self.proxy.fault_of(Asked(self.command, self.path, len(body), "cookie" in self.headers))
        if fault is not None and fault.how is How.ANSWERED:
            self._answer(fault.status, fault.headers, fault.body)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
        answer = self.proxy.forward.request(self.command, self.proxy.rewrite(self.path), content=body, headers=headers)
        if fault is None:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _KEPT_BACK}
            self._answer(answer.status_code, kept, answer.content)
        elif fault.how is How.DONE_BUT_ANSWERED:
            self._answer(fault.status, fault.headers, fault.body)
        else:
            if fault.how is How.DONE_BUT_SILENT:
                self.proxy.carried_out.release()
                self.proxy.ended.wait()
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def studio_proxy(upstream: str) -> Iterator[StudioProxy]:
    """A proxy on loopback that runs within the block."""
    proxy = StudioProxy(upstream)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    with proxy.forward, ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            with suppress(OSError):
                server.shutdown()
            thread.join()
