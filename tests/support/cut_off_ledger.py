"""A ledger that is cut off in the middle of a write."""

from collections.abc import Callable
from typing import Any

from lineside.serving.ledger import Ledger, LedgerUnavailable, Transaction


class CutOff:
    """A ledger that fails at one of its writes: nothing of that one is kept, as when the process is killed in it."""

    def __init__(self, ledger: Ledger, *, writes: int) -> None:
        self._ledger = ledger
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def write(self, operation: Callable[[Transaction], Any]) -> Any:
        self._left -= 1
        if self._left >= 0:
            return await self._ledger.write(operation)

        def cut_off(transaction: Transaction) -> None:
            operation(transaction)
            raise LedgerUnavailable("the power went")

        await self._ledger.write(cut_off)
        raise AssertionError("it was not cut off")
