"""The image store: content-addressed files that survive a power cut, and their retention."""

from lineside.serving.images.errors import (
    ImageCorrupt,
    ImageMissing,
    ImageStoreError,
    ImageStoreFull,
    ImageStoreUnavailable,
)
from lineside.serving.images.retention import RetentionLimits, RetentionReport, sweep
from lineside.serving.images.store import ImageStore, StagedImage, StoredImage

__all__ = [
    "ImageCorrupt",
    "ImageMissing",
    "ImageStore",
    "ImageStoreError",
    "ImageStoreFull",
    "ImageStoreUnavailable",
    "RetentionLimits",
    "RetentionReport",
    "StagedImage",
    "StoredImage",
    "sweep",
]
