"""YOLO's layout: a text file for each image, one defect a line in shares of the image's width and height."""

from lineside.datasets.formats.yolo.reading import read_yolo_layout
from lineside.datasets.formats.yolo.writing import write_yolo_layout

__all__ = ["read_yolo_layout", "write_yolo_layout"]
