"""What a camera might have seen otherwise, with albumentations: light, sharpness, noise, small turns, crops.

albumentations (MIT, 2.0.8) asks the internet for a newer version when it is imported, unless told not to.
"""

import importlib
import os
import threading
from typing import Any

import cv2
import numpy as np

from lineside.datasets.augment.picture import Picture
from lineside.datasets.errors import ExtraMissing
from lineside.inspection.frames import Image

_LEAST_SHARE_LEFT = 0.5  # of a box, for it to stay after a turn or a crop
_HIGHEST_SEED = 2**31


class PhotometricVariation:
    """Another light, sharpness or noise, for a share of the frames. Several threads may call it at once.

    Args:
        share: of the frames that are changed.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._local = threading.local()  # a pipeline has a generator of its own, so each thread has a pipeline

    def photometric(self, frame: Image, rng: np.random.Generator) -> Image:
        """The frame as it might have been, or as it is; never changed in place.

        Args:
            frame: uint8 (h, w) or (h, w, 3).
            rng: decides everything.
        """
        if rng.random() >= self._share:
            return frame
        if not hasattr(self._local, "pipeline"):
            self._local.pipeline = _photometric_pipeline()
        return np.asarray(_run(self._local.pipeline, rng, image=frame)["image"], np.uint8)


class GeometricVariation:
    """Frame and reference turned together by a little, and cut so that defects stay.

    Args:
        rotate_deg: largest turn, either way.
        crop_px: side of the square that is cut out; None: whole. A smaller frame stays whole.
    """

    def __init__(self, rotate_deg: float, crop_px: int | None) -> None:
        self._rotate_deg = rotate_deg
        self._crop_px = crop_px
        self._pipelines: dict[tuple[int, int] | None, Any] = {}

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The picture turned and cut; a defect of which less than half is left is no longer labelled."""
        if not self._rotate_deg and self._crop_px is None:
            return picture
        pipeline = self._pipeline(picture)
        others = {} if picture.reference is None else {"reference": picture.reference}
        indexes = list(range(len(picture.class_names)))
        made = _run(pipeline, rng, image=picture.frame, bboxes=picture.boxes_xyxy_px, indexes=indexes, **others)
        kept = [int(index) for index in made["indexes"]]
        boxes = np.asarray(made["bboxes"], np.float64).reshape(-1, 4)
        return Picture(made["image"], made.get("reference"), boxes, tuple(picture.class_names[i] for i in kept))

    def _pipeline(self, picture: Picture) -> Any:
        width, height = picture.size_wh_px
        crop = None if self._crop_px is None else (min(width, self._crop_px), min(height, self._crop_px))
        if crop not in self._pipelines:
            library = import_albumentations()
            steps: list[Any] = []
            if self._rotate_deg:
                turn = (-self._rotate_deg, self._rotate_deg)
                steps.append(library.Affine(rotate=turn, border_mode=cv2.BORDER_REPLICATE, p=1.0))
            if crop is not None:
                steps.append(library.AtLeastOneBBoxRandomCrop(width=crop[0], height=crop[1], p=1.0))
            boxes = library.BboxParams(
                format="pascal_voc", label_fields=["indexes"], min_visibility=_LEAST_SHARE_LEFT, clip=True
            )
            self._pipelines[crop] = library.Compose(steps, bbox_params=boxes, additional_targets={"reference": "image"})
        return self._pipelines[crop]


def import_albumentations() -> Any:
    """Import albumentations without letting it look for a newer version.

    Raises:
        ExtraMissing: it is not installed.
    """
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    try:
        return importlib.import_module("albumentations")
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}; install the training extra: pip install 'lineside[training]'") from error


def _photometric_pipeline() -> Any:
    library = import_albumentations()
    return library.Compose(
        [
            library.RandomBrightnessContrast(brightness_limit=0.15, contrast_limit=0.2, p=0.7),
            library.RandomGamma(gamma_limit=(80, 125), p=0.3),
            library.GaussianBlur(blur_limit=0, sigma_limit=(0.3, 1.0), p=0.3),
            library.GaussNoise(std_range=(0.01, 0.04), p=0.3),
            library.ImageCompression(quality_range=(60, 95), p=0.2),
        ]
    )


def _run(pipeline: Any, rng: np.random.Generator, **targets: Any) -> dict[str, Any]:
    """Run a pipeline with a seed drawn from `rng`; gray pictures go in with a channel axis, as it wants them."""
    pipeline.set_random_seed(int(rng.integers(_HIGHEST_SEED)))
    pictures = {name for name in ("image", "reference") if name in targets}
    is_gray = {name for name in pictures if targets[name].ndim == 2}
    shaped = {name: value[..., None] if name in is_gray else value for name, value in targets.items()}
    made: dict[str, Any] = pipeline(**shaped)
    return {name: value[..., 0] if name in is_gray and value.ndim == 3 else value for name, value in made.items()}
