"""What belongs to one part, board or lot, as people say it."""

from pathlib import Path

import pytest

from importing_folders import Importer
from labelled_folders import picture, write_files
from lineside.datasets.errors import LabelsRefused, SampleUnreadable
from lineside.datasets.formats import FormatName, ReadingOptions, SourceImage
from lineside.datasets.grouping import Placement, parse_grouping, read_table, write_table
from lineside.datasets.labelled import Split


def image(name: str) -> SourceImage:
    return SourceImage(name=name, path=Path(f"{name}.png"), is_labelled=True, where=f"{name}.txt")


@pytest.mark.parametrize(
    ("text", "name", "placed"),
    [
        pytest.param("name", "b/7", Placement(part_id="b/7", group="b/7"), id="each for itself"),
        pytest.param("parent-folder", "lot-3/b/7", Placement(part_id="lot-3/b/7", group="lot-3/b"), id="the folder"),
        pytest.param(r"regex:^(\d{5})", "20085000", Placement(part_id="20085000", group="20085"), id="the first group"),
        pytest.param(
            r"regex:(?P<group>lot\d+)-(?P<part>p\d+)-(?P<view>top|side)",
            "lot1-p7-side",
            Placement(part_id="p7", group="lot1", view="side"),
            id="named groups",
        ),
        pytest.param(
            r"regex:(?P<part>p\d+)-(?P<product>[A-Z]+)@(?P<line>\w+)",
            "p7-BRD@line1",
            Placement(part_id="p7", group="p7", product="BRD", line="line1"),
            id="the part is the group where no group is named",
        ),
    ],
)
def test_names_tell_where_an_image_belongs(text: str, name: str, placed: Placement) -> None:
    assert parse_grouping(text).place(image(name)) == placed


@pytest.mark.parametrize(
    "text", ["", "folder", "regex:", "regex:(", r"regex:\d+", "regex:(?P<lot>x)", "csv:", "csv:nowhere.csv"]
)
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(SampleUnreadable):
        parse_grouping(text)


def test_names_that_do_not_fit_are_refused_together(tmp_path: Path, importer: Importer) -> None:
    write_files(tmp_path, {f"images/{name}.png": picture(1) for name in ("x1", "y", "z")})
    write_files(tmp_path, {f"labels/{name}.txt": "" for name in ("x1", "y", "z")})
    options = {"reading": ReadingOptions(classes=("open",))}
    with pytest.raises(LabelsRefused, match=r"'y' does not match .*; 'z' does not match"):
        importer(tmp_path, FormatName.YOLO, grouping=parse_grouping(r"regex:(x\d)"), **options)
    with pytest.raises(LabelsRefused, match="lies in no folder"):
        importer(tmp_path, FormatName.YOLO, grouping=parse_grouping("parent-folder"), **options)


def test_a_table_says_everything_of_each_image(tmp_path: Path) -> None:
    path = tmp_path / "parts.csv"
    path.write_text(
        "\ufeffname,part_id,group,product,line,view,declared_good,split\n"
        '"a, b",p1,lot 1,BRD,line-1,top,yes,golden\n'
        "c,,,,,,,\n",
        encoding="utf-8",
    )
    table = read_table(path)
    assert table.place(image("a, b")) == Placement(
        part_id="p1",
        group="lot 1",
        product="BRD",
        line="line-1",
        view="top",
        is_declared_good=True,
        split=Split.GOLDEN,
    )
    assert table.place(image("c")) == Placement(part_id="c", group="c")
    with pytest.raises(LabelsRefused, match="has no row for 'd'"):
        table.place(image("d"))
    with pytest.raises(LabelsRefused, match="names images that are not there: c"):
        table.require_complete(frozenset({"a, b"}))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("", "expected name", id="nothing"),
        pytest.param("part_id\np\n", "expected name", id="no name"),
        pytest.param("name,lot\na,1\n", "expected name and any of", id="an unknown column"),
        pytest.param("name,name\na,a\n", "expected name", id="a column twice"),
        pytest.param("name\na\na\n", ":3: 'a': expected .* each name once", id="a name twice"),
        pytest.param("name,group\na\n", ":2: 'a': expected 2 fields", id="a field is missing"),
        pytest.param("name,group\na,b,c\n", ":2: 'a': expected 2 fields", id="a field too many"),
        pytest.param("name,group\n,b\n", ":2: '': expected", id="an empty name"),
        pytest.param("name,split\na,test\n", ":2: split 'test'; expected one of train", id="no split"),
        pytest.param("name,declared_good\na,maybe\n", ":2: declared_good 'maybe'", id="neither good nor not"),
        pytest.param('name\n"a\n', "unexpected end of data", id="a quote without end"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "parts.csv"
    path.write_text(content)
    with pytest.raises(SampleUnreadable, match=why):
        read_table(path)


def test_a_table_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    rows = {
        'a"b': Placement(part_id="p,1", group="가", view="default", split=Split.VAL),
        "c": Placement(part_id="c", group="c", product="x", line="y", view="z", is_declared_good=True),
    }
    (tmp_path / "parts.csv").write_text(write_table(rows), encoding="utf-8")
    assert read_table(tmp_path / "parts.csv").rows == rows
