"""Which files are parts, and which picture is the reference of which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lineside.inspection.frames import MediaType
from lineside.workflows.errors import NothingToInspect, Unpaired
from lineside.workflows.text_files import read_text_file

MEDIA_TYPES: Mapping[str, MediaType] = MappingProxyType(
    {
        ".jpg": MediaType.JPEG,
        ".jpeg": MediaType.JPEG,
        ".png": MediaType.PNG,
        ".bmp": MediaType.BMP,
    }
)
"""Encodings by file name suffix, lower case."""

_TEST, _TEMPLATE = "_test", "_temp"  # DeepPCB: 00041000_test.jpg is the part, 00041000_temp.jpg its template


@dataclass(frozen=True, slots=True)
class PartPicture:
    """A picture to judge.

    Attributes:
        path: its file.
        reference: the file of its golden image, None if it has none.
        name: what results about it are called; the file's stem unless a list says otherwise.
    """

    path: Path
    reference: Path | None
    name: str

    @property
    def media_type(self) -> MediaType:
        """The encoding that its suffix says."""
        return media_type_of(self.path)


def media_type_of(path: Path) -> MediaType:
    """The encoding that a file's suffix says.

    Raises:
        NothingToInspect: it is no suffix of a picture.
    """
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise NothingToInspect(f"{path} is no picture by its name; expected one of {', '.join(MEDIA_TYPES)}")
    return media_type


def find_parts(paths: Sequence[Path], *, reference: Path | None = None) -> tuple[PartPicture, ...]:
    """The parts in files and folders, with their references.

    In a folder every picture is a part, subfolders included, in the order of their names; a `*_temp` beside a `*_test`
    is that part's reference and no part (DeepPCB's layout).

    Args:
        paths: files and folders.
        reference: a golden image for all of them, or a folder with one for each, under the part's name.

    Raises:
        NothingToInspect: a path is not there, is no picture, or a folder has none.
        Unpaired: the reference folder has no picture for a part.
    """
    pairing = _Pairing(reference)
    found: dict[Path, PartPicture] = {}
    for path in paths:
        if path.is_dir():
            pictures = _pictures_below(path)
            parts = [picture for picture in pictures if not _is_template(picture)]
            if not parts:
                raise NothingToInspect(f"{path} holds no picture to inspect ({', '.join(MEDIA_TYPES)})")
        elif path.is_file():
            media_type_of(path)
            parts = [path]
        else:
            raise NothingToInspect(f"{path} is not there")
        for part in parts:
            found.setdefault(part, PartPicture(part, pairing.reference_of(part), part.stem))
    return tuple(found.values())


def read_list(path: Path, *, reference: Path | None = None) -> tuple[PartPicture, ...]:
    """The parts that a text file names, one a line, or those of a folder.

    Paths are relative to the list's folder, or to the working one; what follows the first blank on a line is not
    looked at. A name that is not there, but is with `_test` before its suffix, is that file: so DeepPCB's lists work.

    Args:
        path: the list, or a folder.
        reference: as in `find_parts`, or a list with the reference of each line.

    Raises:
        NothingToInspect: a picture is not there, or the list is empty.
        NotText: the list is none, but a picture, say.
        Unpaired: the two lists have different lengths.
    """
    if path.is_dir():
        return find_parts([path], reference=reference)
    names = _lines(path)
    if not names:
        raise NothingToInspect(f"{path} names no picture; expected one path a line")
    pictures = [_resolve(name, list_path=path) for name in names]
    stems = [Path(name).stem for name in names]
    if reference is not None and reference.is_file() and reference.suffix.lower() not in MEDIA_TYPES:
        references = _lines(reference)
        if len(references) != len(names):
            raise Unpaired(
                f"{path} names {len(names)} pictures and {reference} {len(references)} references; "
                "expected a pair a line"
            )
        return tuple(
            PartPicture(picture, _resolve(other, list_path=reference), stem)
            for picture, other, stem in zip(pictures, references, stems, strict=True)
        )
    pairing = _Pairing(reference)
    return tuple(
        PartPicture(picture, pairing.reference_of(picture), stem) for picture, stem in zip(pictures, stems, strict=True)
    )


class _Pairing:
    """Finds the reference of a part."""

    def __init__(self, reference: Path | None) -> None:
        self._reference = reference
        self._by_name: dict[str, Path] = {}
        if reference is None or reference.is_file():
            return
        if not reference.is_dir():
            raise NothingToInspect(f"{reference} is not there")
        self._by_name = {picture.stem: picture for picture in _pictures_below(reference)}

    def reference_of(self, part: Path) -> Path | None:
        if self._reference is None:
            return _sibling(part, _TEST, _TEMPLATE)
        if self._reference.is_file():
            return self._reference
        board = part.stem.removesuffix(_TEST)
        for name in (part.stem, board, f"{board}{_TEMPLATE}"):
            if name in self._by_name:
                return self._by_name[name]
        raise Unpaired(f"{self._reference} holds no reference for {part}; expected a picture named {part.stem}")


def _pictures_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in MEDIA_TYPES and path.is_file())


def _is_template(path: Path) -> bool:
    return _sibling(path, _TEMPLATE, _TEST) is not None


def _sibling(path: Path, ending: str, other_ending: str) -> Path | None:
    """The file beside this one whose name ends otherwise, if both are there."""
    if not path.stem.endswith(ending):
        return None
    sibling = path.with_name(f"{path.stem.removesuffix(ending)}{other_ending}{path.suffix}")
    return sibling if sibling.is_file() else None


def _lines(path: Path) -> list[str]:
    lines: Iterable[str] = read_text_file(path).splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _resolve(name: str, *, list_path: Path) -> Path:
    for base in (list_path.parent, Path()):
        for candidate in (base / name, (base / name).with_stem(f"{Path(name).stem}{_TEST}")):
            if candidate.is_file():
                return candidate
    raise NothingToInspect(f"{list_path} names {name}, which is neither beside the list nor in the working folder")
