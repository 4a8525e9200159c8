"""New labelled images in a revision that is split already: they join train and val, and nothing else moves.

An image that changed sides would spoil both: what a model learnt from may not choose its thresholds, and what judges
may not grow by what somebody picked.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lineside.datasets.errors import SplitRefused
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.leaks import find_leaks, find_leaks_by_identity
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.datasets.splits import PROTECTED_SPLITS, SplitPlan, ancestral_images, bundles_of, divide

PROVENANCE_KEY = "growth"
"""Under which a revision says what joined and what was set aside."""

_LEARNT = (Split.TRAIN, Split.VAL)
_LEAST_BUNDLES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPlan:
    """How the new images are divided.

    Attributes:
        val_share: of the new images, for split val; 0 sends all to train.
        seed: decides between groups that fit equally well.
    """

    val_share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.val_share < 1:
            raise SplitRefused(f"a share of {self.val_share} for val; expected 0 or more and below 1")


@dataclass(frozen=True, slots=True)
class Growth:
    """A revision in which the new images have their splits.

    Attributes:
        revision: the child; the revision itself where nothing joined.
        joined: split of each image that joined, by name.
        set_aside: why an image has no split, by name.
    """

    revision: Revision
    joined: Mapping[str, Split]
    set_aside: Mapping[str, str]

    @property
    def counts(self) -> Mapping[Split, int]:
        """How many joined each split."""
        return Counter(self.joined.values())


def grow_splits(
    store: RevisionStore,
    revision: Revision,
    plan: GrowthPlan,
    *,
    on_image: Callable[[int, int], None] | None = None,
) -> Growth:
    """Write a child revision in which the images without a split are in train or val.

    New images of a group, part or ancestor that is in train or val already go there too. What is tied to golden,
    sealed, calibration or escape bank images, here or in an ancestor, or is a copy of one that judges, gets no split.

    Args:
        store: where the revision is and its child goes.
        revision: split already, new images without a split in it.
        plan: how.
        on_image: called for each picture that the search for copies looked at.

    Raises:
        RevisionCorrupt: a picture or an ancestor is missing or was changed.
        StoreUnwritable: the store refused.
    """
    growth = divide_new(revision.images, plan, earlier=ancestral_images(store, revision))
    growth = _without_copies(growth, revision, store, plan, on_image=on_image)
    if not growth.joined:
        return Growth(revision, {}, growth.set_aside)
    record = {
        "seed": plan.seed,
        "val_share": plan.val_share,
        "joined": {split.value: count for split, count in sorted(Counter(growth.joined.values()).items())},
        "set_aside": dict(sorted(growth.set_aside.items())),
    }
    child = store.write(
        RevisionDraft(
            classes=revision.classes,
            images=tuple(replace(each, split=growth.joined.get(each.name, each.split)) for each in revision.images),
            source=revision.source,
            licence_note=revision.licence_note,
            catalogue=revision.catalogue,
            parent=revision.id,
            provenance={**revision.provenance, PROVENANCE_KEY: record},
        )
    )
    return Growth(child, growth.joined, growth.set_aside)


@dataclass(frozen=True, slots=True)
class NewDivision:
    """What becomes of the new images, before it is written.

    Attributes:
        joined: split by name.
        set_aside: why an image has no split, by name.
    """

    joined: Mapping[str, Split]
    set_aside: Mapping[str, str]


def divide_new(
    images: Iterable[LabelledImage],
    plan: GrowthPlan,
    *,
    earlier: Iterable[LabelledImage] = (),
    barred: Mapping[str, str] | None = None,
) -> NewDivision:
    """Divide the images without a split between train and val; the same images and plan give the same division.

    Args:
        images: all of a revision.
        plan: how.
        earlier: images of earlier revisions, for what they held in splits that judge.
        barred: names that may not join, and why; what is tied to them may not either.
    """
    judged_before = [image for image in earlier if image.split in PROTECTED_SPLITS]
    joined: dict[str, Split] = {}
    set_aside: dict[str, str] = {}
    free: list[Sequence[LabelledImage]] = []
    for bundle in bundles_of(sorted(images, key=lambda image: image.name)):
        new = [image for image in bundle if image.split is None]
        if not new:
            continue
        why = _why_barred(bundle, judged_before, barred or {})
        ties = {image.split for image in bundle if image.split in _LEARNT}
        if why or len(ties) > 1:
            set_aside |= dict.fromkeys((image.name for image in new), why or "tied to images of train and of val")
        elif ties:
            joined |= dict.fromkeys((image.name for image in new), next(iter(ties)) or Split.TRAIN)
        else:
            free.append(new)
    if plan.val_share == 0 or len(free) < _LEAST_BUNDLES:
        joined |= {image.name: Split.TRAIN for bundle in free for image in bundle}
    else:
        shares = {Split.TRAIN: 1 - plan.val_share, Split.VAL: plan.val_share}
        division = divide((image for bundle in free for image in bundle), SplitPlan(shares, seed=plan.seed, keep=()))
        joined |= {image.name: image.split for image in division.images if image.split is not None}
    return NewDivision(joined, set_aside)


def _why_barred(
    bundle: Sequence[LabelledImage], judged_before: Sequence[LabelledImage], barred: Mapping[str, str]
) -> str:
    """Why none of these may be learnt from; empty if they may."""
    for image in bundle:
        if image.name in barred:
            return barred[image.name]
        if image.split is not None and image.split not in _LEARNT:
            return f"tied by group, part or picture to {image.name!r} in split {image.split}"
    leaks = find_leaks_by_identity(judged_before, [image for image in bundle if image.split is None])
    return f"tied to {leaks[0].protected!r}, which judged in an earlier revision" if leaks else ""


def _without_copies(
    growth: NewDivision,
    revision: Revision,
    store: RevisionStore,
    plan: GrowthPlan,
    *,
    on_image: Callable[[int, int], None] | None,
) -> NewDivision:
    """The division again, without the new images that show the same shot as one that judges."""
    if not growth.joined:
        return growth
    new = [image for image in revision.images if image.name in growth.joined]
    copies = find_leaks(revision.of_split(*PROTECTED_SPLITS), new, store, on_image=on_image)
    if not copies:
        return growth
    barred = {leak.used: f"shows the same shot as {leak.protected!r}, which judges" for leak in copies}
    return divide_new(revision.images, plan, earlier=ancestral_images(store, revision), barred=barred)
