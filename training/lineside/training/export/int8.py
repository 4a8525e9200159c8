"""The int8 file of a model, its ranges taken from training images of a revision."""

import hashlib
from pathlib import Path

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.release import InputKind
from lineside.training.checkpoints import write_whole
from lineside.training.errors import ExportRefused
from lineside.training.export.checks import check_exported
from lineside.training.export.exporting import ExportedModel
from lineside.training.parity.frames import calibration_windows, revision_frames
from lineside.training.quantise import CALIBRATION_WINDOWS, quantise_to_int8


def export_int8(
    model: Path, target: Path, *, kind: InputKind, store: RevisionStore, revision: Revision
) -> ExportedModel:
    """Quantise an exported model; the file appears whole or not at all.

    Args:
        model: ONNX file of `export_checkpoint`.
        target: the file to write.
        kind: what the model's channels are.
        store: holds the pictures.
        revision: its split `train` gives the ranges: the images that the model learnt from and is not judged on.

    Raises:
        ExportRefused: the model is none that a line would load, or the revision has no training image.
        ParityRefused: the revision has classes that the model does not know.
    """
    content = model.read_bytes()
    graph = check_exported(content)
    frames = revision_frames(
        store, revision, splits=(Split.TRAIN,), kind=kind, classes=graph.classes, most=CALIBRATION_WINDOWS
    )
    if not frames:
        raise ExportRefused(
            f"revision {revision.id[:12]} has no image of split 'train', from which int8 takes the ranges of its layers"
        )
    windows = calibration_windows(
        (frame.image for frame in frames), kind, size_wh_px=graph.input_size_wh_px, most=CALIBRATION_WINDOWS
    )
    quantised = quantise_to_int8(content, windows)
    checked = check_exported(quantised)
    write_whole(target, quantised)
    return ExportedModel(target, hashlib.sha256(quantised).hexdigest(), len(quantised), checked)
