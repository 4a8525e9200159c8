"""What `lineside export` is asked for: a checkpoint's model, its int8 form, or both."""

from dataclasses import dataclass
from pathlib import Path

from lineside.datasets.revisions import RevisionStore
from lineside.inspection.release import INT8_MODEL_NAME, MODEL_NAME
from lineside.training.checkpoints import load_checkpoint
from lineside.training.errors import ExportRefused
from lineside.training.export.exporting import ExportedModel, export_checkpoint
from lineside.training.export.int8 import export_int8

_CHECKPOINT_NAME = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class Int8Order:
    """Where int8 takes its ranges from.

    Attributes:
        store: folder or URL of the dataset store.
        revision: id or the start of one.
    """

    store: str
    revision: str


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What to write.

    Attributes:
        source: folder of a run, or a safetensors checkpoint.
        out: the ONNX file; None leaves a run's own as it is.
        size_wh_px: of the input, where a model is exported.
        int8: quantise the model as well; None: not.
    """

    source: Path
    out: Path | None
    size_wh_px: tuple[int, int]
    int8: Int8Order | None


def export_model(order: ExportOrder) -> tuple[ExportedModel, ...]:
    """Write what was ordered.

    Returns:
        The files written.

    Raises:
        CheckpointRefused: the source is no checkpoint; a pickle (`.pt`) is never opened.
        ExportRefused: there is nothing to write, or a file would not be what a release may hold.
    """
    is_run = order.source.is_dir()
    checkpoint = order.source / _CHECKPOINT_NAME if is_run else order.source
    kind = load_checkpoint(checkpoint).kind
    model = order.out or (order.source / MODEL_NAME if is_run else None)
    if model is None:
        raise ExportRefused(f"{order.source} is a checkpoint; say with --out where its ONNX file goes")
    written: list[ExportedModel] = []
    if order.out is not None or not model.is_file():
        written.append(export_checkpoint(checkpoint, model, size_wh_px=order.size_wh_px))
    if order.int8 is not None:
        store = RevisionStore(order.int8.store)
        target = model.with_name(INT8_MODEL_NAME)
        written.append(export_int8(model, target, kind=kind, store=store, revision=store.read(order.int8.revision)))
    if not written:
        raise ExportRefused(f"{model} is there already; give --out for another size, or --int8 to quantise it")
    return tuple(written)
