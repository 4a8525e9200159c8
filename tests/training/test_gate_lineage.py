import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.training.gate.lineage import LEARNT_FROM, Lineage, ModelOrigin, learnt_images, lineage_of

STARTER = ModelOrigin(digest="0" * 64, checkpoint_sha256=None, dataset_revision=None, parent=None, is_generated=True)


def origin(name: str, *, revision: str | None, parent: str | None = None) -> ModelOrigin:
    digest, checkpoint = (hashlib.sha256(f"{kind}{name}".encode()).hexdigest() for kind in ("release", "checkpoint"))
    return ModelOrigin(digest=digest, checkpoint_sha256=checkpoint, dataset_revision=revision, parent=parent)


def test_a_model_brings_the_data_of_everything_it_descends_from() -> None:
    first = origin("first", revision="1" * 64, parent=STARTER.digest)
    second = origin("second", revision="2" * 64, parent=first.digest)
    assert second.checkpoint_sha256 is not None
    third = origin("third", revision="1" * 64, parent=second.checkpoint_sha256)
    lineage = lineage_of(third, [STARTER, first, second])
    assert lineage == Lineage(("1" * 64, "2" * 64), (), has_generated=True)


def test_a_parent_that_nobody_knows_is_said() -> None:
    lineage = lineage_of(origin("model", revision="1" * 64, parent="e" * 64), [STARTER])
    assert lineage.revisions == ("1" * 64,)
    assert "eeeeeeeeeeee" in lineage.unknown[0]


def test_a_model_that_names_no_data_is_said_and_a_starter_needs_none() -> None:
    assert lineage_of(origin("model", revision=None), []).unknown
    assert lineage_of(STARTER, []) == Lineage((), (), has_generated=True)


def test_models_that_name_each_other_as_parents_end() -> None:
    one = origin("one", revision="1" * 64, parent=origin("other", revision=None).digest)
    other = origin("other", revision="2" * 64, parent=one.digest)
    assert lineage_of(one, [one, other]).revisions == ("1" * 64, "2" * 64)


class Revisions:
    """A store in a folder, and images for it."""

    def __init__(self, folder: Path) -> None:
        self.store = RevisionStore(str(folder))

    def image(self, name: str, split: Split | None, *, ancestors: tuple[LabelledImage, ...] = ()) -> LabelledImage:
        pixels = np.random.default_rng(list(name.encode())).integers(0, 255, (16, 16), np.uint8)
        png = bytes(cv2.imencode(".png", pixels)[1])
        return LabelledImage(
            name=name,
            part_id=name,
            group=name,
            image=self.store.add_picture(png, source=name),
            is_declared_good=True,
            split=split,
            ancestors=tuple(ancestor.image.sha256 for ancestor in ancestors),
        )

    def write(self, *images: LabelledImage, parent: Revision | None = None) -> Revision:
        draft = RevisionDraft(
            classes=("open",),
            images=images,
            source="made for a test",
            licence_note="none needed",
            parent=None if parent is None else parent.id,
        )
        return self.store.write(draft)


@pytest.fixture
def revisions(tmp_path: Path) -> Revisions:
    return Revisions(tmp_path / "store")


def names(images: tuple[LabelledImage, ...]) -> set[str]:
    return {image.name for image in images}


def test_only_what_is_learnt_from_counts_as_learnt(revisions: Revisions) -> None:
    """A revision before its split holds the golden images too; nothing has learnt from them."""
    before = revisions.write(*(revisions.image(split.value, None) for split in Split))
    after = revisions.write(*(revisions.image(split.value, split) for split in Split), parent=before)
    learnt = learnt_images(Lineage((after.id,), ()), revisions.store)
    assert names(learnt.images) == {split.value for split in LEARNT_FROM}
    assert learnt.searched == (after.id,)
    assert learnt.unknown == ()


def test_what_an_image_was_made_from_is_found_through_the_parents_however_far(revisions: Revisions) -> None:
    original = revisions.image("original", Split.GOLDEN)
    other = revisions.image("other", Split.GOLDEN)
    first = revisions.write(original, other)
    crop = revisions.image("crop", None, ancestors=(original,))
    second = revisions.write(crop, parent=first)
    pasted = revisions.image("pasted", Split.TRAIN, ancestors=(crop,))
    third = revisions.write(pasted, parent=second)
    learnt = learnt_images(Lineage((third.id,), ()), revisions.store)
    assert names(learnt.images) == {"pasted", "crop", "original"}


def test_training_data_that_is_gone_is_said(revisions: Revisions) -> None:
    learnt = learnt_images(Lineage(("1" * 64,), ("a parent nobody knows",)), revisions.store)
    assert learnt.searched == ()
    assert learnt.unknown[0] == "a parent nobody knows"
    assert "111111111111 is not in the store" in learnt.unknown[1]
