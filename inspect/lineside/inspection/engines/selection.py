"""Choosing the engine: timed on this host with the release's own model, checked against the reference engine.

Which engine is fastest depends on the processor, so no table can know it. The choice is remembered, and used
again only while everything it was measured under is the same.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detections import Detections
from lineside.inspection.engines.agreement import Difference, Tolerance, compare
from lineside.inspection.engines.base import Engine, EngineChoice
from lineside.inspection.engines.memory import ChoiceMemory, circumstances
from lineside.inspection.engines.offering import load_release_engine, offered_engines, why_not_offered
from lineside.inspection.engines.registry import ENGINES, REFERENCE_ENGINE, EngineEntry
from lineside.inspection.errors import EngineError, NothingUsable
from lineside.inspection.heads import decode_output, threshold_vector
from lineside.inspection.preparation import cut, network_channels, network_tiles
from lineside.inspection.release.record import Release

AUTO = "auto"
_ROUNDS = 7  # of each engine, taken in turn so that a burst of other load hits them alike
_MOST_INPUTS = 16  # canary windows for the agreement check; more would lengthen the first start

Monotonic = Callable[[], float]


def available_threads() -> int:
    """Cores that this process may use, from its affinity mask where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_engine(
    release: Release,
    *,
    cache_dir: Path | None,
    threads: int | None = None,
    requested: str = AUTO,
    tolerance: Tolerance | None = None,
    engines: Mapping[str, EngineEntry] = ENGINES,
    monotonic: Monotonic = time.perf_counter,
) -> EngineChoice:
    """Find the engine for a release on this host.

    Args:
        release: its model is timed, and its canary frames are the ones on which engines must agree.
        cache_dir: folder in which the choice is remembered; None measures each time.
        threads: cores to use; None is `available_threads()`.
        requested: "auto" for the fastest that the release offers, or the name of one that it offers; that one must
            agree with the reference as well.
        tolerance: how far an engine may differ from the reference; the default one if None.
        engines: the table of engines; it holds the reference engine.
        monotonic: seconds of a monotonic clock.

    Raises:
        EngineError: the requested engine is unknown or not offered by the release, or the reference engine failed on
            a canary frame.
        NothingUsable: no eligible engine runs the model and agrees with the reference.
    """
    threads = available_threads() if threads is None else threads
    tolerance = tolerance or Tolerance()
    if requested == AUTO:
        candidates = offered_engines(release, engines)
    elif requested in engines:
        reason = why_not_offered(release, requested, engines)
        if reason is not None:
            raise EngineError(f"{reason}; request {REFERENCE_ENGINE!r} or {AUTO!r}")
        candidates = (requested,)
    else:
        raise EngineError(f"no engine {requested!r}; expected {AUTO!r} or one of {list(engines)}")
    memory = None
    if cache_dir is not None:
        memory = ChoiceMemory(cache_dir, circumstances(release.digest, candidates, threads, tolerance))
        remembered = memory.recall()
        if remembered is not None:
            return remembered
    measurement = _Measurement(release, candidates, threads, tolerance, engines, monotonic)
    choice = measurement.run()
    if memory is not None:
        memory.keep(choice)
    return choice


@dataclass(frozen=True, slots=True)
class _Measurement:
    """One round of loading, comparing and timing."""

    release: Release
    candidates: Sequence[str]
    threads: int
    tolerance: Tolerance
    engines: Mapping[str, EngineEntry]
    monotonic: Monotonic

    def run(self) -> EngineChoice:
        """Load all candidates, drop those that disagree, time the rest."""
        inputs = _canary_inputs(self.release)
        loaded: dict[str, Engine] = {}
        refused: dict[str, str] = {}
        try:
            for name in (REFERENCE_ENGINE, *(name for name in self.candidates if name != REFERENCE_ENGINE)):
                try:
                    loaded[name] = load_release_engine(self.release, name, threads=self.threads, engines=self.engines)
                except EngineError as error:
                    refused[name] = str(error)
            if REFERENCE_ENGINE not in loaded:
                raise NothingUsable(
                    f"the reference engine cannot run release {self.release.name}: {refused[REFERENCE_ENGINE]}"
                )
            expected = [_detect(loaded[REFERENCE_ENGINE], self.release, batch) for batch in inputs]
            for name in [name for name in loaded if name != REFERENCE_ENGINE]:
                reason = self._disagreement(loaded[name], inputs, expected)
                if reason is not None:
                    refused[name] = reason
                    loaded.pop(name).close()
            eligible = {name: engine for name, engine in loaded.items() if name in self.candidates}
            if not eligible:
                raise NothingUsable(
                    f"no eligible engine may run release {self.release.name} on this host: {refused}; "
                    f"request {REFERENCE_ENGINE!r} or 'auto'"
                )
            lone_ms = self._time(eligible, inputs[0])
        finally:
            for engine in loaded.values():
                engine.close()
        fastest = min(lone_ms, key=lone_ms.__getitem__)
        return EngineChoice(fastest, self.threads, lone_ms, refused)

    def _disagreement(
        self, engine: Engine, inputs: Sequence[NDArray[np.uint8]], expected: Sequence[Detections]
    ) -> str | None:
        """Why an engine is refused, None if it agrees with the reference."""
        thresholds = threshold_vector(self.release.classes, self.release.thresholds)
        difference = Difference()
        try:
            for batch, reference in zip(inputs, expected, strict=True):
                found = _detect(engine, self.release, batch)
                difference = difference.plus(compare(reference, found, thresholds=thresholds, tolerance=self.tolerance))
        except EngineError as error:
            return str(error)
        if difference.is_within(self.tolerance):
            return None
        return (
            f"differs from {REFERENCE_ENGINE}: {difference.unmatched} defects found by one of them only, "
            f"confidences up to {difference.largest_confidence_gap:.3f} apart (allowed {self.tolerance.confidence})"
        )

    def _time(self, engines: Mapping[str, Engine], batch: NDArray[np.uint8]) -> dict[str, float]:
        """Median milliseconds of a lone call, by engine."""
        taken_ms: dict[str, list[float]] = {name: [] for name in engines}
        for engine in engines.values():
            engine.infer(batch)  # the first run allocates
        for _ in range(_ROUNDS):
            for name, engine in engines.items():
                started_s = self.monotonic()
                engine.infer(batch)
                taken_ms[name].append((self.monotonic() - started_s) * 1000)
        return {name: statistics.median(values) for name, values in taken_ms.items()}


def _canary_inputs(release: Release) -> list[NDArray[np.uint8]]:
    """Windows of the canary frames as the model takes them; a blank one if there is no canary."""
    inputs: list[NDArray[np.uint8]] = []
    for frame in release.canary:
        pixels = network_channels(frame.image, release.input_kind)
        pixels, tiles = network_tiles(pixels, release.input_kind, input_wh_px=release.input_size_wh_px, overlap_px=0)
        inputs.extend(cut(pixels, tile) for tile in tiles)
    width, height = release.input_size_wh_px
    return inputs[:_MOST_INPUTS] or [np.zeros((1, height, width, 3), np.uint8)]


def _detect(engine: Engine, release: Release, batch: NDArray[np.uint8]) -> Detections:
    return decode_output(
        engine.infer(batch),
        release.head,
        thresholds=threshold_vector(release.classes, release.thresholds),
        size_wh_px=release.input_size_wh_px,
    )
