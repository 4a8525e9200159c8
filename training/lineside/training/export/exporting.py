"""The export itself: a checkpoint's network through ultralytics' exporter, checked, and moved into place whole."""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx

from lineside.inspection.heads import Head
from lineside.inspection.model_graph import ModelGraph
from lineside.training import ultralytics_adapter
from lineside.training.checkpoints import load_checkpoint, write_whole
from lineside.training.errors import ExportRefused
from lineside.training.export.checks import check_exported
from lineside.training.export.metadata import STRIDE_PX, describe
from lineside.training.onnx_weights import store_weights_as_fp16
from lineside.training.restoring import network_of_checkpoint


@dataclass(frozen=True, slots=True, eq=False)
class ExportedModel:
    """A model file that was written.

    Attributes:
        path: where.
        sha256: of the file, lowercase hex.
        size_bytes: of the file.
        graph: what the serving side makes of it.
    """

    path: Path
    sha256: str
    size_bytes: int
    graph: ModelGraph


def export_checkpoint(checkpoint: Path, target: Path, *, size_wh_px: tuple[int, int]) -> ExportedModel:
    """Export a checkpoint to one self-contained ONNX file, weights stored in half precision.

    The file appears whole or not at all, also when the process is killed: everything is made and checked in a folder
    beside it, which the next export to the same place clears.

    Args:
        checkpoint: safetensors file of `lineside train`.
        target: the ONNX file; one that is there is replaced.
        size_wh_px: width and height of the input, multiples of 32.

    Raises:
        CheckpointRefused: it is no checkpoint; a pickle (`.pt`) is never opened.
        ExportRefused: the size is impossible, or the graph is not what a release may hold.
        ExtraMissing: torch or ultralytics is not installed.
    """
    if min(size_wh_px) < STRIDE_PX or any(side % STRIDE_PX for side in size_wh_px):
        raise ExportRefused(f"an input of {size_wh_px[0]}x{size_wh_px[1]} px: expected multiples of {STRIDE_PX}")
    loaded = load_checkpoint(checkpoint)
    with _folder_beside(target) as work:
        exported = work / "exported.onnx"
        with ultralytics_adapter.ultralytics_in(work):
            ultralytics_adapter.export_onnx(network_of_checkpoint(loaded), exported, size_wh_px=size_wh_px)
        proto = onnx.load(exported)
        head = Head.END_TO_END if loaded.architecture.is_end_to_end else Head.RAW
        describe(
            proto,
            architecture=loaded.architecture.value,
            classes=loaded.classes,
            kind=loaded.kind,
            head=head,
            size_wh_px=size_wh_px,
        )
        model = store_weights_as_fp16(proto).SerializeToString(deterministic=True)
        graph = check_exported(model)
        if graph.classes != loaded.classes or graph.head is not head:
            raise ExportRefused(
                f"the exported model has classes {graph.classes} and head {graph.head.value}, the checkpoint "
                f"{loaded.classes} and {head.value}"
            )
        write_whole(target, model)
    return ExportedModel(target, hashlib.sha256(model).hexdigest(), len(model), graph)


@contextlib.contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A folder for what is half done, of a name that the next export finds again after a kill."""
    folder = target.with_name(f".{target.name}.exporting")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
