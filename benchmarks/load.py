"""A lean load generator: blocking sockets on threads in a process of its own, requests encoded beforehand.

Reads a `Load` as JSON from standard input and writes a `Served` as JSON to standard output. Clients work in a closed
loop: each sends its next part when the one before is answered. An answer counts when it is complete and is a verdict
on what the picture shows; what is shed or not inspected is counted apart. A client that is shed waits as long as the
server's Retry-After says, as a station would.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # ships no type information

from lineside.client import content_digest

_WARM_UP_S = 0.7  # uncounted: connections open, and admission learns how long a frame takes
_JPEG_QUALITY = 95  # what cameras' software writes for measuring tasks
_BOUNDARY = "------------------------lineside"


@dataclass(frozen=True, slots=True)
class Load:
    """What to send.

    Attributes:
        kind: whose API: ours, or the plain service's.
        port: of the server on this host.
        clients: that send at once; client `i` is station `bench-i`.
        seconds: of the counted time.
        frames: folder of JPEG files, sent in turn.
        part_prefix: start of every part id of this run.
        key: API key; the plain service needs none.
        pause_s: between an answer and the client's next part.
        every_s: between the beginnings of a client's parts, whatever the answers take; 0: as soon as answered.
        pixels: folder of NumPy files (uint8, (h, w)), sent instead of `frames` as a camera's program has to: encoding
            and digest belong to the latency.
        encoding: of pixels.
        unix_socket: of the server, instead of the port.
    """

    kind: Literal["lineside", "plain"]
    port: int
    clients: int
    seconds: float
    frames: str
    part_prefix: str
    key: str = ""
    pause_s: float = 0.0
    every_s: float = 0.0
    pixels: str = ""
    encoding: Literal["jpeg", "raw"] = "jpeg"
    unix_socket: str = ""


@dataclass(slots=True)
class Served:
    """What came back in the counted time.

    Attributes:
        latencies_ms: from the first byte sent to the last byte read, of the verdicts.
        seconds: the counted time.
        shed: answers 503.
        not_inspected: parts that the server looked at in vain, by its first reason.
        others: any other status, with the beginning of the first such answer.
    """

    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    shed: int = 0
    not_inspected: dict[str, int] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One keep-alive HTTP/1.1 connection; just enough for requests that are bytes already."""

    def __init__(self, port: int, *, timeout_s: float = 60.0, unix_socket: str = "") -> None:
        if unix_socket:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(timeout_s)
            self._socket.connect(unix_socket)
        else:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def ask(self, *parts: bytes) -> Answer:
        """Send a request and read its whole answer.

        Raises:
            OSError: the connection broke before the answer was complete.
        """
        self._socket.sendall(b"".join(parts))
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        lines = data[:end].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = int(headers["content-length"])
        data = data[end + 4 :]
        while len(data) < length:
            data += self._receive()
        self._rest = data[length:]
        return Answer(int(lines[0].split()[1]), headers, data[:length])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _receive(self) -> bytes:
        received = self._socket.recv(1 << 18)
        if not received:
            raise ConnectionResetError("the server hung up before its answer was complete")
        return received


