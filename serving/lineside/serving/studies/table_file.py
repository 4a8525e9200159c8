"""A study's CSV file: some `# name: value` lines, a line of column names, and rows; whatever is odd is refused."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from lineside.serving.errors import StudyUnreadable

MOST_ROWS = 20_000
"""Ten times what people inspect by hand in a week."""

LARGEST_NUMBER = 1e9
"""A size beyond, in any unit, is a slip; and its square still fits into a number."""

_NUMBER = re.compile(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        source: the file's name, for messages.
        line: its line, from 1, as an editor counts.
        cells: by column name, without surrounding blanks.
    """

    source: str
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """A cell that must not be empty.

        Raises:
            StudyUnreadable: it is.
        """
        cell = self.cells[column]
        if not cell:
            raise self.fault(column, "is empty; fill it in")
        if len(cell) > 200 or not cell.isprintable():
            raise self.fault(column, "holds more than 200 characters or one that cannot be printed; expected a name")
        return cell

    def number(self, column: str) -> float:
        """A cell that holds a finite number.

        Raises:
            StudyUnreadable: it does not; a decimal comma is none, and neither is a number beyond a thousand million.
        """
        cell = self.text(column)
        number = _number(cell)
        if number is None or abs(number) > LARGEST_NUMBER:
            raise self.fault(column, f"holds {cell!r}; expected a finite number with a decimal point, such as 0.25")
        return number

    def count(self, column: str) -> int:
        """A cell that holds a whole number from 1.

        Raises:
            StudyUnreadable: it does not.
        """
        cell = self.text(column)
        if not (cell.isascii() and cell.isdecimal() and 0 < int(cell) <= MOST_ROWS):
            raise self.fault(column, f"holds {cell!r}; expected a whole number from 1")
        return int(cell)

    def choice(self, column: str, choices: type[Choice]) -> Choice:
        """A cell that holds one of some words.

        Raises:
            StudyUnreadable: it does not.
        """
        cell = self.text(column)
        try:
            return choices(cell)
        except ValueError as error:
            words = ", ".join(choice.value for choice in choices)
            raise self.fault(column, f"holds {cell!r}; expected one of: {words}") from error

    def fault(self, column: str, what: str) -> StudyUnreadable:
        """An error at a cell, to be raised."""
        return StudyUnreadable(f"{self.source}, line {self.line}, column {column}: the cell {what}")


@dataclass(frozen=True, slots=True)
class TableFile:
    """What a file says.

    Attributes:
        source: its name, for messages.
        facts: the `# name: value` lines.
        columns: as the file orders them.
        rows: those that are not blank.
    """

    source: str
    facts: Mapping[str, str]
    columns: Sequence[str]
    rows: Sequence[Row]

    def fact(self, name: str, choices: type[Choice]) -> Choice:
        """A `# name: value` line that must be there.

        Raises:
            StudyUnreadable: it is missing or says something else.
        """
        words = ", ".join(choice.value for choice in choices)
        said = self.facts.get(name)
        if said is None:
            raise StudyUnreadable(f"{self.source}: no line '# {name}: ...' above the columns; expected one of: {words}")
        try:
            return choices(said)
        except ValueError as error:
            raise StudyUnreadable(f"{self.source}: '# {name}: {said}'; expected one of: {words}") from error

    def positive_fact(self, name: str) -> float | None:
        """A `# name: value` line that holds a number above 0; None where there is none.

        Raises:
            StudyUnreadable: it holds something else.
        """
        said = self.facts.get(name)
        if said is None:
            return None
        number = _number(said)
        if number is None or not 0 < number <= LARGEST_NUMBER:
            raise StudyUnreadable(f"{self.source}: '# {name}: {said}'; expected a number above 0")
        return number


def read_table(
    text: str, *, source: str, columns: Sequence[str], optional: Sequence[str] = (), facts: Sequence[str] = ()
) -> TableFile:
    """Read a file.

    Args:
        text: its content, with or without a byte-order mark.
        source: its name, for messages.
        columns: every column that must be there.
        optional: columns that may be there.
        facts: names that `# name: value` lines may have; text after `#` without a colon is a remark.

    Raises:
        StudyUnreadable: what is odd, with line and column.
    """
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    said: dict[str, str] = {}
    first = 0
    for number, line in enumerate(lines, start=1):
        content = line.strip().rstrip(",").strip()  # a spreadsheet pads every line to the width of the table
        if content and not content.startswith("#"):
            break
        first = number
        name, colon, value = (piece.strip() for piece in content.lstrip("# ").partition(":"))
        if not colon:
            continue
        if name not in facts:
            raise StudyUnreadable(f"{source}, line {number}: unknown '# {name}:'; known: {', '.join(facts) or 'none'}")
        if name in said:
            raise StudyUnreadable(f"{source}, line {number}: a second '# {name}:'; keep one")
        said[name] = value
    return _rows("".join(lines[first:]), source, first, tuple(columns), tuple(optional), said)


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _rows(
    text: str, source: str, above: int, needed: tuple[str, ...], optional: tuple[str, ...], facts: Mapping[str, str]
) -> TableFile:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    found: tuple[str, ...] | None = None
    try:
        for cells in reader:
            stripped = tuple(cell.strip() for cell in cells)
            line = above + reader.line_num
            if not any(stripped):
                continue
            if found is None:
                found = stripped
                _check_columns(found, needed, optional, source=source, line=line)
                continue
            if len(stripped) != len(found):
                raise StudyUnreadable(f"{source}, line {line}: {len(stripped)} cells; expected {len(found)}")
            if len(rows) == MOST_ROWS:
                raise StudyUnreadable(f"{source}, line {line}: more than {MOST_ROWS} rows; split the study")
            rows.append(Row(source, line, dict(zip(found, stripped, strict=True))))
    except csv.Error as error:
        raise StudyUnreadable(f"{source}, line {above + reader.line_num}: no CSV: {error}") from error
    if found is None:
        raise StudyUnreadable(f"{source}: no line of column names; expected {','.join(needed)}")
    if not rows:
        raise StudyUnreadable(f"{source}: no rows below the column names")
    return TableFile(source, facts, found, rows)


def _check_columns(
    found: tuple[str, ...], needed: tuple[str, ...], optional: tuple[str, ...], *, source: str, line: int
) -> None:
    expected = ",".join((*needed, *(f"[{name}]" for name in optional)))
    for name in found:
        if found.count(name) > 1:
            raise StudyUnreadable(f"{source}, line {line}: column {name!r} twice; expected {expected}")
        if name not in needed and name not in optional:
            raise StudyUnreadable(
                f"{source}, line {line}: unknown column {name!r}; expected {expected}, separated by commas"
            )
    missing = [name for name in needed if name not in found]
    if missing:
        raise StudyUnreadable(f"{source}, line {line}: no column {missing[0]!r}; expected {expected}")
