"""Leaks are found by identity and in the pictures, and boards that only look alike are none."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pytest

from lineside.datasets.errors import LeakFound
from lineside.datasets.formats.deeppcb import read_deeppcb
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.leaks import LeakKind, find_leaks, find_leaks_by_identity, require_no_leaks
from lineside.datasets.revisions import RevisionStore
from lineside.datasets.synthetic import Board, BoardDesign, LayoutFamily, Look
from lineside.inspection.frames import Image


def encoded(picture: Image, *, quality: int | None = None) -> bytes:
    suffix, options = (".png", []) if quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])
    done, data = cv2.imencode(suffix, picture, options)
    assert done
    return data.tobytes()


def good(store: RevisionStore, name: str, data: bytes, *, split: Split | None = None) -> LabelledImage:
    file = store.add_picture(data, source=name)
    return LabelledImage(name=name, part_id=name, group=name, image=file, is_declared_good=True, split=split)


@pytest.fixture(scope="module")
def boards() -> tuple[Image, ...]:
    """Six parts of one design and two of another, as a camera sees them."""
    first, second = (Board(BoardDesign(LayoutFamily.BUS, seed, (320, 320))) for seed in (5, 6))
    parts = [first.sample(look=Look.CAMERA, defects=2, seed=seed).frame for seed in range(6)]
    return (*parts, *(second.sample(look=Look.CAMERA, defects=2, seed=seed).frame for seed in range(2)))


def cut_half(picture: Image) -> Image:
    """A crop of half the area, away from the edges."""
    height, width = picture.shape[:2]
    rows, columns = round(height * 0.71), round(width * 0.71)
    return np.ascontiguousarray(picture[20 : 20 + rows, 50 : 50 + columns])


CHANGES: Mapping[str, Callable[[Image], bytes]] = MappingProxyType(
    {
        "JPEG, quality 60": lambda picture: encoded(picture, quality=60),
        "brighter": lambda picture: encoded(np.clip(picture * 1.1 + 10, 0, 255).astype(np.uint8)),
        "half the size": lambda picture: encoded(
            np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        ),
        "half the area": lambda picture: encoded(cut_half(picture)),
        "half the area, JPEG, quality 60": lambda picture: encoded(cut_half(picture), quality=60),
    }
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_under_another_name_is_a_leak(
    memory_store: RevisionStore, boards: tuple[Image, ...], change: str
) -> None:
    used = [good(memory_store, f"used-{at}", encoded(board)) for at, board in enumerate(boards)]
    protected = [good(memory_store, "golden", CHANGES[change](boards[3]))]

    leaks = find_leaks(protected, used, memory_store)

    assert [(leak.kind, leak.protected, leak.used) for leak in leaks] == [(LeakKind.COPY, "golden", "used-3")]


@pytest.mark.parametrize("defects", [0, 2], ids=["good ones too", "defective ones"])
def test_parts_of_one_design_are_not_copies_of_each_other(memory_store: RevisionStore, defects: int) -> None:
    """Good parts under one camera differ by their noise alone."""
    board = Board(BoardDesign(LayoutFamily.BUS, 5, (320, 320)))
    frames = [board.sample(look=Look.CAMERA, defects=defects, seed=seed).frame for seed in range(5)]
    images = [good(memory_store, f"part-{at}", encoded(frame)) for at, frame in enumerate(frames)]
    halves = [good(memory_store, f"half-{at}", encoded(cut_half(frame))) for at, frame in enumerate(frames[:2])]

    assert find_leaks([*halves, *images[:2]], images[2:], memory_store) == ()


def test_a_real_board_is_told_from_its_template_and_found_in_its_crop(
    memory_store: RevisionStore, deeppcb_root: Path
) -> None:
    pairs = list(read_deeppcb(deeppcb_root, groups=["44000"]))[:6]
    used = [good(memory_store, pair.name, encoded(pair.frame)) for pair in pairs]
    templates = [good(memory_store, f"{pair.name}-template", encoded(pair.reference)) for pair in pairs]
    crops = [good(memory_store, f"{pair.name}-crop", encoded(cut_half(pair.frame), quality=60)) for pair in pairs]

    assert find_leaks(templates, used, memory_store) == ()
    found = {(leak.protected, leak.used) for leak in find_leaks(crops, used, memory_store)}
    right = {(f"{pair.name}-crop", pair.name) for pair in pairs}
    assert found <= right
    assert len(found) >= 5  # a crop may show nothing at all


@pytest.fixture
def pair(memory_store: RevisionStore, boards: tuple[Image, ...]) -> tuple[LabelledImage, LabelledImage]:
    """Two images that share nothing."""
    return good(memory_store, "a", encoded(boards[0])), good(memory_store, "b", encoded(boards[6]))


def test_each_tie_by_identity_is_named(pair: tuple[LabelledImage, LabelledImage]) -> None:
    first, second = pair
    made_of_first = replace(second, ancestors=(first.image.sha256,))
    sibling = replace(first, ancestors=("e" * 64,)), replace(second, ancestors=("e" * 64,))
    cases = {
        "nothing": (first, second, None),
        "same picture": (first, replace(second, image=first.image), LeakKind.IMAGE),
        "used as a reference": (first, replace(second, reference=first.image), LeakKind.IMAGE),
        "made from it": (first, made_of_first, LeakKind.ANCESTOR),
        "protected one made from it": (made_of_first, first, LeakKind.ANCESTOR),
        "a common ancestor": (*sibling, LeakKind.ANCESTOR),
        "same part": (first, replace(second, part_id=first.part_id), LeakKind.PART),
        "same group": (first, replace(second, group=first.group), LeakKind.GROUP),
        "lots of two products with one number": (
            replace(first, product="x"),
            replace(second, group=first.group, product="y"),
            None,
        ),
    }
    found = {label: find_leaks_by_identity([protected], [used]) for label, (protected, used, _) in cases.items()}

    assert {label: leaks[0].kind if leaks else None for label, leaks in found.items()} == {
        label: kind for label, (_, _, kind) in cases.items()
    }


def test_leaks_are_refused_with_their_names(pair: tuple[LabelledImage, LabelledImage]) -> None:
    first, second = pair
    leaks = find_leaks_by_identity([replace(first, split=Split.GOLDEN)], [replace(second, group=first.group)])

    with pytest.raises(LeakFound, match=r"1 leak\(s\): 'a' \(golden\) and 'b' are of the group 'a'") as raised:
        require_no_leaks(leaks)
    assert raised.value.leaks == leaks


def test_nothing_against_nothing_is_no_leak(memory_store: RevisionStore) -> None:
    require_no_leaks(find_leaks([], [], memory_store))
