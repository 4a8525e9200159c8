"""Made training images: labels stay true, defects go where the drawing allows, and nothing else is touched."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.datasets.augment import AugmentationPlan, PhotometricVariation, augment_revision
from lineside.datasets.augment.pasting import RING_PX, cut_defect, paste_defects
from lineside.datasets.augment.picture import Picture
from lineside.datasets.augment.variation import GeometricVariation
from lineside.datasets.errors import AugmentationRefused, SplitRefused
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.datasets.splits import SplitPlan, split_revision
from tiny_revision import store_in, tiny_revision

pytestmark = pytest.mark.training

Pixels = NDArray[np.int_]
SPLITS = (Split.GOLDEN, Split.SEALED, Split.CALIBRATION)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RevisionStore:
    return store_in(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="module")
def revision(store: RevisionStore) -> Revision:
    return tiny_revision(store, extra=SPLITS, of_one_design=True, side_px=256)


@pytest.fixture(scope="module")
def augmented(store: RevisionStore, revision: Revision) -> Revision:
    return augment_revision(store, revision, AugmentationPlan(copies=2, paste_share=0.5, seed=4)).revision


def made_of(revision: Revision) -> list[LabelledImage]:
    return [image for image in revision.images if image.name.startswith(("varied/", "pasted/"))]


def square(*, at: tuple[int, int], side: int = 12, size: int = 96) -> Picture:
    """A bright picture with a dark square as its defect."""
    frame = np.full((size, size), 200, np.uint8)
    left, top = at
    frame[top : top + side, left : left + side] = 20
    box = np.array([[left, top, left + side, top + side]], np.float64)
    return Picture(frame, np.full((size, size), 200, np.uint8), box, ("spot",))


def test_only_the_training_split_grows_and_the_real_images_stay(revision: Revision, augmented: Revision) -> None:
    assert augmented.parent == revision.id
    assert set(revision.images) <= set(augmented.images)
    assert {image.split for image in made_of(augmented)} == {Split.TRAIN}


def test_what_was_done_is_in_the_provenance(augmented: Revision) -> None:
    recorded = augmented.provenance["augmentation"]
    assert recorded["plan"]["copies"] == 2
    assert recorded["real"] == 4
    assert recorded["varied"] + recorded["pasted"] == len(made_of(augmented)) > 8


def test_at_most_half_of_the_training_images_show_pasted_defects(augmented: Revision) -> None:
    train = augmented.of_split(Split.TRAIN)
    assert 0 < sum(image.name.startswith("pasted/") for image in train) <= len(train) / 2


def test_every_made_image_names_training_images_as_its_ancestors(revision: Revision, augmented: Revision) -> None:
    """And their golden images, on which defects were pasted."""
    train = revision.of_split(Split.TRAIN)
    real = {file.sha256 for image in train for file in image.files}
    pairs = [{file.sha256 for file in image.files} for image in train]
    for image in made_of(augmented):
        assert set(image.ancestors) <= real
        assert any(pair <= set(image.ancestors) for pair in pairs)


def test_made_images_are_not_divided_among_splits(store: RevisionStore, augmented: Revision) -> None:
    with pytest.raises(SplitRefused, match=f"split its parent {str(augmented.parent)[:12]}"):
        split_revision(store, augmented, SplitPlan({Split.TRAIN: 0.5, Split.VAL: 0.5}))


def test_the_same_plan_makes_the_same_revision_again(
    store: RevisionStore, revision: Revision, augmented: Revision, tmp_path: Path
) -> None:
    again = augment_revision(store, revision, AugmentationPlan(copies=2, paste_share=0.5, seed=4))
    assert again.revision.id == augmented.id
    other = augment_revision(store, revision, AugmentationPlan(copies=2, paste_share=0.5, seed=5))
    assert other.revision.id != augmented.id


def test_a_pasted_image_differs_from_its_golden_one_at_its_boxes_only(
    store: RevisionStore, augmented: Revision
) -> None:
    pasted = [image for image in augmented.images if image.name.startswith("pasted/")]
    for image in pasted:
        assert image.reference is not None
        frame, golden = store.pixels(image.image).astype(int), store.pixels(image.reference).astype(int)
        allowed = np.zeros(frame.shape, bool)
        for box in image.boxes:
            left, top, right, bottom = (int(value) for value in box.box_xyxy_px)
            reach = RING_PX
            allowed[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach] = True
            assert np.abs(frame - golden)[top:bottom, left:right].max() > 50
        if _is_on_its_golden_image(frame, golden, allowed):
            return
    pytest.fail("none of the pasted images stands on a golden image")


def _is_on_its_golden_image(frame: Pixels, golden: Pixels, allowed: NDArray[np.bool_]) -> bool:
    return bool((frame == golden)[~allowed].all())


def test_copies_of_copies_are_refused(store: RevisionStore, augmented: Revision) -> None:
    with pytest.raises(AugmentationRefused, match="take its parent"):
        augment_revision(store, augmented, AugmentationPlan())


def test_without_a_training_split_there_is_nothing_to_make_larger(store: RevisionStore, revision: Revision) -> None:
    unsplit = RevisionDraft(
        classes=revision.classes,
        images=tuple(replace(image, split=None) for image in revision.images),
        source="synthetic boards",
        licence_note="made by this test",
    )
    with pytest.raises(AugmentationRefused, match="split it first"):
        augment_revision(store, store.write(unsplit), AugmentationPlan())


def test_defects_are_not_pasted_where_nothing_good_is(store: RevisionStore) -> None:
    bare = tiny_revision(store, has_references=False)
    only_defective = RevisionDraft(
        classes=bare.classes,
        images=tuple(image for image in bare.images if image.boxes),
        source="synthetic boards",
        licence_note="made by this test",
    )
    with pytest.raises(AugmentationRefused, match="import good parts"):
        augment_revision(store, store.write(only_defective), AugmentationPlan(copies=0, paste_share=0.3))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"paste_share": 0.6}, id="more than half pasted"),
        pytest.param({"copies": 0}, id="nothing at all"),
        pytest.param({"rotate_deg": 45}, id="a turn that boxes cannot follow"),
        pytest.param({"photometric": 1.2}, id="a share above one"),
        pytest.param({"copies": -1}, id="fewer than no copies"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(AugmentationRefused):
        AugmentationPlan(**settings)  # type: ignore[arg-type]  # what is refused


def test_a_defect_is_pasted_only_where_the_drawing_is_the_same() -> None:
    """The left half is bright as the defect's place is, the right half is not."""
    patch = cut_defect(square(at=(40, 40)), 0)
    assert patch is not None
    ground = np.full((96, 192), 200, np.uint8)
    ground[:, 96:] = 0
    good = Picture(ground, ground, np.empty((0, 4)), ())
    for seed in range(10):
        done = paste_defects(good, [patch], most=1, rng=np.random.default_rng(seed))
        assert done is not None
        picture, used = done
        left, top, right, bottom = (int(value) for value in picture.boxes_xyxy_px[0])
        assert right + RING_PX <= 96
        assert (picture.frame[top:bottom, left:right] == 20).all()
        assert used == (patch,)
    dark = Picture(np.full((96, 96), 120, np.uint8), None, np.empty((0, 4)), ())
    assert paste_defects(dark, [patch], most=1, rng=np.random.default_rng(1)) is None


