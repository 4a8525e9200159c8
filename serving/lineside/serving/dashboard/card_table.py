"""A table that becomes cards on a narrow screen, each value under the name of its column."""

from collections.abc import Sequence
from html import escape


def card_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as HTML.

    Args:
        names: of the columns, plain text.
        rows: a cell of HTML for each column; an empty one takes no room in a card.
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(_cell(name, cell) for name, cell in zip(names, row, strict=True))}</tr>" for row in rows
    )
    return f'<table class="ls-table ls-cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(name: str, content: str) -> str:
    return f'<td data-name="{escape(name, quote=True)}">{content}</td>'
