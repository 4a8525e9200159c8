"""Small labelled data sets: pictures with real content, and folders in the layouts that people have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import RevisionDraft, RevisionStore

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")


def picture(seed: int, *, size_wh_px: tuple[int, int] = (60, 40), suffix: str = ".png") -> bytes:
    """An encoded gray picture whose content follows from a seed."""
    width, height = size_wh_px
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files by their path below a folder; gives the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def yolo_files(images: int = 3) -> dict[str, str | bytes]:
    """A YOLO data set of two classes: each picture has a defect."""
    files: dict[str, str | bytes] = {"data.yaml": "train: images/train\nnames: {0: open, 1: short}\n"}
    for number in range(images):
        files[f"images/train/board-{number}.png"] = picture(number)
        files[f"labels/train/board-{number}.txt"] = f"{number % 2} 0.5 0.5 0.2 0.25\n"
    return files


def labelled(store: RevisionStore, name: str = "a", *, seed: int = 0, **changes: Any) -> LabelledImage:
    """A stored 60 x 40 picture with one defect, or with what is said."""
    values: dict[str, Any] = {
        "name": name,
        "part_id": name,
        "group": name,
        "image": store.add_picture(picture(seed), source=name),
        "boxes": (LabelledBox("open", (10, 10, 20, 20)),),
        "split": Split.TRAIN,
    }
    return LabelledImage(**values | changes)


def draft(*images: LabelledImage, **changes: Any) -> RevisionDraft:
    """A draft of DeepPCB's classes."""
    values: dict[str, Any] = {"classes": CLASSES, "images": images, "source": "a test", "licence_note": "free"}
    return RevisionDraft(**values | changes)
