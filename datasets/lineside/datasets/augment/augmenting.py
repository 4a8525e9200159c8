"""From a revision to a larger one: its training split with made images beside the real ones."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain

import cv2
import numpy as np

from lineside.datasets.augment.pasting import DefectPatch, cut_defect, paste_defects
from lineside.datasets.augment.picture import Picture
from lineside.datasets.augment.plan import AugmentationPlan
from lineside.datasets.augment.variation import GeometricVariation, PhotometricVariation
from lineside.datasets.errors import AugmentationRefused
from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.inspection.errors import RegistrationRefused
from lineside.inspection.frames import Image, MediaType
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, register, to_gray

VARIED_PREFIX = "varied/"
PASTED_PREFIX = "pasted/"
PROVENANCE_KEY = "augmentation"

_ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
_SOURCES_TRIED = 6  # pictures from which a good one is offered defects


@dataclass(frozen=True, slots=True)
class Augmented:
    """What came of it.

    Attributes:
        revision: the new one.
        varied: copies made.
        pasted: good pictures that got defects.
        wanted_pasted: how many the plan asked for; fewer are made where no defect finds a place.
    """

    revision: Revision
    varied: int
    pasted: int
    wanted_pasted: int


def augment_revision(
    store: RevisionStore,
    revision: Revision,
    plan: AugmentationPlan,
    *,
    on_image: Callable[[int, int], None] = lambda _done, _total: None,
) -> Augmented:
    """Write a revision that has made images in its training split; all others stay as they are.

    Defects are pasted onto training images that were declared good, and onto the references of training images: a
    golden image is a good part. The same revision and plan give the same revision again.

    Args:
        store: has the revision, gets the new one.
        revision: what to take from.
        plan: what to make.
        on_image: hears after each image how many of how many are made.

    Raises:
        AugmentationRefused: the training split is empty, or was made larger before; nothing to paste or nothing to
            paste it on.
        ExtraMissing: albumentations is not installed.
    """
    train = revision.of_split(Split.TRAIN)
    if not train:
        raise AugmentationRefused(
            f"revision {revision.id[:12]} has no image of split 'train'; split it first: only that one is made larger"
        )
    if PROVENANCE_KEY in revision.provenance:
        raise AugmentationRefused(
            f"revision {revision.id[:12]} has made images already; take its parent {str(revision.parent)[:12]}: copies "
            "of copies would hide what is real"
        )
    made: list[LabelledImage] = []
    wanted = _wanted_pasted(len(train) * (1 + plan.copies), plan.paste_share)
    for image in chain(_varied(store, train, plan), _pasted(store, train, plan, wanted)):
        made.append(image)
        on_image(len(made), len(train) * plan.copies + wanted)
    pasted = sum(image.name.startswith(PASTED_PREFIX) for image in made)
    varied = len(made) - pasted
    provenance = {
        **revision.provenance,
        PROVENANCE_KEY: {"plan": asdict(plan), "real": len(train), "varied": varied, "pasted": pasted},
    }
    draft = RevisionDraft(
        classes=revision.classes,
        images=(*revision.images, *made),
        source=revision.source,
        licence_note=revision.licence_note,
        catalogue=revision.catalogue,
        parent=revision.id,
        provenance=provenance,
    )
    return Augmented(store.write(draft), varied, pasted, wanted)


def _wanted_pasted(others: int, share: float) -> int:
    """So many that they are this share of all."""
    return int(others * share / (1 - share) + 1e-9)


def _varied(store: RevisionStore, train: Sequence[LabelledImage], plan: AugmentationPlan) -> Iterator[LabelledImage]:
    light = PhotometricVariation(plan.photometric)
    geometry = GeometricVariation(plan.rotate_deg, plan.crop_px)
    for number, image in enumerate(train):
        for copy in range(plan.copies):
            rng = np.random.default_rng([plan.seed, 0, number, copy])
            picture = geometry(_read(store, image), rng)
            if image.boxes and not picture.class_names:
                continue  # cut away: no longer a defect, and nobody declared the rest good
            changed = Picture(
                light.photometric(picture.frame, rng), picture.reference, picture.boxes_xyxy_px, picture.class_names
            )
            name = f"{VARIED_PREFIX}{image.name}-{copy}"
            yield _write(store, changed, name, image, ancestors=_lineage(image))


def _pasted(
    store: RevisionStore, train: Sequence[LabelledImage], plan: AugmentationPlan, wanted: int
) -> Iterator[LabelledImage]:
    if not wanted:
        return
    sources = [image for image in train if image.boxes]
    grounds = [image for image in train if image.is_declared_good or image.reference is not None]
    if not sources or not grounds:
        raise AugmentationRefused(
            f"the training split has {len(sources)} images with defects and {len(grounds)} good ones or references: "
            "pasting needs some of each; import good parts, or leave --paste-share out"
        )
    for number in range(wanted):
        rng = np.random.default_rng([plan.seed, 1, number])
        ground = grounds[int(rng.integers(len(grounds)))]
        chosen = [sources[int(index)] for index in rng.permutation(len(sources))[:_SOURCES_TRIED]]
        offered = [patch for source in chosen for patch in _patches(store, source, rng)]
        done = paste_defects(_good(store, ground), offered, most=plan.defects_pasted, rng=rng)
        if done is None:
            continue
        picture, used = done
        lineage = {*_lineage(ground), *(digest for patch in used for digest in patch.lineage)}
        yield _write(store, picture, f"{PASTED_PREFIX}{number:06d}", ground, ancestors=tuple(sorted(lineage)))


def _patches(store: RevisionStore, source: LabelledImage, rng: np.random.Generator) -> list[DefectPatch]:
    picture = _aligned(_read(store, source))
    if picture is None:
        return []
    order = rng.permutation(len(picture.class_names))
    cut = (cut_defect(picture, int(index), lineage=_lineage(source)) for index in order)
    return [patch for patch in cut if patch is not None]


def _aligned(picture: Picture) -> Picture | None:
    """The picture with its reference laid on it, as serving does; None where it does not fit."""
    if picture.reference is None:
        return picture
    golden = Reference("golden", to_gray(picture.reference), "dataset", _ALWAYS)
    try:
        laid = register(
            to_gray(picture.frame), [PreparedReference.prepare(golden)], limits=RegistrationLimits(), now=_ALWAYS
        )
    except RegistrationRefused:
        return None
    return Picture(picture.frame, laid.image, picture.boxes_xyxy_px, picture.class_names)


def _good(store: RevisionStore, image: LabelledImage) -> Picture:
    """The picture itself if it was declared good, else its golden image."""
    picture = _read(store, image)
    frame = picture.frame if image.is_declared_good or picture.reference is None else picture.reference
    return Picture(frame, picture.reference, np.empty((0, 4)), ())


def _read(store: RevisionStore, image: LabelledImage) -> Picture:
    reference = None if image.reference is None else store.pixels(image.reference)
    boxes = np.array([box.box_xyxy_px for box in image.boxes], np.float64).reshape(-1, 4)
    return Picture(store.pixels(image.image), reference, boxes, tuple(box.class_name for box in image.boxes))


def _write(
    store: RevisionStore, picture: Picture, name: str, like: LabelledImage, *, ancestors: tuple[str, ...]
) -> LabelledImage:
    """Put the pictures into the store and describe them; the part is a new one of the same group."""
    boxes = tuple(
        LabelledBox(class_name, (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        for class_name, box in zip(picture.class_names, picture.boxes_xyxy_px, strict=True)
    )
    return LabelledImage(
        name=name,
        part_id=name,
        group=like.group,
        product=like.product,
        line=like.line,
        view=like.view,
        image=_add(store, picture.frame),
        reference=None if picture.reference is None else _add(store, picture.reference),
        boxes=boxes,
        is_declared_good=not boxes,
        split=Split.TRAIN,
        ancestors=ancestors,
    )


def _add(store: RevisionStore, image: Image) -> ImageFile:
    _, encoded = cv2.imencode(".png", image)
    data = np.asarray(encoded, np.uint8).tobytes()
    height, width = image.shape[:2]
    file = ImageFile(hashlib.sha256(data).hexdigest(), len(data), width, height, MediaType.PNG)
    store.add_file(data, file)
    return file


def _lineage(image: LabelledImage) -> tuple[str, ...]:
    """The digests of the picture, of its golden image and of everything that they were made from.

    The golden image counts: defects are pasted on it, and a golden image may be a good part of another revision.
    """
    return (*(file.sha256 for file in image.files), *image.ancestors)