def test_without_a_golden_image_the_ring_around_the_defect_decides() -> None:
    bare = replace(square(at=(40, 40)), reference=None)
    patch = cut_defect(bare, 0)
    assert patch is not None
    assert patch.good_pixels is None
    ground = np.full((96, 192), 120, np.uint8)
    ground[:, 96:] = 200
    done = paste_defects(Picture(ground, None, np.empty((0, 4)), ()), [patch], most=1, rng=np.random.default_rng(1))
    assert done is not None
    assert done[0].boxes_xyxy_px[0, 0] - RING_PX >= 96


def test_a_defect_at_the_edge_or_beside_another_is_not_cut_out() -> None:
    assert cut_defect(square(at=(2, 40)), 0) is None
    near = square(at=(40, 40))
    two = Picture(near.frame, None, np.concatenate([near.boxes_xyxy_px, [[55, 40, 60, 50]]]), ("spot", "spot"))
    assert cut_defect(two, 0) is None


def test_pasted_defects_do_not_touch_each_other() -> None:
    patch = cut_defect(square(at=(40, 40)), 0)
    assert patch is not None
    ground = np.full((70, 70), 200, np.uint8)
    done = paste_defects(Picture(ground, None, np.empty((0, 4)), ()), [patch] * 6, most=6, rng=np.random.default_rng(2))
    assert done is not None
    frame, boxes = done[0].frame, done[0].boxes_xyxy_px
    assert int((frame == 20).sum()) == len(boxes) * 12 * 12


@pytest.mark.parametrize("seed", range(6))
def test_a_turned_and_cut_picture_keeps_its_boxes_on_its_defects(seed: int) -> None:
    vary = GeometricVariation(rotate_deg=3.0, crop_px=48)
    picture = square(at=(40, 60))
    made = vary(Picture(picture.frame, picture.frame, picture.boxes_xyxy_px, ("spot",)), np.random.default_rng(seed))
    assert made.size_wh_px == (48, 48)
    assert made.class_names == ("spot",)
    assert made.reference is not None
    assert np.array_equal(made.frame, made.reference), "the reference goes with the frame"
    rows, columns = np.nonzero(made.frame < 110)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(made.boxes_xyxy_px[0], found, atol=2)


def test_light_changes_for_the_share_asked_and_the_same_way_again() -> None:
    frame = np.random.default_rng(1).integers(60, 200, (32, 32), np.uint8)
    vary = PhotometricVariation(0.5)
    made = [vary.photometric(frame, np.random.default_rng(seed)) for seed in range(60)]
    again = [PhotometricVariation(0.5).photometric(frame, np.random.default_rng(seed)) for seed in range(60)]
    assert all(np.array_equal(one, other) for one, other in zip(made, again, strict=True))
    changed = sum(not np.array_equal(one, frame) for one in made)
    assert 15 <= changed <= 40
    assert all(one.shape == frame.shape and one.dtype == np.uint8 for one in made)
    colour = np.repeat(frame[..., None], 3, axis=2)
    assert vary.photometric(colour, np.random.default_rng(3)).shape == colour.shape
