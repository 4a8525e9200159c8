"""A candidate says with which chance its images were kept, so that a draw among candidates can be one of the line."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from blob_detector import Blob, draw_blobs
from label_state import AUDIT_ALL, open_desk
from plant import RECIPE

pytestmark = pytest.mark.usefixtures("either_database")

SHARE = 0.9999999  # as good as always drawn, and told apart from "always kept"
CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")


def faint_board() -> bytes:
    """A blob that the detector scores .7 to .9."""
    frame = draw_blobs([Blob(1, 64, 48)], (160, 160))
    return bytes(cv2.imencode(".png", np.where(frame > 0, frame + 3, frame).astype(np.uint8))[1].tobytes())


def test_rejected_and_near_parts_are_always_kept_and_other_passed_ones_by_share(tmp_path: Path) -> None:
    limits = ", ".join(f"{name}: {{confidence: 0.95}}" for name in CLASSES)
    recipe = RECIPE + (
        f"limits: {{{limits}}}\naudit: {{share: 0.0}}\nretention: {{ok_share: {SHARE}, near_threshold: 0.5}}\n"
    )
    with open_desk(tmp_path, recipe=recipe) as desk:
        expected = {desk.inspect("bad", bad=True): 1.0, desk.inspect("good"): SHARE}
        expected[desk.plant.post(faint_board(), part_id="near").json()["id"]] = 1.0
        assert {each["inspection_id"]: each["kept_probability"] for each in desk.candidates()} == expected


def test_an_audit_draw_is_kept_for_sure(tmp_path: Path) -> None:
    with open_desk(tmp_path, recipe=AUDIT_ALL) as desk:
        desk.inspect("good")
        [found] = desk.candidates()
    assert (found["audit"], found["kept_probability"]) == (True, 1.0)
