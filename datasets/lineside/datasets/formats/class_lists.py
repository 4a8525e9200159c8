"""`classes.txt`: class names in order, one a line, for layouts that have no place for them."""

from pathlib import Path

from lineside.datasets.formats.source import read_text

CLASSES_NAME = "classes.txt"


def read_class_list(*folders: Path) -> tuple[str, ...] | None:
    """The names in the first of the folders that has the file; None if none has.

    Raises:
        SampleUnreadable: the file is no text.
    """
    for folder in folders:
        path = folder / CLASSES_NAME
        if path.is_file():
            return tuple(line.strip() for line in read_text(path).split("\n") if line.strip())
    return None


def write_class_list(classes: tuple[str, ...]) -> str:
    """The file's text."""
    return "".join(f"{name}\n" for name in classes)
