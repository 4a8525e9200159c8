"""Which files are parts, and which picture is the reference of which."""

from pathlib import Path

import pytest

from lineside.workflows.errors import NothingToInspect, Unpaired
from lineside.workflows.pictures import find_parts, read_list


def make(folder: Path, *names: str) -> None:
    """Empty files; pairing looks at names alone."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def pairs(folder: Path, parts: object) -> dict[str, str | None]:
    """Part -> reference, relative to a folder."""
    assert isinstance(parts, tuple)
    return {
        str(part.path.relative_to(folder)): None if part.reference is None else str(part.reference.relative_to(folder))
        for part in parts
    }


def test_deeppcbs_layout_is_recognised_by_itself(tmp_path: Path) -> None:
    make(tmp_path, "g/00/1_test.jpg", "g/00/1_temp.jpg", "g/00/2_test.jpg", "g/00/2_temp.jpg", "g/00_not/1.txt")
    assert pairs(tmp_path, find_parts([tmp_path])) == {
        "g/00/1_test.jpg": "g/00/1_temp.jpg",
        "g/00/2_test.jpg": "g/00/2_temp.jpg",
    }


def test_a_template_without_its_part_is_a_part(tmp_path: Path) -> None:
    make(tmp_path, "room_temp.png")
    assert pairs(tmp_path, find_parts([tmp_path])) == {"room_temp.png": None}


def test_one_reference_serves_all(tmp_path: Path) -> None:
    make(tmp_path, "parts/a.png", "parts/b.bmp", "golden.png")
    found = find_parts([tmp_path / "parts"], reference=tmp_path / "golden.png")
    assert pairs(tmp_path, found) == {"parts/a.png": "golden.png", "parts/b.bmp": "golden.png"}


def test_a_folder_of_references_pairs_by_name_whatever_the_encoding(tmp_path: Path) -> None:
    make(tmp_path, "parts/a.png", "parts/b.png", "golden/a.jpg", "golden/b.png")
    found = find_parts([tmp_path / "parts"], reference=tmp_path / "golden")
    assert pairs(tmp_path, found) == {"parts/a.png": "golden/a.jpg", "parts/b.png": "golden/b.png"}


def test_a_part_without_its_reference_is_told(tmp_path: Path) -> None:
    make(tmp_path, "parts/a.png", "parts/b.png", "golden/a.png")
    with pytest.raises(Unpaired, match=r"b\.png"):
        find_parts([tmp_path / "parts"], reference=tmp_path / "golden")


def test_a_part_named_twice_is_judged_once(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b.png")
    assert len(find_parts([tmp_path, tmp_path / "a.png"])) == 2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nowhere", id="not there"),
        pytest.param("notes.txt", id="no picture"),
        pytest.param("empty", id="a folder without pictures"),
    ],
)
def test_what_cannot_be_inspected_is_told(tmp_path: Path, name: str) -> None:
    make(tmp_path, "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToInspect, match=name):
        find_parts([tmp_path / name])


def test_deeppcbs_own_list_names_parts_by_their_board(tmp_path: Path) -> None:
    make(tmp_path, "g/00/1_test.jpg", "g/00/1_temp.jpg")
    (tmp_path / "trainval.txt").write_text("g/00/1.jpg g/00_not/1.txt\n\n# a comment\n")
    [part] = read_list(tmp_path / "trainval.txt")
    assert (part.path.name, part.name) == ("1_test.jpg", "1")
    assert part.reference is not None
    assert part.reference.name == "1_temp.jpg"


def test_two_lists_pair_line_by_line(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "b.png", "ga.png", "gb.png")
    (tmp_path / "images.txt").write_text("b.png\na.png\n")
    (tmp_path / "references.txt").write_text("gb.png\nga.png\n")
    found = read_list(tmp_path / "images.txt", reference=tmp_path / "references.txt")
    assert pairs(tmp_path, found) == {"b.png": "gb.png", "a.png": "ga.png"}
    (tmp_path / "references.txt").write_text("gb.png\n")
    with pytest.raises(Unpaired, match="2 pictures"):
        read_list(tmp_path / "images.txt", reference=tmp_path / "references.txt")


def test_the_real_boards_pair_as_they_lie(deeppcb_root: Path) -> None:
    found = find_parts([deeppcb_root])
    assert len(found) == 1000
    assert all(part.reference is not None and part.reference.stem[:8] == part.path.stem[:8] for part in found)
    assert len(read_list(deeppcb_root / "trainval.txt")) == 1000
