"""Which of an engine's runners takes a call: the quick one for a lone call, the parallel ones under load.

One inference spread over all cores answers soonest; several inferences on a core each answer more in all (on two
cores with AMX, YOLO11n: 79 against 102 images a second). So an engine keeps both ways and decides per call.
"""

import queue
import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.errors import EngineError

Runner = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Runs the model once. A runner is never called by two threads at a time."""


class LoadSwitch:
    """Hands each call to a free runner.

    Args:
        engine: its name, for messages.
        lone: runs a call that comes when no other is under way.
        crowd: run the calls that overlap; when all are taken, a call waits.
    """

    def __init__(self, engine: str, *, lone: Runner, crowd: Sequence[Runner]) -> None:
        if not crowd:
            raise ValueError("a load switch needs at least one runner for overlapping calls")
        self._engine = engine
        self._lone: Runner | None = lone
        self._crowd: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        for runner in crowd:
            self._crowd.put(runner)
        self.streams = len(crowd)
        self._state = threading.Condition()
        self._in_flight = 0

    def run(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the model on whichever runner fits the load."""
        with self._state:
            lone = self._lone
            if lone is None:
                raise EngineError(f"{self._engine} has been closed; open the release again")
            self._in_flight += 1
            is_lone = self._in_flight == 1
        try:
            if is_lone:
                return lone(batch_nhwc_u8)
            runner = self._crowd.get()
            try:
                return runner(batch_nhwc_u8)
            finally:
                self._crowd.put(runner)
        finally:
            with self._state:
                self._in_flight -= 1
                self._state.notify_all()

    def close(self) -> None:
        """Refuse new calls, wait for those under way, then let go of the runners."""
        with self._state:
            self._lone = None
            self._state.wait_for(lambda: self._in_flight == 0)
        while not self._crowd.empty():
            self._crowd.get()
