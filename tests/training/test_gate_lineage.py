import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.training.errors import GateRefused
from lineside.training.gate.lineage import LEARNT_FROM, Lineage, ModelOrigin, learnt_images, lineage_of
from lineside.training.gate.looks import LookLog, sealed_set_digest

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
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
    assert lineage == Lineage(("1" * 64, "2" * 64), ())


def test_a_parent_that_nobody_knows_is_said() -> None:
    lineage = lineage_of(origin("model", revision="1" * 64, parent="e" * 64), [STARTER])
    assert lineage.revisions == ("1" * 64,)
    assert "eeeeeeeeeeee" in lineage.unknown[0]


def test_a_model_that_names_no_data_is_said_and_a_starter_needs_none() -> None:
    assert lineage_of(origin("model", revision=None), []).unknown
    assert lineage_of(STARTER, []) == Lineage((), ())


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


def test_every_look_at_the_sealed_set_is_kept_and_counted(revisions: Revisions, tmp_path: Path) -> None:
    images = [revisions.image("one", Split.SEALED), revisions.image("two", Split.SEALED)]
    log = LookLog(str(tmp_path / "registry"))
    assert log.looks_at(sealed_set_digest(images)) == ()
    for number in (1, 2, 3):
        look = log.record(
            images,
            name="Kim Min-ji",
            revision="5" * 64,
            releases=[f"{number}" * 64],
            now=NOW + timedelta(hours=number),
        )
        assert look.number == number
    looks = LookLog(str(tmp_path / "registry")).looks_at(sealed_set_digest(reversed(images)))
    assert [look.number for look in looks] == [1, 2, 3]
    assert [look.releases for look in looks] == [("1" * 64,), ("2" * 64,), ("3" * 64,)]
    assert looks[0].at == NOW + timedelta(hours=1)


def test_a_new_revision_with_the_same_sealed_parts_does_not_start_a_new_count(
    revisions: Revisions, tmp_path: Path
) -> None:
    images = [revisions.image("one", Split.SEALED)]
    log = LookLog(str(tmp_path / "registry"))
    log.record(images, name="Kim Min-ji", revision="5" * 64, releases=["1" * 64], now=NOW)
    assert log.record(images, name="Lee Jun", revision="6" * 64, releases=["1" * 64], now=NOW).number == 2
    other = [revisions.image("two", Split.SEALED)]
    assert log.record(other, name="Lee Jun", revision="6" * 64, releases=["1" * 64], now=NOW).number == 1


def test_nobody_looks_without_a_name_or_where_it_cannot_be_written_down(revisions: Revisions, tmp_path: Path) -> None:
    images = [revisions.image("one", Split.SEALED)]
    with pytest.raises(GateRefused, match="the name of who looks"):
        LookLog(str(tmp_path)).record(images, name=" ", revision="5" * 64, releases=[], now=NOW)
    (tmp_path / "taken").write_text("a file where the registry should be")
    with pytest.raises(NotADirectoryError):
        LookLog(str(tmp_path / "taken")).record(images, name="Kim Min-ji", revision="5" * 64, releases=[], now=NOW)


def test_a_changed_log_is_noticed(revisions: Revisions, tmp_path: Path) -> None:
    images = [revisions.image("one", Split.SEALED)]
    log = LookLog(str(tmp_path))
    log.record(images, name="Kim Min-ji", revision="5" * 64, releases=["1" * 64], now=NOW)
    (kept,) = (tmp_path / "looks" / sealed_set_digest(images)).iterdir()
    kept.write_text("{}")
    with pytest.raises(GateRefused, match="no record of a look"):
        log.looks_at(sealed_set_digest(images))
