"""`lineside dataset import`, `export` and `revision`, as a person or a program calls them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelled_folders import picture, write_files, yolo_files
from lineside.cli.dataset_import import LayoutOption, UnlabelledOption
from lineside.datasets.formats import FormatName
from lineside.datasets.importing import Unlabelled

Lineside = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A YOLO data set in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LINESIDE_DATASETS", raising=False)
    return write_files(tmp_path / "set", yolo_files(3))


def imported(lineside: Lineside, *words: object) -> str:
    ran = lineside("dataset", "import", "set", "--format", "yolo", "--licence", "ours", *words)
    assert ran.code == 0, ran.err
    return str(ran.out.strip())


def test_the_command_knows_the_layouts_and_choices_of_the_package() -> None:
    assert [option.value for option in LayoutOption] == [name.value for name in FormatName]
    assert [option.value for option in UnlabelledOption] == [choice.value for choice in Unlabelled]


def test_an_import_prints_the_id_on_stdout_and_talks_on_stderr(lineside: Lineside, folder: Path) -> None:
    ran = lineside("dataset", "import", "set", "--format", "yolo", "--licence", "ours")
    assert ran.code == 0
    assert len(ran.out.strip()) == 64
    assert (Path("lineside-datasets/revisions") / f"{ran.out.strip()}.json").is_file()
    assert "3 images, 3 boxes of 2 classes, 3 groups" in ran.err
    assert "note: each of the 3 images counts as a part" in ran.err
    assert imported(lineside, "--group-by", "name") != ""


def test_the_store_comes_from_the_option_or_the_environment(
    lineside: Lineside, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = imported(lineside, "--store", "one")
    monkeypatch.setenv("LINESIDE_DATASETS", "two")
    assert imported(lineside) == first
    assert Path("one").is_dir()
    assert Path("two").is_dir()
    assert not Path("lineside-datasets").exists()


def test_everything_that_can_be_said_reaches_the_revision(lineside: Lineside, folder: Path) -> None:
    parent = imported(lineside)
    write_files(folder, {"labels/train/board-0.txt": "0 0.95 0.5 0.2 0.2\n", "images/train/new.png": picture(9)})
    ran = lineside(
        *("dataset", "import", "set", "--format", "yolo", "--licence", "ours", "--source", "line 3", "--json"),
        *("--group-by", r"regex:(?P<group>\w+)", "--unlabelled", "good", "--clip", "--catalogue", "pcb"),
        *("--product", "BRD", "--line", "line-3", "--view", "top", "--parent", parent[:8]),
    )
    assert ran.code == 0, ran.err
    summary = json.loads(ran.out)
    assert (summary["images"], summary["boxes"], summary["good"]) == (4, 3, 1)
    assert summary["groups"] == 2
    assert (summary["source"], summary["licence_note"], summary["parent"]) == ("line 3", "ours", parent)
    assert len(summary["provenance"]["import"]["clipped"]) == 1
    manifest = json.loads(lineside("dataset", "revision", "show", summary["id"]).out)
    assert manifest["catalogue"] == {"id": "pcb", "version": 1}
    assert {(image["product"], image["line"], image["view"]) for image in manifest["images"]} == {
        ("BRD", "line-3", "top")
    }


def test_masks_and_classes_can_be_said(lineside: Lineside, folder: Path) -> None:
    write_files(folder, {"images/a.png": picture(1), "masks/a.png": picture(2)})
    words = ("dataset", "import", "set", "--format", "masks", "--licence", "ours")
    refused = lineside(*words, "--mask-values", "1=dent")
    assert refused.code == 1
    assert "has the gray values" in refused.err
    refused = lineside(
        "dataset", "import", "set/masks", "--format", "yolo", "--licence", "x", "--classes", "open, Open"
    )
    assert refused.code == 1
    assert "have one name" in refused.err


def test_an_import_that_is_refused_says_so_in_one_line_and_exits_1(lineside: Lineside, folder: Path) -> None:
    write_files(folder, {f"images/train/new-{number}.png": picture(number) for number in range(3)})
    ran = lineside("dataset", "import", "set", "--format", "yolo", "--licence", "ours")
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert ran.err.startswith("lineside: 3 of 6 images have no label")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("import", "set", "--format", "yolo"), id="no licence"),
        pytest.param(("import", "set", "--licence", "ours"), id="no layout"),
        pytest.param(("import", "set", "--format", "bmp", "--licence", "ours"), id="no such layout"),
        pytest.param(("export", "abcd"), id="no folder"),
    ],
)
def test_wrong_calls_exit_2(lineside: Lineside, folder: Path, words: tuple[str, ...]) -> None:
    assert lineside("dataset", *words).code == 2


def test_revisions_are_listed_with_what_they_hold(lineside: Lineside, folder: Path) -> None:
    empty = lineside("dataset", "revision", "list")
    assert (empty.code, empty.out) == (0, "")
    assert "no revision in lineside-datasets" in empty.err
    revision = imported(lineside, "--source", "line 3")
    listed = lineside("dataset", "revision", "list")
    assert listed.out == f"{revision[:12]}\t3\t3\ttrain 3\t-\tline 3\n"
    [entry] = json.loads(lineside("dataset", "revision", "list", "--json").out)
    assert (entry["id"], entry["classes"], entry["splits"]) == (revision, {"open": 2, "short": 1}, {"train": 3})


def test_show_prints_the_bytes_whose_digest_is_the_id(lineside: Lineside, folder: Path) -> None:
    from hashlib import sha256

    revision = imported(lineside)
    shown = lineside("dataset", "revision", "show", revision[:6])
    assert sha256(shown.out.rstrip("\n").encode()).hexdigest() == revision


def test_verify_reads_every_byte_and_names_what_differs(lineside: Lineside, folder: Path) -> None:
    revision = imported(lineside)
    ran = lineside("dataset", "revision", "verify", revision[:8])
    assert ran.code == 0
    assert f"revision {revision}: 3 files" in ran.out
    assert json.loads(lineside("dataset", "revision", "verify", revision, "--json").out)["files"] == 3
    stored = next(path for path in Path("lineside-datasets/files").rglob("*") if path.is_file())
    data = bytearray(stored.read_bytes())
    data[-1] ^= 1
    stored.write_bytes(data)
    ran = lineside("dataset", "revision", "verify", revision)
    assert (ran.code, ran.out) == (1, "")
    assert stored.name in ran.err
    assert len(ran.err.splitlines()) == 1


def test_what_is_exported_is_imported_again(lineside: Lineside, folder: Path) -> None:
    revision = imported(lineside, "--group-by", r"regex:-(\d)")
    ran = lineside("dataset", "export", revision[:8], "out", "--format", "coco")
    assert (ran.code, ran.out) == (0, "out\n")
    assert f"3 images of revision {revision[:12]}" in ran.err
    again = lineside(
        *("dataset", "import", "out", "--format", "coco", "--licence", "ours", "--json"),
        *("--group-by", "csv:out/parts.csv"),
    )
    assert json.loads(again.out)["splits"] == {"train": 3}
    assert lineside("dataset", "export", f"{revision}:val", "other", "--format", "voc").code == 1
    some = lineside("dataset", "export", f"{revision}:train", "other", "--format", "voc", "--json")
    assert json.loads(some.out) == {"revision": revision, "folder": "other", "images": 3}
    in_the_way = lineside("dataset", "export", revision, "other", "--format", "voc")
    assert (in_the_way.code, in_the_way.out) == (1, "")
    assert "other is there already" in in_the_way.err
