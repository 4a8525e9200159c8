"""Which part an image shows, and which board or lot it belongs to: the unit that a split keeps together.

Two crops of one board on both sides of a split make every figure too good, so somebody has to say what belongs
together: the folders, a pattern over the names, or a table.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from lineside.datasets.errors import LabelsRefused, SampleUnreadable
from lineside.datasets.formats.source import Problems, SourceImage, read_text, some_of
from lineside.datasets.labelled import Split

_COLUMNS = ("name", "part_id", "group", "product", "line", "view", "declared_good", "split")
_YES_NO: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an image belongs.

    Attributes:
        part_id: the part it shows.
        group: the board or lot.
        product: what the part is, None if unknown.
        line: where it was taken, None if unknown.
        view: the recipe's view, None if unknown.
        is_declared_good: somebody declared the part good.
        split: its use, None if undecided.
    """

    part_id: str
    group: str
    product: str | None = None
    line: str | None = None
    view: str | None = None
    is_declared_good: bool = False
    split: Split | None = None


class Grouping(Protocol):
    """A way to place images."""

    @property
    def described(self) -> str:
        """As it is asked for, for the revision's provenance; without the path of a file."""

    def place(self, image: SourceImage) -> Placement:
        """Where one image belongs.

        Raises:
            LabelsRefused: it cannot be said.
        """

    def require_complete(self, names: frozenset[str]) -> None:
        """Refuse what names images that are not there."""


@dataclass(frozen=True, slots=True)
class ByLayout:
    """The group that the layout names (DeepPCB's boards); each image is its own part, and its own group without one."""

    described: str = "layout"

    def place(self, image: SourceImage) -> Placement:
        """See `Grouping`."""
        return Placement(part_id=image.name, group=image.group or image.name)

    def require_complete(self, names: frozenset[str]) -> None:
        """Nothing can be missing."""


@dataclass(frozen=True, slots=True)
class ByParentFolder:
    """The folder that an image lies in is its group."""

    described: str = "parent-folder"

    def place(self, image: SourceImage) -> Placement:
        """See `Grouping`."""
        folder = str(PurePosixPath(image.name).parent)
        if folder == ".":
            raise LabelsRefused(f"{image.path} lies in no folder below the images, which would be its group")
        return Placement(part_id=image.name, group=folder)

    def require_complete(self, names: frozenset[str]) -> None:
        """Nothing can be missing."""


@dataclass(frozen=True, slots=True)
class ByPattern:
    """A regular expression over the name: its groups `part`, `group`, `product`, `line`, `view`, or the first one.

    Attributes:
        pattern: searched in each name.
    """

    pattern: re.Pattern[str]

    @property
    def described(self) -> str:
        """See `Grouping`."""
        return f"regex:{self.pattern.pattern}"

    def place(self, image: SourceImage) -> Placement:
        """See `Grouping`."""
        found = self.pattern.search(image.name)
        if found is None:
            raise LabelsRefused(f"{image.name!r} does not match the pattern {self.pattern.pattern!r}")
        named = found.groupdict()
        group = named.get("group") or (None if "group" in named else found.group(1))
        part_id = named.get("part") or image.name
        return Placement(
            part_id=part_id,
            group=group or part_id,
            product=named.get("product"),
            line=named.get("line"),
            view=named.get("view"),
        )

    def require_complete(self, names: frozenset[str]) -> None:
        """Nothing can be missing."""


@dataclass(frozen=True, slots=True)
class ByTable:
    """A CSV file with a row for each image; its columns are `name` and any of the others of a `Placement`.

    Attributes:
        rows: placement by name.
        source: the file, for messages.
    """

    rows: Mapping[str, Placement]
    source: str
    described: str = "csv"

    def place(self, image: SourceImage) -> Placement:
        """See `Grouping`."""
        if image.name not in self.rows:
            raise LabelsRefused(f"{self.source} has no row for {image.name!r}")
        return self.rows[image.name]

    def require_complete(self, names: frozenset[str]) -> None:
        """Refuse rows of images that are not there: a misspelt name would lose what it says."""
        strange = sorted(set(self.rows) - names)
        if strange:
            raise LabelsRefused(f"{self.source} names images that are not there: {some_of(strange)}")


def parse_grouping(text: str) -> Grouping:
    """Read `name`, `parent-folder`, `regex:PATTERN` or `csv:FILE`.

    Raises:
        SampleUnreadable: it is none of them, the pattern is none, or the table cannot be read.
    """
    kind, _, rest = text.partition(":")
    if text == "name":
        return ByLayout()
    if text == "parent-folder":
        return ByParentFolder()
    if kind == "regex" and rest:
        return ByPattern(_pattern(rest))
    if kind == "csv" and rest:
        return read_table(Path(rest))
    raise SampleUnreadable(f"--group-by {text!r}: expected name, parent-folder, regex:PATTERN or csv:FILE")


def read_table(path: Path) -> ByTable:
    """Read a table of placements.

    Raises:
        SampleUnreadable: it cannot be read, has an unknown column, a name twice, or a value that is none.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    columns = reader.fieldnames or ()
    if "name" not in columns or set(columns) - set(_COLUMNS) or len(set(columns)) < len(columns):
        raise SampleUnreadable(f"{path}: columns {list(columns)}; expected name and any of {', '.join(_COLUMNS[1:])}")
    rows: dict[str, Placement] = {}
    problems = Problems()
    try:
        for row in reader:
            name = row["name"] or ""
            where = f"{path}:{reader.line_num}"
            if not name or name in rows or None in row or None in row.values():
                problems.add(f"{where}: {name!r}: expected {len(columns)} fields and each name once")
                continue
            try:
                rows[name] = _placement(row)
            except ValueError as error:
                problems.add(f"{where}: {error}")
    except csv.Error as error:
        problems.add(f"{path}:{reader.line_num}: {error}")
    problems.raise_if_any(SampleUnreadable)
    return ByTable(rows, str(path))


def write_table(placements: Mapping[str, Placement]) -> str:
    """The CSV file that `read_table` reads back."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for name, placed in sorted(placements.items()):
        writer.writerow(
            (
                name,
                placed.part_id,
                placed.group,
                placed.product or "",
                placed.line or "",
                placed.view or "",
                "true" if placed.is_declared_good else "",
                placed.split or "",
            )
        )
    return out.getvalue()


def _placement(row: Mapping[str, str]) -> Placement:
    declared_good = row.get("declared_good", "").strip().lower()
    split = row.get("split", "").strip()
    if declared_good not in _YES_NO:
        raise ValueError(f"declared_good {declared_good!r}; expected true, false or nothing")
    if split and split not in {known.value for known in Split}:
        raise ValueError(f"split {split!r}; expected one of {', '.join(Split)} or nothing")
    part_id = row.get("part_id", "") or row["name"]
    return Placement(
        part_id=part_id,
        group=row.get("group", "") or part_id,
        product=row.get("product") or None,
        line=row.get("line") or None,
        view=row.get("view") or None,
        is_declared_good=_YES_NO[declared_good],
        split=Split(split) if split else None,
    )


def _pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise SampleUnreadable(f"regex {text!r} is none: {error}") from error
    unknown = set(pattern.groupindex) - {"part", "group", "product", "line", "view"}
    if not pattern.groups or unknown:
        raise SampleUnreadable(
            f"regex {text!r}: expected a group in parentheses that is the board or lot, or named ones: (?P<group>...), "
            f"(?P<part>...), (?P<product>...), (?P<line>...), (?P<view>...)"
        )
    return pattern
