"""The two blocks of 16-bit words that station and PLC exchange: layout 1 of docs/station-io.md.

A PLC answers a read in pieces of its own choosing, and a cable can break in the middle of a write: each block begins
and ends with the same sequence number, which its writer changes with every block. Where the two differ, the block is
torn and nothing of it is believed. A permit is said twice, by a flag and by a key that holds for one acquisition id
only, so that no single wrong word lets a part pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Literal

from lineside.station.rig.confirmations import RING_SLOTS, ConfirmationRing
from lineside.station.rig.encoder_count import signed_32
from lineside.station.rig.errors import RigUnreadable
from lineside.station.rig.records import Confirmation, Inputs, Lane, Outputs, StationState

WordOrder = Literal["high_first", "low_first"]

LAYOUT: Final = 1
INPUT_WORDS: Final = 59
OUTPUT_WORDS: Final = 11
PERMIT_KEY: Final = 0xA55A
"""A permit's key is its acquisition id, each bit changed where this has a one; 0 is no permit."""
_RING_AT: Final = 9
_PART_ID_AT: Final = _RING_AT + 2 * RING_SLOTS
_PART_ID_WORDS: Final = 32
MAX_PART_ID_BYTES: Final = 2 * _PART_ID_WORDS
_WORD: Final = 0xFFFF

LANE_CODES: Final = {Lane.PASS: 1, Lane.REJECT: 2, Lane.REINSPECT: 3}
_LANES: Final = {code: lane for lane, code in LANE_CODES.items()}
STATE_CODES: Final = {
    StationState.PREOPERATIONAL: 1,
    StationState.HALTED: 2,
    StationState.ERROR: 3,
    StationState.INITIALIZED: 5,
    StationState.READY: 6,
    StationState.SINGLE_EXECUTION: 7,
    StationState.CONTINUOUS_EXECUTION: 8,
}
"""State numbers of OPC 40100-1, VisionStateMachine and AutomaticModeStateMachine."""
_STATES: Final = {code: state for state, code in STATE_CODES.items()}


class InputFlag(IntFlag):
    """Bits of the inputs' flag word."""

    ONLINE = 1
    TRIGGER = 2
    RESULTS_ACK = 4
    BYPASS = 8
    RESET = 16
    STOPPED = 32


class OutputFlag(IntFlag):
    """Bits of the outputs' flag word."""

    READY = 1
    TRIGGER_ACK = 2
    BUSY = 4
    RESULTS_VALID = 8
    PERMIT = 16
    STOP_LINE = 32
    MISSED_ACQUISITION = 64


class TornBlock(RigUnreadable):
    """A block whose two sequence numbers differ: it was read or written in pieces of different moments."""


@dataclass(frozen=True, slots=True)
class InputsBlock:
    """What a block of inputs says.

    Attributes:
        inputs: without confirmations, and with the encoder as the 32 bits have it.
        ring: the confirmations.
        sequence: of the block.
    """

    inputs: Inputs
    ring: ConfirmationRing
    sequence: int


def inputs_to_words(inputs: Inputs, ring: ConfirmationRing, *, sequence: int, word_order: WordOrder) -> list[int]:
    """What the PLC writes; its side of the exchange.

    Raises:
        ValueError: a part's identifier that is too long for the block.
    """
    part_id = (inputs.part_id or "").encode()
    if len(part_id) > MAX_PART_ID_BYTES:
        raise ValueError(f"part id of {len(part_id)} bytes; a block holds {MAX_PART_ID_BYTES}")
    padded = part_id.ljust(MAX_PART_ID_BYTES, b"\0")
    words = [
        sequence & _WORD,
        LAYOUT,
        _flags(
            (InputFlag.ONLINE, inputs.online),
            (InputFlag.TRIGGER, inputs.trigger),
            (InputFlag.RESULTS_ACK, inputs.results_ack),
            (InputFlag.BYPASS, inputs.bypass),
            (InputFlag.RESET, inputs.reset),
            (InputFlag.STOPPED, inputs.stopped),
        ),
        inputs.trigger_id,
        *_split_32(inputs.encoder, word_order),
        inputs.results_ack_id,
        inputs.heartbeat & _WORD,
        ring.count,
    ]
    for slot in ring.slots:
        words += [0, 0] if slot is None else [slot.acquisition_id, LANE_CODES[slot.lane]]
    words += [len(part_id), *(padded[at] << 8 | padded[at + 1] for at in range(0, MAX_PART_ID_BYTES, 2))]
    return [*words, sequence & _WORD]


