"""Running the trained network and every engine over the same frames, with the detector that serves around each."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.engines import ENGINES, Engine, Precision, load_release_engine, usable_engines
from lineside.inspection.errors import EngineError
from lineside.inspection.frames import Image
from lineside.inspection.heads import threshold_vector
from lineside.inspection.release import Release
from lineside.training.errors import ParityBroken, ParityRefused
from lineside.training.evaluation import JudgedImage, coco_precision
from lineside.training.evaluation.judged import LOWEST_CONFIDENCE
from lineside.training.parity.differences import box_differences, recall
from lineside.training.parity.limits import Closeness, ParityLimits, why_past_limit
from lineside.training.parity.report import EngineParity, ParityReport
from lineside.training.processor import processor_model

_LIBRARIES = ("torch", "onnx", "onnxruntime", "openvino")


@dataclass(frozen=True, slots=True, eq=False)
class ParityFrame:
    """A labelled frame, prepared once: the network and every engine get the very same pixels.

    Attributes:
        image: uint8 as `Detector.detect` takes it, for a reference model composed already.
        boxes_xyxy_px: float32 (n, 4), the labelled defects.
        class_ids: int64 (n,).
    """

    image: Image
    boxes_xyxy_px: NDArray[np.float32]
    class_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ModelFiles:
    """The files that the figures are of.

    Attributes:
        model: the ONNX file.
        int8_model: its quantised form; None if there is none.
    """

    model: bytes
    int8_model: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Findings:
    """What one engine made of all frames."""

    found: Sequence[Detections]
    map50_95: float | None
    recall: float | None


def measure_parity(
    release: Release,
    files: ModelFiles,
    network: Engine,
    frames: Sequence[ParityFrame],
    *,
    data: Mapping[str, Any],
    network_described: str,
    threads: int,
    limits: ParityLimits | None = None,
    engines: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ParityReport:
    """Compare every engine of this host with the trained network.

    Args:
        release: the model as serving has it; int8 engines are measured if it has an int8 model.
        files: its files, for their digests.
        network: the trained network as an engine, in float32.
        frames: what to judge; labels are needed for mAP and recall.
        data: which frames these are, for the record.
        network_described: what the network is, for the record.
        threads: cores to use.
        limits: the default ones if None.
        engines: names of those to measure; None for all that this host and model can run.
        on_progress: told how many judgements are done, and of how many.

    Raises:
        ParityRefused: there is no frame, or an engine named cannot run here.
        EngineError: an engine failed on a frame.
    """
    limits = limits or ParityLimits()
    names, unavailable = require_measurable(release, frames, engines)
    total = len(frames) * (1 + len(names))
    expected = _judge(release, network, frames, lambda done: on_progress(done, total))
    measured: dict[str, EngineParity] = {}
    for turn, name in enumerate(names, 1):
        engine = load_release_engine(release, name, threads=threads)
        before = turn * len(frames)
        findings = _judge(release, engine, frames, lambda done, before=before: on_progress(before + done, total))  # type: ignore[misc]  # mypy cannot infer the lambda's default
        measured[name] = _compare(release, name, expected, findings, frames, limits)
    return ParityReport(
        release=f"{release.name} {release.version}",
        model_sha256=hashlib.sha256(files.model).hexdigest(),
        int8_model_sha256=None if files.int8_model is None else hashlib.sha256(files.int8_model).hexdigest(),
        network=network_described,
        data=dict(data),
        thresholds=dict(release.thresholds),
        limits=limits.as_record(),
        network_map50_95=expected.map50_95,
        network_recall=expected.recall,
        engines=measured,
        unavailable=unavailable,
        machine=processor_model(),
        versions=_versions(),
    )


def require_measurable(
    release: Release, frames: Sequence[ParityFrame], engines: Sequence[str] | None
) -> tuple[list[str], dict[str, str]]:
    """What will be measured: worth asking before a network is loaded.

    Args:
        release: the model.
        frames: to judge.
        engines: names of those to measure; None for all that this host and model can run.

    Returns:
        Engines to measure, and why others are not, by name.

    Raises:
        ParityRefused: there is no frame, or an engine named cannot run here.
    """
    if not frames:
        raise ParityRefused("no frame to compare engines on; give a revision with images of these splits")
    usable = usable_engines()
    unavailable = {name: "this host cannot run it" for name in ENGINES if name not in usable}
    if release.int8_model is None:
        int8 = [name for name, entry in ENGINES.items() if entry.precision is Precision.INT8]
        unavailable |= dict.fromkeys(int8, "the model has no int8 file")
    if engines is None:
        return [name for name in ENGINES if name not in unavailable], unavailable
    for name in engines:
        if name not in ENGINES:
            raise ParityRefused(f"no engine {name!r}; expected some of {list(ENGINES)}")
        if name in unavailable:
            raise ParityRefused(f"engine {name} cannot be measured: {unavailable[name]}")
    return list(engines), {}


def require_unbroken(report: ParityReport) -> None:
    """Refuse a model that does not compute what was trained.

    Raises:
        ParityBroken: an engine in float32 is past its limits: the export changed the network.
    """
    for name, engine in report.engines.items():
        if ENGINES[name].precision is Precision.FP32 and not engine.is_offered:
            raise ParityBroken(
                f"{report.release} on {name} is not the trained network: {engine.reason}. float32 has nothing to "
                "lose, so the export is broken or of another checkpoint; export it again"
            )


def _judge(
    release: Release, engine: Engine, frames: Sequence[ParityFrame], on_progress: Callable[[int], None]
) -> _Findings:
    """Judge all frames and close the engine."""
    detector = Detector(release, engine)
    lowest = {name: min(LOWEST_CONFIDENCE, value) for name, value in release.thresholds.items()}
    found = []
    try:
        for done, frame in enumerate(frames, 1):
            found.append(detector.detect(frame.image, thresholds=lowest))
            on_progress(done)
    except EngineError as error:
        raise EngineError(f"{engine.name} failed while parity was measured: {error}") from error
    finally:
        detector.close()
    thresholds = threshold_vector(release.classes, release.thresholds)
    share = recall([(frame.boxes_xyxy_px, frame.class_ids) for frame in frames], found, thresholds)
    if share is None:
        return _Findings(found, None, None)
    judged = [
        JudgedImage(frame.boxes_xyxy_px, frame.class_ids, detections)
        for frame, detections in zip(frames, found, strict=True)
    ]
    return _Findings(found, coco_precision(judged, release.classes).map50_95, share)


def _compare(
    release: Release,
    name: str,
    expected: _Findings,
    findings: _Findings,
    frames: Sequence[ParityFrame],
    limits: ParityLimits,
) -> EngineParity:
    thresholds = threshold_vector(release.classes, release.thresholds)
    boxes = box_differences(expected.found, findings.found, thresholds)
    defects = sum(len(frame.class_ids) for frame in frames)
    delta_map = _delta(findings.map50_95, expected.map50_95)
    delta_recall = _delta(findings.recall, expected.recall)
    precision = ENGINES[name].precision
    closeness = Closeness(
        mean_box_difference_px=boxes.mean_box_difference_px,
        delta_map50_95=delta_map,
        delta_recall=delta_recall,
        defects=defects,
        unmatched=boxes.unmatched,
        matched=boxes.matched,
    )
    reason = why_past_limit(closeness, precision, limits)
    return EngineParity(
        frames=len(frames),
        defects=defects,
        matched=boxes.matched,
        crossed=boxes.crossed,
        unmatched=boxes.unmatched,
        mean_box_difference_px=boxes.mean_box_difference_px,
        max_box_difference_px=boxes.max_box_difference_px,
        mean_score_difference=boxes.mean_score_difference,
        max_score_difference=boxes.max_score_difference,
        map50_95=findings.map50_95,
        delta_map50_95=delta_map,
        recall=findings.recall,
        delta_recall=delta_recall,
        is_offered=reason is None,
        limit=limits.of(precision),
        reason=reason or "",
    )


def _delta(found: float | None, expected: float | None) -> float | None:
    return None if found is None or expected is None else found - expected


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
