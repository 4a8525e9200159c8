"""Pascal VOC's layout: `JPEGImages/`, an XML file for each image in `Annotations/`, splits in `ImageSets/Main/`."""

from lineside.datasets.formats.voc.reading import read_voc_layout
from lineside.datasets.formats.voc.writing import write_voc_layout

__all__ = ["read_voc_layout", "write_voc_layout"]
