"""The aims, and what a run found of them: the table at the head of docs/benchmarks.md."""

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.report import Table

NAME = "aims"
"""Of its place on the page."""

_JUDGED_FLOW = "judged over HTTP"


def aims_table(figures: Mapping[str, Any]) -> Table:
    """Hold figures against the aims.

    Args:
        figures: of the benchmarks that ran, by name; the aims of the others are left out.
    """
    rows: list[tuple[str, str, str]] = []
    for name, aims in (
        ("served", _served),
        ("overhead", _overhead),
        ("parity", _parity),
        ("exactly_once", _exactly_once),
        ("verification", _verification),
        ("hot_swap", _hot_swap),
        ("power_cut", _power_cut),
        ("start_up", _start_up),
        ("damaged_jpegs", _damaged_jpegs),
        ("delivery_outages", _delivery_outages),
        ("station_outages", _station_outages),
        ("delivery_latency", _delivery_latency),
        ("delivery_sustained", _delivery_sustained),
        ("line_scan", _line_scan),
    ):
        if name in figures and "skipped" not in figures[name]:
            rows += aims(figures[name])
    return Table("Aims, and what this run found", ("what", "aim", "found"), rows)


def _served(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    cells = {(cell["server"], cell["clients"]): cell for cell in figures["cells"]}
    for server, aim in (("Lineside", ">= 3.5 with AMX"), ("Lineside, ONNX Runtime fp32", "-")):
        yield f"{server}: throughput at 4 clients, times the plain service", aim, _ratio(cells[server, 4])
    crowd = cells["Lineside", 16]
    refused = crowd["shed"] + crowd["not_inspected"]
    share = refused / max(1, refused + crowd["verdicts"])
    spread = crowd["p99_ms"] / crowd["p50_ms"]
    yield "16 clients: p99 of the accepted, times their p50", "<= 2", f"{spread:.2f}, {100 * share:.1f} % shed"


def _overhead(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "one client: p50, times decode and inference alone", "<= 1.25", f"{figures['one_client_ratio']:.2f}"


def _ratio(cell: Mapping[str, Any]) -> str:
    return f"{cell['ratio_to_plain']:.2f}"


def _parity(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for release, found in figures.items():
        for engine, parity in found["parity"]["engines"].items():
            box, points = parity["mean_box_difference_px"], 100 * (parity["delta_map50_95"] or 0)
            is_fp32 = engine.endswith(("-fp32", "-cuda"))
            aim = "< 0.5 px, < 0.1 points" if is_fp32 else "<= 0.5 points"
            yield f"parity, {release} on {engine}: boxes, mAP50-95", aim, f"{box:.4f} px, {points:+.3f} points"


def _verification(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    size = f"{figures['size_bytes'] / 2**20:.0f} MiB"
    yield f"verification of a signed release of {size}, median", "< 100 ms", f"{figures['package_median_ms']:.0f} ms"


def _hot_swap(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    swaps = figures["swaps"]
    wrong = f"{swaps['failed']} failed, {swaps['misjudged']} misjudged of {swaps['verdicts']} verdicts"
    yield f"{swaps['swaps']} hot swaps at 4 clients: failed or misjudged parts", "0", wrong
    slope_mb = swaps["slope_bytes_a_swap"] / 1e6
    yield "memory of the server, slope over the swaps", "flat", f"{slope_mb:+.3f} MB a swap"
    for load, found in figures["shadow"].items():
        yield f"shadow on, {load}: p99 of the verdicts, times that with it off", "-", f"{found['p99_ratio']:.2f}"


def _exactly_once(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for run in figures["runs"]:
        how = "kill -9 in the middle" if run["kills"] else "undisturbed"
        wrong = f"{run['lost']} lost, {run['twice']} twice, {run['different']} otherwise"
        chain = "verifies" if run["chain_is_intact"] else "is BROKEN"
        yield (
            f"{run['parts']} parts, {how}: answered verdicts in the ledger exactly once",
            "all",
            f"{run['told']} answered; {wrong}; chain {chain}",
        )


def _power_cut(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for row in figures["rows"]:
        if row["synchronous"] == "FULL":
            yield f"{row['cuts']} power cuts: cuts that lost an acknowledged verdict", "0", str(row["lossy_cuts"])


def _start_up(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "start to ready, engine choice remembered", "<= 5 s", f"{statistics.median(figures['remembered_s']):.1f} s"
    yield "start to ready, the first time", "<= 20 s", f"{statistics.median(figures['first_s']):.1f} s"
    memory_mb = figures["memory_after_frames_bytes"] / 1e6
    yield "memory of the server after 500 frames", "< 700 MB", f"{memory_mb:.0f} MB"


def _damaged_jpegs(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    tallies = figures["strict"].values()
    count = sum(tally["caught"] + tally["changed"] + tally["harmless"] for tally in tallies)
    caught = sum(tally["caught"] for tally in tallies)
    yield f"{count} damaged JPEGs without a digest: caught by the strict decoder", "-", str(caught)


def _delivery_outages(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    wrong = ", ".join(
        f"{name} {found['lost'] + found['otherwise'] + found['disordered']}" for name, found in figures["sinks"].items()
    )
    yield "outage, flapping, kill -9: events lost, under another id or out of order", "0", wrong


def _station_outages(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    books = figures["audit"]
    unearned = books["without_permit"] + books["without_ok"] + books["bad"]
    yield f"every plug pulled, {books['left']} parts at the gate: passed unearned", "0", str(unearned)
    wrong = books["lost"] + books["twice"] + books["booked_otherwise"]
    yield "the same: lost, counted twice, written down otherwise", "0", str(wrong)


def _delivery_latency(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "p99 of a verdict, all sinks down, times all up", "<= 1.25", f"{figures['down_over_up']:.2f}"


def _delivery_sustained(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, flow in figures.items():
        drained = (
            "not drained within the wait" if flow["drained_s"] is None else f"drained in {flow['drained_s']:.0f} s"
        )
        aim = ">= 100/s, drains" if name == _JUDGED_FLOW else "500/s, drains"
        yield f"all sinks on, {name}", aim, f"{flow['per_second']:.0f}/s, {drained}"


def _line_scan(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    held = [run for run in figures["held"] if run["holds"]]
    found = f"{held[-1]['line_rate_hz'] / 1000:g} kHz for {held[-1]['seconds']:.0f} s" if held else "none"
    yield "line scan, 2k px: highest line rate held, no line lost, every region in time", ">= 6 kHz, aim 10", found
