"""Writing a release folder: model, canary frames, card, licence, and the manifest that names them all."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lineside.datasets.synthetic import DEFECT_CLASSES, Sample
from lineside.inspection.frames import Image
from lineside.inspection.release import MANIFEST_NAME, MODEL_NAME, InputKind, Release, read_release
from lineside.training.errors import TrainingError

CATALOGUE = {"id": "pcb", "version": 1}
LICENCE = "AGPL-3.0-only"


@dataclass(frozen=True, slots=True)
class ReleaseContents:
    """All that goes into a release folder.

    Attributes:
        name: of the model line, e.g. "pcb-reference".
        version: of this release.
        kind: what the model's channels are.
        model: the ONNX file.
        input_size_wh_px: of the model.
        thresholds: default confidence by class, uncertified.
        canaries: frames with known defects.
        metrics: as measured, JSON values.
        training: command, seed, time, versions and data, JSON values.
        card: the model card, Markdown.
        licence_text: of the weights.
    """

    name: str
    version: str
    kind: InputKind
    model: bytes
    input_size_wh_px: tuple[int, int]
    thresholds: Mapping[str, float]
    canaries: Sequence[Sample]
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]
    card: str
    licence_text: str


def write_release(folder: Path, contents: ReleaseContents) -> Release:
    """Write a release and read it back as serving does.

    Args:
        folder: must not exist, or be empty: a release folder holds nothing else.
        contents: what to write.

    Raises:
        TrainingError: the folder holds something already.
        ReleaseUnverified: what was written is no release.
    """
    if folder.exists() and any(folder.iterdir()):
        raise TrainingError(f"{folder} is not empty; give a new folder or remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {
        MODEL_NAME: contents.model,
        "MODEL_CARD.md": contents.card.encode(),
        "LICENSE": contents.licence_text.encode(),
    }
    canary = [_canary_entry(number, sample, contents.kind, files) for number, sample in enumerate(contents.canaries, 1)]
    manifest = {
        "schema": "lineside.release/1",
        "name": contents.name,
        "version": contents.version,
        "task": "detect",
        "input": {"kind": contents.kind.value, "size_wh_px": list(contents.input_size_wh_px)},
        "head": "raw",
        "classes": [str(name) for name in DEFECT_CLASSES],
        "catalogue": CATALOGUE,
        "thresholds": dict(contents.thresholds),
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
            for name, content in sorted(files.items())
        },
        "canary": canary,
        "metrics": dict(contents.metrics),
        "training": dict(contents.training),
        "parity": {},
        "dataset_revision": None,
        "parent": None,
        "licence": LICENCE,
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2, allow_nan=False) + "\n", "utf-8")
    return read_release(folder)


def _canary_entry(number: int, sample: Sample, kind: InputKind, files: dict[str, bytes]) -> dict[str, Any]:
    """Add a canary's pictures to the files and describe it."""
    frame, reference = f"canary/{number:02d}_frame.png", f"canary/{number:02d}_reference.png"
    files[frame] = _png(sample.frame)
    if kind is InputKind.REFERENCE:
        files[reference] = _png(sample.reference)
    return {
        "frame": frame,
        "reference": reference if kind is InputKind.REFERENCE else None,
        "expected": [
            {"class": str(defect.defect_class), "box_xyxy_px": list(defect.box_xyxy_px)} for defect in sample.defects
        ],
    }


def _png(image: Image) -> bytes:
    _, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return np.asarray(encoded, np.uint8).tobytes()
