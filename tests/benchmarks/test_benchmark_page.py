"""The page of figures has a place for every benchmark, and only what lies in that place is replaced."""

import importlib
from pathlib import Path

import pytest
from benchmarks import aims
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.page import write_into_page
from benchmarks.report import Report, Table

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_exists_and_has_a_place_on_the_page(name: str) -> None:
    benchmark = BENCHMARKS[name]
    assert callable(getattr(importlib.import_module(benchmark.module), benchmark.function))
    text = PAGE.read_text("utf-8")
    assert text.count(f"<!-- begin {name} -->\n") == text.count(f"<!-- end {name} -->") == 1


def test_the_aims_have_a_place_too() -> None:
    assert PAGE.read_text("utf-8").count(f"<!-- begin {aims.NAME} -->") == 1


def test_aims_are_shown_of_what_ran_alone() -> None:
    table = aims.aims_table({"start_up": {"first_s": [9, 7, 8], "remembered_s": [3], "memory_after_frames_bytes": 4e8}})
    assert [row[1:] for row in table.rows] == [("<= 5 s", "3.0 s"), ("<= 20 s", "8.0 s"), ("< 700 MB", "400 MB")]
    assert aims.aims_table({"core": {}}).rows == []


def test_figures_replace_those_of_the_run_before_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n<!-- begin b -->\nkept\n<!-- end b -->\n")
    report = Report((Table("Speed", ("what", "ms"), (("x|y", "1"),), ("a note",)),))
    for _ in range(2):
        write_into_page(page, "a", report, circumstances=("$ run",))
    text = page.read_text()
    assert text.startswith("before\n<!-- begin a -->\n```text\n$ run\n```\n")
    assert "| x\\|y | 1 |" in text
    assert "- a note" in text
    assert "old" not in text
    assert text.endswith("<!-- end a -->\nafter\n<!-- begin b -->\nkept\n<!-- end b -->\n")


def test_a_page_without_the_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(ValueError, match="expected one"):
        write_into_page(page, "a", Report(()), circumstances=())


def test_a_row_must_fit_its_headings() -> None:
    with pytest.raises(ValueError, match="2 cells under 1 headings"):
        Table("Speed", ("what",), (("x", "1"),))


def test_the_page_holds_whole_runs_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["core", "--quick", "--docs"])
    assert "whole runs only" in capsys.readouterr().err
