"""What a page is made of. All text is plain text: whatever is in it is shown as it stands, never as markup."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NoticeLevel(StrEnum):
    """How loud a notice is."""

    NOTE = "note"
    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text.

    Attributes:
        text: one paragraph.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a reader must see before believing the rest.

    Attributes:
        text: one paragraph.
        level: how loud.
    """

    text: str
    level: NoticeLevel = NoticeLevel.NOTE


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, one a line.

    Attributes:
        rows: (name, value).
    """

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column is text, the others are figures unless said otherwise.

    Attributes:
        columns: headings.
        rows: cells, as many as there are columns.
        caption: above it; empty for none.
        text_columns: which are text, and stand at their left; the first is 0.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    text_columns: Collection[int] = (0,)

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} has {len(row)} cells; expected {len(self.columns)}, one per column")


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure.

    Attributes:
        figure: what to show.
        caption: below it.
        description: what a reader who cannot see it is told; the caption where empty.
    """

    figure: "Figure"
    caption: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """Places to go on reading, one a line.

    Attributes:
        rows: (text, address): a web address, or the path of a file relative to the page's own folder.
    """

    rows: Sequence[tuple[str, str]]

    def __post_init__(self) -> None:
        """Refuse an address that would run something in the reader's browser.

        Raises:
            ValueError: it is neither a web address nor a relative path.
        """
        for _, address in self.rows:
            scheme = urlsplit(address).scheme
            if scheme not in ("", "http", "https") or address.startswith(("/", "\\")):
                raise ValueError(f"link to {address!r}; expected http, https or a path relative to the page")


@dataclass(frozen=True, slots=True)
class SignatureLines:
    """Lines to be filled in by hand on the printed page: name, date, signature.

    Attributes:
        roles: one line each, e.g. "Prepared by".
    """

    roles: Sequence[str]


Block = Paragraph | Notice | Facts | Table | Picture | Links | SignatureLines
"""What may stand in a section."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page.

    Attributes:
        heading: its title; empty for none, as of a summary right below the page's title.
        blocks: from top to bottom.
        starts_page: whether it starts a page of its own when printed.
    """

    heading: str
    blocks: Sequence[Block]
    starts_page: bool = False
