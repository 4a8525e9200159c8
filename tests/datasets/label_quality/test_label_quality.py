"""Labels that models contradict are named, and no others; folds never show a model what it judges."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.datasets.errors import SplitRefused
from lineside.datasets.label_quality import (
    CheckedImage,
    SuspectKind,
    divide_into_folds,
    suspect_labels,
)
from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, Split
from lineside.inspection.detections import Detections
from lineside.inspection.frames import MediaType

CLASSES = ("short", "open", "spur")
SIDE_PX = 400


def labelled(name: str, *boxes: LabelledBox, split: Split = Split.TRAIN, group: str | None = None) -> LabelledImage:
    return LabelledImage(
        name=name,
        part_id=name,
        group=group or name,
        image=ImageFile(name.encode().hex().rjust(64, "0")[-64:], 10, SIDE_PX, SIDE_PX, MediaType.PNG),
        boxes=boxes,
        is_declared_good=not boxes,
        split=split,
    )


def found(*rows: tuple[str, tuple[float, float, float, float], float]) -> Detections:
    rows = tuple(sorted(rows, key=lambda row: -row[2]))
    return Detections(
        np.array([box for _, box, _ in rows], np.float32).reshape(-1, 4),
        np.array([confidence for _, _, confidence in rows], np.float32),
        np.array([CLASSES.index(name) for name, _, _ in rows], np.int64),
    )


SHORT = LabelledBox("short", (40, 40, 80, 70))
OPEN = LabelledBox("open", (200, 220, 230, 260))
AS_LABELLED = (("short", (41, 40, 80, 71), 0.9), ("open", (200, 221, 231, 260), 0.8))


def clean(number: int) -> CheckedImage:
    return CheckedImage(labelled(f"clean-{number}", SHORT, OPEN), found(*AS_LABELLED))


CASES = {
    "overlooked": (labelled("bad", SHORT), found(*AS_LABELLED), SuspectKind.OVERLOOKED, "open"),
    "overlooked on a part declared good": (
        labelled("bad"),
        found(("spur", (10, 10, 30, 30), 0.95)),
        SuspectKind.OVERLOOKED,
        "spur",
    ),
    "badly located": (
        labelled("bad", replace(SHORT, box_xyxy_px=(70, 65, 110, 95)), OPEN),
        found(*AS_LABELLED),
        SuspectKind.BADLY_LOCATED,
        "short",
    ),
    "swapped": (
        labelled("bad", replace(SHORT, class_name="spur"), OPEN),
        found(*AS_LABELLED),
        SuspectKind.SWAPPED,
        "spur",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_error_is_named_first(case: str) -> None:
    image, said, kind, class_name = CASES[case]
    suspects = suspect_labels(
        [*(clean(number) for number in range(20)), CheckedImage(image, said)], CLASSES, share=0.05
    )
    assert [each[0].image for each in suspects] == ["bad"]
    assert (suspects[0][0].kind, suspects[0][0].class_name) == (kind, class_name)
    assert 0 <= suspects[0][0].score < 0.5 <= suspects[0][0].confidence


def test_a_suspect_says_what_the_model_sees_instead() -> None:
    image, said, _, _ = CASES["swapped"]
    (suspects,) = suspect_labels([clean(1), CheckedImage(image, said)], CLASSES, share=1.0)
    assert suspects[0].box_xyxy_px == SHORT.box_xyxy_px
    assert (suspects[0].found_class, suspects[0].found_box_xyxy_px) == ("short", (41, 40, 80, 71))


def test_labels_that_nothing_contradicts_are_not_named() -> None:
    images = [clean(number) for number in range(5)]
    images.append(CheckedImage(labelled("good"), found()))
    images.append(CheckedImage(labelled("nothing found", SHORT), found()))
    images.append(CheckedImage(labelled("unsure", SHORT), found(("open", (300, 300, 320, 320), 0.3))))
    assert suspect_labels(images, CLASSES, share=1.0) == ()


def test_nothing_checked_names_nothing() -> None:
    assert suspect_labels([], CLASSES, share=0.02) == ()


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="expected more than 0 and at most 1"):
        suspect_labels([clean(1)], CLASSES, share=share)


def test_no_more_images_are_named_than_the_share() -> None:
    bad = [CheckedImage(replace(CASES["swapped"][0], name=f"bad-{n}"), CASES["swapped"][1]) for n in range(10)]
    assert len(suspect_labels([*bad, *(clean(n) for n in range(90))], CLASSES, share=0.02)) == 2


def test_planted_errors_are_found_among_noisy_findings() -> None:
    """One label in twenty is wrong; the findings are jittered, some are missed and some are made up."""
    random = np.random.default_rng(7)
    images, wrong = [], set()
    for number in range(200):
        truth = [
            (CLASSES[int(random.integers(3))], *random.integers(0, 300, 2)) for _ in range(int(random.integers(3)))
        ]
        boxes = [LabelledBox(name, (x, y, x + 40, y + 30)) for name, x, y in truth]
        rows = [
            (box.class_name, tuple(np.array(box.box_xyxy_px) + random.normal(0, 1.5, 4)), random.uniform(0.6, 0.99))
            for box in boxes
            if random.random() > 0.1
        ]
        rows += [("spur", (350, 350, 380, 380), random.uniform(0.1, 0.45))] if random.random() < 0.2 else []
        name = f"image-{number:03d}"
        if number % 20 == 0 and rows:
            wrong.add(name)
            boxes = (
                boxes[1:] if number % 40 else [replace(boxes[0], class_name=_other(boxes[0].class_name)), *boxes[1:]]
            )
            rows = [(rows[0][0], rows[0][1], 0.97), *rows[1:]]
        images.append(CheckedImage(labelled(name, *boxes), found(*rows)))
    named = {suspects[0].image for suspects in suspect_labels(images, CLASSES, share=0.05)}
    assert len(wrong) >= 5
    assert len(named & wrong) >= 0.8 * len(wrong)


def _other(name: str) -> str:
    return CLASSES[(CLASSES.index(name) + 1) % len(CLASSES)]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_model_judges_what_it_learnt_from(data: st.DataObject) -> None:
    groups = data.draw(st.lists(st.integers(0, 8), min_size=12, max_size=40))
    images = [
        labelled(
            f"i-{n}",
            *([SHORT] if group % 3 else []),
            group=f"g-{group}",
            split=data.draw(st.sampled_from([Split.TRAIN, Split.VAL, Split.GOLDEN, Split.CALIBRATION])),
        )
        for n, group in enumerate(groups)
    ]
    try:
        folds = divide_into_folds(images, folds=3, seed=data.draw(st.integers(0, 99)))
    except SplitRefused:
        return
    group_of = {image.name: image.group for image in images}
    learnable = {image.name for image in images if image.split in {Split.TRAIN, Split.VAL}}
    assert set().union(*(fold.judged for fold in folds)) == learnable
    assert sum(len(fold.judged) for fold in folds) == len(learnable)
    for fold in folds:
        assert fold.judged | fold.validation | fold.training == learnable
        parts = [{group_of[name] for name in names} for names in (fold.judged, fold.validation, fold.training)]
        assert len(set().union(*parts)) == sum(len(part) for part in parts)


@pytest.mark.parametrize(("folds", "defective"), [(2, 9), (4, 3)])
def test_too_few_folds_or_groups_are_refused(folds: int, defective: int) -> None:
    images = [labelled(f"i-{n}", SHORT) for n in range(defective)] + [labelled("good")]
    with pytest.raises(SplitRefused, match="folds"):
        divide_into_folds(images, folds=folds, seed=1)
