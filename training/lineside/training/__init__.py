"""Training: from labelled images to a release. Needs the training extra (torch, ultralytics) only where it trains."""

from lineside.training.canaries import CanaryPolicy, choose_canaries
from lineside.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from lineside.training.errors import (
    CheckpointRefused,
    DeviceMissing,
    ExportRefused,
    ExtraMissing,
    NoCanary,
    RunRefused,
    TrainingDataRefused,
    TrainingError,
)
from lineside.training.onnx_weights import store_weights_as_fp16
from lineside.training.plan import Architecture, TrainingPlan
from lineside.training.release_folder import ReleaseContents, write_release
from lineside.training.training_data import TrainingImages, network_image, write_training_images
from lineside.training.ultralytics_adapter import export_onnx

__all__ = [
    "Architecture",
    "CanaryPolicy",
    "Checkpoint",
    "CheckpointRefused",
    "DeviceMissing",
    "ExportRefused",
    "ExtraMissing",
    "NoCanary",
    "ReleaseContents",
    "RunRefused",
    "TrainingDataRefused",
    "TrainingError",
    "TrainingImages",
    "TrainingPlan",
    "choose_canaries",
    "export_onnx",
    "load_checkpoint",
    "network_image",
    "save_checkpoint",
    "store_weights_as_fp16",
    "write_release",
    "write_training_images",
]
