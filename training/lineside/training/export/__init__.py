"""From a checkpoint to an ONNX file that any line may be given: checked, self-contained, saying what it is."""

from lineside.training.export.checks import check_exported, read_metadata
from lineside.training.export.exporting import ExportedModel, export_checkpoint
from lineside.training.export.metadata import describe

__all__ = ["ExportedModel", "check_exported", "describe", "export_checkpoint", "read_metadata"]
