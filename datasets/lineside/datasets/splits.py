"""Splits: which labelled parts make a model and which judge it.

Whole groups (boards, lots) go to one split, and what is tied otherwise, by part or by a common ancestor, goes with
them. The classes and the good parts are spread by iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML
PKDD 2011), over groups instead of samples; then groups move while that brings the counts nearer to the shares.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.augment import PROVENANCE_KEY as AUGMENTATION_KEY
from lineside.datasets.errors import SplitRefused
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.leaks import Leak, find_leaks, find_leaks_by_identity, require_no_leaks
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.datasets.sample_origins import SAMPLE_SPLITS, describe_picked, picked_among

PROTECTED_SPLITS = (Split.GOLDEN, Split.SEALED, Split.ESCAPE_BANK)
"""What judges."""
MAKING_SPLITS = (Split.TRAIN, Split.VAL, Split.CALIBRATION)
"""What a model and its thresholds are made from."""

_GOOD = "good part"
_SHARE_TOLERANCE = 1e-6
_IMPROVEMENT_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How to split.

    Attributes:
        shares: of the images, by split; each above 0, together 1.
        seed: decides between groups that fit equally well.
        keep: splits whose images stay as they are and which get no new ones: a golden set that changes compares
            nothing. One that has no image yet is drawn by its share.
    """

    shares: Mapping[Split, float]
    seed: int = 0
    keep: tuple[Split, ...] = PROTECTED_SPLITS

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for split, share in self.shares.items():
            if not (math.isfinite(share) and share > 0):
                raise SplitRefused(
                    f"the share of {split} is {share}; expected a number above 0, or leave the split out"
                )
        total = sum(self.shares.values())
        if abs(total - 1) > _SHARE_TOLERANCE:
            raise SplitRefused(f"the shares add up to {total:g}; expected 1")


@dataclass(frozen=True, slots=True)
class Division:
    """A split before it is written.

    Attributes:
        images: all of them with their splits, sorted by name.
        kept: names of the images that stayed in a kept split.
        set_aside: names of new images tied to a kept split: neither may they change it nor be used otherwise, so they
            have no split.
    """

    images: tuple[LabelledImage, ...]
    kept: frozenset[str] = frozenset()
    set_aside: frozenset[str] = field(default_factory=frozenset)


def divide(images: Iterable[LabelledImage], plan: SplitPlan, *, earlier: Iterable[LabelledImage] = ()) -> Division:
    """Divide images among splits; the same images and plan give the same division.

    Args:
        images: what is divided; their present splits count only where the plan keeps them.
        plan: shares, seed and what is kept.
        earlier: images of earlier revisions, for what they held in kept splits.

    Raises:
        SplitRefused: fewer groups than splits, or nothing left to divide; or picked images and no split that may hold
            them, or so many that too few groups are left for the splits that may not.
    """
    everything = sorted(images, key=lambda image: image.name)
    before = tuple(earlier)
    frozen = _kept_splits([*everything, *before], plan.keep)
    protected_before = [image for image in before if image.image.sha256 in frozen]
    shares = {split: share for split, share in plan.shares.items() if split not in frozen.values()}
    chosen: dict[str, Split | None] = {}
    kept: set[str] = set()
    set_aside: set[str] = set()
    free: list[Sequence[LabelledImage]] = []
    for bundle in bundles_of(everything):
        protected = {image.name: frozen[image.image.sha256] for image in bundle if image.image.sha256 in frozen}
        if not protected and not find_leaks_by_identity(bundle, protected_before):
            free.append(bundle)
            continue
        for image in bundle:
            chosen[image.name] = protected.get(image.name)
            (kept if image.name in protected else set_aside).add(image.name)
    picked = picked_among(everything, lineage=before)
    _require_place_for(picked, free, shares)
    chosen.update(_stratify(free, shares, seed=plan.seed, picked={image.name for image in picked}))
    return Division(
        images=tuple(replace(image, split=chosen[image.name]) for image in everything),
        kept=frozenset(kept),
        set_aside=frozenset(set_aside),
    )


def split_revision(
    store: RevisionStore, revision: Revision, plan: SplitPlan, *, on_image: Callable[[int, int], None] | None = None
) -> Revision:
    """Write a child revision with the plan's splits, after looking for leaks.

    Args:
        store: where the revision is and its child goes.
        revision: what is split; what its ancestors held in kept splits stays protected too.
        plan: how.
        on_image: called for each picture that the search for copies looked at.

    Raises:
        SplitRefused: see `divide`; or the revision has made images, which must not judge.
        LeakFound: a copy of a protected picture would be trained on.
        RevisionCorrupt: a picture or an ancestor is missing or was changed.
        StoreUnwritable: the store refused.
    """
    if AUGMENTATION_KEY in revision.provenance:
        raise SplitRefused(
            f"revision {revision.id[:12]} has made images, and what is made judges nothing; split its parent "
            f"{str(revision.parent)[:12]} and augment the child of that"
        )
    division = divide(revision.images, plan, earlier=ancestral_images(store, revision))
    require_no_leaks(leaks_between_splits(division.images, store, on_image=on_image))
    record = {
        "seed": plan.seed,
        "shares": {split.value: share for split, share in sorted(plan.shares.items())},
        "kept": {split.value: count for split, count in sorted(_counts(division, division.kept).items())},
        "set_aside": len(division.set_aside),
    }
    return store.write(
        RevisionDraft(
            classes=revision.classes,
            images=division.images,
            source=revision.source,
            licence_note=revision.licence_note,
            catalogue=revision.catalogue,
            parent=revision.id,
            provenance={**revision.provenance, "split": record},
        )
    )


