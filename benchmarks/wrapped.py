"""The measurements that are also programs of their own, as tables of the common run."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from benchmarks import damaged_jpegs, ledger, power_cut
from benchmarks.options import Options
from benchmarks.report import Report, Table


def measure_ledger(options: Options) -> Report:
    """Durable writes a second."""
    options.say("ledger: 1, 4 and 16 writers on SQLite and PostgreSQL")
    results = ledger.measure_all(seconds=options.some(3, 1), folder=options.folder)
    table = Table(
        "Ledger: inspections made durable a second (SQLite WAL synchronous=FULL; PostgreSQL synchronous_commit=on)",
        ("database", "writers", "writes/s", "p50 ms", "p99 ms"),
        [(row.database, str(row.writers), str(row.writes_per_s), str(row.p50_ms), str(row.p99_ms)) for row in results],
    )
    return Report((table,), {"rows": [asdict(row) for row in results]})


def measure_power_cut(options: Options) -> Report:
    """Power cuts replayed against the ledger's write path."""
    if shutil.which("strace") is None:
        return Report(
            (Table("Power cut: strace is not installed, nothing measured", ("",), ()),), {"skipped": "strace"}
        )
    results = []
    for cuts, normal in ((options.some(1000, 100), False), (options.some(200, 50), True)):
        options.say(f"power_cut: {cuts} cuts, synchronous={'NORMAL' if normal else 'FULL'}")
        results.append(power_cut.measure(cuts=cuts, seed=7, writes=300, writers=4, normal=normal))
    table = Table(
        "Power cut: the disk rebuilt as a cut at any moment may leave it",
        ("synchronous", "acknowledged", "cuts", "cuts that lost one", "most lost", "torn", "corrupt", "broken chains"),
        [
            (
                row.synchronous,
                str(row.acknowledged),
                str(row.cuts),
                str(row.lossy_cuts),
                str(row.most_lost),
                str(row.torn_cuts),
                str(row.corrupt_cuts),
                f"{row.broken_chains} of {row.chains_checked}",
            )
            for row in results
        ],
        ("NORMAL is the control: it must lose acknowledged rows, or the replay could not have failed",),
    )
    return Report((table,), {"rows": [asdict(row) for row in results]})


def measure_damaged_jpegs(options: Options) -> Report:
    """What the strict decoder catches where the digest is waived."""
    count = options.some(1000, 200)
    options.say(f"damaged_jpegs: {count} bodies")
    with _quiet_libjpeg():
        strict, plain = damaged_jpegs.measure(count, seed=1)
    rows = []
    total, total_plain = damaged_jpegs.Tally(), damaged_jpegs.Tally()
    for kind, tally in strict.items():
        rows.append(_damage_row(kind, tally, plain[kind]))
        for sum_, part in ((total, tally), (total_plain, plain[kind])):
            sum_.caught += part.caught
            sum_.changed += part.changed
            sum_.harmless += part.harmless
    rows.append(_damage_row("all", total, total_plain))
    table = Table(
        f"Damaged JPEGs: {count} bodies, no digest",
        ("damage", "bodies", "caught", "changed", "harmless", "plain OpenCV caught", "changed"),
        rows,
        (
            "changed: accepted although the pixels are not those that were sent; harmless: the very same pixels",
            "with Content-Digest, as stations must send it by default, all of them are caught",
        ),
    )
    return Report((table,), {"strict": {kind: asdict(tally) for kind, tally in strict.items()}})


def _damage_row(kind: str, strict: damaged_jpegs.Tally, plain: damaged_jpegs.Tally) -> tuple[str, ...]:
    bodies = strict.caught + strict.changed + strict.harmless
    counts = (bodies, strict.caught, strict.changed, strict.harmless, plain.caught, plain.changed)
    return kind, *(str(count) for count in counts)


@contextmanager
def _quiet_libjpeg() -> Iterator[None]:
    """OpenCV's libjpeg complains of each damaged body straight to the process's stderr."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
