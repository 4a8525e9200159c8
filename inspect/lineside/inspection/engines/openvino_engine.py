"""OpenVINO on the CPU: mostly faster than ONNX Runtime, and in bfloat16 where the processor has it."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.engines.load_switch import LoadSwitch, Runner
from lineside.inspection.engines.without_telemetry import import_openvino
from lineside.inspection.errors import EngineError

if TYPE_CHECKING:
    import openvino  # type: ignore[import-untyped]  # ships no type information

_CROWD_STREAMS = 2
"""Parallel inferences under load: two on two cores give most of the gain, and each stream has its own buffers."""


class OpenVinoEngine:
    """A model in OpenVINO.

    A lone call runs on a copy compiled for latency (one stream over all threads), overlapping calls on one compiled
    for throughput.

    Args:
        model: ONNX bytes with the uint8 input, as `read_model_graph` makes them.
        threads: cores to use, at least 1.
        precision: "fp32" or "bf16", what convolutions compute in; "int8" for a quantised model, whose other layers
            then compute in float32.
    """

    def __init__(self, model: bytes, *, threads: int, precision: Literal["fp32", "bf16", "int8"]) -> None:
        self.name = f"openvino-{precision}"
        ov = import_openvino()
        self._ov = ov
        core = ov.Core()
        common: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        streams = min(_CROWD_STREAMS, threads)
        try:
            network = core.read_model(model)
            lone = core.compile_model(network, "CPU", {**common, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1})
            crowd = lone
            if streams > 1:
                config = {**common, "PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": streams}
                crowd = core.compile_model(network, "CPU", config)
        except RuntimeError as error:
            raise EngineError(f"{self.name} cannot load the model: {error}") from error
        self._switch = LoadSwitch(
            self.name, lone=self._runner(lone), crowd=[self._runner(crowd) for _ in range(streams)]
        )

    @property
    def streams(self) -> int:
        """Two, or one on a single core."""
        return self._switch.streams

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the model on one image, see `Engine.infer`."""
        return self._switch.run(batch_nhwc_u8)

    def close(self) -> None:
        """Free both compiled models."""
        self._switch.close()

    def _runner(self, compiled: "openvino.CompiledModel") -> Runner:
        request = compiled.create_infer_request()
        tensor = self._ov.Tensor

        def run(batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
            try:
                # The request reads the pixels where they lie; its output buffer is used again, hence the copy.
                request.set_input_tensor(tensor(batch_nhwc_u8, shared_memory=True))
                request.infer(share_outputs=True)
                output: NDArray[np.float32] = request.get_output_tensor().data.copy()
            except RuntimeError as error:
                raise EngineError(f"{self.name} failed on a frame: {error}") from error
            return output

        return run


def has_bf16() -> bool:
    """Whether this processor multiplies in bfloat16 by itself (AVX512-BF16 or AMX)."""
    core = import_openvino().Core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
