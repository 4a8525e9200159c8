"""The table of bad inputs: what is sent, what is answered, what is written down.

`tests/system/test_hostile_inputs.py` sends each of them to a real server and holds docs/hostile-inputs.md against
this table; `python tests/support/hostile_inputs.py` writes that page again.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import httpx
import numpy as np

from lineside.client import content_digest
from lineside.serving.security import Role
from live_server import LiveServer
from plant import RECIPE, TWO_VIEWS, good_board

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "hostile-inputs.md"

RECIPE_VIEWS = "views: {default: {size_wh_px: [160, 160]}}"


class Record(StrEnum):
    """What the ledger has of the part afterwards."""

    NOTHING = "nothing"
    ROW = "a row, NOT_INSPECTED"
    FIRST_ONLY = "the first answer, unchanged"


@dataclass(frozen=True)
class HostileInput:
    """One row of the table.

    Attributes:
        name: of the test.
        sent: for the page.
        send: sends it for the part that is named.
        status: of the answer.
        kind: end of the problem's type; with status 200 the reason's code.
        record: what is written down of the part.
    """

    name: str
    sent: str
    send: Callable[[LiveServer, str], httpx.Response]
    status: int
    kind: str
    record: Record

    @property
    def answer(self) -> str:
        """For the page."""
        if self.status == 200:
            return f"200, `NOT_INSPECTED`, `{self.kind}`"
        return f"{self.status}, `/problems/{self.kind}`"


def good_jpeg(seed: int = 0) -> bytes:
    """A JPEG of the recipe's size that decodes."""
    noise = np.random.default_rng(seed).integers(0, 255, (160, 160), np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1].tobytes())


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small JPEG whose header was patched to another size."""
    body = bytearray(good_jpeg())
    start = body.index(b"\xff\xc0") + 5  # after the marker, the segment's length and the sample precision
    body[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(body)


def png_claiming(width: int, height: int) -> bytes:
    """A small PNG whose header was patched to another size, with its checksum made right again."""
    import zlib

    body = bytearray(good_board(1))
    body[16:24] = struct.pack(">II", width, height)
    body[29:33] = struct.pack(">I", zlib.crc32(bytes(body[12:29])))
    return bytes(body)


def webp_claiming_16000() -> bytes:
    """34 bytes: a lossless WebP whose header says 16000x16000; OpenCV allocates 768 MB for it."""
    bits = (16000 - 1) | (16000 - 1) << 14
    payload = b"\x2f" + struct.pack("<I", bits) + bytes(8)
    chunk = b"VP8L" + struct.pack("<I", len(payload)) + payload + b"\0"
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _frame(body: bytes, media_type: str = "image/png") -> Callable[[LiveServer, str], httpx.Response]:
    return lambda server, part_id: server.post(body, part_id, media_type=media_type)


def _raw(size_bytes: int, **geometry: str | int) -> Callable[[LiveServer, str], httpx.Response]:
    body = np.random.default_rng(3).integers(0, 255, size_bytes, np.uint8).tobytes()
    return lambda server, part_id: server.post(
        body, part_id, media_type="application/vnd.lineside.raw", said=dict(geometry)
    )


def _with_headers(**headers: str | None) -> Callable[[LiveServer, str], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda server, part_id: server.post(good_board(2), part_id, headers=named)


def _saying(**said: str | int) -> Callable[[LiveServer, str], httpx.Response]:
    return lambda server, part_id: server.post(good_board(3), part_id, said=said)


def _in_chunks(server: LiveServer, part_id: str) -> httpx.Response:
    def chunks() -> Iterator[bytes]:
        for _ in range(50):
            yield bytes(1_000_000)

    return server.http.post(
        "/v1/inspections",
        params={"station": "aoi-1", "part_id": part_id},
        content=chunks(),
        headers={
            **server.authorization(Role.STATION),
            "Content-Type": "image/png",
            "Content-Digest": content_digest(b""),
        },
    )


def _unknown_station(server: LiveServer, part_id: str) -> httpx.Response:
    return server.post(good_board(4), part_id, station="aoi-99", headers=server.authorization())


def _revoked_key(server: LiveServer, part_id: str) -> httpx.Response:
    made = server.services.keys.create("to be revoked", Role.STATION, station="aoi-1")
    server.services.keys.revoke(made.key.id)
    return server.post(good_board(5), part_id, headers={"Authorization": f"Bearer {made.secret}"})


def _same_key_other_body(server: LiveServer, part_id: str) -> httpx.Response:
    first = server.post(good_board(6), part_id, headers={"Idempotency-Key": part_id})
    if first.status_code != 200:
        raise RuntimeError(f"the first try was refused: {first.text}")
    return server.post(good_board(7), part_id, headers={"Idempotency-Key": part_id})


def _other_body_for_the_attempt(server: LiveServer, part_id: str) -> httpx.Response:
    server.post(good_board(8), part_id)
    return server.post(good_board(9), part_id)


def _skipped_attempt(server: LiveServer, part_id: str) -> httpx.Response:
    server.post(good_board(10), part_id)
    return server.post(good_board(11), part_id, said={"attempt": 3, "cause": "retest"})


def _json_with_nan(path: str, body: str) -> Callable[[LiveServer, str], httpx.Response]:
    def send(server: LiveServer, part_id: str) -> httpx.Response:
        first = server.post(good_board(12), part_id).json()
        return server.http.post(
            f"/v1/inspections/{first['id']}/{path}",
            content=body.encode(),
            headers={**server.authorization(), "Content-Type": "application/json"},
        )

    return send


def _recipe(text: str) -> Callable[[LiveServer, str], httpx.Response]:
    return lambda server, _: server.put_recipe("hostile", text.replace("id: board", "id: hostile", 1))


def _frozen(server: LiveServer, part_id: str) -> httpx.Response:
    server.post(good_board(13), f"{part_id}-before")
    return server.post(good_board(13), part_id)


_REVIEW = '"kind": "escape", "source": "audit", "reviewer": "kim", "at": "2026-01-31T09:00:00Z"'
_BOX = '[{"view": "default", "class_name": "short", "box_xyxy_px": [NaN, 1, 2, 3]}]'

HOSTILE_INPUTS = (
    HostileInput("empty body", "an empty body as image/png", _frame(b""), 200, "undecodable", Record.ROW),
    HostileInput(
        "text as JPEG", "text as image/jpeg", _frame(b"hello " * 99, "image/jpeg"), 200, "undecodable", Record.ROW
    ),
    HostileInput(
        "PNG as JPEG", "a PNG as image/jpeg", _frame(good_board(20), "image/jpeg"), 200, "undecodable", Record.ROW
    ),
    HostileInput("text", "text/plain", _frame(b"hello", "text/plain"), 415, "media-type-unsupported", Record.NOTHING),
    HostileInput(
        "truncated JPEG",
        "a JPEG cut in the middle",
        _frame(good_jpeg(1)[:3000], "image/jpeg"),
        200,
        "undecodable",
        Record.ROW,
    ),
    HostileInput(
        "JPEG with a hole",
        "a JPEG with 200 bytes zeroed inside",
        _frame(good_jpeg(1)[:3000] + bytes(200) + good_jpeg(1)[3200:], "image/jpeg"),
        200,
        "undecodable",
        Record.ROW,
    ),
    HostileInput(
        "JPEG with an attachment",
        "a JPEG with a script behind its end",
        _frame(good_jpeg(1) + b"#!/bin/sh\nexit\n", "image/jpeg"),
        200,
        "undecodable",
        Record.ROW,
    ),
    HostileInput(
        "body changed on its way",
        "a body that does not match its Content-Digest",
        _with_headers(Content_Digest=content_digest(b"another")),
        400,
        "digest-mismatch",
        Record.NOTHING,
    ),
    HostileInput(
        "no digest",
        "no Content-Digest where one is required",
        _with_headers(Content_Digest=None),
        400,
        "digest-missing",
        Record.NOTHING,
    ),
    HostileInput(
        "unreadable digest",
        "a Content-Digest that is none",
        _with_headers(Content_Digest="sha-256=abc"),
        400,
        "digest-unreadable",
        Record.NOTHING,
    ),
    HostileInput(
        "WebP bomb",
        "a 34-byte WebP claiming 16000x16000, as image/webp",
        _frame(webp_claiming_16000(), "image/webp"),
        415,
        "media-type-unsupported",
        Record.NOTHING,
    ),
    HostileInput(
        "WebP bomb as PNG",
        "the same, as image/png",
        _frame(webp_claiming_16000()),
        200,
        "undecodable",
        Record.ROW,
    ),
    HostileInput(
        "JPEG claiming 16k",
        "a JPEG whose header was patched to 16000x16000",
        _frame(jpeg_claiming(16000, 16000), "image/jpeg"),
        200,
        "too_large",
        Record.ROW,
    ),
    HostileInput(
        "JPEG claiming 4k",
        "a JPEG whose header was patched to 4000x4000, below the limit and not the recipe's size",
        _frame(jpeg_claiming(4000, 4000), "image/jpeg"),
        200,
        "geometry_mismatch",
        Record.ROW,
    ),
    HostileInput(
        "PNG claiming 16k",
        "a PNG whose header was patched to 16000x16000",
        _frame(png_claiming(16000, 16000)),
        200,
        "too_large",
        Record.ROW,
    ),
    HostileInput(
        "raw of another length",
        "a raw body shorter than its declared geometry",
        _raw(25_000, width=160, height=160, pixel_format="mono8"),
        200,
        "geometry_mismatch",
        Record.ROW,
    ),
    HostileInput(
        "raw of another size",
        "a raw body of a size that is not the recipe's",
        _raw(320 * 80, width=320, height=80, pixel_format="mono8"),
        200,
        "geometry_mismatch",
        Record.ROW,
    ),
    HostileInput(
        "raw claiming a terapixel",
        "a raw body that declares 1000000x1000000",
        _raw(100, width=1_000_000, height=1_000_000, pixel_format="mono8"),
        200,
        "geometry_mismatch",
        Record.ROW,
    ),
    HostileInput(
        "raw without geometry",
        "a raw body without width and height",
        _raw(25_600),
        422,
        "invalid-request",
        Record.NOTHING,
    ),
    HostileInput(
        "50 MB", "a 50 MB body with Content-Length", _frame(bytes(50_000_000)), 413, "body-too-large", Record.NOTHING
    ),
    HostileInput("50 MB in chunks", "a 50 MB body in chunks", _in_chunks, 413, "body-too-large", Record.NOTHING),
    HostileInput(
        "NaN in a review",
        "NaN in a review's JSON",
        _json_with_nan("reviews", f'{{{_REVIEW}, "boxes": {_BOX}}}'),
        422,
        "invalid-request",
        Record.FIRST_ONLY,
    ),
    HostileInput(
        "NaN in a disposition",
        "NaN in a disposition's JSON",
        _json_with_nan("disposition", '{"kind": "passed", "confirmed_by_sensor": NaN, "at": "2026-01-31T09:00:00Z"}'),
        422,
        "invalid-request",
        Record.FIRST_ONLY,
    ),
    HostileInput("unknown station", "an unknown station", _unknown_station, 404, "unknown-station", Record.NOTHING),
    HostileInput(
        "another station's key",
        "a station's key for another station",
        lambda server, part_id: server.post(good_board(14), part_id, station="aoi-2"),
        403,
        "station-refused",
        Record.NOTHING,
    ),
    HostileInput("revoked key", "a revoked key", _revoked_key, 401, "not-authenticated", Record.NOTHING),
    HostileInput("no key", "no key", _with_headers(Authorization=None), 401, "not-authenticated", Record.NOTHING),
    HostileInput(
        "idempotency key reused",
        "the same Idempotency-Key with another body",
        _same_key_other_body,
        409,
        "idempotency-conflict",
        Record.FIRST_ONLY,
    ),
    HostileInput(
        "another body for an attempt",
        "another body for an attempt that has its verdict",
        _other_body_for_the_attempt,
        409,
        "view-conflict",
        Record.FIRST_ONLY,
    ),
    HostileInput(
        "attempt out of order",
        "attempt 3 after attempt 1",
        _skipped_attempt,
        409,
        "attempt-out-of-order",
        Record.FIRST_ONLY,
    ),
    HostileInput(
        "retest as first attempt",
        "attempt 1 with cause `retest`",
        _saying(cause="retest"),
        422,
        "invalid-request",
        Record.NOTHING,
    ),
    HostileInput(
        "unknown view",
        "a view that the recipe does not ask for",
        _saying(view="side"),
        422,
        "unknown-view",
        Record.NOTHING,
    ),
    HostileInput(
        "unknown parameter", "a misspelt parameter", _saying(atempt=2), 422, "invalid-request", Record.NOTHING
    ),
    HostileInput(
        "time without zone",
        "captured_at without its offset",
        _saying(captured_at="2026-01-31T09:00:00"),
        422,
        "invalid-request",
        Record.NOTHING,
    ),
    HostileInput(
        "control characters",
        "a line feed in the lot's name",
        _saying(lot="L1\nINFO all is well"),
        422,
        "invalid-request",
        Record.NOTHING,
    ),
    HostileInput("frozen camera", "the very picture of the part before", _frozen, 200, "unhealthy", Record.ROW),
    HostileInput(
        "recipe with an unknown class",
        "a recipe with a limit for a class that the catalogue lacks",
        _recipe(RECIPE + "limits: {scratch: {max_count: 1}}\n"),
        422,
        "recipe-invalid",
        Record.NOTHING,
    ),
    HostileInput(
        "recipe with an unknown key",
        "a recipe with a misspelt key",
        _recipe(RECIPE + "dedline_ms: 5\n"),
        422,
        "recipe-invalid",
        Record.NOTHING,
    ),
    HostileInput(
        "recipe with NaN",
        "a recipe with NaN for a limit",
        _recipe(RECIPE + "audit: {share: .nan}\n"),
        422,
        "recipe-invalid",
        Record.NOTHING,
    ),
    HostileInput(
        "recipe of an unknown release",
        "a recipe that names a release that is not there",
        _recipe(RECIPE.replace("release: blobs", "release: ../blobs")),
        422,
        "recipe-unfit",
        Record.NOTHING,
    ),
)

TWO_VIEW_RECIPE = TWO_VIEWS.replace("id: board", "id: two-views", 1).replace("deadline_ms: 20000", "deadline_ms: 400")


@dataclass(frozen=True)
class BrokenRelease:
    """A release whose model may not be loaded; what happens to it is the same for all.

    Attributes:
        name: of the release and the test.
        sent: for the page.
    """

    name: str
    sent: str


BROKEN_RELEASES = (
    BrokenRelease("no-detector", "an ONNX release that is no detector"),
    BrokenRelease("nan-weights", "an ONNX release with NaN weights"),
    BrokenRelease("outside-data", "an ONNX release with external data outside its folder"),
    BrokenRelease("changed-model", "a release whose model was changed after its manifest was written"),
)


def as_markdown() -> str:
    """The page."""
    lines = [
        "# Bad input: what is answered, what is written down",
        "",
        "Generated from `tests/support/hostile_inputs.py`; each row is a test that sends it over HTTP to a real",
        "server (`tests/system/test_hostile_inputs.py`). After each of them a good part still gets its verdict and",
        "the ledger's hash chain verifies. Nothing here is ever answered `OK` or 500.",
        "",
        "| sent | answer | record |",
        "|---|---|---|",
        *(f"| {each.sent} | {each.answer} | {each.record.value} |" for each in HOSTILE_INPUTS),
        f"| one view of two, and never the other | 202, then `NOT_INSPECTED`, `missing_view` | {Record.ROW.value} |",
    ]
    for release in BROKEN_RELEASES:
        lines.append(
            f"| a recipe that names {release.sent} | 409, `/problems/release-unusable` | {Record.NOTHING.value} |"
        )
        lines.append(
            f"| a part, where the station's release became {release.sent} | 200, `NOT_INSPECTED`, `no_release`; "
            f"`/readyz` answers 503 `release_not_loaded` | {Record.ROW.value} |"
        )
    lines += [
        "",
        "How many of 1,000 randomly damaged JPEGs the strict decoder catches where a station's settings waive the",
        "digest: [benchmarks](benchmarks.md#damaged-pictures-where-the-digest-is-waived).",
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(as_markdown(), "utf-8")