def inputs_from_words(words: Sequence[int], *, word_order: WordOrder) -> InputsBlock:
    """What the station reads.

    Args:
        words: `INPUT_WORDS` of them.
        word_order: of the encoder.

    Raises:
        TornBlock: read in pieces of different moments; read again.
        RigUnreadable: another layout, or values that mean nothing.
    """
    _check_block(words, INPUT_WORDS, "inputs")
    flags = InputFlag(words[2] & _all(InputFlag))
    length = words[_PART_ID_AT]
    if length > MAX_PART_ID_BYTES:
        raise RigUnreadable(f"the PLC's part id has {length} bytes; expected at most {MAX_PART_ID_BYTES}")
    raw = b"".join(word.to_bytes(2, "big") for word in words[_PART_ID_AT + 1 : _PART_ID_AT + 1 + _PART_ID_WORDS])
    try:
        part_id = raw[:length].decode() if length else None
    except UnicodeDecodeError as error:
        raise RigUnreadable(f"the PLC's part id {raw[:length]!r} is no UTF-8 text") from error
    inputs = Inputs(
        online=InputFlag.ONLINE in flags,
        trigger=InputFlag.TRIGGER in flags,
        trigger_id=words[3],
        encoder=_join_32(words[4], words[5], word_order),
        part_id=part_id,
        results_ack=InputFlag.RESULTS_ACK in flags,
        results_ack_id=words[6],
        confirmed=(),
        bypass=InputFlag.BYPASS in flags,
        reset=InputFlag.RESET in flags,
        heartbeat=words[7],
        stopped=InputFlag.STOPPED in flags,
    )
    slots = tuple(_slot(words[at], words[at + 1]) for at in range(_RING_AT, _PART_ID_AT, 2))
    return InputsBlock(inputs, ConfirmationRing(words[8], slots), words[0])


def outputs_to_words(outputs: Outputs, *, sequence: int) -> list[int]:
    """What the station writes."""
    return [
        sequence & _WORD,
        LAYOUT,
        STATE_CODES[outputs.state],
        _flags(
            (OutputFlag.READY, outputs.ready),
            (OutputFlag.TRIGGER_ACK, outputs.trigger_ack),
            (OutputFlag.BUSY, outputs.busy),
            (OutputFlag.RESULTS_VALID, outputs.results_valid),
            (OutputFlag.PERMIT, outputs.permit),
            (OutputFlag.STOP_LINE, outputs.stop_line),
            (OutputFlag.MISSED_ACQUISITION, outputs.missed_acquisition),
        ),
        outputs.trigger_ack_id,
        outputs.results_id,
        outputs.results_id ^ PERMIT_KEY if outputs.permit else 0,
        LANE_CODES[outputs.lane],
        outputs.heartbeat & _WORD,
        outputs.alarm & _WORD,
        sequence & _WORD,
    ]


def outputs_from_words(words: Sequence[int]) -> Outputs:
    """What the PLC makes of a block; its side of the exchange.

    A permit stands only where flag and key agree; a lane that means nothing is *reject*.

    Args:
        words: `OUTPUT_WORDS` of them.

    Raises:
        TornBlock: a write that did not arrive whole.
        RigUnreadable: another layout, or no state that there is.
    """
    _check_block(words, OUTPUT_WORDS, "outputs")
    flags = OutputFlag(words[3] & _all(OutputFlag))
    if words[2] not in _STATES:
        raise RigUnreadable(f"state {words[2]} is none of {sorted(_STATES)}")
    return Outputs(
        state=_STATES[words[2]],
        ready=OutputFlag.READY in flags,
        trigger_ack=OutputFlag.TRIGGER_ACK in flags,
        trigger_ack_id=words[4],
        busy=OutputFlag.BUSY in flags,
        results_valid=OutputFlag.RESULTS_VALID in flags,
        results_id=words[5],
        permit=OutputFlag.PERMIT in flags and words[6] == words[5] ^ PERMIT_KEY,
        lane=_LANES.get(words[7], Lane.REJECT),
        heartbeat=words[8],
        stop_line=OutputFlag.STOP_LINE in flags,
        missed_acquisition=OutputFlag.MISSED_ACQUISITION in flags,
        alarm=words[9],
    )


def _check_block(words: Sequence[int], length: int, what: str) -> None:
    if len(words) != length:
        raise RigUnreadable(f"{len(words)} words of {what}; expected {length}")
    if words[0] != words[-1]:
        raise TornBlock(f"the {what} begin with sequence {words[0]} and end with {words[-1]}")
    if words[1] != LAYOUT:
        raise RigUnreadable(f"the {what} have layout {words[1]}; expected {LAYOUT}: see docs/station-io.md")


def _slot(acquisition_id: int, lane: int) -> Confirmation | None:
    if acquisition_id == 0:
        return None
    if lane not in _LANES:
        raise RigUnreadable(f"the PLC confirms lane {lane} for {acquisition_id}; expected one of {sorted(_LANES)}")
    return Confirmation(acquisition_id, _LANES[lane])


def _flags(*bits: tuple[int, bool]) -> int:
    return sum(bit for bit, is_set in bits if is_set)


def _all(flags: type[IntFlag]) -> int:
    return sum(flags)


def _split_32(count: int, word_order: WordOrder) -> tuple[int, int]:
    high, low = (count >> 16) & _WORD, count & _WORD
    return (high, low) if word_order == "high_first" else (low, high)


def _join_32(first: int, second: int, word_order: WordOrder) -> int:
    high, low = (first, second) if word_order == "high_first" else (second, first)
    return signed_32(high << 16 | low)
