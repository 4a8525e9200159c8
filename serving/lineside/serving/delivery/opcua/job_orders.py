"""Job orders of ISA-95 (OPC 10031-4): what one asks for, and where those are kept that nobody started yet."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lineside.serving.delivery.errors import PersonNeeded
from lineside.serving.delivery.opcua.methods import Code, MethodRefused

MOST_STORED: Final = 100
"""Orders that wait at one station for their start."""
_MOST_DIGITS: Final = 9
"""Of a quantity of parts."""


class ReturnStatus(IntFlag):
    """What the methods give back (OPC 10031-4, table B.2); the bits from 33 on are ours."""

    NO_ERROR = 1 << 0
    UNKNOWN_ORDER = 1 << 1
    INVALID_STATE = 1 << 3
    NOT_ACCEPTED = 1 << 4
    INVALID_REQUEST = 1 << 32
    UNREACHABLE = 1 << 33
    """The plant's server gave no answer in time; the call may be made again."""


class JobOrderState(IntEnum):
    """The state machine of a job order (OPC 10031-4, clause 6.2.3), by its numbers."""

    NOT_ALLOWED_TO_START = 1
    ALLOWED_TO_START = 2
    RUNNING = 3
    INTERRUPTED = 4
    ENDED = 5
    ABORTED = 6


STATE_TEXTS: Final[Mapping[JobOrderState, str]] = MappingProxyType(
    {state: "".join(word.capitalize() for word in state.name.split("_")) for state in JobOrderState}
    | {
        JobOrderState.NOT_ALLOWED_TO_START: "NotAllowedToStart",
        JobOrderState.ALLOWED_TO_START: "AllowedToStart",
    }
)


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What a job order asks of a station.

    Attributes:
        order_id: the MES's number.
        product: what is made; empty where only the recipe is named.
        recipe: the work master, which is the recipe here; empty where only the product is named.
        lot: None where there is none.
        quantity: parts; None where there is no end.
        from_part_id: the first part that it is for; None for at once.
    """

    order_id: str
    product: str
    recipe: str
    lot: str | None
    quantity: int | None
    from_part_id: str | None

    @classmethod
    def of(cls, structure: Any, *, station: str) -> "JobOrder":
        """Read an `ISA95JobOrderDataType`.

        Product, lot and quantity are those of its one material that is produced; the job order parameter `FromPartId`
        names the first part.

        Raises:
            MethodRefused: it has no number, neither product nor recipe, or asks for another station.
        """
        order_id = _text(getattr(structure, "JobOrderID", None))
        if not order_id:
            raise MethodRefused(Code.WRONG_ARGUMENT, "a job order without a JobOrderID")
        equipment = [_text(each.ID) for each in structure.EquipmentRequirements or ()]
        if equipment and station not in equipment:
            raise MethodRefused(Code.REFUSED, f"order {order_id} is for {equipment}, not for {station}")
        material = _produced(structure.MaterialRequirements or (), order_id)
        recipes = [_text(each.ID) for each in structure.WorkMasterID or ()]
        parameters = {_text(each.ID): each.Value for each in structure.JobOrderParameters or ()}
        order = cls(
            order_id=order_id,
            product=_text(getattr(material, "MaterialDefinitionID", None)),
            recipe=recipes[0] if recipes else "",
            lot=_text(getattr(material, "MaterialLotID", None)) or None,
            quantity=_quantity(getattr(material, "Quantity", None), order_id),
            from_part_id=_text(getattr(parameters.get("FromPartId"), "Value", None)) or None,
        )
        if not order.product and not order.recipe:
            raise MethodRefused(
                Code.WRONG_ARGUMENT,
                f"order {order_id} names neither a material that is produced nor a work master",
            )
        return order


class StoredOrders:
    """Orders that wait for their start, in one file of the sink's folder.

    Args:
        path: of the file.

    Raises:
        PersonNeeded: the file is there and holds no orders.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_station = self._read()

    def at(self, station: str) -> tuple[JobOrder, ...]:
        """Those that wait at a station, in the order in which they came."""
        return tuple(self._by_station.get(station, {}).values())

    def find(self, station: str, order_id: str) -> JobOrder | None:
        """The one with that number."""
        return self._by_station.get(station, {}).get(order_id)

    def put(self, station: str, order: JobOrder) -> None:
        """Keep one; the very same again changes nothing.

        Raises:
            MethodRefused: another one waits under that number, or too many do.
        """
        waiting = self._by_station.setdefault(station, {})
        if waiting.get(order.order_id, order) != order:
            raise MethodRefused(Code.REFUSED, f"another order waits under the number {order.order_id}")
        if order.order_id not in waiting and len(waiting) >= MOST_STORED:
            raise MethodRefused(Code.REFUSED, f"{MOST_STORED} orders wait at {station} already")
        waiting[order.order_id] = order
        self._write()

    def remove(self, station: str, order_id: str) -> bool:
        """Forget one; whether it was there."""
        found = self._by_station.get(station, {}).pop(order_id, None) is not None
        if found:
            self._write()
        return found

    def _read(self) -> dict[str, dict[str, JobOrder]]:
        try:
            content = json.loads(self._path.read_bytes())
            return {
                station: {order["order_id"]: JobOrder(**order) for order in waiting}
                for station, waiting in content.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PersonNeeded(
                f"the waiting job orders in {self._path} cannot be read",
                "move the file away, and have the MES store the orders again",
            ) from error

    def _write(self) -> None:
        content = {
            station: [asdict(order) for order in waiting.values()] for station, waiting in self._by_station.items()
        }
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)


def _produced(materials: Any, order_id: str) -> Any:
    named = [each for each in materials if _text(each.MaterialDefinitionID)]
    produced = [each for each in named if "produced" in _text(each.MaterialUse).lower()] or named
    if len(produced) > 1:
        raise MethodRefused(
            Code.WRONG_ARGUMENT,
            f"order {order_id} has {len(produced)} materials; expected one, or one that is produced",
        )
    return produced[0] if produced else None


def _quantity(written: Any, order_id: str) -> int | None:
    text = _text(written)
    if not text:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) < 1:
        raise MethodRefused(Code.WRONG_ARGUMENT, f"order {order_id} is for {text[:20]!r} parts; expected 1 or more")
    return int(text)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
