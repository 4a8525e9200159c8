"""Reads Sparkplug B payloads byte by byte, without protobuf's library: numbers of fields from the specification."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class WireMetric:
    """One metric as it stands on the wire; None is a field that is not there."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    is_historical: bool = False
    is_null: bool = False
    value: int | float | bool | str | None = None


@dataclass
class WirePayload:
    """A payload as it stands on the wire."""

    timestamp: int | None = None
    seq: int | None = None
    metrics: list[WireMetric] = field(default_factory=list)

    def named(self, name: str) -> WireMetric:
        """The metric of a name."""
        return next(metric for metric in self.metrics if metric.name == name)


def read_payload(data: bytes) -> WirePayload:
    """Read a whole payload."""
    payload = WirePayload()
    for number, value in _fields(data):
        if number == 1:
            payload.timestamp = _number(value)
        elif number == 2:
            payload.metrics.append(_metric(_bytes(value)))
        elif number == 3:
            payload.seq = _number(value)
        else:
            raise AssertionError(f"field {number} of a payload is not ours")
    return payload


def _metric(data: bytes) -> WireMetric:
    metric = WireMetric()
    for number, value in _fields(data):
        match number:
            case 1:
                metric.name = _bytes(value).decode()
            case 2:
                metric.alias = _number(value)
            case 3:
                metric.timestamp = _number(value)
            case 4:
                metric.datatype = _number(value)
            case 5:
                metric.is_historical = bool(value)
            case 7:
                metric.is_null = bool(value)
            case 10:
                metric.value = struct.unpack("<i", struct.pack("<I", _number(value)))[0]
            case 11:
                metric.value = struct.unpack("<q", struct.pack("<Q", _number(value)))[0]
            case 13:
                metric.value = struct.unpack("<d", _bytes(value))[0]
            case 14:
                metric.value = bool(value)
            case 15:
                metric.value = _bytes(value).decode()
            case _:
                raise AssertionError(f"field {number} of a metric is not ours")
    return metric


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
        else:
            length, at = (8, at) if tag & 7 == 1 else _varint(data, at)
            assert tag & 7 in {1, 2}, f"wire type {tag & 7}"
            yield tag >> 3, data[at : at + length]
            at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _number(value: int | bytes) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value
