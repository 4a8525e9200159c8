"""Sparkplug B payloads as bytes: protocol buffers after the specification's chapter 6, in a definition of our own.

Only what an edge node of scalar metrics sends and reads is defined: no templates, data sets or property sets. Unknown
fields of a command are passed over, as protocol buffers do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from typing import Any, Final

from google.protobuf import (  # type: ignore[import-untyped]  # ships no type information
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # as above

from lineside.serving.delivery.sparkplug.errors import PayloadUnreadable

Value = bool | int | float | str | datetime | None
"""What a metric may hold; None is Sparkplug's explicit null."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNED_BITS: Final = {3: 32, 4: 64}


class DataType(IntEnum):
    """The data types in use, with the specification's numbers (6.4.16)."""

    INT32 = 3
    INT64 = 4
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13


_FIELD_OF: Final = {
    DataType.INT32: "int_value",
    DataType.INT64: "long_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.DATETIME: "long_value",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One value in a message.

    Attributes:
        datatype: how the value is written.
        value: None is sent as null.
        at: when the value was captured, aware.
        name: in births and in the death; None in data, where the alias stands for it.
        alias: a number that the birth gave to the name; None for a metric that has none.
        is_historical: the value is told late and is not the present one.
        states_datatype: whether the message carries the data type; births do, data need not.
    """

    datatype: DataType
    value: Value
    at: datetime
    name: str | None = None
    alias: int | None = None
    is_historical: bool = False
    states_datatype: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One metric of a command that came in: what it names and what it asks for."""

    name: str | None
    alias: int | None
    value: bool | int | float | str | bytes | None


def encode(metrics: tuple[Metric, ...], *, at: datetime | None, seq: int | None) -> bytes:
    """A payload.

    Args:
        metrics: in the order in which they are to be read.
        at: when the message is sent, aware; None leaves the field out.
        seq: 0 to 255; None in a death, which has no sequence number.
    """
    payload = _payload_class()()
    if at is not None:
        payload.timestamp = milliseconds(at)
    if seq is not None:
        payload.seq = seq
    for metric in metrics:
        _fill(payload.metrics.add(), metric)
    return bytes(payload.SerializeToString())


def decode_commands(data: bytes) -> tuple[Command, ...]:
    """The metrics of a command.

    Raises:
        PayloadUnreadable: the bytes are no Sparkplug B payload.
    """
    payload = _payload_class()()
    try:
        payload.ParseFromString(data)
    except DecodeError as error:
        raise PayloadUnreadable(
            f"a command of {len(data)} bytes is no Sparkplug B payload ({error}): it was passed over"
        ) from error
    return tuple(_commands(payload))


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970 in UTC, as every timestamp of Sparkplug is told; 0 for what is before."""
    delta = instant - _EPOCH
    return max(0, (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000)


def _fill(field: Any, metric: Metric) -> None:
    if metric.name is not None:
        field.name = metric.name
    if metric.alias is not None:
        field.alias = metric.alias
    field.timestamp = milliseconds(metric.at)
    if metric.states_datatype:
        field.datatype = int(metric.datatype)
    if metric.is_historical:
        field.is_historical = True
    if metric.value is None:
        field.is_null = True
        return
    setattr(field, _FIELD_OF[metric.datatype], _written(metric.datatype, metric.value))


def _written(datatype: DataType, value: Value) -> Any:
    """The value as its field holds it; signed integers stand in two's complement (6.4.16)."""
    if isinstance(value, datetime):
        return milliseconds(value)
    bits = _SIGNED_BITS.get(datatype)
    return int(value or 0) % (1 << bits) if bits is not None else value


def _commands(payload: Any) -> Iterator[Command]:
    for metric in payload.metrics:
        which = metric.WhichOneof("value")
        yield Command(
            name=metric.name if metric.HasField("name") else None,
            alias=metric.alias if metric.HasField("alias") else None,
            value=None if which is None else getattr(metric, which),
        )


@cache
def _payload_class() -> Any:
    """The message class, made from numbers instead of a `.proto` file."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="lineside/sparkplug.proto", package="lineside.sparkplug")
    file.syntax = "proto2"
    payload = file.message_type.add(name="Payload")
    metric = payload.nested_type.add(name="Metric")
    for number, name, kind in (
        (1, "name", field.TYPE_STRING),
        (2, "alias", field.TYPE_UINT64),
        (3, "timestamp", field.TYPE_UINT64),
        (4, "datatype", field.TYPE_UINT32),
        (5, "is_historical", field.TYPE_BOOL),
        (6, "is_transient", field.TYPE_BOOL),
        (7, "is_null", field.TYPE_BOOL),
    ):
        metric.field.add(name=name, number=number, type=kind, label=field.LABEL_OPTIONAL)
    metric.oneof_decl.add(name="value")
    for number, name, kind in (
        (10, "int_value", field.TYPE_UINT32),
        (11, "long_value", field.TYPE_UINT64),
        (12, "float_value", field.TYPE_FLOAT),
        (13, "double_value", field.TYPE_DOUBLE),
        (14, "boolean_value", field.TYPE_BOOL),
        (15, "string_value", field.TYPE_STRING),
        (16, "bytes_value", field.TYPE_BYTES),
    ):
        metric.field.add(name=name, number=number, type=kind, label=field.LABEL_OPTIONAL, oneof_index=0)
    payload.field.add(name="timestamp", number=1, type=field.TYPE_UINT64, label=field.LABEL_OPTIONAL)
    payload.field.add(
        name="metrics",
        number=2,
        type=field.TYPE_MESSAGE,
        label=field.LABEL_REPEATED,
        type_name=".lineside.sparkplug.Payload.Metric",
    )
    payload.field.add(name="seq", number=3, type=field.TYPE_UINT64, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("lineside.sparkplug.Payload"))
