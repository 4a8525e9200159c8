"""What is judged: a release, or the model of a training run that is no release yet."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from lineside.inspection.detector import Detector
from lineside.inspection.engines import REFERENCE_ENGINE, load_engine
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.release import MANIFEST_NAME, MODEL_NAME, InputKind, Release, read_release
from lineside.training.errors import NothingToEvaluate
from lineside.training.evaluation.judged import LOWEST_CONFIDENCE

RUN_NAME = "run.json"
RUN_SCHEMA = "lineside.run/1"
RUN_THRESHOLD = 0.25
"""A run has no thresholds yet; this is where its verdicts are made unless the caller says otherwise."""

_LICENCE = "AGPL-3.0-only"  # of weights trained with ultralytics


def read_subject(folder: Path, *, run_threshold: float = RUN_THRESHOLD) -> Release:
    """The release in a folder, or a finished training run as if it were one.

    Args:
        folder: of a release (`manifest.json`) or of a run (`run.json`).
        run_threshold: confidence from which a run's detections count, for every class; a release has its own.

    Raises:
        NothingToEvaluate: the folder holds neither, or the run is not finished.
        ReleaseError: it may not be loaded.
    """
    if (folder / MANIFEST_NAME).is_file():
        return read_release(folder)
    path = folder / RUN_NAME
    if not path.is_file():
        raise NothingToEvaluate(f"{folder} holds neither {MANIFEST_NAME} nor {RUN_NAME}; expected a release or a run")
    record = _run_record(path)
    model = (folder / MODEL_NAME).read_bytes()
    digest = hashlib.sha256(model).hexdigest()
    if record.get("model_sha256", digest) != digest:
        raise NothingToEvaluate(f"{folder / MODEL_NAME} is not the model that {path} speaks of (SHA-256 {digest})")
    name = re.sub(r"[^a-z0-9-]+", "-", folder.resolve().name.lower()).strip("-")[:64] or "run"
    catalogue = record.get("catalogue") or {"id": "none", "version": 1}
    return unreleased(
        model,
        name=name,
        kind=InputKind(record["kind"]),
        threshold=run_threshold,
        catalogue=(catalogue["id"], catalogue["version"]),
    )


def unreleased(
    model: bytes,
    *,
    name: str,
    kind: InputKind,
    threshold: float = LOWEST_CONFIDENCE,
    catalogue: tuple[str, int] = ("none", 1),
) -> Release:
    """A model that is no release yet, as one: version "0", the digest of the model, no canary frames.

    Args:
        model: ONNX file.
        name: for messages.
        kind: what the model's channels are.
        threshold: confidence from which a detection counts, for every class.
        catalogue: id and version.

    Raises:
        NotADetector: the graph is none that can be served.
    """
    graph = read_model_graph(model)
    return Release(
        name=name,
        version="0",
        digest=hashlib.sha256(model).hexdigest(),
        input_kind=kind,
        input_size_wh_px=graph.input_size_wh_px,
        head=graph.head,
        classes=graph.classes,
        thresholds=dict.fromkeys(graph.classes, threshold),
        catalogue_id=catalogue[0],
        catalogue_version=catalogue[1],
        licence=_LICENCE,
        canary=(),
        served_model=graph.served_model,
    )


def model_under_test(model: bytes, *, name: str, kind: InputKind, threads: int) -> Detector:
    """The serving detector for a model that is no release yet, on the reference engine.

    Args:
        model: ONNX file.
        name: for messages.
        kind: what the model's channels are.
        threads: cores to use.

    Raises:
        NotADetector: the graph is none that can be served.
        EngineError: the engine cannot load it.
    """
    release = unreleased(model, name=name, kind=kind)
    return Detector(release, load_engine(REFERENCE_ENGINE, release.served_model, threads=threads))


def _run_record(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        found = record["schema"], record["status"], InputKind(record["kind"])
    except (ValueError, KeyError, TypeError) as error:
        raise NothingToEvaluate(f"{path} is no record of a training run ({error!r})") from error
    if found[:2] != (RUN_SCHEMA, "finished"):
        raise NothingToEvaluate(
            f"{path} has schema {found[0]!r} and status {found[1]!r}; expected a finished run of {RUN_SCHEMA!r}"
        )
    return record
