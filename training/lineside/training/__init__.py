"""Training: from labelled images to a release. Needs the training extra (torch, ultralytics) only where it trains."""

from lineside.training.canaries import CanaryPolicy, choose_canaries
from lineside.training.errors import ExportRefused, ExtraMissing, NoCanary, TrainingError
from lineside.training.onnx_weights import store_weights_as_fp16
from lineside.training.release_folder import ReleaseContents, write_release
from lineside.training.training_data import TrainingImages, network_image, write_training_images
from lineside.training.ultralytics_adapter import TrainingPlan, export_onnx, train

__all__ = [
    "CanaryPolicy",
    "ExportRefused",
    "ExtraMissing",
    "NoCanary",
    "ReleaseContents",
    "TrainingError",
    "TrainingImages",
    "TrainingPlan",
    "choose_canaries",
    "export_onnx",
    "network_image",
    "store_weights_as_fp16",
    "train",
    "write_release",
    "write_training_images",
]
