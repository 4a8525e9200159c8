"""Methods that clients call: bounded in time, and whatever goes wrong becomes a number that clients can act on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import structlog
from asyncua import Node, Server, ua

from lineside.client import ClientError, NothingThere, RequestRefused
from lineside.serving.delivery.errors import DeliveryError
from lineside.serving.delivery.opcua.guard import GuardedServer, caller
from lineside.serving.ledger import LedgerError

_log = structlog.get_logger(__name__)

_LONGEST_TEXT: Final = 200
_LARGEST_COUNT: Final = 2**32 - 1


class Code(IntEnum):
    """What the output `Error` says (OPC 40100-1: 0 is good, an application's own are negative)."""

    GOOD = 0
    UNKNOWN = -1
    """There is no result, recipe, product, job or handle of that name."""
    REFUSED = -2
    """The plant's server says no: it contradicts what stands, or the sink may not do that."""
    UNREACHABLE = -3
    """The plant's server gave no answer in time; the call may be made again."""
    NOT_SUPPORTED = -4
    """This line does not do that, or its operators did not allow it over OPC UA."""
    WRONG_STATE = -5
    """Not in the state that the station is in."""
    WRONG_ARGUMENT = -6
    """An argument has another shape than the method's description says."""


class MethodRefused(DeliveryError):
    """A method's own no.

    Args:
        code: for the client.
        reason: for our log.
    """

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code


Outputs = Sequence[Any]
Body = Callable[[Sequence[Any]], Awaitable[Outputs]]
"""From the inputs' plain values to the outputs as variants."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        body: what it does.
        failed: the outputs where it did not.
        inputs: how many there are.
        only_operators: whether it changes anything.
        failed_status: the call's status where it did not; a bad one would keep the outputs from the client.
    """

    body: Body
    failed: Callable[[Code], Outputs]
    inputs: int
    only_operators: bool
    failed_status: int = ua.StatusCodes.Good


async def bind(server: Server, guard: GuardedServer, node: Node, method: Method, *, timeout_s: float) -> None:
    """Have calls of a method's node run its body."""
    name = (await node.read_browse_name()).Name

    async def call(_parent: ua.NodeId, *arguments: ua.Variant) -> ua.CallMethodResult:
        if len(arguments) != method.inputs:
            few = len(arguments) < method.inputs
            status = ua.StatusCodes.BadArgumentsMissing if few else ua.StatusCodes.BadTooManyArguments
            return ua.CallMethodResult(StatusCode=ua.StatusCode(status))
        status, outputs = await _answered(name, method, [argument.Value for argument in arguments], timeout_s)
        return ua.CallMethodResult(StatusCode=ua.StatusCode(status), OutputArguments=list(outputs))

    if method.only_operators:
        guard.operator_methods.add(node.nodeid)
    server.link_method(node, call)


async def _answered(name: str, method: Method, values: Sequence[Any], timeout_s: float) -> tuple[int, Outputs]:
    try:
        async with asyncio.timeout(timeout_s):
            return ua.StatusCodes.Good, await method.body(values)
    except MethodRefused as refusal:
        code, reason = refusal.code, str(refusal)
    except NothingThere as problem:
        code, reason = Code.UNKNOWN, str(problem)
    except RequestRefused as problem:
        code, reason = Code.REFUSED, str(problem)
    except (ClientError, LedgerError, TimeoutError) as problem:
        code, reason = Code.UNREACHABLE, str(problem) or f"no answer within {timeout_s:g} s"
    _log.info("opcua_call_refused", method=name, caller=caller.get(), reason=reason)
    return method.failed_status, method.failed(code)


def int32(value: int) -> Any:
    """An output of type Int32."""
    return ua.Variant(int(value), ua.VariantType.Int32)


def uint32(value: int) -> Any:
    """An output of type UInt32."""
    return ua.Variant(value, ua.VariantType.UInt32)


def boolean(value: bool) -> Any:  # noqa: FBT001 - the value itself
    """An output of type Boolean."""
    return ua.Variant(value, ua.VariantType.Boolean)


def structure(value: Any) -> Any:
    """An output that is a structure, or a sequence of them."""
    return ua.Variant(value, ua.VariantType.ExtensionObject)


def text_of(value: Any, *, what: str) -> str:
    """An input that is text; null is empty.

    Raises:
        MethodRefused: it is something else, or too long.
    """
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise MethodRefused(Code.WRONG_ARGUMENT, f"{what}: expected text of up to {_LONGEST_TEXT} characters")
    return value.strip()


def id_of(value: Any, *, what: str) -> str:
    """The `Id` of an input that is one of the standard's identifiers; null is empty.

    Raises:
        MethodRefused: it is something else.
    """
    if value is None:
        return ""
    if not hasattr(value, "Id"):
        raise MethodRefused(Code.WRONG_ARGUMENT, f"{what}: found {type(value).__name__}; expected an identifier")
    return text_of(value.Id, what=what)


def version_of(value: Any, *, what: str) -> str:
    """The `Version` of such an input; empty where it has none.

    Raises:
        MethodRefused: it is no text.
    """
    return text_of(getattr(value, "Version", None), what=what)


def number_of(value: Any, *, what: str) -> int:
    """An input that is a whole number; null is 0.

    Raises:
        MethodRefused: it is something else.
    """
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise MethodRefused(Code.WRONG_ARGUMENT, f"{what}: found {type(value).__name__}; expected a number")
    return value


def count_of(value: Any, *, what: str) -> int:
    """An input of type UInt32, which asyncua does not hold clients to; null is 0.

    Raises:
        MethodRefused: it is something else, or out of the type's range.
    """
    number = number_of(value, what=what)
    if not 0 <= number <= _LARGEST_COUNT:
        raise MethodRefused(Code.WRONG_ARGUMENT, f"{what}: found {number}; expected 0 to {_LARGEST_COUNT}")
    return number
