"""`lineside recipe new` and `lineside recipe scale` as they are called."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from good_parts import good_parts
from lineside.inspection.catalogue import builtin_catalogue
from lineside.inspection.recipe import load_recipe

Lineside = Callable[..., Any]


@pytest.fixture
def good_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "good"
    folder.mkdir()
    for index, image in enumerate(good_parts(12)):
        cv2.imwrite(str(folder / f"{index:02d}.png"), image)
    return folder


@pytest.fixture
def target_file(tmp_path: Path) -> Path:
    """A checkerboard of 9 x 7 squares of 25 px: 8 x 6 inner corners."""
    squares = np.indices((7, 9)).sum(axis=0) % 2
    board = np.kron(squares, np.ones((25, 25))) * 170 + 40
    picture = np.full((256, 320), 230.0)
    picture[40 : 40 + board.shape[0], 45 : 45 + board.shape[1]] = board
    file = tmp_path / "target.png"
    cv2.imwrite(str(file), cv2.GaussianBlur(picture, (0, 0), 0.8).astype(np.uint8))
    return file


def draft(lineside: Lineside, good_folder: Path, out: Path, *more: object) -> Any:
    return lineside(
        "recipe", "new", good_folder, "--id", "board-a", "--product", "BRD-A",
        "--approved-by", "quality lead", "--out", out, *more,
    )  # fmt: skip


def test_a_draft_passes_the_recipe_check(lineside: Lineside, good_folder: Path, tmp_path: Path) -> None:
    ran = draft(lineside, good_folder, tmp_path / "draft")

    file = tmp_path / "draft/board-a.yaml"
    assert ran.code == 0, ran.err
    assert ran.out == f"{file}\n"
    assert "59 defective parts" in ran.err
    assert (tmp_path / "draft/references/golden-1.png").is_file()
    assert lineside("recipe", "check", file).code == 0


def test_a_draft_with_a_target_has_its_scale(
    lineside: Lineside, good_folder: Path, target_file: Path, tmp_path: Path
) -> None:
    ran = draft(
        lineside, good_folder, tmp_path / "draft", "--target", target_file, "--pattern", "checkerboard:8x6",
        "--pitch-mm", "0.5", "--calibration-id", "CAL-7", "--calibrated-on", "2026-04-01", "--valid-days", "30",
        "--json",
    )  # fmt: skip

    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["mm_per_px"] == pytest.approx(0.02, rel=1e-3)
    assert said["threshold_status"] == "uncertified"
    text = (tmp_path / "draft/board-a.yaml").read_text(encoding="utf-8")
    scale = load_recipe(text, catalogue=builtin_catalogue("pcb")).scale
    assert scale is not None
    assert scale.mm_per_px == pytest.approx(0.02, rel=1e-3)
    assert scale.calibration.id == "CAL-7"
    assert scale.calibration.expires_at is not None
    assert (scale.calibration.expires_at - scale.calibration.at).days == 30


def test_a_draft_does_not_overwrite_another(lineside: Lineside, good_folder: Path, tmp_path: Path) -> None:
    assert draft(lineside, good_folder, tmp_path / "draft").code == 0
    ran = draft(lineside, good_folder, tmp_path / "draft")

    assert ran.code == 1
    assert "is there already" in ran.err


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "a\\b"])
def test_a_draft_stays_in_its_folder(lineside: Lineside, good_folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "recipes"
    terms = ("--id", name, "--product", "valve", "--approved-by", "a person", "--out", out)
    ran = lineside("recipe", "new", good_folder, *terms)
    assert ran.code == 1
    assert "expected one without /" in ran.err
    assert not out.exists()


def test_a_target_without_its_pitch_is_a_wrong_call(
    lineside: Lineside, good_folder: Path, target_file: Path, tmp_path: Path
) -> None:
    ran = draft(lineside, good_folder, tmp_path / "draft", "--target", target_file)

    assert ran.code == 2
    assert "--pitch-mm" in ran.err
    assert not (tmp_path / "draft").exists()


def test_the_scale_alone_is_printed_as_a_recipes_section(lineside: Lineside, target_file: Path) -> None:
    words = (target_file, "--pattern", "checkerboard:8x6", "--pitch-mm", "0.5", "--calibration-id", "CAL-7")
    ran = lineside("recipe", "scale", *words)

    assert ran.code == 0, ran.err
    assert "\nscale:\n  mm_per_px: 0.02" in ran.out
    assert json.loads(lineside("recipe", "scale", *words, "--json").out)["points"] == 48


@pytest.mark.parametrize("pattern", ["checkerboard", "stars:8x6", "dots:8", "dots:-1x5"])
def test_an_unknown_pattern_is_a_wrong_call(lineside: Lineside, target_file: Path, pattern: str) -> None:
    ran = lineside("recipe", "scale", target_file, "--pattern", pattern, "--pitch-mm", "1", "--calibration-id", "CAL-7")

    assert ran.code == 2
    assert "expected checkerboard:COLUMNSxROWS" in ran.err
