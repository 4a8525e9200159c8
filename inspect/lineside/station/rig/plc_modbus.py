"""A simulated PLC as a program: `python -m lineside.station.rig.plc_modbus --parts 20`.

It prints a line of JSON with the port that it serves Modbus/TCP on, then an answer to each order that it reads from
stdin (see `line.orders`). When stdin closes it prints the line's account and ends, so that it never outlives the
program that started it.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path

from lineside.client.clock import SystemClock
from lineside.station.rig.line.orders import carry_out, truth_as_json
from lineside.station.rig.plc_registers import ModbusPlc
from lineside.station.rig.settings import SimulatedSettings
from lineside.station.rig.simulated import line_settings
from lineside.station.rig.simulated_line import SimulatedLine

_NUMBERS = (
    "speed_mm_s",
    "mm_per_count",
    "spacing_mm",
    "spacing_to_mm",
    "gate_at_mm",
    "confirm_at_mm",
    "heartbeat_timeout_ms",
    "ack_timeout_ms",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stdin closes."""
    given = vars(_parser().parse_args(arguments))
    host, port, record = given.pop("host"), given.pop("port"), given.pop("record")
    settings = SimulatedSettings.model_validate(
        {"kind": "simulated", **{name: value for name, value in given.items() if value is not None}}
    )
    asyncio.run(_serve(settings, host=host, port=port, record=record))


async def _serve(settings: SimulatedSettings, *, host: str, port: int, record: Path | None) -> None:
    clock = SystemClock()
    line = SimulatedLine(line_settings(settings), start_s=clock.monotonic())
    async with ModbusPlc(line, clock=clock, host=host, port=port) as plc, _recording(line, record):
        _say(json.dumps({"host": host, "port": plc.port}))
        while written := await asyncio.to_thread(sys.stdin.readline):
            if written.strip():
                _say(json.dumps(carry_out(line, written)))
    _say(truth_as_json(line.truth))


@contextlib.asynccontextmanager
async def _recording(line: SimulatedLine, path: Path | None) -> AsyncIterator[None]:
    """Write down each part that leaves the gate as it leaves, so that its account outlives a killed process."""
    if path is None:
        yield
        return
    with path.open("a", encoding="utf-8") as file:

        async def record() -> None:
            written = 0
            while True:
                for part in line.parts_that_left(since=written):
                    file.write(json.dumps(asdict(part)) + "\n")
                    file.flush()
                    written += 1
                await asyncio.sleep(line.settings.scan_s)

        recording = asyncio.create_task(record(), name="plc-record")
        try:
            yield
        finally:
            await asyncio.sleep(2 * line.settings.scan_s)
            recording.cancel()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lineside.station.rig.plc_modbus", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--parts", type=int, help="how many come; without it they never end")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--record", type=Path, help="append a line of JSON there for each part that leaves the gate")
    for name in _NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float)
    return parser


if __name__ == "__main__":
    main()
