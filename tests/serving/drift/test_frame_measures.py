"""What is written down of every frame: measures of the picture and of the model's scores."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import Connection, select

from blob_detector import Blob, draw_blobs
from lineside.serving.ledger.tables import frames
from plant import TWO_VIEWS, board_png, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")


def test_each_frame_s_measures_are_in_the_answer_and_in_the_ledger(tmp_path: Path) -> None:
    body = board_png(Blob(1, 64, 48), seed=3)
    picture = np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_GRAYSCALE), np.float64)
    with open_plant(tmp_path) as plant:
        (frame,) = plant.post(body, part_id="p-1").json()["frames"]
        measures = frame["measures"]
        stored = plant.services.ledger.read_blocking(_stored)
    assert stored == [measures]
    assert measures["mean"] == pytest.approx(picture.mean(), abs=1e-3)
    assert measures["std"] == pytest.approx(picture.std(), abs=1e-3)
    assert measures["black_share"] == pytest.approx((picture <= 2).mean(), abs=1e-6)
    assert measures["peak_score"] == pytest.approx(1.0, abs=0.01)
    assert measures["shift_x_px"] is None


def test_a_frame_in_which_nothing_was_found_has_a_peak_score_too(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        found = plant.post(good_board(1), part_id="p-1").json()
    assert found["verdict"] == "OK"
    assert 0.0 <= found["frames"][0]["measures"]["peak_score"] < 0.25


def test_a_defect_of_a_class_that_the_model_does_not_know_leaves_the_score_as_it_is(tmp_path: Path) -> None:
    """Why the watch for drift says that it cannot see a new kind of defect."""
    board = draw_blobs([], (160, 160))
    board[40:60, 20:140] = 25  # a dark stain: no class of the model has its gray level
    stained = bytes(cv2.imencode(".png", board)[1].tobytes())
    clean = bytes(cv2.imencode(".png", draw_blobs([], (160, 160)))[1].tobytes())
    with open_plant(tmp_path) as plant:
        scores = [
            plant.post(body, part_id=part_id).json()["frames"][0]["measures"]["peak_score"]
            for body, part_id in ((clean, "clean"), (stained, "stained"))
        ]
    assert scores[0] == scores[1]


def test_every_view_of_a_part_has_its_own_and_an_unhealthy_one_has_no_score(tmp_path: Path) -> None:
    recipe = TWO_VIEWS.replace("min_std: null", "min_std: 4.0")
    black = bytes(cv2.imencode(".png", np.zeros((160, 160), np.uint8))[1].tobytes())
    with open_plant(tmp_path, recipe=recipe) as plant:
        plant.post(board_png(Blob(1, 64, 48)), part_id="p-1", view="top")
        found = plant.post(black, part_id="p-1", view="bottom").json()
    top, bottom = (frame["measures"] for frame in found["frames"])
    assert top["peak_score"] == pytest.approx(1.0, abs=0.01)
    assert (bottom["mean"], bottom["black_share"], bottom["peak_score"]) == (0.0, 1.0, None)


def test_a_frame_that_is_no_picture_has_none(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        found = plant.post(b"no picture", part_id="p-1").json()
        stored = plant.services.ledger.read_blocking(_stored)
    assert (found["verdict"], found["frames"][0]["measures"], stored) == ("NOT_INSPECTED", None, [None])


def _stored(connection: Connection) -> list[object]:
    return list(connection.execute(select(frames.c.measures)).scalars())
