"""Writing figures into docs/benchmarks.md: prose stays, what lies between a benchmark's two markers is replaced."""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import Report, Table


def write_into_page(page: Path, name: str, report: Report, *, circumstances: Sequence[str]) -> None:
    """Replace one benchmark's figures.

    Args:
        page: a Markdown file with the lines `<!-- begin NAME -->` and `<!-- end NAME -->`.
        name: of the benchmark.
        report: its tables.
        circumstances: what was run, when and on what; a line each.

    Raises:
        ValueError: the page lacks the markers.
    """
    text = page.read_text("utf-8")
    place = re.compile(rf"(<!-- begin {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)", re.DOTALL)
    block = "\n".join(["```text", *circumstances, "```", "", *(as_markdown(table) for table in report.tables)])
    text, count = place.subn(lambda match: f"{match[1]}{block}{match[2]}", text)
    if count != 1:
        raise ValueError(
            f"{page} has {count} places for {name!r}, expected one: <!-- begin {name} --> ... <!-- end -->"
        )
    page.write_text(text, "utf-8")


def as_markdown(table: Table) -> str:
    """A table with its title and notes."""
    lines = [
        f"**{table.title}**",
        "",
        _row(table.columns),
        _row(["---", *["---:"] * (len(table.columns) - 1)]),
        *(_row(row) for row in table.rows),
        "",
    ]
    if table.notes:
        lines += [*(f"- {note}" for note in table.notes), ""]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
