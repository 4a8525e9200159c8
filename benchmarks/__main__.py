"""`python -m benchmarks [NAME...]`: run benchmarks and print their tables."""

import argparse
import importlib
import json
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console

from benchmarks import aims
from benchmarks.machine import Machine, describe_machine
from benchmarks.options import Options
from benchmarks.page import write_into_page
from benchmarks.report import Report, print_table

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One entry of the table.

    Attributes:
        module: imported when it runs: some need torch, some a database.
        function: takes `Options`, returns a `Report`.
        summary: one line for the list.
    """

    module: str
    function: str
    summary: str

    def run(self, options: Options) -> Report:
        """Measure."""
        found: Report = getattr(importlib.import_module(self.module), self.function)(options)
        return found


BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        "served": Benchmark("benchmarks.served", "measure", "verdicts a second over HTTP, against a plain service"),
        "overhead": Benchmark("benchmarks.overhead", "measure", "what serving adds to decoding and inference"),
        "fast_path": Benchmark(
            "benchmarks.fast_path", "measure", "raw pixels through a Unix socket against JPEG over HTTP"
        ),
        "core": Benchmark("benchmarks.core", "measure", "what each stage of judging a frame costs"),
        "parity": Benchmark("benchmarks.parity", "measure", "each engine against PyTorch, on real boards"),
        "exactly_once": Benchmark("benchmarks.exactly_once", "measure", "answered verdicts in the ledger, kill -9"),
        "start_up": Benchmark("benchmarks.start_up", "measure", "start to ready, memory at work"),
        "hot_swap": Benchmark("benchmarks.hot_swap", "measure", "releases changed under load, shadow on and off"),
        "label_loop": Benchmark("benchmarks.label_loop", "measure", "labels after a process change: queue against lot"),
        "label_queue": Benchmark("benchmarks.label_queue", "measure", "what each reason of the queue finds"),
        "label_studio": Benchmark("benchmarks.label_studio", "measure", "10,000 tasks pushed and pulled"),
        "verification": Benchmark("benchmarks.verification", "measure", "a signed release, before it is loaded"),
        "coverage": Benchmark(
            "benchmarks.coverage", "measure", "how often intervals of the defect rate hold the truth"
        ),
        "control_charts": Benchmark(
            "benchmarks.control_charts", "measure", "false alarms of p and p' charts, run lengths of all"
        ),
        "drift": Benchmark("benchmarks.drift", "measure", "what the watch for drift finds, and its false alarms"),
        "delivery_outages": Benchmark(
            "benchmarks.delivery_outages", "measure", "every receiver away, flapping, kill -9: nothing lost"
        ),
        "delivery_latency": Benchmark(
            "benchmarks.delivery_latency", "measure", "verdicts while all sinks are up, down, or not there"
        ),
        "delivery_sustained": Benchmark(
            "benchmarks.delivery_sustained", "measure", "100 inspections a second to all sinks, and a burst of 500"
        ),
        "line_scan": Benchmark(
            "benchmarks.line_scan", "measure", "the fastest web that two cores judge without losing a line"
        ),
        "station_outages": Benchmark(
            "benchmarks.station_outages", "measure", "a station, its PLC and its server, each cut and killed in turn"
        ),
        "ledger": Benchmark("benchmarks.wrapped", "measure_ledger", "durable writes a second"),
        "rate_queries": Benchmark(
            "benchmarks.rate_queries", "measure", "the page's questions about rates over ten million inspections"
        ),
        "power_cut": Benchmark("benchmarks.wrapped", "measure_power_cut", "power cuts replayed on the write path"),
        "damaged_jpegs": Benchmark("benchmarks.wrapped", "measure_damaged_jpegs", "damaged pictures, no digest"),
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(given)
    if options.docs and options.quick:
        parser.error("--docs with --quick: the page holds whole runs only")
    names = options.names or list(BENCHMARKS)
    command = shlex.join(["python", "-m", "benchmarks", *given])
    began_at = datetime.now(UTC)
    machine = describe_machine(_ROOT)
    console = Console(width=None if sys.stdout.isatty() else 140)
    talk = Console(stderr=True)
    circumstances = (f"$ {command}", f"{began_at:%Y-%m-%d %H:%M} UTC", *machine.lines())
    for line in circumstances:
        console.print(line, highlight=False)
    console.print()
    figures: dict[str, Any] = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-", dir=options.folder) as folder:
            report = BENCHMARKS[name].run(
                Options(Path(folder), lambda text: talk.print(text, style="dim", highlight=False), options.quick)
            )
        for table in report.tables:
            print_table(table, console)
        figures[name] = dict(report.figures)
        if options.docs:
            write_into_page(_PAGE, name, report, circumstances=circumstances)
        if options.json is not None:  # after each, so that what is measured survives a later failure
            _write_json(options.json, command, began_at, machine, figures)
    summary = aims.aims_table(figures)
    if summary.rows:
        print_table(summary, console)
    if options.docs and not options.names:  # a run of some benchmarks must not hide the aims of the others
        write_into_page(_PAGE, aims.NAME, Report((summary,)), circumstances=circumstances)
    return 0


def _write_json(path: Path, command: str, began_at: datetime, machine: Machine, figures: Mapping[str, Any]) -> None:
    record = {"command": command, "at": began_at.isoformat(), "machine": machine.as_json(), "figures": figures}
    path.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def _parser() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:20}{benchmark.summary}" for name, benchmark in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure, and print tables. Nothing here passes or fails.\n\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", choices=list(BENCHMARKS), metavar="NAME", help="which; all if none is named"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument("--docs", action="store_true", help="write the tables into docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    parser.add_argument("--folder", type=Path, help="where the servers keep their data (its disk is measured)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
