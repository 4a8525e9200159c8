"""Images of passed parts that came near a threshold are kept, where the recipe says so."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from blob_detector import Blob, draw_blobs
from plant import RECIPE, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")


def faint_board() -> bytes:
    """A defect that the blob model scores .7 to .9: below the thresholds of the recipe."""
    frame = draw_blobs([Blob(1, 64, 48)], (160, 160))
    return bytes(cv2.imencode(".png", np.where(frame > 0, frame + 3, frame).astype(np.uint8))[1].tobytes())


@pytest.mark.parametrize(
    ("retention", "kept"),
    [
        pytest.param("{ok_share: 0.0, near_threshold: 0.5}", [True, False], id="half the threshold"),
        pytest.param("{ok_share: 0.0, near_threshold: 1.0}", [False, False], id="nothing is as near as that"),
        pytest.param("{ok_share: 0.0}", [False, False], id="not asked for"),
        pytest.param("{ok_share: 1.0, near_threshold: 0.5}", [True, True], id="all are kept anyway"),
    ],
)
def test_the_images_of_a_passed_part_near_a_threshold_are_kept(
    tmp_path: Path, retention: str, kept: list[bool]
) -> None:
    limits = (
        "limits: "
        "{"
        + ", ".join(
            f"{name}: {{confidence: 0.95}}" for name in ("open", "short", "mousebite", "spur", "copper", "pin-hole")
        )
        + "}\n"
    )
    recipe = RECIPE + f"audit: {{share: 0.0}}\n{limits}retention: {retention}\n"
    with open_plant(tmp_path, recipe=recipe) as plant:
        answers = [
            plant.post(body, part_id=part_id).json()
            for part_id, body in (("near", faint_board()), ("far", good_board(3)))
        ]
        assert [answer["verdict"] for answer in answers] == ["OK", "OK"]
        assert [answer["frames"][0]["kept"] for answer in answers] == kept