def leaks_between_splits(
    images: Iterable[LabelledImage], store: RevisionStore, *, on_image: Callable[[int, int], None] | None = None
) -> tuple[Leak, ...]:
    """The ties between splits: by identity between any two, by copies between what judges and what makes a model."""
    by_split: dict[Split, list[LabelledImage]] = {}
    for image in images:
        if image.split is not None:
            by_split.setdefault(image.split, []).append(image)
    order = [split for split in (*PROTECTED_SPLITS, *MAKING_SPLITS) if split in by_split]
    tied: list[Leak] = []
    for position, split in enumerate(order):
        others = [image for other in order[position + 1 :] for image in by_split[other]]
        tied += find_leaks_by_identity(by_split[split], others)
    protected = [image for split in PROTECTED_SPLITS for image in by_split.get(split, [])]
    making = [image for split in MAKING_SPLITS for image in by_split.get(split, [])]
    found = find_leaks(protected, making, store, on_image=on_image)
    return tuple(dict.fromkeys((*tied, *found)))


def _kept_splits(images: Iterable[LabelledImage], keep: Sequence[Split]) -> Mapping[str, Split]:
    """The kept split of a picture, by digest; the first that says so counts: the revision itself, then its parents."""
    frozen: dict[str, Split] = {}
    for image in images:
        if image.split is not None and image.split in keep:
            frozen.setdefault(image.image.sha256, image.split)
    return MappingProxyType(frozen)


def bundles_of(images: Sequence[LabelledImage]) -> list[Sequence[LabelledImage]]:
    """What must stay together: by group, part, picture or a common ancestor; in the order of their first images."""
    leader = list(range(len(images)))

    def lead(position: int) -> int:
        while leader[position] != position:
            leader[position] = leader[leader[position]]
            position = leader[position]
        return position

    first_with: dict[tuple[str, str], int] = {}
    for position, image in enumerate(images):
        ties = [("group", image.group), ("part", image.part_id), ("digest", image.image.sha256)]
        ties += [("digest", digest) for digest in image.ancestors]
        for tie in ties:
            ours, theirs = lead(position), lead(first_with.setdefault(tie, position))
            leader[max(ours, theirs)] = min(ours, theirs)
    bundles: dict[int, list[LabelledImage]] = {}
    for position, image in enumerate(images):
        bundles.setdefault(lead(position), []).append(image)
    return list(bundles.values())


def _require_place_for(
    picked: Sequence[LabelledImage], bundles: Sequence[Sequence[LabelledImage]], shares: Mapping[Split, float]
) -> None:
    """Refuse what would put a picked image, or one of its group, into a split that must be a sample of the line."""
    names = {image.name for image in picked}
    tied = [bundle for bundle in bundles if any(image.name in names for image in bundle)]
    if not tied or not shares:
        return
    samples = [split for split in shares if split in SAMPLE_SPLITS]
    to_place = {image.name for bundle in tied for image in bundle}
    free = [image for image in picked if image.name in to_place]
    if len(samples) == len(shares):
        raise SplitRefused(
            f"{describe_picked(free)} cannot go to {', '.join(samples)}: what was picked for what it shows is no "
            "sample of the line. Give train or val a share"
        )
    if len(bundles) - len(tied) < len(samples):
        raise SplitRefused(
            f"{describe_picked(free)} and their groups cannot go to {', '.join(samples)}, and "
            f"{len(bundles) - len(tied)} of {len(bundles)} group(s) are left for {len(samples)} such split(s); label "
            "random or designed samples for them"
        )


