"""Judging and predicting without a server, with a small real detector."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from blob_detector import Blob, BlobModel, TinyRelease, draw_blobs
from lineside.inspection.errors import UndecodableFrame
from lineside.inspection.verdict import Verdict
from lineside.workflows.errors import NameTaken, RecipeUnusable, Unpaired
from lineside.workflows.judging import Judge, open_judge
from lineside.workflows.ordered_work import in_order
from lineside.workflows.pictures import find_parts
from lineside.workflows.predicting import predict_all

SIZE_WH_PX = (160, 160)
RECIPE = """\
schema: lineside.recipe/1
id: board
version: 1
product: BRD
catalogue: {id: pcb, version: 1}
release: blobs
deadline_ms: 1000
limits: {short: {max_count: 1}}
views: {default: {references: [{id: golden, image: golden.png, approved_by: Kim, approved_at: 2026-01-01T00:00:00Z}]}}
"""


def board(path: Path, *blobs: Blob) -> Path:
    """A board with lines (no blob) and defects."""
    image = draw_blobs((), SIZE_WH_PX)
    image[8:40:8, 10:150] = 255
    image[100:150, 20:30] = 255
    drawn = draw_blobs(blobs, SIZE_WH_PX)
    cv2.imwrite(str(path), np.where(drawn > 0, drawn, image))
    return path


@contextmanager
def judge_with(folder: Path, model: BlobModel, *, recipe: str | None = None) -> Iterator[Judge]:
    release = TinyRelease(model=model).write(folder / "release")
    recipe_path = None
    if recipe is not None:
        recipe_path = folder / "recipe.yaml"
        recipe_path.write_text(recipe)
    with open_judge(release, recipe_path=recipe_path, engine_cache=None, engine="onnxruntime-fp32") as judge:
        yield judge


def test_without_a_recipe_any_defect_is_ng(tmp_path: Path) -> None:
    parts = find_parts([board(tmp_path / "bad.png", Blob(1, 64, 48)), board(tmp_path / "good.png")])
    with judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX)) as judge:
        judged = list(judge.judge_all(parts))
    assert [each.part.name for each in judged] == ["bad", "good"]
    assert [each.judgement.verdict for each in judged] == [Verdict.NG, Verdict.OK]
    assert judged[0].judgement.defects[0].class_name == "short"


def test_a_recipe_allows_what_it_allows_and_names_its_own_reference(tmp_path: Path) -> None:
    board(tmp_path / "golden.png")
    one, two = Blob(1, 64, 48), Blob(1, 100, 80)
    parts = find_parts([board(tmp_path / "one.png", one), board(tmp_path / "two.png", one, two)])
    with judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX, kind="reference"), recipe=RECIPE) as judge:
        judged = list(judge.judge_all(parts))
    assert [each.judgement.verdict for each in judged] == [Verdict.OK, Verdict.NG]


def test_each_part_is_compared_with_its_own_reference(tmp_path: Path) -> None:
    board(tmp_path / "a_temp.png", Blob(1, 64, 48))
    parts = find_parts([tmp_path]) if board(tmp_path / "a_test.png", Blob(1, 64, 48)) else ()
    with judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX, kind="reference")) as judge:
        [judged] = judge.judge_all(parts)
    assert judged.judgement.verdict is Verdict.OK  # what the golden board has too is no defect


def test_a_part_without_a_reference_is_refused_before_any_is_judged(tmp_path: Path) -> None:
    parts = find_parts([board(tmp_path / "alone.png")])
    with judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX, kind="reference")) as judge:
        with pytest.raises(Unpaired, match=r"alone\.png"):
            next(judge.judge_all(parts))
        with pytest.raises(Unpaired, match=r"alone\.png"):
            predict_all(judge, parts, confidence=0.1, out=tmp_path / "out")


def test_a_recipe_of_several_views_needs_a_server(tmp_path: Path) -> None:
    recipe = RECIPE[: RECIPE.index("views:")] + "views: {top: {}, bottom: {}}\n"
    with (
        pytest.raises(RecipeUnusable, match="2 views"),
        judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX), recipe=recipe),
    ):
        pass


def test_predictions_fall_in_confidence_and_hold_whole_pixels(tmp_path: Path) -> None:
    parts = find_parts([board(tmp_path / "bad.png", Blob(1, 64, 48), Blob(0, 100, 80))])
    with judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX)) as judge:
        [(part, count)] = predict_all(judge, parts, confidence=0.05, out=tmp_path / "out")
    lines = [line.split(",") for line in (tmp_path / "out" / "bad.txt").read_text().splitlines()]
    assert part.name == "bad"
    assert len(lines) == count
    confidences = [float(line[4]) for line in lines]
    assert confidences == sorted(confidences, reverse=True)
    assert {("64", "48", "80", "64", "short"), ("100", "80", "116", "96", "open")} <= {
        (*line[:4], line[5]) for line in lines
    }
    assert all(side.isdigit() for line in lines for side in line[:4])


def test_two_pictures_of_one_name_are_refused_not_overwritten(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        board(tmp_path / folder / "same.png")
    parts = find_parts([tmp_path / "a", tmp_path / "b"])
    with judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX)) as judge, pytest.raises(NameTaken, match="same"):
        predict_all(judge, parts, confidence=0.1, out=tmp_path / "out")


def test_a_picture_that_cannot_be_read_stops_predicting(tmp_path: Path) -> None:
    whole = board(tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:-40])
    parts = find_parts([tmp_path / "cut.png"])
    with (
        judge_with(tmp_path, BlobModel(size_wh_px=SIZE_WH_PX)) as judge,
        pytest.raises(UndecodableFrame, match=r"cut\.png"),
    ):
        list(predict_all(judge, parts, confidence=0.1, out=tmp_path / "out"))


def test_ordered_work_keeps_the_order_and_takes_no_more_than_it_needs() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = in_order(lambda number: number * number, numbers(), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) < 20
    assert list(results) == [number * number for number in range(3, 100)]


def test_ordered_work_passes_an_error_on() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda number: 1 // number, [1, 0, 1], workers=2))
