"""Splits keep groups together, spread the classes, and leave golden parts where they are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.datasets.errors import LeakFound, SplitRefused
from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, Split
from lineside.datasets.leaks import find_leaks_by_identity
from lineside.datasets.revisions import RevisionDraft, RevisionStore
from lineside.datasets.splits import SplitPlan, divide, leaks_between_splits, split_revision
from lineside.inspection.frames import MediaType

THREE_WAYS = {Split.TRAIN: 0.7, Split.VAL: 0.15, Split.GOLDEN: 0.15}


def image(
    number: int, *, group: str, classes: Sequence[str] = (), split: Split | None = None, part_id: str | None = None
) -> LabelledImage:
    return LabelledImage(
        name=f"{number:04}",
        part_id=part_id or f"part-{number}",
        group=group,
        image=ImageFile(f"{number:064x}", 1, 64, 64, MediaType.PNG),
        boxes=tuple(LabelledBox(name, (1, 1, 9, 9)) for name in classes),
        is_declared_good=not classes,
        split=split,
    )


def lots(count: int, *, of: int = 5, seed: int = 3) -> list[LabelledImage]:
    """`count` lots of `of` parts: a third good, most defects scratches, some dents, few pin-holes."""
    random = np.random.default_rng(seed)
    kinds: list[tuple[str, ...]] = [(), ("scratch",), ("dent", "scratch"), ("pin-hole",)]
    chosen = random.choice(4, size=count * of, p=[0.34, 0.4, 0.2, 0.06])
    return [image(at, group=f"lot-{at // of}", classes=kinds[kind]) for at, kind in enumerate(chosen)]


def splits_of(images: Sequence[LabelledImage]) -> dict[str, Split | None]:
    return {each.name: each.split for each in images}


@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(st.integers(1, 6), min_size=3, max_size=25),
    seed=st.integers(0, 2**31),
)
def test_no_group_lies_in_two_splits_and_no_split_is_empty(groups: list[int], seed: int) -> None:
    numbers = [group for group, size in enumerate(groups) for _ in range(size)]
    images = [image(at, group=f"g{group}", classes=("a",) * (at % 2)) for at, group in enumerate(numbers)]

    divided = divide(images, SplitPlan(THREE_WAYS, seed=seed)).images

    assert {each.split for each in divided} == set(THREE_WAYS)
    for split in THREE_WAYS:
        inside = [each for each in divided if each.split is split]
        outside = [each for each in divided if each.split is not split]
        assert find_leaks_by_identity(inside, outside) == ()


@pytest.mark.parametrize("seed", range(5))
def test_classes_and_good_parts_are_spread_by_the_shares(seed: int) -> None:
    divided = divide(lots(80), SplitPlan(THREE_WAYS, seed=seed)).images

    labels = [("all", each.split) for each in divided]
    labels += [(name, each.split) for each in divided for name in {box.class_name for box in each.boxes} or {"good"}]
    counts = Counter(labels)
    for label in ("all", "good", "scratch", "dent", "pin-hole"):
        total = sum(counts[label, split] for split in THREE_WAYS)
        for split, share in THREE_WAYS.items():
            assert counts[label, split] == pytest.approx(share * total, abs=max(2.5, 0.06 * total)), (label, split)


def test_the_seed_decides_and_nothing_else_does() -> None:
    images = lots(30)
    first = divide(images, SplitPlan(THREE_WAYS, seed=1))

    assert divide(list(reversed(images)), SplitPlan(THREE_WAYS, seed=1)) == first
    assert divide(images, SplitPlan(THREE_WAYS, seed=2)) != first


def test_what_is_tied_by_part_or_ancestor_goes_together() -> None:
    images = lots(12)
    images[5] = replace(images[5], part_id=images[40].part_id)
    images[11] = replace(images[11], ancestors=(images[55].image.sha256,))

    found = splits_of(divide(images, SplitPlan(THREE_WAYS)).images)

    assert found["0005"] == found["0040"]
    assert found["0011"] == found["0055"]


def test_golden_parts_stay_and_nothing_joins_them_when_a_revision_grows() -> None:
    before = divide(lots(30), SplitPlan(THREE_WAYS, seed=1)).images
    golden = {each.name for each in before if each.split is Split.GOLDEN}
    golden_lot = next(each.group for each in before if each.split is Split.GOLDEN)
    unsplit = [replace(each, split=None) for each in before]  # a new import of the same images knows no splits
    new = [image(1000 + at, group=f"new-{at}", classes=("dent",)) for at in range(20)]
    of_golden_lot = image(2000, group=golden_lot)

    grown = divide([*unsplit, *new, of_golden_lot], SplitPlan(THREE_WAYS, seed=9), earlier=before)

    found = splits_of(grown.images)
    assert {name for name, split in found.items() if split is Split.GOLDEN} == golden == grown.kept
    assert found["2000"] is None
    assert grown.set_aside == {"2000"}
    assert all(split in (Split.TRAIN, Split.VAL) for name, split in found.items() if name not in golden | {"2000"})


def test_a_new_picture_of_a_golden_lot_is_set_aside_even_when_the_lot_is_not_in_the_child() -> None:
    golden = image(1, group="lot", split=Split.GOLDEN)
    images = [image(2, group="lot"), image(3, group="a"), image(4, group="b")]

    grown = divide(images, SplitPlan({Split.TRAIN: 0.5, Split.VAL: 0.5}), earlier=[golden])

    assert grown.set_aside == {"0002"}


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({Split.TRAIN: 0.5, Split.VAL: 0.4}, r"add up to 0\.9"),
        ({Split.TRAIN: 1.2, Split.VAL: -0.2}, r"share of val is -0\.2"),
        ({Split.TRAIN: float("nan")}, "share of train is nan"),
        ({}, "add up to 0"),
    ],
)
def test_shares_that_are_none_are_refused(shares: dict[Split, float], message: str) -> None:
    with pytest.raises(SplitRefused, match=message):
        SplitPlan(shares)


def test_fewer_groups_than_splits_are_refused() -> None:
    with pytest.raises(SplitRefused, match=r"2 group\(s\) for 3 splits"):
        divide([image(1, group="a"), image(2, group="a"), image(3, group="b")], SplitPlan(THREE_WAYS))


def speckled(store: RevisionStore, number: int, *, seed: int, quality: int = 95) -> LabelledImage:
    """A part whose picture depends on the seed, written with this JPEG quality."""
    random = np.random.default_rng(seed)
    picture = np.full((160, 160), 90, np.uint8)
    for x, y, radius in zip(*random.integers(10, 150, (2, 12)), random.integers(3, 12, 12), strict=True):
        cv2.circle(picture, (int(x), int(y)), int(radius), int(random.integers(120, 255)), -1)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    file = store.add_picture(data.tobytes(), source=str(number))
    return replace(image(number, group=f"g{number}"), image=file)


def draft(images: Sequence[LabelledImage], *, parent: str | None = None) -> RevisionDraft:
    return RevisionDraft(classes=("dent",), images=tuple(images), source="a test", licence_note="none", parent=parent)


def test_a_split_is_a_child_revision_that_says_how_it_was_made(memory_store: RevisionStore) -> None:
    parent = memory_store.write(draft([speckled(memory_store, at, seed=at) for at in range(8)]))
    plan = SplitPlan({Split.TRAIN: 0.5, Split.VAL: 0.25, Split.GOLDEN: 0.25}, seed=4)

    child = split_revision(memory_store, parent, plan)

    assert child.parent == parent.id
    assert child.provenance["split"]["seed"] == 4
    assert child.provenance["split"]["shares"] == {"train": 0.5, "val": 0.25, "golden": 0.25}
    assert Counter(each.split for each in child.images) == {Split.TRAIN: 4, Split.VAL: 2, Split.GOLDEN: 2}
    assert split_revision(memory_store, parent, plan) == child
    regrown = split_revision(memory_store, child, replace(plan, seed=77))
    assert regrown.of_split(Split.GOLDEN) == child.of_split(Split.GOLDEN)


def test_a_recompressed_copy_of_a_golden_part_cannot_be_trained_on(memory_store: RevisionStore) -> None:
    parts = [speckled(memory_store, at, seed=at) for at in range(6)]
    copies = [speckled(memory_store, 100 + at, seed=at, quality=60) for at in range(6)]
    golden = memory_store.write(draft([replace(part, split=Split.GOLDEN) for part in parts]))
    grown = memory_store.write(draft([*parts, *copies], parent=golden.id))

    with pytest.raises(LeakFound, match=r"6 leak\(s\): '0000' \(golden\) and '0100' \(\w+\) show the same shot"):
        split_revision(memory_store, grown, SplitPlan({Split.TRAIN: 0.7, Split.VAL: 0.3}))


def test_a_group_in_two_splits_is_a_leak_whatever_the_splits_are(memory_store: RevisionStore) -> None:
    images = [image(1, group="a", split=Split.TRAIN), image(2, group="a", split=Split.VAL)]

    assert [leak.detail for leak in leaks_between_splits(images, memory_store)] == [
        "'0001' (train) and '0002' (val) are of the group 'a'"
    ]
