"""Every kind of value, as Eclipse Tahu's decoder and a reader of plain bytes see it."""

from datetime import UTC, datetime, timedelta

import pytest

from lineside.serving.delivery.sparkplug.errors import PayloadUnreadable
from lineside.serving.delivery.sparkplug.payload import DataType, Metric, Value, decode_commands, encode, milliseconds
from sparkplug_host import SparkplugHost
from sparkplug_wire import read_payload

NOW = datetime(2026, 3, 2, 6, 0, 0, 123_999, tzinfo=UTC)
NOW_MS = 1_772_431_200_123

VALUES: dict[str, tuple[DataType, Value, object]] = {
    "a negative Int32": (DataType.INT32, -(2**31), -(2**31)),
    "a large Int32": (DataType.INT32, 2**31 - 1, 2**31 - 1),
    "a negative Int64": (DataType.INT64, -5, -5),
    "a large Int64": (DataType.INT64, 2**53 - 1, 2**53 - 1),
    "a Double": (DataType.DOUBLE, 0.1, 0.1),
    "true": (DataType.BOOLEAN, True, True),
    "false": (DataType.BOOLEAN, False, False),
    "Korean": (DataType.STRING, "검사 OK", "검사 OK"),
    "nothing in quotes": (DataType.STRING, "", ""),
    "an instant": (DataType.DATETIME, NOW, NOW_MS),
    "null": (DataType.STRING, None, None),
}


@pytest.mark.system
def test_tahu_reads_every_value_as_it_was_meant(host: SparkplugHost) -> None:
    metrics = tuple(
        Metric(datatype, value, NOW, name=name, alias=number, states_datatype=True, is_historical=number == 3)
        for number, (name, (datatype, value, _)) in enumerate(VALUES.items())
    )
    decoded = host.payload(encode(metrics, at=NOW, seq=255))
    assert (decoded["timestamp"], decoded["seq"]) == (NOW_MS, 255)
    assert {metric["name"]: metric["value"] for metric in decoded["metrics"]} == {
        name: expected for name, (_, _, expected) in VALUES.items()
    }
    assert [metric["alias"] for metric in decoded["metrics"]] == list(range(len(VALUES)))
    assert [metric["type"] for metric in decoded["metrics"][:5:2]] == ["Int32", "Int64", "Double"]
    assert [number for number, metric in enumerate(decoded["metrics"]) if metric.get("isHistorical")] == [3]


@pytest.mark.parametrize("name", VALUES)
def test_a_reader_of_plain_bytes_finds_each_value_in_its_field(name: str) -> None:
    datatype, value, expected = VALUES[name]
    payload = read_payload(encode((Metric(datatype, value, NOW, alias=1),), at=None, seq=None))
    (metric,) = payload.metrics
    assert (payload.timestamp, payload.seq) == (None, None)
    assert (metric.value, metric.is_null, metric.timestamp) == (expected, value is None, NOW_MS)


def test_a_clock_before_1970_does_not_break_a_message() -> None:
    assert milliseconds(datetime(1970, 1, 1, tzinfo=UTC) - timedelta(seconds=1)) == 0


@pytest.mark.parametrize("data", [b"\x0a", b"\x12\xff", b"not a payload", b"\x12\x02\x0a\xff"])
def test_bytes_that_are_no_payload_are_named(data: bytes) -> None:
    with pytest.raises(PayloadUnreadable, match=f"{len(data)} bytes"):
        decode_commands(data)


def test_unknown_fields_of_a_command_are_passed_over() -> None:
    known = encode((Metric(DataType.BOOLEAN, value=True, at=NOW, name="a"),), at=NOW, seq=None)
    (command,) = decode_commands(known + b"\x22\x01x\x2a\x01y")
    assert (command.name, command.value) == ("a", True)