def _stratify(
    bundles: Sequence[Sequence[LabelledImage]],
    shares: Mapping[Split, float],
    *,
    seed: int,
    picked: Collection[str] = (),
) -> dict[str, Split]:
    """A split for each image of the bundles; the groups of picked ones stay out of what must be a sample."""
    if not bundles and not shares:
        return {}
    if not shares:
        raise SplitRefused(
            f"{len(bundles)} group(s) are new and every split with a share is kept as it is; give another split a share"
        )
    if len(bundles) < len(shares):
        raise SplitRefused(
            f"{len(bundles)} group(s) for {len(shares)} splits ({', '.join(shares)}); images of one group, part or "
            "ancestor stay together, so at least as many groups are needed"
        )
    splits = sorted(shares, key=lambda split: (-shares[split], split))
    wanted_shares = np.array([shares[split] for split in splits])
    counts = _label_counts(bundles)
    wanted = np.outer(wanted_shares / wanted_shares.sum(), counts.sum(axis=0))
    is_sample = np.array([split in SAMPLE_SPLITS for split in splits])
    is_picked = np.array([any(image.name in picked for image in bundle) for bundle in bundles])
    may_hold = ~(is_picked[:, None] & is_sample[None])
    random = np.random.default_rng(seed)
    chosen = _improve(_assign(counts, wanted, may_hold, random), counts, wanted, may_hold)
    return {image.name: splits[split] for bundle, split in zip(bundles, chosen, strict=True) for image in bundle}


def _label_counts(bundles: Sequence[Sequence[LabelledImage]]) -> NDArray[np.float64]:
    """(bundles, labels): images with each class, good images, and, in the last column, all images."""
    rows = [
        Counter(label for image in bundle for label in ({box.class_name for box in image.boxes} or {_GOOD}))
        for bundle in bundles
    ]
    labels = sorted({label for row in rows for label in row})
    sizes = [len(bundle) for bundle in bundles]
    return np.array([[*(row[label] for label in labels), size] for row, size in zip(rows, sizes, strict=True)], float)


def _assign(
    counts: NDArray[np.float64], wanted: NDArray[np.float64], may_hold: NDArray[np.bool_], random: np.random.Generator
) -> list[int]:
    """The rarest label first: each bundle that has it goes to the split that still wants it most and may hold it.

    `may_hold` is (bundles, splits).
    """
    is_narrow = ~may_hold.all(axis=0)  # splits that not every bundle may go to
    chosen = np.full(len(counts), -1)
    missing = wanted.copy()
    ties = random.permutation(len(counts))
    while (chosen < 0).any():
        left = counts[chosen < 0].sum(axis=0)
        label = int(np.where(left > 0, left, np.inf).argmin())
        having = [at for at in range(len(counts)) if chosen[at] < 0 and counts[at, label] > 0]
        for at in sorted(having, key=lambda at: (-counts[at, -1], ties[at])):
            # A split that has nothing yet comes first: none may stay empty.
            empty = np.array([not (chosen == split).any() for split in range(len(wanted))])
            left_over = chosen < 0
            must_fill = empty & (int(left_over.sum()) <= int(empty.sum()))
            anywhere = int((left_over & may_hold.all(axis=1)).sum())
            must_fill_first = empty & is_narrow & (anywhere <= int((empty & is_narrow).sum()))
            order = np.lexsort((-missing[:, -1], -missing[:, label], ~must_fill, ~must_fill_first, ~may_hold[at]))
            chosen[at] = int(order[0])
            missing[chosen[at]] -= counts[at]
    return [int(split) for split in chosen]


def _improve(
    chosen: list[int], counts: NDArray[np.float64], wanted: NDArray[np.float64], may_hold: NDArray[np.bool_]
) -> list[int]:
    """Move single bundles while that brings the counts nearer to what is wanted."""
    scale = 1 / np.maximum(counts.sum(axis=0), 1)
    scale[-1] *= counts.shape[1]  # the sizes of the splits weigh as much as all classes together
    held = np.zeros_like(wanted)
    for at, split in enumerate(chosen):
        held[split] += counts[at]

    def cost(of: NDArray[np.float64]) -> float:
        return float((((of - wanted) * scale) ** 2).sum())

    def shifted(at: int, split: int) -> NDArray[np.float64]:
        moved = held.copy()
        moved[chosen[at]] -= counts[at]
        moved[split] += counts[at]
        return moved

    for _ in range(_IMPROVEMENT_ROUNDS):
        before = cost(held)
        for at in range(len(chosen)):
            if chosen.count(chosen[at]) == 1:
                continue
            others = (split for split in range(len(wanted)) if split != chosen[at] and may_hold[at, split])
            options = [(cost(shifted(at, split)), split) for split in others]
            if options and min(options)[0] < cost(held) - 1e-12:
                best = min(options)[1]
                held = shifted(at, best)
                chosen[at] = best
        if cost(held) >= before - 1e-12:
            break
    return chosen


def ancestral_images(store: RevisionStore, revision: Revision) -> list[LabelledImage]:
    """The images of a revision's parent, of that one's parent, and so on, each as it was there.

    Raises:
        RevisionUnknown: an ancestor is not in the store.
        RevisionCorrupt: an ancestor was changed.
    """
    found: list[LabelledImage] = []
    parent = revision.parent
    while parent is not None:
        ancestor = store.read(parent)
        found += ancestor.images
        parent = ancestor.parent
    return found


def _counts(division: Division, names: frozenset[str]) -> Counter[Split]:
    return Counter(image.split for image in division.images if image.name in names and image.split is not None)
