"""`data.yaml`: where the splits of a YOLO data set lie, and what its classes are called."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.formats.source import path_inside, read_text
from lineside.datasets.formats.splits import SPLIT_NAMES
from lineside.datasets.labelled import Split

_MAX_BYTES = 1024 * 1024
_NAMES = ("data.yaml", "data.yml", "dataset.yaml")


@dataclass(frozen=True, slots=True)
class DataYaml:
    """What the file says.

    Attributes:
        classes: by their number.
        folders: (folder or list file, split), in the file's order.
        is_pose: its labels have key points.
    """

    classes: tuple[str, ...]
    folders: tuple[tuple[Path, Split | None], ...]
    is_pose: bool


def find_data_yaml(root: Path) -> Path | None:
    """The file in a folder, by its usual names, or the only YAML file there."""
    for name in _NAMES:
        if (root / name).is_file():
            return root / name
    others = sorted((*root.glob("*.yaml"), *root.glob("*.yml")))
    return others[0] if len(others) == 1 else None


def read_data_yaml(path: Path) -> DataYaml:
    """Read the file.

    Raises:
        SampleUnreadable: it is no YAML of this kind, or names a place outside its folder.
    """
    content = _mapping(path)
    base = _base(content.get("path"), path)
    folders: list[tuple[Path, Split | None]] = []
    for key, split in SPLIT_NAMES.items():
        named = content.get(key)
        for entry in named if isinstance(named, list) else [named]:
            if entry is None:
                continue
            if not isinstance(entry, str):
                raise SampleUnreadable(f"{path}: {key}: found {entry!r}, expected a folder or a list of folders")
            folders.append((_place(entry, base, path, key), split))
    if not folders:
        raise SampleUnreadable(f"{path} names no images; expected train, val or test")
    return DataYaml(_classes(content, path), tuple(dict.fromkeys(folders)), content.get("kpt_shape") is not None)


def _mapping(path: Path) -> dict[Any, Any]:
    text = read_text(path)
    if len(text) > _MAX_BYTES:
        raise SampleUnreadable(f"{path} has {len(text)} characters; a data.yaml of more than {_MAX_BYTES} is none")
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):  # a few lines of them can stand for gigabytes
                raise SampleUnreadable(f"{path}: aliases (*name) are not read; write the value out")
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, SampleUnreadable):
            raise
        raise SampleUnreadable(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise SampleUnreadable(f"{path}: expected keys with values, found {type(content).__name__}")
    return content


def _base(named: object, path: Path) -> Path:
    """The folder that the splits are relative to: the file's own, or one below it that `path:` names.

    `path:` is often the absolute place on the machine where the set was made; where that is not the file's own
    folder, the file's own folder is taken if `path:` does not exist here, and the file is refused if it does.
    """
    folder = path.parent
    if named in (None, "", "."):
        return folder
    if not isinstance(named, str):
        raise SampleUnreadable(f"{path}: path: found {named!r}, expected a folder")
    elsewhere = (folder / named).resolve()
    if elsewhere == folder.resolve() or not elsewhere.exists():
        return folder
    return path_inside(folder, named, where=f"{path}: path")


def _place(named: str, base: Path, path: Path, key: str) -> Path:
    """A split's folder. Roboflow writes `../train/images` for what lies beside the file, and means `train/images`."""
    if named.startswith("../") and (base / named.removeprefix("../")).exists():
        named = named.removeprefix("../")
    place = path_inside(base, named, where=f"{path}: {key}")
    if not place.exists():
        raise SampleUnreadable(f"{path}: {key}: {named!r} is not there (looked for {place})")
    return place


def _classes(content: dict[Any, Any], path: Path) -> tuple[str, ...]:
    names = content.get("names")
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise SampleUnreadable(
                f"{path}: names: numbers {list(names)}, expected 0 to {len(names) - 1} without a gap"
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise SampleUnreadable(f"{path}: names: expected the class names, as a list or by number")
    for name in names:
        if not isinstance(name, str):
            raise SampleUnreadable(f"{path}: names: {name!r} is no text for YAML; put it in quotes")
    count = content.get("nc", len(names))
    if count != len(names):
        raise SampleUnreadable(f"{path}: nc is {count!r}, but {len(names)} classes are named")
    return tuple(names)
