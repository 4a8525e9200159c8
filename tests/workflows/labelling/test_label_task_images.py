"""What Label Studio is given for a pick: one task a view or tile, with the model's boxes in its own pixels."""

from datetime import UTC, datetime

import cv2
import numpy as np

from lineside.client import KeptImage
from lineside.datasets.sampling import PickReason
from lineside.inspection.frames import MediaType
from lineside.inspection.verdict import Verdict
from lineside.workflows.labelling.part_pictures import GoldenPicture, PartPicture
from lineside.workflows.labelling.picks import FoundDefect, JudgingRelease, Named, Picked, PickedView
from lineside.workflows.labelling.task_images import classes_without_label, plan_tasks, task_images

PICK_ID = "018f0000-0000-7000-8000-000000000001"


def picked(*defects: FoundDefect, views: tuple[str, ...] = ("default",)) -> Picked:
    """A pick."""
    return Picked(
        id=PICK_ID,
        inspection_id="018f0000-0000-7000-8000-000000000002",
        part_id="P-1",
        station="aoi-1",
        line="line-1",
        lot=None,
        product="BRD",
        parent_id=None,
        verdict=Verdict.NG,
        judged_at=datetime(2026, 1, 1, tzinfo=UTC),
        recipe=Named("board", "1"),
        release=JudgingRelease("blobs", "1.0.0", "0123456789ab" + "f" * 52),
        views=tuple(PickedView(view, "0" * 64) for view in views),
        defects=defects,
        reason=PickReason.NOVELTY,
        probability=None,
        state="waiting",
        change=0,
        review_id=None,
        label=None,
        tasks=(),
    )


def picture(width: int, height: int, *, has_golden: bool = False) -> PartPicture:
    """A frame whose pixels tell where they lie."""
    pixels = (np.add.outer(np.arange(height), np.arange(width)) % 251).astype(np.uint8)
    golden = GoldenPicture(b"", np.zeros_like(pixels)) if has_golden else None
    return PartPicture(KeptImage(b"", MediaType.PNG, "0" * 64), pixels, golden)


def defect(box: tuple[float, float, float, float], name: str = "short", view: str = "default") -> FoundDefect:
    """A defect."""
    return FoundDefect(view, name, 0.8, box)


def test_a_small_frame_is_one_task_with_the_models_boxes_and_a_way_back_to_our_page() -> None:
    pictures = {"default": picture(160, 120, has_golden=True)}
    pick = picked(defect((10, 20, 30, 40)), defect((0, 0, 5, 5), "open"))
    tasks = plan_tasks(pick, pictures)
    assert [(task.is_whole_frame, task.to_json()["tile_xyxy_px"]) for task in tasks] == [(True, None)]
    (image,) = task_images(pick, tasks, pictures, classes=["short", "open"], server="http://plant:8470/")
    assert [box.box_xyxy_px for box in image.predictions] == [(10, 20, 30, 40), (0, 0, 5, 5)]
    assert image.model_version == "blobs 1.0.0 (0123456789ab)"
    assert image.data["model"] == "short 0.80, open 0.80"
    assert image.data["page"] == f"http://plant:8470/v1/inspections/{pick.inspection_id}/overlay"
    assert image.reference_png is not None


def test_a_tile_with_a_defect_of_a_class_without_label_has_no_suggestion_and_says_so_in_words() -> None:
    """A suggestion without that box would say that the part is good, or that no more is wrong with it."""
    pictures = {"default": picture(2600, 900)}
    pick = picked(defect((10, 20, 30, 40)), defect((0, 0, 5, 5), "burr"), defect((2500, 0, 2550, 5)))
    left, right = task_images(pick, plan_tasks(pick, pictures), pictures, classes=["short"], server="http://x")
    assert (left.predictions, left.model_version) == ((), None)
    assert len(right.predictions) == 1
    assert right.model_version is not None
    assert "burr 0.80" in left.data["model"]
    assert classes_without_label(pick, ["short"]) == {"burr"}


def test_a_large_frame_is_cut_into_tiles_and_each_has_what_it_sees_of_a_box() -> None:
    pictures = {"default": picture(2600, 900)}
    pick = picked(defect((1400, 100, 1650, 200)))
    tasks = plan_tasks(pick, pictures)
    windows = [task.window.xyxy_px for task in tasks]
    assert len(windows) == 2
    for task, image in zip(
        tasks, task_images(pick, tasks, pictures, classes=["short"], server="http://x"), strict=True
    ):
        left, top, right, bottom = task.window.xyxy_px
        assert image.size_wh_px == (right - left, bottom - top)
        shown = cv2.imdecode(np.frombuffer(image.image_png, np.uint8), cv2.IMREAD_UNCHANGED)
        assert shown is not None
        assert np.array_equal(shown, pictures["default"].pixels[top:bottom, left:right])
        (box,) = (each.box_xyxy_px for each in image.predictions)
        assert box == (max(1400, left) - left, 100, min(1650, right) - left, 200)


def test_ids_follow_from_pick_view_and_tile_so_that_planning_again_plans_the_same() -> None:
    pictures = {"top": picture(100, 100), "bottom": picture(2600, 100)}
    pick = picked(views=("top", "bottom"))
    first, second = plan_tasks(pick, pictures), plan_tasks(pick, pictures)
    assert first == second
    assert len({task.id for task in first}) == len(first) == 3
    assert str(first[0].id) == "5e397460-234e-5108-b041-d70f9c7c152d"  # for good: what was pushed is known by it