def inspection_request(
    body: bytes,
    *,
    digest: str,
    station: str,
    part_id: str,
    key: str,
    idempotency_key: str | None = None,
    raw_wh_px: tuple[int, int] | None = None,
) -> bytes:
    """The head of a `POST /v1/inspections`; the body follows it: a JPEG, or gray pixels of the size given."""
    geometry = "" if raw_wh_px is None else f"&width={raw_wh_px[0]}&height={raw_wh_px[1]}&pixel_format=mono8"
    lines = [
        f"POST /v1/inspections?station={station}&part_id={part_id}{geometry} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {key}",
        f"Content-Type: {'image/jpeg' if raw_wh_px is None else 'application/vnd.lineside.raw'}",
        f"Content-Length: {len(body)}",
        f"Content-Digest: {digest}",
    ]
    if idempotency_key is not None:
        lines.append(f"Idempotency-Key: {idempotency_key}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def upload_request(body: bytes) -> bytes:
    """A whole request to the plain service."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="frame.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode("ascii")
    content = head + body + f"\r\n--{_BOUNDARY}--\r\n".encode("ascii")
    lines = [
        "POST /predict HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}",
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content


def run_load(load: Load) -> Served:
    """Send for the time that the load says, from this process."""
    make = _request_maker(load)
    served = Served(seconds=load.seconds)
    noting = threading.Lock()
    starts_s = time.perf_counter() + 0.1
    counts_from_s = starts_s + _WARM_UP_S
    ends_s = counts_from_s + load.seconds

    def work(client: int) -> None:
        connection = Connection(load.port, unix_socket=load.unix_socket)
        time.sleep(max(0.0, starts_s - time.perf_counter()))
        number = 0
        while True:
            made_s = time.perf_counter()
            request = make(client, number)
            if load.every_s:
                due_s = starts_s + (number + client / load.clients) * load.every_s
                time.sleep(max(0.0, due_s - time.perf_counter()))
            number += 1
            sent_s = made_s if load.pixels else time.perf_counter()
            answer = connection.ask(*request)
            done_s = time.perf_counter()
            if done_s > ends_s:
                break
            if done_s >= counts_from_s:
                with noting:
                    _note(served, answer, (done_s - sent_s) * 1000.0)
            if load.pause_s:
                time.sleep(load.pause_s)
            if answer.status == 503:
                time.sleep(min(float(answer.headers.get("retry-after", "1")), max(0.0, ends_s - done_s)))
                if time.perf_counter() >= ends_s:
                    break
        connection.close()

    threads = [threading.Thread(target=work, args=(client,)) for client in range(load.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return served


def run_load_apart(load: Load) -> Served:
    """The same in a process of its own, so that measuring does not slow down what measures."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Served(**json.loads(done.stdout))


RequestMaker = Callable[[int, int], Sequence[bytes]]
"""From a client's number and its request's number to the bytes to send."""


def _request_maker(load: Load) -> RequestMaker:
    if load.pixels:
        return _pixel_requests(load)
    bodies = [path.read_bytes() for path in sorted(Path(load.frames).glob("*.jpg"))]
    return _lineside_requests(load, bodies) if load.kind == "lineside" else _plain_requests(bodies)


def _pixel_requests(load: Load) -> RequestMaker:
    frames = [np.load(path) for path in sorted(Path(load.pixels).glob("*.npy"))]

    def make(client: int, number: int) -> Sequence[bytes]:
        gray = frames[(client * 7 + number) % len(frames)]
        raw_wh_px = None
        if load.encoding == "raw":
            body, raw_wh_px = gray.tobytes(), (gray.shape[1], gray.shape[0])
        else:
            body = simplejpeg.encode_jpeg(gray[:, :, None], quality=_JPEG_QUALITY, colorspace="GRAY")
        head = inspection_request(
            body,
            digest=content_digest(body),
            station=f"bench-{client}",
            part_id=f"{load.part_prefix}-{client}-{number}",
            key=load.key,
            raw_wh_px=raw_wh_px,
        )
        return head, body

    return make


def _lineside_requests(load: Load, bodies: Sequence[bytes]) -> RequestMaker:
    digests = [content_digest(body) for body in bodies]

    def make(client: int, number: int) -> Sequence[bytes]:
        # Clients start at different frames: one camera never sends the same picture twice in a row.
        frame = (client * 7 + number) % len(bodies)
        head = inspection_request(
            bodies[frame],
            digest=digests[frame],
            station=f"bench-{client}",
            part_id=f"{load.part_prefix}-{client}-{number}",
            key=load.key,
        )
        return head, bodies[frame]

    return make


def _plain_requests(bodies: Sequence[bytes]) -> RequestMaker:
    requests = [upload_request(body) for body in bodies]
    return lambda client, number: (requests[(client * 7 + number) % len(requests)],)


def _note(served: Served, answer: Answer, taken_ms: float) -> None:
    if answer.status == 200:
        content = json.loads(answer.body)
        if content.get("verdict", "") == "NOT_INSPECTED":
            code = content["reasons"][0]["code"]
            served.not_inspected[code] = served.not_inspected.get(code, 0) + 1
        elif "verdict" in content or "detections" in content:
            served.latencies_ms.append(taken_ms)
        else:
            served.others.setdefault("200", answer.body[:200].decode("utf-8", "replace"))
    elif answer.status == 503:
        served.shed += 1
    else:
        served.others.setdefault(str(answer.status), answer.body[:200].decode("utf-8", "replace"))


if __name__ == "__main__":
    print(json.dumps(asdict(run_load(Load(**json.loads(sys.stdin.read()))))))
