"""`served`: verdicts a second over HTTP, against the plain service people write.

Three servers stand side by side with one model file and the same frames: Lineside as it comes (`engine=auto`),
Lineside on ONNX Runtime in float32 alone, and `plain_service.py`. They take turns, so a burst of other load on the
host hits them alike. Lineside does its whole job meanwhile: keys, digests, strict decoding, image health, a verdict
under a recipe, an fsynced ledger entry, images.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.boards import board_frames
from benchmarks.load import Load, run_load_apart
from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from benchmarks.server import Line, plain_service
from lineside.inspection.release import MODEL_NAME, starter_release_folder

CLIENTS = (1, 4, 16)
RELEASE = "pcb-single"
PLAIN = "plain service"
AUTO = "Lineside"
FP32 = "Lineside, ONNX Runtime fp32"
_FRAMES = 50


@dataclass(slots=True)
class Cell:
    """One server under one load, over all rounds."""

    rates: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    shed: int = 0
    not_inspected: int = 0
    others: dict[str, str] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Median of the rounds' verdicts a second."""
        return statistics.median(self.rates)

    def quantile_ms(self, share: float) -> float:
        """A quantile of all latencies."""
        return float(np.quantile(self.latencies_ms, share)) if self.latencies_ms else float("nan")

    @property
    def shed_share(self) -> float:
        """Of all requests, those that got no verdict: shed, or not inspected."""
        refused = self.shed + self.not_inspected
        return refused / max(1, refused + len(self.latencies_ms))


def measure(options: Options) -> Report:
    """Run the three servers in turn."""
    picture_folder = options.folder / "frames"
    picture_folder.mkdir(parents=True)
    for index, frame in enumerate(board_frames(_FRAMES)):
        (picture_folder / f"{index:03d}.jpg").write_bytes(frame.jpeg)
    model = starter_release_folder(RELEASE) / MODEL_NAME
    auto = Line.prepare(options.folder / "auto")
    fp32 = Line.prepare(options.folder / "fp32", options=("--engine", "onnxruntime-fp32"))
    plain = plain_service(options.folder / "plain", model)
    with auto.server, fp32.server, plain:
        for line in (auto, fp32):
            line.enrol(max(CLIENTS))
        loads = {
            PLAIN: Load("plain", plain.port, 1, 1, str(picture_folder), ""),
            AUTO: Load("lineside", auto.server.port, 1, 1, str(picture_folder), "", auto.key),
            FP32: Load("lineside", fp32.server.port, 1, 1, str(picture_folder), "", fp32.key),
        }
        cells = _take_turns(options, loads)
    return _report(cells)


def _take_turns(options: Options, loads: Mapping[str, Load]) -> dict[tuple[str, int], Cell]:
    cells: dict[tuple[str, int], Cell] = {(name, clients): Cell() for name in loads for clients in CLIENTS}
    rounds = options.some(5, 2)
    for turn in range(rounds):
        options.say(f"served: round {turn + 1} of {rounds}")
        for clients in CLIENTS:
            for name, load in loads.items():
                seconds = options.some(6, 3)
                served = run_load_apart(
                    Load(
                        load.kind,
                        load.port,
                        clients,
                        seconds,
                        load.frames,
                        f"p{turn}-{clients}",
                        load.key,
                    )
                )
                cell = cells[name, clients]
                cell.rates.append(len(served.latencies_ms) / served.seconds)
                cell.latencies_ms += served.latencies_ms
                cell.shed += served.shed
                cell.not_inspected += sum(served.not_inspected.values())
                cell.others |= served.others
    return cells


def _report(cells: Mapping[tuple[str, int], Cell]) -> Report:
    names = dict.fromkeys(name for name, _ in cells)
    rows = []
    for clients in CLIENTS:
        for name in names:
            cell = cells[name, clients]
            ratios = _ratios(cells, name, clients)
            rows.append(
                (
                    f"{name}, {clients} client{'s' if clients > 1 else ''}",
                    f"{cell.rate:.1f}",
                    f"{min(cell.rates):.1f}..{max(cell.rates):.1f}",
                    f"{statistics.median(ratios):.2f}" if name != PLAIN else "1",
                    milliseconds(cell.quantile_ms(0.5)),
                    milliseconds(cell.quantile_ms(0.99)),
                    f"{cell.quantile_ms(0.99) / cell.quantile_ms(0.5):.2f}",
                    f"{100 * cell.shed_share:.1f} %",
                )
            )
    turns = len(cells[AUTO, 1].rates)
    throughput = Table(
        "Served: verdicts a second over HTTP, one 640x640 JPEG each",
        ("server and load", "verdicts/s", "rounds", "x plain", "p50 ms", "p99 ms", "p99/p50", "shed"),
        rows,
        (
            f"medians of {turns} rounds in which the servers took turns",
            "shed: requests answered 503, or NOT_INSPECTED because late; the plain service never sheds",
            *(f"{name}, {clients}: {cell.others}" for (name, clients), cell in cells.items() if cell.others),
        ),
    )
    figures = {
        "cells": [
            {
                "server": name,
                "clients": clients,
                "rates": cell.rates,
                "ratio_to_plain": statistics.median(_ratios(cells, name, clients)),
                "p50_ms": cell.quantile_ms(0.5),
                "p99_ms": cell.quantile_ms(0.99),
                "verdicts": len(cell.latencies_ms),
                "shed": cell.shed,
                "not_inspected": cell.not_inspected,
                "others": cell.others,
            }
            for (name, clients), cell in cells.items()
        ],
    }
    return Report((throughput,), figures)


def _ratios(cells: Mapping[tuple[str, int], Cell], name: str, clients: int) -> list[float]:
    """Round by round: this server's rate over the plain service's."""
    pairs = zip(cells[name, clients].rates, cells[PLAIN, clients].rates, strict=True)
    return [mine / plain if plain else float("nan") for mine, plain in pairs]
