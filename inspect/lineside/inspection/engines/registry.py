"""The engines by name, each imported on first use."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from lineside.inspection.engines.base import Engine
from lineside.inspection.errors import EngineError


class Precision(StrEnum):
    """What an engine multiplies in."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"
    """Where the model says so: it needs a quantised one."""


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """How an engine is made.

    Attributes:
        module: dotted path of its adapter.
        factory: class in that module, called with (model, threads=..., **options).
        options: further keyword arguments.
        package: the package that must be installed.
        is_usable: name of a function in `module` that says whether this host can run it; None: always.
        precision: below float32 it needs a permit of the release, see `offering`.
    """

    module: str
    factory: str
    package: str
    options: Mapping[str, Any] = field(default_factory=dict)
    is_usable: str | None = None
    precision: Precision = Precision.FP32


REFERENCE_ENGINE = "onnxruntime-fp32"
"""What the others must agree with."""

ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        REFERENCE_ENGINE: EngineEntry(
            "lineside.inspection.engines.onnxruntime_engine", "OnnxRuntimeEngine", "onnxruntime"
        ),
        "onnxruntime-cuda": EngineEntry(
            "lineside.inspection.engines.onnxruntime_engine",
            "OnnxRuntimeEngine",
            "onnxruntime",
            {"provider": "CUDAExecutionProvider"},
            "has_cuda",
        ),
        "openvino-fp32": EngineEntry(
            "lineside.inspection.engines.openvino_engine", "OpenVinoEngine", "openvino", {"precision": "fp32"}
        ),
        "openvino-bf16": EngineEntry(
            "lineside.inspection.engines.openvino_engine",
            "OpenVinoEngine",
            "openvino",
            {"precision": "bf16"},
            "has_bf16",
            Precision.BF16,
        ),
        "onnxruntime-int8": EngineEntry(
            "lineside.inspection.engines.onnxruntime_engine",
            "OnnxRuntimeEngine",
            "onnxruntime",
            {"precision": "int8"},
            precision=Precision.INT8,
        ),
        "openvino-int8": EngineEntry(
            "lineside.inspection.engines.openvino_engine",
            "OpenVinoEngine",
            "openvino",
            {"precision": "int8"},
            precision=Precision.INT8,
        ),
    }
)


def usable_engines(engines: Mapping[str, EngineEntry] = ENGINES) -> tuple[str, ...]:
    """Names of the engines that are installed and that this host can run, the reference first."""
    return tuple(name for name in engines if _why_unusable(name, engines) is None)


def load_engine(name: str, model: bytes, *, threads: int, engines: Mapping[str, EngineEntry] = ENGINES) -> Engine:
    """Load a model into an engine.

    Args:
        name: a key of `engines`.
        model: ONNX bytes with the uint8 input, as `read_model_graph` makes them.
        threads: cores to use, at least 1.
        engines: the table of engines.

    Raises:
        EngineError: no such engine, not usable here, or it cannot load the model.
    """
    reason = _why_unusable(name, engines)
    if reason is not None:
        raise EngineError(reason)
    entry = engines[name]
    factory: Callable[..., Engine] = getattr(importlib.import_module(entry.module), entry.factory)
    return factory(model, threads=threads, **entry.options)


def _why_unusable(name: str, engines: Mapping[str, EngineEntry]) -> str | None:
    entry = engines.get(name)
    if entry is None:
        return f"no engine {name!r}; expected one of {list(engines)}"
    if importlib.util.find_spec(entry.package) is None:
        return f"engine {name!r} needs the package {entry.package!r}; install it with pip"
    if entry.is_usable is not None and not getattr(importlib.import_module(entry.module), entry.is_usable)():
        return f"engine {name!r} cannot run on this host: {entry.is_usable} says no"
    return None
