"""ONNX Runtime: runs everywhere, and is the reference that other engines must agree with."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.engines.load_switch import LoadSwitch, Runner
from lineside.inspection.engines.without_telemetry import import_onnxruntime
from lineside.inspection.errors import EngineError
from lineside.inspection.model_graph import INPUT_NAME

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]  # ships no type information
else:
    onnxruntime = import_onnxruntime()

ort_errors = onnxruntime.capi.onnxruntime_pybind11_state

_FAILURES = (
    RuntimeError,
    ValueError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What ONNX Runtime raises; it has no common base of its own."""


class OnnxRuntimeEngine:
    """A model in ONNX Runtime, computing in float32, or in int8 where a quantised model says so.

    A lone call runs on all threads. Overlapping calls run on one thread each, in a second session whose calls
    happen in the caller's own thread, so that it serves several at once.

    Args:
        model: ONNX bytes with the uint8 input, as `read_model_graph` makes them.
        threads: cores to use, at least 1.
        provider: execution provider by ONNX Runtime's name.
        precision: what the model computes in; it only names the engine, the model itself decides.
    """

    def __init__(
        self,
        model: bytes,
        *,
        threads: int,
        provider: str = "CPUExecutionProvider",
        precision: Literal["fp32", "int8"] = "fp32",
    ) -> None:
        is_on_cpu = provider == "CPUExecutionProvider"
        self.name = f"onnxruntime-{precision}" if is_on_cpu else "onnxruntime-cuda"
        lone = _session(model, provider, threads=threads)
        crowd = _session(model, provider, threads=1) if is_on_cpu and threads > 1 else lone
        self._output_name: str = lone.get_outputs()[0].name
        self._switch = LoadSwitch(
            self.name,
            lone=self._runner(lone),
            crowd=[self._runner(crowd) for _ in range(threads if is_on_cpu else 2)],
        )

    @property
    def streams(self) -> int:
        """One a thread."""
        return self._switch.streams

    def infer(self, batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the model on one image, see `Engine.infer`."""
        return self._switch.run(batch_nhwc_u8)

    def close(self) -> None:
        """Free both sessions."""
        self._switch.close()

    def _runner(self, session: onnxruntime.InferenceSession) -> Runner:
        def run(batch_nhwc_u8: NDArray[np.uint8]) -> NDArray[np.float32]:
            try:
                output: NDArray[np.float32] = session.run([self._output_name], {INPUT_NAME: batch_nhwc_u8})[0]
            except _FAILURES as error:
                raise EngineError(f"{self.name} failed on a frame: {error}") from error
            return output

        return run


def has_cuda() -> bool:
    """Whether this build of ONNX Runtime carries the CUDA provider (package onnxruntime-gpu)."""
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def _session(model: bytes, provider: str, *, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only; warnings about foldable nodes are no news to a user
    # Spinning threads would take the core from decoding and from the other session while they wait.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # On a GPU float32 means float32: by default CUDA rounds the factors of a product to 10 bits (TensorFloat-32).
    settings: dict[str, Any] = {"use_tf32": "0"} if provider == "CUDAExecutionProvider" else {}
    try:
        return onnxruntime.InferenceSession(model, options, providers=[(provider, settings)])
    except _FAILURES as error:
        raise EngineError(f"ONNX Runtime cannot load the model: {error}") from error
