"""The layouts that are known."""

from enum import StrEnum


class FormatName(StrEnum):
    """A layout that labelled images come in."""

    YOLO = "yolo"
    COCO = "coco"
    VOC = "voc"
    MASKS = "masks"
    DEEPPCB = "deeppcb"
