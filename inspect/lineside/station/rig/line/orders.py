"""What a program can have done to a simulated line: one JSON object for each order, one for each answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.station.rig.line.belt import EncoderFault
from lineside.station.rig.line.truth import LineTruth
from lineside.station.rig.records import Lane
from lineside.station.rig.simulated_line import SimulatedLine


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    do: str
    on: bool = True
    number: int = Field(default=1, ge=1, le=1000)
    reason: str = Field(default="an order", max_length=200)
    lane: Lane | None = None
    fault: EncoderFault = EncoderFault.STUCK
    for_s: float = Field(default=0.2, gt=0, le=60)
    jump_mm: float = Field(default=500.0, ge=-1e6, le=1e6)


_ORDERS: Final[Mapping[str, Callable[[SimulatedLine, _Order], None]]] = {
    "look": lambda _line, _order: None,
    "reset": lambda line, order: line.press_reset(for_s=order.for_s),
    "bypass": lambda line, order: line.turn_bypass_key(on=order.on),
    "stop": lambda line, order: line.stop(order.reason),
    "take_off_a_part": lambda line, _order: line.take_off_a_part(),
    "encoder_fault": lambda line, order: line.plant_encoder_fault(
        order.fault, for_s=order.for_s, jump_mm=order.jump_mm
    ),
    "double_triggers": lambda line, order: line.plant_double_triggers(order.number),
    "blind_triggers": lambda line, order: line.plant_blind_triggers(order.number),
    "lose_trigger_acknowledgements": lambda line, order: line.lose_trigger_acknowledgements(order.number),
    "lose_results_acknowledgements": lambda line, order: line.lose_results_acknowledgements(order.number),
    "break_confirm_sensor": lambda line, order: line.break_confirm_sensor(order.lane or Lane.REJECT),
    "mend_confirm_sensor": lambda line, order: line.mend_confirm_sensor(order.lane or Lane.REJECT),
    "jam_gate": lambda line, order: line.jam_gate(order.lane),
}


def carry_out(line: SimulatedLine, written: str) -> dict[str, Any]:
    """Carry an order out.

    Args:
        line: to which it is done.
        written: JSON, e.g. `{"do": "encoder_fault", "fault": "jump"}`; `{"do": "look"}` changes nothing.

    Returns:
        How the line is after it, or `{"error": ...}` for what is no order.
    """
    try:
        order = _Order.model_validate_json(written)
    except ValidationError as invalid:
        (first, *_) = invalid.errors(include_url=False, include_input=False)
        return {"error": f"{'.'.join(str(step) for step in first['loc']) or 'the order'}: {first['msg']}"}
    if order.do not in _ORDERS:
        return {"error": f"no order {order.do!r}; expected one of {', '.join(_ORDERS)}"}
    _ORDERS[order.do](line, order)
    return {
        "now_s": round(line.now_s, 3),
        "is_empty": line.is_empty,
        "stopped_because": line.stopped_because,
        "counts": asdict(line.truth.counts),
    }


def truth_as_json(truth: LineTruth) -> str:
    """The line's account on one line: parts, counts, lanes, reasons."""
    return json.dumps(
        {
            "parts": [asdict(part) for part in truth.parts],
            "counts": asdict(truth.counts),
            "lanes": dict(truth.lanes),
            "reasons": dict(truth.reasons),
        }
    )
