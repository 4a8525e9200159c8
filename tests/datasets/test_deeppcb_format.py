"""Reading DeepPCB's layout: a folder made here, and the real one."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.formats import deeppcb_groups, read_deeppcb
from lineside.datasets.synthetic import DEFECT_CLASSES, Defect, DefectClass


@pytest.fixture
def made_folder(tmp_path: Path) -> Path:
    (tmp_path / "group00001/00001").mkdir(parents=True)
    (tmp_path / "group00001/00001_not").mkdir()
    for ending, level in (("test", 0), ("temp", 255)):
        image = np.full((20, 30), level, np.uint8)
        cv2.imwrite(str(tmp_path / f"group00001/00001/00001000_{ending}.jpg"), image)
    (tmp_path / "group00001/00001_not/00001000.txt").write_text("1 2 11 12 3\n4 5 20 15 6\n")
    (tmp_path / "trainval.txt").write_text("group00001/00001/00001000.jpg group00001/00001_not/00001000.txt\n")
    return tmp_path


def test_a_pair_is_read_with_its_boxes_in_file_order(made_folder: Path) -> None:
    (pair,) = read_deeppcb(made_folder)
    assert (pair.name, pair.group) == ("00001000", "00001")
    assert pair.frame.shape == pair.reference.shape == (20, 30)
    assert pair.frame.max() < 10
    assert pair.reference.min() > 245
    assert pair.defects == (
        Defect(DefectClass.MOUSEBITE, (1, 2, 11, 12)),
        Defect(DefectClass.PIN_HOLE, (4, 5, 20, 15)),
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("1 2 11 12", "x1 y1 x2 y2 type", id="a field is missing"),
        pytest.param("1 2 11 12 7", "type from 1 to 6", id="unknown type"),
        pytest.param("1 2 1 12 3", "no box", id="no width"),
        pytest.param("a b c d e", "x1 y1 x2 y2 type", id="no numbers"),
    ],
)
def test_a_bad_annotation_is_named_with_its_line(made_folder: Path, line: str, why: str) -> None:
    (made_folder / "group00001/00001_not/00001000.txt").write_text(f"1 2 11 12 3\n{line}\n")
    with pytest.raises(SampleUnreadable, match=rf"00001000\.txt:2: .*{why}"):
        list(read_deeppcb(made_folder))


def test_a_missing_image_is_named(made_folder: Path) -> None:
    (made_folder / "group00001/00001/00001000_temp.jpg").unlink()
    with pytest.raises(SampleUnreadable, match=r"00001000_temp\.jpg is missing"):
        list(read_deeppcb(made_folder))


def test_a_folder_without_its_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleUnreadable, match=r"trainval\.txt cannot be read"):
        deeppcb_groups(tmp_path)


def test_an_unknown_group_is_refused_and_the_known_ones_named(made_folder: Path) -> None:
    with pytest.raises(SampleUnreadable, match=r"no group .*99999.*; it has .*00001"):
        next(read_deeppcb(made_folder, groups=["99999"]))


def test_the_real_boards_can_be_read(deeppcb_root: Path) -> None:
    assert set(deeppcb_groups(deeppcb_root)) >= {"00041", "13000", "20085"}
    pairs = list(read_deeppcb(deeppcb_root, groups=["13000"]))
    assert len(pairs) == 198
    assert all(pair.frame.shape == pair.reference.shape == (640, 640) for pair in pairs)
    assert {defect.defect_class for pair in pairs for defect in pair.defects} == set(DEFECT_CLASSES)
