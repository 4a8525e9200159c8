"""`core`: what each stage of judging one frame costs, without any server."""

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.boards import BoardFrame, board_frames
from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.detector import Detector, open_detector
from lineside.inspection.engines import EngineChoice, available_threads, usable_engines
from lineside.inspection.errors import EngineError
from lineside.inspection.frames import MediaType
from lineside.inspection.image_health import HealthLimits, assess
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, compose, register
from lineside.inspection.release import read_release, starter_release_folder

RELEASES = ("pcb-single", "pcb-reference")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def measure(options: Options) -> Report:
    """Time every stage and every engine in turn."""
    frames = board_frames(12)
    rounds = options.some(40, 8)
    stages = _stages(frames)
    detectors, refused = _detectors()
    taken_ms: dict[str, list[float]] = {name: [] for name in (*stages, *detectors)}
    options.say(f"core: {rounds} rounds of {len(taken_ms)} stages")
    pictures = {name: _network_pictures(detector, frames) for name, detector in detectors.items()}
    for turn in range(rounds):
        for name, stage in stages.items():
            taken_ms[name].append(_time_ms(stage, turn % len(frames)))
        for name, detector in detectors.items():
            taken_ms[name].append(_time_ms(detector.detect, pictures[name][turn % len(frames)]))
    for detector in detectors.values():
        detector.close()
    rows = [
        (name, milliseconds(statistics.median(values)), milliseconds(min(values)), milliseconds(max(values)))
        for name, values in taken_ms.items()
    ]
    table = Table(
        f"One 640x640 frame, ms a stage ({available_threads()} threads for inference, one for the rest)",
        ("stage", "median", "lowest", "highest"),
        rows,
        tuple(f"{name}: {reason}" for name, reason in refused.items()),
    )
    return Report((table,), {"median_ms": {name: statistics.median(values) for name, values in taken_ms.items()}})


def _stages(frames: Sequence[BoardFrame]) -> dict[str, Callable[[int], Any]]:
    limits, health, registration = DecodingLimits(), HealthLimits(), RegistrationLimits()
    references = [(PreparedReference.prepare(Reference("golden", frame.reference, "bench", _NOW)),) for frame in frames]

    pasts = [assess(frame.image, health, previous_digest=None, digest="-").past for frame in frames]

    def assess_one(index: int) -> None:
        assess(frames[index].image, health, previous_digest=None, digest="-", past=pasts[index - 1])

    def register_one(index: int) -> None:
        found = register(frames[index].image, references[index], limits=registration, now=_NOW)
        compose(frames[index].image, found)

    return {
        "decode a JPEG, strictly": lambda index: decode(frames[index].jpeg, MediaType.JPEG, limits=limits),
        "image health": assess_one,
        "register to the reference and compose": register_one,
    }


def _detectors() -> tuple[dict[str, Detector], dict[str, str]]:
    """Every starter release on every engine that this host can run."""
    opened: dict[str, Detector] = {}
    refused: dict[str, str] = {}
    for release_name in RELEASES:
        release = read_release(starter_release_folder(release_name))
        for engine in usable_engines():
            name = f"detect, {release_name}, {engine}"
            try:
                opened[name] = open_detector(release, EngineChoice(engine, available_threads()))
            except EngineError as error:
                refused[name] = str(error)
    for detector in opened.values():
        width, height = detector.release.input_size_wh_px
        detector.detect(_network_pictures(detector, board_frames(1))[0][:height, :width])  # the first run allocates
    return opened, refused


def _network_pictures(detector: Detector, frames: Sequence[BoardFrame]) -> list[Any]:
    if detector.release.input_kind == "single":
        return [frame.image for frame in frames]
    pictures = []
    for frame in frames:
        reference = (PreparedReference.prepare(Reference("golden", frame.reference, "bench", _NOW)),)
        registration = register(frame.image, reference, limits=RegistrationLimits(), now=_NOW)
        pictures.append(compose(frame.image, registration))
    return pictures


def _time_ms(work: Callable[[Any], Any], given: Any) -> float:
    began_s = time.perf_counter()
    work(given)
    return (time.perf_counter() - began_s) * 1000.0
