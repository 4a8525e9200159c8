"""`parity`: what each engine makes of the starters' networks on real boards, and how long it takes for it."""

import itertools
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from lineside.datasets.formats import read_deeppcb
from lineside.inspection.detector import Detector
from lineside.inspection.engines import available_threads, load_release_engine
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, compose, register
from lineside.inspection.release import InputKind, starter_release_folder
from lineside.training.evaluation import truth_arrays
from lineside.training.parity import ParityFrame, ParityReport, ParitySubject, measure_parity, read_parity_subject
from lineside.training.parity.measuring import ModelFiles
from lineside.training.parity.subjects import trained_network
from lineside.training.quantise import CALIBRATION_WINDOWS, quantise_to_int8
from lineside.training.training_data import network_image, training_sample

RELEASES = ("pcb-reference", "pcb-single")
BOARDS_VARIABLE = "LINESIDE_DEEPPCB"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def measure(options: Options) -> Report:
    """Compare all engines with the trained network on boards that no starter has seen, and time them in turn."""
    root = os.environ.get(BOARDS_VARIABLE)
    if root is None:
        note = f"{BOARDS_VARIABLE} names no folder of DeepPCB's boards: not measured"
        return Report((Table("Parity on real boards", ("engine",), (), (note,)),), {"skipped": note})
    tables: list[Table] = []
    figures: dict[str, Any] = {}
    for name in RELEASES:
        subject = _with_int8(read_parity_subject(starter_release_folder(name)), options)
        frames = list(_frames(Path(root), subject, most=options.some(200, 10)))
        options.say(f"parity: {name}, {len(frames)} boards")
        report = _compare(subject, frames)
        lone_ms = _time(subject, list(report.engines), frames, rounds=options.some(40, 5))
        tables.append(_table(name, report, lone_ms))
        figures[name] = {"parity": report.as_document(), "lone_ms": lone_ms}
    return Report(tuple(tables), figures)


def _with_int8(subject: ParitySubject, options: Options) -> ParitySubject:
    """The starter with an int8 model, its ranges from synthetic boards as it was trained on."""
    options.say(f"parity: quantising {subject.release.name}")
    kind = subject.release.input_kind
    count = options.some(CALIBRATION_WINDOWS, 8)
    windows = [np.ascontiguousarray(network_image(training_sample(1, index), kind))[None] for index in range(count)]
    int8_model = quantise_to_int8(subject.files.model, windows)
    release = replace(subject.release, int8_model=read_model_graph(int8_model).served_model)
    return replace(subject, release=release, files=ModelFiles(subject.files.model, int8_model))


def _frames(root: Path, subject: ParitySubject, *, most: int) -> Iterator[ParityFrame]:
    """Every fifth pair, composed as in serving; one whose reference does not fit is left out."""
    release = subject.release
    for pair in itertools.islice(read_deeppcb(root), 0, 5 * most, 5):
        image = pair.frame
        if release.input_kind is InputKind.REFERENCE:
            reference = PreparedReference.prepare(Reference("golden", pair.reference, "benchmark", _NOW))
            try:
                image = compose(image, register(image, [reference], limits=RegistrationLimits(), now=_NOW))
            except RegistrationRefused:
                continue
        truth = [(str(defect.defect_class), defect.box_xyxy_px) for defect in pair.defects]
        yield ParityFrame(image, *truth_arrays(truth, release.classes))


def _compare(subject: ParitySubject, frames: Sequence[ParityFrame]) -> ParityReport:
    with trained_network(subject) as (network, described):
        return measure_parity(
            subject.release,
            subject.files,
            network,
            frames,
            data={"boards": "DeepPCB, every fifth pair"},
            network_described=described,
            threads=available_threads(),
        )


def _time(
    subject: ParitySubject, engines: Sequence[str], frames: Sequence[ParityFrame], *, rounds: int
) -> Mapping[str, float]:
    """Median milliseconds of a lone detection, the engines in turn."""
    release = subject.release
    detectors = {
        name: Detector(release, load_release_engine(release, name, threads=available_threads())) for name in engines
    }
    taken_ms: dict[str, list[float]] = {name: [] for name in engines}
    for detector in detectors.values():
        detector.detect(frames[0].image)  # the first run allocates
    for turn in range(rounds):
        for name, detector in detectors.items():
            began_s = time.perf_counter()
            detector.detect(frames[turn % len(frames)].image)
            taken_ms[name].append((time.perf_counter() - began_s) * 1000.0)
    for detector in detectors.values():
        detector.close()
    return {name: statistics.median(values) for name, values in taken_ms.items()}


def _table(name: str, report: ParityReport, lone_ms: Mapping[str, float]) -> Table:
    columns = (
        "engine",
        "matched",
        "only one has",
        "mean box px",
        "largest px",
        "mean score",
        "mAP50-95, points",
        "recall, points",
        "ms",
        "within limits",
    )
    rows = [
        (
            engine,
            f"{found.matched}",
            f"{found.unmatched}",
            f"{found.mean_box_difference_px:.4f}",
            f"{found.max_box_difference_px:.2f}",
            f"{found.mean_score_difference:.5f}",
            f"{100 * (found.delta_map50_95 or 0):+.3f}",
            f"{100 * (found.delta_recall or 0):+.3f}",
            milliseconds(lone_ms[engine]),
            "yes" if found.is_offered else "no",
        )
        for engine, found in report.engines.items()
    ]
    any_engine = next(iter(report.engines.values()))
    trained = f"mAP50-95 {100 * (report.network_map50_95 or 0):.2f}, recall {100 * (report.network_recall or 0):.2f} %"
    notes = (
        f"differences from PyTorch in float32 on the same pixels: {trained} at the release's thresholds",
        f"ranges of int8 from {CALIBRATION_WINDOWS} synthetic boards: the starters saw no real one",
        *(f"{engine}: {reason}" for engine, reason in report.unavailable.items()),
    )
    title = f"{name}: {any_engine.frames} real boards, {any_engine.defects} defects; ms of a lone detection"
    return Table(title, columns, rows, notes)
