"""An event loop whose time jumps: hours of waiting take milliseconds, in the same order."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_TURN_S = 1e-6
"""What one turn of the loop takes, so that a wait shorter than a float can tell ends as well."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing: where the loop would sleep, its clock is moved on."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everything waits for ever: nothing is scheduled and no file is ready")
            self.now_s += max(timeout, _TURN_S)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For code that touches neither threads nor sockets."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds that were waited for in all."""
        return self._jumping.now_s


def run_in_virtual_time(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end, without waiting."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)
