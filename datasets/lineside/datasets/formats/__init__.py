"""Readers and writers of the layouts that labelled images come in."""

from lineside.datasets.formats.deeppcb import LabelledPair, deeppcb_groups, read_deeppcb
from lineside.datasets.formats.names import FormatName
from lineside.datasets.formats.reading import ReadingOptions, read_layout
from lineside.datasets.formats.source import SourceBox, SourceDataset, SourceImage

__all__ = [
    "FormatName",
    "LabelledPair",
    "ReadingOptions",
    "SourceBox",
    "SourceDataset",
    "SourceImage",
    "deeppcb_groups",
    "read_deeppcb",
    "read_layout",
]
