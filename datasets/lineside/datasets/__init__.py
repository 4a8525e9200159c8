"""Labelled images: synthetic boards (`synthetic`), and the layouts that real ones come in (`formats`)."""

from lineside.datasets.errors import DatasetError, NoRoomForDefect, SampleUnreadable

__all__ = ["DatasetError", "NoRoomForDefect", "SampleUnreadable"]
