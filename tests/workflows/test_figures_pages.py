"""Pages: one file, all text shown as it stands, nothing loaded from anywhere."""

import base64
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lineside.workflows.figures import RateRow, rate_figure
from lineside.workflows.pages import (
    Facts,
    Notice,
    NoticeLevel,
    Paragraph,
    Picture,
    Section,
    SignatureLines,
    Table,
    write_page,
)

EVIL = '<script>alert("1")</script> & "quotes"'


def page(path: Path, *blocks: object, **more: object) -> str:
    write_page("Defect rates", [Section("Rates", blocks)], path, **more)  # type: ignore[arg-type]  # tests say less
    return path.read_text("utf-8")


class Tags(HTMLParser):
    """Collects tags, and what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]


def test_text_is_never_markup(tmp_path: Path) -> None:
    figure = rate_figure([RateRow("a", 0.1, 0.05, 0.2, 10)], title="x")
    text = page(
        tmp_path / "page.html",
        Paragraph(EVIL),
        Notice(EVIL, NoticeLevel.BAD),
        Facts([(EVIL, EVIL)]),
        Table([EVIL], [[EVIL]], caption=EVIL),
        Picture(figure, EVIL, EVIL),
        SignatureLines([EVIL]),
        subtitle=EVIL,
    )
    found = Tags()
    found.feed(text)
    assert "script" not in found.tags
    assert text.count("&lt;script&gt;") == 11


def test_a_page_loads_nothing(tmp_path: Path) -> None:
    figure = rate_figure([RateRow("a", 0.1, 0.05, 0.2, 10)], title="x")
    text = page(tmp_path / "page.html", Picture(figure, "rates"))
    found = Tags()
    found.feed(text)
    (picture,) = found.loads
    assert picture.startswith("data:image/svg+xml;base64,")
    assert base64.b64decode(picture.partition(",")[2]).startswith(b"<?xml")
    assert "@import" not in text
    assert "url(" not in text
    assert not re.search(r"https?://", text)


def test_the_same_content_gives_the_same_page_and_the_date_is_said_where_wanted(tmp_path: Path) -> None:
    table = Table(["station", "rate"], [["aoi-1", "1 %"]], caption="Rates")
    first, second = (page(tmp_path / f"{name}.html", table) for name in "ab")
    assert first == second
    dated = page(tmp_path / "c.html", table, written_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC))
    assert "Written 2026-11-23 09:30 UTC" in dated
    assert not list(tmp_path.glob("*.partial"))


def test_a_row_with_a_cell_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="row 2 has 1 cells; expected 2"):
        Table(["a", "b"], [["1", "2"], ["1"]])
