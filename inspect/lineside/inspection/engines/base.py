"""What an inference engine is to the rest of the program."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """Runs one loaded model. Several threads may call `infer` at once."""

    @property
    def name(self) -> str:
        """Engine and precision as the verdict states them, e.g. "openvino-bf16"."""
        ...

    @property
    def streams(self) -> int:
        """How many calls at once make sense; more wait for one another."""
        ...

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the model.

        Args:
            batch_nhwc_u8: uint8 (1, height, width, 3), contiguous, of the model's input size.

        Returns:
            The float32 output, an array of its own.

        Raises:
            EngineError: the engine failed.
        """
        ...

    def close(self) -> None:
        """Free the model. Calls under way end first; later ones raise EngineError."""
        ...


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine that runs a release on this host, and why.

    Attributes:
        name: a key of the registry, e.g. "openvino-bf16".
        threads: cores that it uses.
        lone_ms: median milliseconds of a lone inference, by engine measured.
        refused: why an engine was not eligible, by name.
        is_remembered: the measurement is from an earlier start.
    """

    name: str
    threads: int
    lone_ms: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    is_remembered: bool = False
