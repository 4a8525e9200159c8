"""`fast_path`: a station on the server's own machine, raw pixels through a Unix socket against JPEG over HTTP.

One server, the same pictures, four ways in turn: JPEG and raw pixels, each through TCP's loopback and through the
socket file. What a station has to do itself, encoding and digest, belongs to the time, because a part waits for it. The
model takes the same share of each: what remains is the way.
"""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # ships no type information

from benchmarks.boards import board_frames
from benchmarks.load import Load, run_load_apart
from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from benchmarks.server import Line

CLIENTS = (1, 4)
SIDES_PX = (640, 2048)
"""One tile of the starter, and a camera of four megapixels."""

_FRAMES = 24
_RECIPE = """\
schema: lineside.recipe/1
id: bench-board
version: 1
product: bench-board
catalogue: {id: pcb, version: 1}
release: pcb-single
deadline_ms: 20000
views: {default: {}}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """How a picture gets to the server."""

    encoding: Literal["jpeg", "raw"]
    through_socket: bool

    @property
    def name(self) -> str:
        """For a table's row."""
        return (
            f"{'JPEG' if self.encoding == 'jpeg' else 'raw pixels'}, {'Unix socket' if self.through_socket else 'TCP'}"
        )


USUAL = Way("jpeg", through_socket=False)
WAYS = (USUAL, Way("jpeg", through_socket=True), Way("raw", through_socket=False), Way("raw", through_socket=True))


@dataclass(slots=True)
class Cell:
    """One way under one load, over all rounds."""

    rates: list[float] = field(default_factory=list)
    medians_ms: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    refused: int = 0


def measure(options: Options) -> Report:
    """Let the four ways take turns on one server."""
    folders = {side: _pictures(options.folder / f"pixels-{side}", side) for side in SIDES_PX}
    cells = {(side, clients, way): Cell() for side in SIDES_PX for clients in CLIENTS for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="ls-") as short:  # a socket's path is short
        socket_path = Path(short) / "server.sock"
        line = Line.prepare(options.folder / "server", options=("--unix-socket", str(socket_path)))
        with line.server:
            line.enrol(max(CLIENTS), recipe=_RECIPE)
            rounds = options.some(7, 2)
            for turn in range(rounds):
                options.say(f"fast_path: round {turn + 1} of {rounds}")
                for (side, clients, way), cell in cells.items():
                    load = Load(
                        "lineside",
                        line.server.port,
                        clients,
                        options.some(4, 2),
                        "",
                        f"{side}-{turn}-{WAYS.index(way)}",
                        line.key,
                        pixels=str(folders[side]),
                        encoding=way.encoding,
                        unix_socket=str(socket_path) if way.through_socket else "",
                    )
                    _note(cell, load)
    return _report(cells, rounds)


def _pictures(folder: Path, side_px: int) -> Path:
    folder.mkdir(parents=True)
    for index, frame in enumerate(board_frames(_FRAMES)):
        gray = simplejpeg.decode_jpeg(frame.jpeg, colorspace="GRAY")[:, :, 0]
        times = -(-side_px // gray.shape[0])
        np.save(folder / f"{index:03d}.npy", np.ascontiguousarray(np.tile(gray, (times, times))[:side_px, :side_px]))
    return folder


def _note(cell: Cell, load: Load) -> None:
    served = run_load_apart(load)
    cell.refused += served.shed + sum(served.not_inspected.values()) + len(served.others)
    cell.rates.append(len(served.latencies_ms) / served.seconds)
    cell.latencies_ms += served.latencies_ms
    if served.latencies_ms:
        cell.medians_ms.append(statistics.median(served.latencies_ms))


def _report(cells: dict[tuple[int, int, Way], Cell], rounds: int) -> Report:
    rows: list[Sequence[str]] = []
    figures = []
    for (side, clients, way), cell in cells.items():
        usual = cells[side, clients, USUAL]
        ratio = statistics.median(own / other for own, other in zip(cell.medians_ms, usual.medians_ms, strict=True))
        rows.append(
            (
                f"{side} x {side}, {clients} station{'s' if clients > 1 else ''}, {way.name}",
                f"{statistics.median(cell.rates):.1f}",
                milliseconds(float(np.quantile(cell.latencies_ms, 0.5))),
                milliseconds(float(np.quantile(cell.latencies_ms, 0.99))),
                f"{ratio:.2f}",
                str(cell.refused),
            )
        )
        figures.append(
            {
                "side_px": side,
                "stations": clients,
                "way": way.name,
                "rate": statistics.median(cell.rates),
                "p50_ms": float(np.quantile(cell.latencies_ms, 0.5)),
                "p99_ms": float(np.quantile(cell.latencies_ms, 0.99)),
                "median_ratio": ratio,
                "refused": cell.refused,
            }
        )
    table = Table(
        "Fast path: from gray pixels in the station's memory to the verdict, on one machine",
        ("picture, load, way", "verdicts/s", "p50 ms", "p99 ms", "x JPEG over TCP", "refused"),
        rows,
        (
            f"medians of {rounds} rounds in which the ways took turns; the ratio is of the rounds' median latencies",
            "encoding (JPEG at quality 95) and digest are part of the time; a frame of 2048 x 2048 is 16 tiles",
        ),
    )
    return Report((table,), {"cells": figures})
