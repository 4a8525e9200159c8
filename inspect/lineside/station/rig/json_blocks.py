"""The two blocks as JSON, for gateways; docs/station-io.md shows one of each."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.station.rig.confirmations import RING_SLOTS, ConfirmationRing
from lineside.station.rig.encoder_count import signed_32
from lineside.station.rig.errors import RigUnreadable
from lineside.station.rig.records import Confirmation, Inputs, Lane, Outputs, StationState

LAYOUT: Final = "lineside.station-io/1"
_Word = Annotated[int, Field(ge=0, le=0xFFFF)]
_Count = Annotated[int, Field(ge=-(2**31), lt=2**32)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Confirmed(_Message):
    acquisition_id: _Word
    lane: Literal["pass", "reject", "reinspect"]


class InputsMessage(_Message):
    """What a gateway answers to `GET inputs`."""

    layout: Literal["lineside.station-io/1"]
    online: bool
    trigger: bool
    trigger_id: _Word
    encoder: _Count
    part_id: Annotated[str, Field(min_length=1, max_length=200)] | None
    results_ack: bool
    results_ack_id: _Word
    confirmations: Annotated[list[_Confirmed | None], Field(min_length=RING_SLOTS, max_length=RING_SLOTS)]
    confirmation_count: _Word
    bypass: bool
    reset: bool
    heartbeat: _Word
    stopped: bool


class OutputsMessage(_Message):
    """What a station sends with `PUT outputs`."""

    layout: Literal["lineside.station-io/1"]
    state: str
    ready: bool
    trigger_ack: bool
    trigger_ack_id: _Word
    busy: bool
    results_valid: bool
    results_id: _Word
    permit: bool
    lane: Literal["pass", "reject", "reinspect"]
    heartbeat: _Word
    stop_line: bool
    missed_acquisition: bool
    alarm: _Word


def inputs_to_json(inputs: Inputs, ring: ConfirmationRing) -> dict[str, Any]:
    """What a gateway answers; its side of the exchange."""
    return {
        "layout": LAYOUT,
        "online": inputs.online,
        "trigger": inputs.trigger,
        "trigger_id": inputs.trigger_id,
        "encoder": signed_32(inputs.encoder),
        "part_id": inputs.part_id,
        "results_ack": inputs.results_ack,
        "results_ack_id": inputs.results_ack_id,
        "confirmations": [
            None if slot is None else {"acquisition_id": slot.acquisition_id, "lane": slot.lane.value}
            for slot in ring.slots
        ],
        "confirmation_count": ring.count,
        "bypass": inputs.bypass,
        "reset": inputs.reset,
        "heartbeat": inputs.heartbeat & 0xFFFF,
        "stopped": inputs.stopped,
    }


def inputs_from_json(body: bytes) -> tuple[Inputs, ConfirmationRing]:
    """What the station reads: inputs without confirmations, and those.

    Raises:
        RigUnreadable: another layout, a key that is missing or unknown, a value that means nothing.
    """
    try:
        said = InputsMessage.model_validate_json(body)
    except ValidationError as invalid:
        raise RigUnreadable(f"the inputs are not as docs/station-io.md has them: {_first(invalid)}") from invalid
    slots = tuple(
        None if slot is None else Confirmation(slot.acquisition_id, Lane(slot.lane)) for slot in said.confirmations
    )
    inputs = Inputs(
        online=said.online,
        trigger=said.trigger,
        trigger_id=said.trigger_id,
        encoder=said.encoder,
        part_id=said.part_id,
        results_ack=said.results_ack,
        results_ack_id=said.results_ack_id,
        confirmed=(),
        bypass=said.bypass,
        reset=said.reset,
        heartbeat=said.heartbeat,
        stopped=said.stopped,
    )
    return inputs, ConfirmationRing(said.confirmation_count, slots)


def outputs_to_json(outputs: Outputs) -> dict[str, Any]:
    """What the station sends."""
    return {
        "layout": LAYOUT,
        "state": outputs.state.value,
        "ready": outputs.ready,
        "trigger_ack": outputs.trigger_ack,
        "trigger_ack_id": outputs.trigger_ack_id,
        "busy": outputs.busy,
        "results_valid": outputs.results_valid,
        "results_id": outputs.results_id,
        "permit": outputs.permit,
        "lane": outputs.lane.value,
        "heartbeat": outputs.heartbeat & 0xFFFF,
        "stop_line": outputs.stop_line,
        "missed_acquisition": outputs.missed_acquisition,
        "alarm": outputs.alarm & 0xFFFF,
    }


def outputs_from_json(body: bytes) -> Outputs:
    """What a gateway makes of it; its side of the exchange.

    Raises:
        RigUnreadable: another layout, a key that is missing or unknown, a value that means nothing.
    """
    try:
        said = OutputsMessage.model_validate_json(body)
        return Outputs(
            state=StationState(said.state),
            lane=Lane(said.lane),
            **said.model_dump(exclude={"layout", "state", "lane"}),
        )
    except ValidationError as invalid:
        raise RigUnreadable(f"the outputs are not as docs/station-io.md has them: {_first(invalid)}") from invalid
    except ValueError as invalid:
        raise RigUnreadable(f"the outputs mean nothing: {invalid}") from invalid


def _first(invalid: ValidationError) -> str:
    (detail, *_) = invalid.errors(include_url=False, include_input=False)
    return f"{'.'.join(str(step) for step in detail['loc']) or 'the body'}: {detail['msg']}"
