"""Where the labels of a picture lie: a rule of training programs, used for reading and for writing."""

from pathlib import PurePosixPath


def label_path(picture: PurePosixPath) -> PurePosixPath:
    """The label file of a picture, both relative to the data set.

    >>> str(label_path(PurePosixPath("images/train/a.png")))
    'labels/train/a.txt'
    >>> str(label_path(PurePosixPath("flat/a.png")))
    'flat/a.txt'
    """
    return label_folder(picture.parent) / f"{picture.stem}.txt"


def label_folder(pictures: PurePosixPath) -> PurePosixPath:
    """The folder of the labels of a folder's pictures: the last `images` on the way there becomes `labels`."""
    parts = list(pictures.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return PurePosixPath(*parts)
