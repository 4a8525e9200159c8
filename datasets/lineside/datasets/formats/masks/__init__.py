"""Mask images: a picture of the defects' pixels for each image; every connected part of it is one defect."""

from lineside.datasets.formats.masks.reading import read_masks_layout
from lineside.datasets.formats.masks.values import parse_mask_values
from lineside.datasets.formats.masks.writing import write_masks_layout

__all__ = ["parse_mask_values", "read_masks_layout", "write_masks_layout"]
