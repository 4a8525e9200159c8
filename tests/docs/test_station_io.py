"""The page for who programmes the PLC says what the code does."""

import json
import re
from pathlib import Path

import pytest
import yaml

from lineside.inspection.canonical_json import canonical_json
from lineside.station.rig import RIG_KINDS
from lineside.station.rig.json_blocks import inputs_from_json, inputs_to_json, outputs_from_json, outputs_to_json
from lineside.station.rig.line import LineSettings
from lineside.station.rig.line.orders import carry_out
from lineside.station.rig.opcua_nodes import INPUT_NODES, OUTPUT_NODES
from lineside.station.rig.register_map import (
    INPUT_WORDS,
    LANE_CODES,
    LAYOUT,
    OUTPUT_WORDS,
    PERMIT_KEY,
    STATE_CODES,
    InputFlag,
    OutputFlag,
)
from lineside.station.rig.settings import LinkSettings, ModbusSettings
from lineside.station.rig.simulated_line import SimulatedLine

PAGE = (Path(__file__).parents[2] / "docs" / "station-io.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^## ", PAGE.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


def table(of: str, title: str) -> list[tuple[str, str]]:
    """The rows of a table, by a word of its head."""
    rows = section(title).split(of)[1].split("\n\n")[0].splitlines()[2:]
    return [(first.strip(), second.strip()) for first, second in (row.strip("|").split("|")[:2] for row in rows)]


def registers(of: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for place, what in table(of, "Modbus/TCP"):
        first, *last = (int(number) for number in re.findall(r"\d+", place))
        found |= dict.fromkeys(range(first, (last or [first])[-1] + 1), what)
    return found


def test_every_register_is_described() -> None:
    settings = ModbusSettings(kind="modbus", host="plc")
    inputs, outputs = registers("| register | inputs |"), registers("| register | outputs |")
    assert sorted(inputs) == list(range(settings.inputs_at, settings.inputs_at + INPUT_WORDS))
    assert sorted(outputs) == list(range(settings.outputs_at, settings.outputs_at + OUTPUT_WORDS))
    for flags, said in ((InputFlag, inputs[2]), (OutputFlag, outputs[103])):
        assert said == "flags: " + ", ".join(
            f"{flag.value} {str(flag.name).lower().replace('_', ' ')}" for flag in flags
        )


def test_every_node_is_described_in_its_order_and_with_its_type() -> None:
    for of, nodes in (("| inputs | data type |", INPUT_NODES), ("| outputs | data type |", OUTPUT_NODES)):
        said: list[tuple[str, str]] = []
        for names, kind in table(of, "OPC UA"):
            for name in names.split(", "):
                if name.startswith("..."):
                    said += [(f"Confirmed{slot}{what}", kind) for slot in range(1, 7) for what in ("Id", "Lane")]
                said.append((name.removeprefix("... "), kind))
        assert said == [(name, kind.value) for name, kind in nodes]


def test_states_lanes_key_and_layout_are_those_of_the_code() -> None:
    signals = section("The signals")
    said = {int(number): name for number, name in re.findall(r"(\d) ([A-Z]\w+)", signals)}
    assert {name.lower() for name in said.values()} == {state.value.replace("_", "") for state in STATE_CODES}
    assert {said[code].lower() for code in STATE_CODES.values()} == {name.lower() for name in said.values()}
    for lane, code in LANE_CODES.items():
        assert f"{code} {lane.value.replace('reinspect', 're-inspect')}" in signals
    assert f"XOR {PERMIT_KEY:X} (hex)" in PAGE
    assert f"**Layout** is {LAYOUT}" in PAGE


def test_the_messages_that_are_shown_are_read_and_written_so() -> None:
    inputs, outputs = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert canonical_json(inputs_to_json(*inputs_from_json(inputs.encode()))) == canonical_json(json.loads(inputs))
    assert canonical_json(outputs_to_json(outputs_from_json(outputs.encode()))) == canonical_json(json.loads(outputs))


@pytest.mark.parametrize("shown", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_settings_that_are_shown_can_be_used(shown: str) -> None:
    rig = yaml.safe_load(shown)["rig"]
    RIG_KINDS[rig["kind"]].settings.model_validate(rig)


def test_the_times_that_are_told_are_those_of_the_code() -> None:
    link, line = LinkSettings(kind="any"), LineSettings()
    times = section("Time")
    assert f"| {link.timeout_ms:.0f} ms | `rig.timeout_ms` |" in times
    assert f"| {link.connect_timeout_ms:.0f} ms | `rig.connect_timeout_ms` |" in times
    assert f"| {link.reconnect_first_ms:.0f} ms to {link.reconnect_longest_ms / 1000:.0f} s |" in times
    assert f"heartbeat | {line.heartbeat_timeout_s * 1000:.0f} ms |" in times
    assert f"handshake | {line.ack_timeout_s * 1000:.0f} ms |" in times
    assert f"({line.permit_age_s:.0f} s in the simulated line" in PAGE


def test_the_orders_that_are_named_are_orders() -> None:
    shown = section("A PLC to try with")
    orders = re.findall(r"`(\{\"do\".*?\})`", shown)
    orders += [json.dumps({"do": name}) for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", shown)]
    assert len(orders) > 10
    for order in orders:
        assert "error" not in carry_out(SimulatedLine(LineSettings()), order), order
