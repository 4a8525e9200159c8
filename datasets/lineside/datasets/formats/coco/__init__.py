"""COCO JSON: one file for each split, with images, annotations and categories."""

from lineside.datasets.formats.coco.reading import read_coco_layout
from lineside.datasets.formats.coco.writing import write_coco_layout

__all__ = ["read_coco_layout", "write_coco_layout"]
