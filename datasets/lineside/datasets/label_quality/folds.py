"""Folds: every image is judged by a model that was trained on other parts.

What must stay together (groups, parts, copies) is in one fold. Only `train` and `val` images are learnt from; what
judges or calibrates is never trained on, in no fold either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lineside.datasets.errors import SplitRefused
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft
from lineside.datasets.splits import bundles_of

PROVENANCE_KEY = "label_check"
LEAST_FOLDS = 3
"""One is judged, one is looked at between epochs, at least one is learnt from."""

_LEARNT_FROM = (Split.TRAIN, Split.VAL)


@dataclass(frozen=True, slots=True)
class Fold:
    """One of the models.

    Attributes:
        number: from 0.
        judged: names of the images that it judges and never saw.
        validation: names of the images that are looked at between epochs.
        training: names of the images that it learns from.
    """

    number: int
    judged: frozenset[str]
    validation: frozenset[str]
    training: frozenset[str]


def divide_into_folds(images: Sequence[LabelledImage], *, folds: int, seed: int) -> tuple[Fold, ...]:
    """Divide what a model may learn from; each image is judged in just one fold.

    Whole bundles go round the folds: those with defects first, the good ones after them, each in an order drawn by the
    seed, so that the folds have about as many of both.

    Args:
        images: of a revision; only those of split `train` and `val` count.
        folds: how many, 3 or more.
        seed: of the order.

    Raises:
        SplitRefused: fewer than three folds, or too few bundles with defects to give each fold one.
    """
    if folds < LEAST_FOLDS:
        raise SplitRefused(f"{folds} folds: expected {LEAST_FOLDS} or more; one judges, one validates, the rest teach")
    bundles = bundles_of([image for image in images if image.split in _LEARNT_FROM])
    defective = [bundle for bundle in bundles if any(image.boxes for image in bundle)]
    good = [bundle for bundle in bundles if not any(image.boxes for image in bundle)]
    if len(defective) < folds:
        raise SplitRefused(
            f"{len(defective)} groups with defects in train and val for {folds} folds; each fold needs one: label more "
            "parts, or take fewer folds"
        )
    random = np.random.default_rng(seed)
    members: list[set[str]] = [set() for _ in range(folds)]
    at = 0
    for kind in (defective, good):
        for index in random.permutation(len(kind)):
            members[at % folds].update(image.name for image in kind[index])
            at += 1
    return tuple(
        Fold(
            number,
            judged=frozenset(members[number]),
            validation=frozenset(members[(number + 1) % folds]),
            training=frozenset().union(
                *(names for other, names in enumerate(members) if other not in {number, (number + 1) % folds})
            ),
        )
        for number in range(folds)
    )


def fold_draft(revision: Revision, fold: Fold, *, folds: int, seed: int) -> RevisionDraft:
    """The revision that a fold's model is trained on: the same labels, and splits as the fold says.

    Args:
        revision: that is checked; it becomes the parent.
        fold: of `divide_into_folds` on its images.
        folds: how many there are.
        seed: that they were divided with.
    """
    use = dict.fromkeys(fold.training, Split.TRAIN) | dict.fromkeys(fold.validation, Split.VAL)
    return RevisionDraft(
        classes=revision.classes,
        images=tuple(replace(image, split=use[image.name]) for image in revision.images if image.name in use),
        source=revision.source,
        licence_note=revision.licence_note,
        catalogue=revision.catalogue,
        parent=revision.id,
        provenance={**revision.provenance, PROVENANCE_KEY: {"fold": fold.number, "folds": folds, "seed": seed}},
    )
