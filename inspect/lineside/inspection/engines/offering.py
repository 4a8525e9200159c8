"""Which engines a release may run on, and with which of its model files.

An engine that computes in float32 always may. One of reduced precision may where the release's own parity figures say
so: what bfloat16 or int8 costs in accuracy depends on the model's weights, so no table can know it.
"""

from collections.abc import Mapping

from lineside.inspection.engines.base import Engine
from lineside.inspection.engines.registry import ENGINES, EngineEntry, Precision, load_engine, usable_engines
from lineside.inspection.errors import EngineError
from lineside.inspection.release.record import Release


def offered_engines(release: Release, engines: Mapping[str, EngineEntry] = ENGINES) -> tuple[str, ...]:
    """Names of the engines that this host can run and that the release may run on, the reference first."""
    return tuple(name for name in usable_engines(engines) if why_not_offered(release, name, engines) is None)


def why_not_offered(release: Release, name: str, engines: Mapping[str, EngineEntry] = ENGINES) -> str | None:
    """The reason why a release may not run on an engine of the table; None if it may."""
    precision = engines[name].precision
    if precision is Precision.FP32:
        return None
    if name not in release.offered_engines:
        return (
            f"release {release.name} {release.version} does not offer {name}: it has no parity figures that show "
            f"what {precision.value} costs, or they are past their limit (lineside parity measures them)"
        )
    if precision is Precision.INT8 and release.int8_model is None:
        return f"release {release.name} {release.version} has no int8 model (lineside export makes one)"
    return None


def load_release_engine(
    release: Release, name: str, *, threads: int, engines: Mapping[str, EngineEntry] = ENGINES
) -> Engine:
    """Load the model file of a release that an engine runs; whether it may is `why_not_offered`'s to say.

    Args:
        release: gives the model.
        name: a key of `engines`.
        threads: cores to use, at least 1.
        engines: the table of engines.

    Raises:
        EngineError: no such engine, not usable here, the release lacks the model, or it cannot be loaded.
    """
    entry = engines.get(name)
    model: bytes | None = release.served_model
    if entry is not None and entry.precision is Precision.INT8:
        model = release.int8_model
    if model is None:
        raise EngineError(f"release {release.name} {release.version} has no int8 model, which {name} needs")
    return load_engine(name, model, threads=threads, engines=engines)
