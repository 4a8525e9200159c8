"""`delivery_latency`: what a verdict takes while all sinks are up, while all are down, and without any.

Three servers run on this machine, and stations post boards to one after the other, in short turns at a line's pace.
Down means the worst of each: a receiver that takes the request and never answers, no broker, a port that is taken.
"""

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.boards import board_frames
from benchmarks.delivery_site import PeerPorts, delivery_file, running_peers, taken_port, wait_until_delivered
from benchmarks.load import Load, run_load_apart
from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from benchmarks.server import Line, free_port

STATIONS = 2
_EVERY_S = 0.1
_FRAMES = 50
_WORKS_WITHIN_S = 120.0
_AIM = 1.25

Turns = Mapping[str, Sequence[Sequence[float]]]
"""By state of the sinks: the latencies of each turn, ms."""


def measure(options: Options) -> Report:
    """Take turns."""
    return report(run(options, turns=options.some(8, 1), seconds=float(options.some(5, 2))))


def run(options: Options, *, turns: int, seconds: float, words: Sequence[str] = ()) -> Turns:
    """Measure every state in each turn, in an order that changes.

    Args:
        options: where, and who is told.
        turns: how many.
        seconds: of each state in a turn.
        words: further options of the servers.
    """
    pictures = _pictures(options.folder / "frames")
    with ExitStack() as stack:
        peers = stack.enter_context(running_peers(options.folder / "peers"))
        hanging, taken = free_port(), free_port()
        for port in (hanging, taken):  # a listener that nobody serves: connections open, and nothing is answered
            stack.enter_context(taken_port(port))
        files = {
            "none configured": None,
            "all up": PeerPorts(peers.webhook, peers.broker, free_port()),
            "all down": PeerPorts(hanging, free_port(), taken),
        }
        lines = {}
        for name, ports in files.items():
            folder = options.folder / name.replace(" ", "-")
            options.say(f"delivery_latency: start with {name}")
            file = () if ports is None else ("--delivery", str(delivery_file(folder / "delivery", ports)))
            lines[name] = Line.prepare(folder / "line", options=(*words, *file))
            stack.enter_context(lines[name].server)
            lines[name].enrol(STATIONS)
        if wait_until_delivered(lines["all up"], within_s=_WORKS_WITHIN_S) is None:
            raise RuntimeError("the sinks that are up do not deliver; see the server's log")
        found: dict[str, list[list[float]]] = {name: [] for name in lines}
        for turn in range(turns):
            options.say(f"delivery_latency: turn {turn + 1} of {turns}")
            order = list(lines)[turn % 3 :] + list(lines)[: turn % 3]
            for name in order:
                line = lines[name]
                prefix = f"turn-{turn}"
                load = Load(
                    "lineside", line.server.port, STATIONS, seconds, str(pictures), prefix, line.key, 0.0, _EVERY_S
                )
                found[name].append(run_load_apart(load).latencies_ms)
        return found


def report(found: Turns) -> Report:
    """Ratios of the turns, and their medians."""
    rows = []
    figures: dict[str, Any] = {}
    for name, turns in found.items():
        against = found["none configured"] if name == "all up" else found["all up"]
        is_compared = name != "none configured"
        ratios = [_p99(mine) / _p99(theirs) for mine, theirs in zip(turns, against, strict=True)] if is_compared else []
        p50_ms = statistics.median(float(np.percentile(turn, 50)) for turn in turns)
        p99_ms = statistics.median(_p99(turn) for turn in turns)
        figures[name] = {
            "verdicts": sum(len(turn) for turn in turns),
            "p50_ms": p50_ms,
            "p99_ms": p99_ms,
            "p99_ratios": ratios,
        }
        rows.append(
            (
                name,
                str(figures[name]["verdicts"]),
                milliseconds(p50_ms),
                milliseconds(p99_ms),
                f"{statistics.median(ratios):.2f}" if ratios else "-",
                f"{min(ratios):.2f}..{max(ratios):.2f}" if ratios else "-",
            )
        )
    ratio = statistics.median(figures["all down"]["p99_ratios"])
    turn_count = len(found["all up"])
    table = Table(
        f"Verdicts at {STATIONS / _EVERY_S:.0f} parts a second while sinks are up and down",
        ("sinks", "verdicts", "p50 ms", "p99 ms", "p99 ratio", "lowest and highest ratio"),
        rows,
        (
            f"medians of {turn_count} turns; in each the states follow one another, and each pair gives a ratio",
            "the ratio of all up is to none configured, that of all down to all up",
            "down: the receiver takes requests and never answers, no broker listens, the OPC UA port is taken",
            f"aim: down over up at most {_AIM}: {ratio:.2f}{'' if ratio <= _AIM else ', **missed**'}",
        ),
    )
    return Report((table,), {"sinks": figures, "down_over_up": ratio})


def _p99(latencies_ms: Sequence[float]) -> float:
    return float(np.percentile(latencies_ms, 99))


def _pictures(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for index, frame in enumerate(board_frames(_FRAMES)):
        (folder / f"{index:03d}.jpg").write_bytes(frame.jpeg)
    return folder
