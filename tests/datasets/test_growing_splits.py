"""New images join train and val of a revision that is split already; golden and its like stay as they are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.datasets.errors import SplitRefused
from lineside.datasets.growing_splits import PROVENANCE_KEY, GrowthPlan, divide_new, grow_splits
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore

SIDE_PX = 96


@pytest.fixture
def store(tmp_path: Path) -> RevisionStore:
    return RevisionStore(str(tmp_path / "datasets"))


def labelled(store: RevisionStore, name: str, split: Split | None, *, group: str | None = None) -> LabelledImage:
    """A part with a picture of its own: lines at places that its name gives."""
    rng = np.random.default_rng(list(name.encode()))
    frame = rng.integers(0, 40, (SIDE_PX, SIDE_PX), np.uint8)
    for _ in range(12):
        top, left = (int(at) for at in rng.integers(0, SIDE_PX - 20, 2))
        frame[top : top + 3, left : left + 20] = int(rng.integers(120, 255))
    picture = store.add_picture(bytes(cv2.imencode(".png", frame)[1]), source=name)
    return LabelledImage(
        name=name,
        part_id=name,
        group=group or name,
        image=picture,
        boxes=(LabelledBox("scratch", (10, 10, 30, 30)),),
        split=split,
    )


def written(store: RevisionStore, images: Sequence[LabelledImage], *, parent: str | None = None) -> Revision:
    return store.write(
        RevisionDraft(
            classes=("scratch",), images=tuple(images), source="drawn", licence_note="made by this test", parent=parent
        )
    )


def a_split_set(store: RevisionStore) -> list[LabelledImage]:
    splits = {Split.TRAIN: 3, Split.VAL: 2, Split.GOLDEN: 3, Split.SEALED: 1, Split.CALIBRATION: 1}
    return [labelled(store, f"{split}-{n}", split) for split, count in splits.items() for n in range(count)]


def test_new_images_join_train_and_val_and_what_had_a_split_keeps_it(store: RevisionStore) -> None:
    old = a_split_set(store)
    revision = written(store, [*old, *(labelled(store, f"new-{n}", None) for n in range(10))])
    growth = grow_splits(store, revision, GrowthPlan(val_share=0.2, seed=1))
    assert growth.counts == {Split.TRAIN: 8, Split.VAL: 2}
    assert not growth.set_aside
    after = {image.name: image.split for image in growth.revision.images}
    assert {image.name: image.split for image in old}.items() <= after.items()
    assert growth.revision.parent == revision.id
    assert growth.revision.provenance[PROVENANCE_KEY]["joined"] == {"train": 8, "val": 2}
    assert grow_splits(store, revision, GrowthPlan(val_share=0.2, seed=1)).revision.id == growth.revision.id


def test_a_second_round_moves_nothing_of_the_first(store: RevisionStore) -> None:
    first = grow_splits(
        store,
        written(store, [*a_split_set(store), *(labelled(store, f"new-{n}", None) for n in range(6))]),
        GrowthPlan(seed=1),
    ).revision
    pulled = written(store, [*first.images, *(labelled(store, f"later-{n}", None) for n in range(6))], parent=first.id)
    second = grow_splits(store, pulled, GrowthPlan(seed=2)).revision
    assert {image.name: image.split for image in first.images}.items() <= {
        image.name: image.split for image in second.images
    }.items()


def test_nothing_new_gives_the_revision_itself(store: RevisionStore) -> None:
    revision = written(store, a_split_set(store))
    assert grow_splits(store, revision, GrowthPlan()).revision is revision


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        pytest.param("train-0", Split.TRAIN, id="of a group that is learnt from"),
        pytest.param("val-0", Split.VAL, id="of a group that is looked at"),
        pytest.param("golden-0", None, id="of a golden group"),
        pytest.param("sealed-0", None, id="of a sealed group"),
        pytest.param("calibration-0", None, id="of a group that sets thresholds"),
    ],
)
def test_a_new_image_follows_its_group(store: RevisionStore, group: str, expected: Split | None) -> None:
    images = [*a_split_set(store), labelled(store, "new", None, group=group)]
    division = divide_new(images, GrowthPlan())
    assert division.joined.get("new") == expected
    assert ("new" in division.set_aside) == (expected is None)


def test_a_new_image_that_ties_train_to_val_is_set_aside(store: RevisionStore) -> None:
    train, val, *rest = a_split_set(store)[2:]
    images = [replace(train, group="lot"), replace(val, group="other"), *rest]
    new = replace(labelled(store, "new", None), part_id=val.part_id, group="lot")
    assert divide_new([*images, new], GrowthPlan()).set_aside == {"new": "tied to images of train and of val"}


def test_what_judged_in_an_earlier_revision_is_not_learnt_from(store: RevisionStore) -> None:
    before = a_split_set(store)
    parent = written(store, before)
    images = [replace(image, split=None) if image.name == "golden-1" else image for image in before]
    growth = grow_splits(store, written(store, images, parent=parent.id), GrowthPlan())
    assert "judged in an earlier revision" in growth.set_aside["golden-1"]


def test_a_copy_of_a_golden_picture_is_set_aside(store: RevisionStore) -> None:
    images = a_split_set(store)
    golden = store.pixels(next(image for image in images if image.name == "golden-0").image)
    brighter = np.clip(golden.astype(int) + 12, 0, 255).astype(np.uint8)
    copy = store.add_picture(bytes(cv2.imencode(".jpg", brighter)[1]), source="copy")
    images += [replace(labelled(store, "copied", None), image=copy), labelled(store, "new", None)]
    growth = grow_splits(store, written(store, images), GrowthPlan())
    assert growth.joined == {"new": Split.TRAIN}
    assert growth.set_aside == {"copied": "shows the same shot as 'golden-0', which judges"}


def test_one_new_group_is_learnt_from(store: RevisionStore) -> None:
    division = divide_new([*a_split_set(store), labelled(store, "new", None)], GrowthPlan(val_share=0.5))
    assert division.joined == {"new": Split.TRAIN}


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(SplitRefused, match="expected 0 or more"):
        GrowthPlan(val_share=share)
