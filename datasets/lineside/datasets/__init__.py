"""Labelled images: what they are (`labelled`), where they are kept and how they come in and out.

`formats` reads and writes the layouts that real ones come in, `importing` and `exporting` turn folders into revisions
and back, `revisions` keeps them, and `synthetic` draws boards.
"""

from lineside.datasets.errors import DatasetError, NoRoomForDefect, SampleUnreadable
from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, OriginKind, SampleOrigin, Split

__all__ = [
    "DatasetError",
    "ImageFile",
    "LabelledBox",
    "LabelledImage",
    "NoRoomForDefect",
    "OriginKind",
    "SampleOrigin",
    "SampleUnreadable",
    "Split",
]
