"""A page as one file: text escaped, pictures inside, nothing loaded from anywhere."""

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lineside.workflows.figures import figure_bytes
from lineside.workflows.pages.blocks import Picture, Section


def write_page(
    title: str, sections: Sequence[Section], path: Path, *, subtitle: str = "", written_at: datetime | None = None
) -> None:
    """Write a page to look at and to print.

    Args:
        title: of the page and its tab.
        sections: from top to bottom.
        path: the file; what was there is replaced once all is written.
        subtitle: below the title; empty for none.
        written_at: aware instant for the page's foot; None leaves the date out, so that the same content gives the
            same bytes.

    Raises:
        OSError: the file cannot be written.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": lambda block: type(block).__name__, "data_url": _data_url}
    text = environment.get_template("page.html.jinja").render(
        title=title, subtitle=subtitle, sections=sections, written_at=written_at
    )
    unfinished = path.with_name(f"{path.name}.partial")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)  # a page that was cut short would look like one with less to say


def _data_url(picture: Picture) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(figure_bytes(picture.figure, 'svg')).decode('ascii')}"
