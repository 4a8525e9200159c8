"""The two blocks as nodes of an OPC UA server: a variable for each signal, read and written in one service call.

A server reads the nodes of one call one after the other, while its PLC may be writing them: sequence numbers enclose
the signals here as they do in registers, and a permit has its key. Both sides go by `register_map`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from lineside.station.rig.confirmations import RING_SLOTS
from lineside.station.rig.errors import RigUnreadable
from lineside.station.rig.records import Outputs
from lineside.station.rig.register_map import (
    MAX_PART_ID_BYTES,
    InputFlag,
    InputsBlock,
    OutputFlag,
    inputs_from_words,
    outputs_from_words,
    outputs_to_words,
)


class NodeType(StrEnum):
    """Data types by their name in OPC UA."""

    BOOLEAN = "Boolean"
    UINT16 = "UInt16"
    INT32 = "Int32"
    STRING = "String"


_B, _U, _I, _S = NodeType.BOOLEAN, NodeType.UINT16, NodeType.INT32, NodeType.STRING

INPUT_NODES: Final = (
    ("Sequence", _U),
    ("Layout", _U),
    ("Online", _B),
    ("Trigger", _B),
    ("ResultsAck", _B),
    ("Bypass", _B),
    ("Reset", _B),
    ("Stopped", _B),
    ("TriggerId", _U),
    ("Encoder", _I),
    ("ResultsAckId", _U),
    ("Heartbeat", _U),
    ("ConfirmationCount", _U),
    *((f"Confirmed{slot}{what}", _U) for slot in range(RING_SLOTS) for what in ("Id", "Lane")),
    ("PartId", _S),
    ("SequenceEnd", _U),
)
"""What the station reads, in the order in which it asks: the flags in the order of their bits."""

OUTPUT_NODES: Final = (
    ("Sequence", _U),
    ("Layout", _U),
    ("State", _U),
    ("Ready", _B),
    ("TriggerAck", _B),
    ("Busy", _B),
    ("ResultsValid", _B),
    ("Permit", _B),
    ("StopLine", _B),
    ("MissedAcquisition", _B),
    ("TriggerAckId", _U),
    ("ResultsId", _U),
    ("PermitKey", _U),
    ("Lane", _U),
    ("Heartbeat", _U),
    ("Alarm", _U),
    ("SequenceEnd", _U),
)
"""What it writes, likewise."""

_INPUT_FLAGS: Final = slice(2, 2 + len(InputFlag))
_OUTPUT_FLAGS: Final = slice(3, 3 + len(OutputFlag))
_PYTHON: Final = {_B: bool, _U: int, _I: int, _S: str}


def inputs_from_values(values: Sequence[Any]) -> InputsBlock:
    """What the station reads.

    Args:
        values: of `INPUT_NODES`, in their order.

    Raises:
        TornBlock: written while they were read; read again.
        RigUnreadable: values of another type, or that mean nothing.
    """
    _check_types(values, INPUT_NODES)
    sequence, layout, *_ = values
    trigger_id, encoder, ack_id, heartbeat, count, *ring, part_id, end = values[_INPUT_FLAGS.stop :]
    raw = (part_id or "").encode()
    if len(raw) > MAX_PART_ID_BYTES:
        raise RigUnreadable(f"the PLC's part id has {len(raw)} bytes; expected at most {MAX_PART_ID_BYTES}")
    padded = raw.ljust(MAX_PART_ID_BYTES, b"\0")
    text = [padded[at] << 8 | padded[at + 1] for at in range(0, MAX_PART_ID_BYTES, 2)]
    flags = _bits(values[_INPUT_FLAGS])
    high, low = (encoder >> 16) & 0xFFFF, encoder & 0xFFFF
    words = [sequence, layout, flags, trigger_id, high, low, ack_id, heartbeat, count, *ring, len(raw), *text, end]
    return inputs_from_words(words, word_order="high_first")


def inputs_to_values(block: Sequence[int], *, part_id: str | None) -> list[Any]:
    """What the PLC writes; its side of the exchange.

    Args:
        block: of `inputs_to_words`, the encoder's more significant word first.
        part_id: the identifier, which is text here.
    """
    sequence, layout, flags, trigger_id, high, low, ack_id, heartbeat, count, *rest = block
    encoder = (high << 16 | low) - ((high >> 15) << 32)
    bits = [bool(flags & flag) for flag in InputFlag]
    ring = rest[: 2 * RING_SLOTS]
    return [sequence, layout, *bits, trigger_id, encoder, ack_id, heartbeat, count, *ring, part_id or "", rest[-1]]


def outputs_to_values(outputs: Outputs, *, sequence: int) -> list[Any]:
    """What the station writes: values of `OUTPUT_NODES`, in their order."""
    first, layout, state, flags, *rest = outputs_to_words(outputs, sequence=sequence)
    return [first, layout, state, *(bool(flags & flag) for flag in OutputFlag), *rest]


def outputs_from_values(values: Sequence[Any]) -> Outputs:
    """What the PLC makes of them; its side of the exchange.

    Raises:
        TornBlock: a write that did not arrive whole.
        RigUnreadable: values of another type, or that mean nothing.
    """
    _check_types(values, OUTPUT_NODES)
    return outputs_from_words([*values[:3], _bits(values[_OUTPUT_FLAGS]), *values[_OUTPUT_FLAGS.stop :]])


def _bits(values: Sequence[bool]) -> int:
    return sum(1 << at for at, is_set in enumerate(values) if is_set)


def _check_types(values: Sequence[Any], nodes: Sequence[tuple[str, NodeType]]) -> None:
    if len(values) != len(nodes):
        raise RigUnreadable(f"{len(values)} values; expected {len(nodes)}")
    for value, (name, kind) in zip(values, nodes, strict=True):
        if type(value) is not _PYTHON[kind] and not (kind is _S and value is None):
            raise RigUnreadable(f"the node {name} holds {type(value).__name__}; expected {kind}")
