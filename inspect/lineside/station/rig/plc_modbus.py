"""A simulated PLC as a program: `python -m lineside.station.rig.plc_modbus --parts 20`.

It prints a line of JSON with the port that it serves Modbus/TCP on, then an answer to each order that it reads from
stdin (see `line.orders`). When stdin closes it prints the line's account and ends, so that it never outlives the
program that started it.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

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
    host, port = given.pop("host"), given.pop("port")
    settings = SimulatedSettings.model_validate(
        {"kind": "simulated", **{name: value for name, value in given.items() if value is not None}}
    )
    asyncio.run(_serve(settings, host=host, port=port))


async def _serve(settings: SimulatedSettings, *, host: str, port: int) -> None:
    clock = SystemClock()
    line = SimulatedLine(line_settings(settings), start_s=clock.monotonic())
    async with ModbusPlc(line, clock=clock, host=host, port=port) as plc:
        _say(json.dumps({"host": host, "port": plc.port}))
        while written := await asyncio.to_thread(sys.stdin.readline):
            if written.strip():
                _say(json.dumps(carry_out(line, written)))
    _say(truth_as_json(line.truth))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lineside.station.rig.plc_modbus", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--parts", type=int, help="how many come; without it they never end")
    parser.add_argument("--seed", type=int)
    for name in _NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float)
    return parser


if __name__ == "__main__":
    main()
