"""Engines that misbehave in ways that real ones have: they must lose the choice, and on the line fail closed."""

import threading

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detector import Detector
from lineside.inspection.engines import ENGINES, REFERENCE_ENGINE, Engine, EngineEntry
from lineside.inspection.engines.onnxruntime_engine import OnnxRuntimeEngine
from lineside.inspection.errors import EngineError


class UnsureEngine(OnnxRuntimeEngine):
    """Finds everything, less surely: as a bad quantisation does."""

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        output = super().infer(batch_nhwc_u8)
        output[:, 4:] *= np.float32(0.8)
        return output


class ShiftedEngine(OnnxRuntimeEngine):
    """Finds everything 8 px further right: as a low-precision box decoding may."""

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        output = super().infer(batch_nhwc_u8)
        output[:, 0] += 8
        return output


class BlindEngine(OnnxRuntimeEngine):
    """Finds nothing."""

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.zeros_like(super().infer(batch_nhwc_u8))


class NanEngine(OnnxRuntimeEngine):
    """Gives one NaN."""

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        output = super().infer(batch_nhwc_u8)
        output[0, 4, 0] = np.nan
        return output


class UnloadableEngine:
    """Cannot load the model: as an engine that lacks an operator."""

    def __init__(self, model: bytes, *, threads: int) -> None:
        raise EngineError("operator Tile is not implemented")


class LiveEngine:
    """A loaded engine that can be made to fail while its server runs; it works until then.

    Attributes:
        may_go_on: cleared, every inference hangs until it is set again.
        failure: raised by every inference, if there is one.
        begun: inferences begun since the start.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = engine.name
        self.streams = engine.streams
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.failure: Exception | None = None
        self.begun = 0

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.begun += 1
        self.may_go_on.wait()
        if self.failure is not None:
            raise self.failure
        return self._engine.infer(batch_nhwc_u8)

    def close(self) -> None:
        self._engine.close()


def take_over(detector: Detector) -> LiveEngine:
    """Put an engine that can be made to fail in the place of a detector's own."""
    engine = LiveEngine(detector._engine)
    detector._engine = engine
    return engine


def never() -> bool:
    """For an engine that this host cannot run."""
    return False


def engines_with(**entries: str) -> dict[str, EngineEntry]:
    """The reference engine and, by name, engines of this module's classes."""
    odd = {name: EngineEntry("odd_engines", factory, "numpy") for name, factory in entries.items()}
    return {REFERENCE_ENGINE: ENGINES[REFERENCE_ENGINE], **odd}
