"""A proxy that adds an API key to every request: for programs by others that cannot send one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

_PASSED_ON = frozenset({"accept", "content-type"})


@contextmanager
def adding_key(url: str, key: str) -> Iterator[str]:
    """Listen on a free port of this host and pass GET requests on to a server, with a key; gives the proxy's URL."""
    with httpx.Client(base_url=url, trust_env=False, timeout=60.0) as client:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED_ON}
                answer = client.get(self.path, headers={**headers, "Authorization": f"Bearer {key}"})
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("content-type", "text/plain"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, name="keyed-proxy")
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()
