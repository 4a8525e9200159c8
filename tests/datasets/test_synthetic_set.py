"""Labelled boards to begin with: what is written can be imported, and is the same again."""

from pathlib import Path

import pytest

from importing_folders import Importer
from lineside.datasets.errors import TargetInTheWay
from lineside.datasets.formats import FormatName
from lineside.datasets.grouping import parse_grouping
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.datasets.synthetic_set import BOARDS_PER_LOT, write_synthetic_set

BOARDS = 9


def imported(folder: Path, store: Path) -> Revision:
    grouping = parse_grouping(f"csv:{folder / 'parts.csv'}")
    return Importer(RevisionStore(str(store)))(folder, FormatName.YOLO, grouping=grouping)


def test_the_folder_imports_with_labels_references_and_lots(tmp_path: Path) -> None:
    defects = write_synthetic_set(tmp_path / "boards", boards=BOARDS, seed=7)
    revision = imported(tmp_path / "boards", tmp_path / "store")
    assert len(revision.images) == BOARDS
    assert len({image.group for image in revision.images}) == -(-BOARDS // BOARDS_PER_LOT)
    assert sum(len(image.boxes) for image in revision.images) == defects > 0
    assert all(image.reference is not None for image in revision.images)
    assert all(image.is_declared_good is not bool(image.boxes) for image in revision.images)
    assert any(image.is_declared_good for image in revision.images)


def test_a_seed_gives_the_same_boards_again_and_another_one_gives_others(tmp_path: Path) -> None:
    ids = []
    for name, seed in (("one", 7), ("again", 7), ("other", 8)):
        write_synthetic_set(tmp_path / name, boards=2, seed=seed)
        ids.append(imported(tmp_path / name, tmp_path / "store").id)
    assert ids[0] == ids[1] != ids[2]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards/mine.txt").write_text("mine")
    with pytest.raises(TargetInTheWay):
        write_synthetic_set(tmp_path / "boards", boards=1, seed=1)
    assert [path.name for path in (tmp_path / "boards").iterdir()] == ["mine.txt"]


def test_no_board_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one board"):
        write_synthetic_set(tmp_path / "boards", boards=0, seed=1)
