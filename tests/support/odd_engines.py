"""Engines that misbehave in ways that real ones have: they must lose the choice however fast they are."""

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.engines import ENGINES, REFERENCE_ENGINE, EngineEntry
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


def never() -> bool:
    """For an engine that this host cannot run."""
    return False


def engines_with(**entries: str) -> dict[str, EngineEntry]:
    """The reference engine and, by name, engines of this module's classes."""
    odd = {name: EngineEntry("odd_engines", factory, "numpy") for name, factory in entries.items()}
    return {REFERENCE_ENGINE: ENGINES[REFERENCE_ENGINE], **odd}
