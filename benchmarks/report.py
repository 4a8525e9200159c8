"""What a benchmark hands back, and how it is printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Table:
    """One table of figures.

    Attributes:
        title: what it shows, with units.
        columns: their headings.
        rows: cells as text, a row a line.
        notes: what a reader must know to read the figures rightly.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse a row that does not fit the headings."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.title!r}: a row of {len(row)} cells under {len(self.columns)} headings")


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found.

    Attributes:
        tables: for people.
        figures: the same and more for programs, JSON values.
    """

    tables: Sequence[Table]
    figures: Mapping[str, Any] = field(default_factory=dict)


def print_table(table: Table, console: Console) -> None:
    """Print one table with its notes."""
    console.print(table.title, style="bold", highlight=False)  # as a title of the table it would be folded
    shown = RichTable()
    for index, column in enumerate(table.columns):
        shown.add_column(column, justify="left" if index == 0 else "right", overflow="fold")
    for row in table.rows:
        shown.add_row(*row)
    console.print(shown)
    for note in table.notes:
        console.print(f"  {note}", style="dim", highlight=False)
    console.print()


def milliseconds(value: float) -> str:
    """A time for a table: one decimal from 10 ms on, two below."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
