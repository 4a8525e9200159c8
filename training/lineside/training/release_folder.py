"""Writing a release folder: model, canary frames, card, licence, and the manifest that names them all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lineside.datasets.synthetic import Sample
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.frames import Image
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.release import (
    INT8_MODEL_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    RELEASE_SCHEMA,
    CanaryDefect,
    InputKind,
    Release,
    read_release,
)
from lineside.training.errors import TrainingError

CARD_NAME = "MODEL_CARD.md"
LICENCE_NAME = "LICENSE"
LICENCE = "AGPL-3.0-only"
"""Of weights trained with ultralytics."""

PCB_CATALOGUE = ("pcb", 1)


@dataclass(frozen=True, slots=True, eq=False)
class CanaryPicture:
    """A frame with known defects, as a release carries it.

    Attributes:
        frame: uint8 (h, w) gray or (h, w, 3) BGR.
        reference: uint8 (h, w), the golden image as it lies on the frame; None for a single-image model.
        expected: every defect in it.
    """

    frame: Image
    reference: Image | None
    expected: tuple[CanaryDefect, ...]

    @classmethod
    def of_sample(cls, sample: Sample, kind: InputKind) -> "CanaryPicture":
        """A synthetic board for a model of this kind."""
        expected = tuple(CanaryDefect(str(defect.defect_class), defect.box_xyxy_px) for defect in sample.defects)
        return cls(sample.frame, sample.reference if kind is InputKind.REFERENCE else None, expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseContents:
    """All that goes into a release folder. Classes, size and head are taken from the model itself.

    Attributes:
        name: of the model line, e.g. "pcb-reference".
        version: of this release.
        kind: what the model's channels are.
        model: the ONNX file.
        int8_model: its quantised form; None if there is none.
        catalogue: id and version of the defect catalogue that the classes come from.
        thresholds: default confidence by class, uncertified.
        canaries: frames with known defects.
        metrics: as measured, JSON values.
        training: command, seed, time, versions and data, JSON values.
        parity: engines against the trained network, JSON values; empty where nothing was measured.
        dataset_revision: id of what it was trained on; None where that is no revision.
        parent: digest of the release or checkpoint that it was trained from; None from scratch.
        checkpoint_sha256: of the weights that training goes on from; None where they are not kept.
        licence: SPDX identifier of the weights' licence.
        licence_text: of the weights.
        card: the model card, Markdown.
    """

    name: str
    version: str
    kind: InputKind
    model: bytes
    int8_model: bytes | None = None
    catalogue: tuple[str, int] = PCB_CATALOGUE
    thresholds: Mapping[str, float]
    canaries: Sequence[CanaryPicture]
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]
    parity: Mapping[str, Any] = field(default_factory=dict)
    dataset_revision: str | None = None
    parent: str | None = None
    checkpoint_sha256: str | None = None
    licence: str = LICENCE
    licence_text: str
    card: str


def write_release(folder: Path, contents: ReleaseContents) -> Release:
    """Write a release and read it back as serving does. Its manifest is canonical, so that it can be signed.

    Args:
        folder: must not exist, or be empty: a release folder holds nothing else.
        contents: what to write.

    Raises:
        TrainingError: the folder holds something already.
        ReleaseUnverified: what was written is no release.
        NotADetector: the model is none that can be served.
    """
    if folder.exists() and any(folder.iterdir()):
        raise TrainingError(f"{folder} is not empty; give a new folder or remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {
        MODEL_NAME: contents.model,
        CARD_NAME: contents.card.encode(),
        LICENCE_NAME: contents.licence_text.encode(),
    }
    if contents.int8_model is not None:
        files[INT8_MODEL_NAME] = contents.int8_model
    canary = [_canary_entry(number, picture, files) for number, picture in enumerate(contents.canaries, 1)]
    manifest = canonical_json(_manifest(contents, files, canary))
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / MANIFEST_NAME).write_bytes(manifest.encode())
    return read_release(folder)


def _manifest(
    contents: ReleaseContents, files: Mapping[str, bytes], canary: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    graph = read_model_graph(contents.model)
    catalogue_id, catalogue_version = contents.catalogue
    manifest = {
        "schema": RELEASE_SCHEMA,
        "name": contents.name,
        "version": contents.version,
        "task": "detect",
        "input": {"kind": contents.kind.value, "size_wh_px": list(graph.input_size_wh_px)},
        "head": graph.head.value,
        "classes": list(graph.classes),
        "catalogue": {"id": catalogue_id, "version": catalogue_version},
        "thresholds": dict(contents.thresholds),
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
            for name, content in files.items()
        },
        "canary": list(canary),
        "metrics": dict(contents.metrics),
        "training": dict(contents.training),
        "parity": dict(contents.parity),
        "dataset_revision": contents.dataset_revision,
        "parent": contents.parent,
        "licence": contents.licence,
    }
    if contents.checkpoint_sha256 is not None:
        manifest["checkpoint_sha256"] = contents.checkpoint_sha256
    return manifest


def _canary_entry(number: int, picture: CanaryPicture, files: dict[str, bytes]) -> dict[str, Any]:
    """Add a canary's pictures to the files and describe it."""
    frame, reference = f"canary/{number:02d}_frame.png", f"canary/{number:02d}_reference.png"
    files[frame] = _png(picture.frame)
    if picture.reference is not None:
        files[reference] = _png(picture.reference)
    return {
        "frame": frame,
        "reference": None if picture.reference is None else reference,
        "expected": [
            {"class": defect.class_name, "box_xyxy_px": [float(edge) for edge in defect.box_xyxy_px]}
            for defect in picture.expected
        ],
    }


def _png(image: Image) -> bytes:
    _, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return np.asarray(encoded, np.uint8).tobytes()
