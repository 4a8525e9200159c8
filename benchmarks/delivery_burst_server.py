"""A server that writes a burst of inspections into its own ledger, as its inspection service does, and delivers them.

    python -m benchmarks.delivery_burst_server DATA PORT RELEASES DELIVERY_FILE BURST_FILE

The server is the one of `lineside serve`. The ledger has one writer, which is the server, so the burst is written from
within: no network judges 500 parts a second on two cores. It begins when BURST_FILE is there, a JSON object of
`per_second`, `seconds` and `stations`; how it went is written to BURST_FILE with `.done` behind it.
"""

import asyncio
import json
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from lineside.inspection.verdict import Verdict
from lineside.serving import Settings, create_app
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.inspections.closing import verdict_columns
from lineside.serving.inspections.schemas import InspectionOut, RecipeOut, ReleaseOut
from lineside.serving.inspections.store import close_attempt
from lineside.serving.inspections.submission import Cause
from lineside.serving.ledger import Ledger, Transaction
from lineside.workflows.running_server import Address, LogFormat, configure_logging, run_app

_TICK_S = 0.01
_JUDGED_WITHIN = timedelta(milliseconds=8)
_DIGEST = "d" * 64


async def write_inspection(ledger: Ledger, part_id: str, *, station: str, recipe: RecipeOut) -> None:
    """Write one attempt with its verdict and event, in one operation."""

    def write(transaction: Transaction) -> None:
        now = transaction.now()
        answer = InspectionOut(
            id=ledger.new_id(),
            plant=ledger.plant,
            station=station,
            part_id=part_id,
            attempt=1,
            cause=Cause.FIRST,
            parent_id=None,
            product="bench-board",
            lot=None,
            order_id=None,
            verdict=Verdict.OK,
            reasons=(),
            defects=(),
            audit=False,
            audit_probability=0.0,
            confirmation=False,
            confirmation_probability=0.0,
            recipe=recipe,
            release=ReleaseOut(name="bright-squares", version="1.0.0", digest=_DIGEST),
            engine="onnxruntime-fp32",
            thresholds={},
            threshold_status=ThresholdStatus.UNCERTIFIED,
            judged_by="server",
            is_simulated=False,
            opened_at=now - _JUDGED_WITHIN,
            judged_at=now,
            deadline_ms=5000.0,
            timings_ms={},
            frames=(),
        )
        columns = {
            "id": answer.id,
            "plant": answer.plant,
            "station": station,
            "part_id": part_id,
            "attempt": 1,
            "cause": answer.cause.value,
            "lot": None,
            "product": answer.product,
            "recipe_id": recipe.id,
            "recipe_version": recipe.version,
            "judged_by": "server",
            "is_simulated": False,
            "opened_at": answer.opened_at,
            **verdict_columns(answer),
        }
        close_attempt(transaction, answer, values=columns, is_open=False)

    await ledger.write(write)


async def burst(ledger: Ledger, *, per_second: float, seconds: float, stations: int) -> dict[str, Any]:
    """Write at a steady pace; says how many, in what time, and how long each took."""
    recipe = RecipeOut(id="bench-board", version=1, digest="e" * 64)
    count = round(per_second * seconds)
    waits_s: list[float] = []
    began_s = time.perf_counter()

    async def write(number: int) -> None:
        sent_s = time.perf_counter()
        station = f"bench-{number % stations}"
        await write_inspection(ledger, f"burst-{number}", station=station, recipe=recipe)
        waits_s.append(time.perf_counter() - sent_s)

    async with asyncio.TaskGroup() as group:
        number = 0
        while number < count:
            due = min(count, int((time.perf_counter() - began_s) * per_second) + 1)
            for each in range(number, due):
                group.create_task(write(each))
            number = max(number, due)
            await asyncio.sleep(_TICK_S)
    return {
        "written": len(waits_s),
        "seconds": time.perf_counter() - began_s,
        "p99_ms": 1000 * float(np.percentile(waits_s, 99)),
    }


def _write_when_asked(ledger: Ledger, file: Path) -> None:
    while not file.exists():
        time.sleep(0.05)
    done = asyncio.run(burst(ledger, **json.loads(file.read_text("utf-8"))))
    file.with_name(f"{file.name}.done").write_text(json.dumps(done), "utf-8")


def main(data_dir: Path, port: int, *, releases: Path, delivery_file: Path, burst_file: Path) -> None:
    """Serve until SIGTERM."""
    configure_logging(LogFormat.JSON)
    settings = Settings(
        data_dir=data_dir,
        port=port,
        releases_dir=releases,
        unsigned_releases=True,
        engine="onnxruntime-fp32",
        delivery_file=delivery_file,
    )
    app = create_app(settings)

    def begin(address: Address) -> None:
        services = app.state.services
        services.delivery.supervisor.begin(address.url)
        arguments = (services.ledger, burst_file)
        threading.Thread(target=_write_when_asked, args=arguments, daemon=True, name="burst").start()

    async def end() -> None:
        await app.state.services.delivery.supervisor.end()

    run_app(app, host=settings.host, port=settings.port, on_ready=begin, on_ending=end)


if __name__ == "__main__":
    _releases, _delivery_file, _burst_file = map(Path, sys.argv[3:])
    main(Path(sys.argv[1]), int(sys.argv[2]), releases=_releases, delivery_file=_delivery_file, burst_file=_burst_file)
