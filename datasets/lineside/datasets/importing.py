"""From a folder or archive of labelled images to a revision.

A reader understands the layout; here is checked what holds for all of them: classes that differ, names that are unique,
pictures that decode to the last byte, boxes inside their image, and no image that is good only because nobody
labelled it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from lineside.datasets.archives import is_archive, unpacked
from lineside.datasets.class_names import require_distinct_classes
from lineside.datasets.errors import (
    ClassesRefused,
    DatasetError,
    EmptyDataset,
    LabelsRefused,
    RevisionUnknown,
    SampleUnreadable,
)
from lineside.datasets.formats import FormatName, ReadingOptions, SourceImage, read_layout
from lineside.datasets.formats.source import Problems, some_of
from lineside.datasets.grouping import ByLayout, Grouping, Placement
from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, SampleOrigin, require_name
from lineside.datasets.placing_boxes import BoxPlacer
from lineside.datasets.revisions import CatalogueRef, Revision, RevisionDraft, RevisionStore
from lineside.inspection.catalogue import Catalogue


class Unlabelled(StrEnum):
    """What to do with images that nobody labelled."""

    REFUSE = "refuse"
    GOOD = "good"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What a person says of the images.

    Attributes:
        licence_note: what may be done with them; required.
        source: where they come from; the layout's name if not given.
        unlabelled: whether an image without a label is an error, a good part, or left out.
        is_clipping: boxes that reach outside are cut at the image's edge and recorded, instead of refused.
        grouping: what part and board an image is of; None takes what the layout says, else each for itself.
        product: what the parts are, where the grouping does not say.
        line: where the images were taken, where the grouping does not say.
        view: the recipe's view, where the grouping does not say.
        parent: id of the revision that these images continue.
        catalogue: the defect catalogue that every class must be in.
        origin: how the images were chosen; None leaves it unsaid. What the parent knows as picked stays picked.
        reading: what the layout leaves open.
    """

    licence_note: str
    source: str | None = None
    unlabelled: Unlabelled = Unlabelled.REFUSE
    is_clipping: bool = False
    grouping: Grouping | None = None
    product: str | None = None
    line: str | None = None
    view: str = "default"
    parent: str | None = None
    catalogue: Catalogue | None = None
    origin: SampleOrigin | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)


def _ignore(*_: object) -> None:
    """Nobody listens."""


def import_folder(
    path: Path,
    format_name: FormatName,
    *,
    store: RevisionStore,
    options: ImportOptions,
    on_remark: Callable[[str], None] = _ignore,
    on_image: Callable[[int, int], None] = _ignore,
) -> Revision:
    """Import labelled images.

    Args:
        path: a folder, an archive of one, or the file in it that describes it (data.yaml, a COCO JSON).
        format_name: its layout.
        store: where the revision goes.
        options: what a person says of the images.
        on_remark: called with what a person should know, in a sentence.
        on_image: called after each image with how many are done and how many there are.

    Returns:
        The revision; importing the same again gives the same.

    Raises:
        SampleUnreadable: a file is missing, damaged or not in this layout.
        UnsafeArchive: an archive reaches outside, holds links, or is a bomb.
        LabelsRefused: labels and images do not fit each other.
        ClassesRefused: classes clash, or are not in the catalogue.
        EmptyDataset: no image is left.
        RevisionInvalid: no licence note, or the parent is unknown.
        StoreUnwritable: the store refused; run again when it does not.
    """
    if not path.exists():
        raise SampleUnreadable(f"{path} is not there; expected a folder or archive in the layout {format_name}")
    work = _Import(store, format_name, options, on_remark, on_image)
    if not is_archive(path):
        return work.run(path)
    with unpacked(path) as root:
        try:
            return work.run(root)
        except DatasetError as error:  # it names files in a folder that is gone by the time somebody reads this
            raise type(error)(str(error).replace(str(root), str(path))) from error


@dataclass(frozen=True, slots=True)
class _Import:
    """One import, step by step."""

    store: RevisionStore
    format_name: FormatName
    options: ImportOptions
    on_remark: Callable[[str], None]
    on_image: Callable[[int, int], None]

    def run(self, root: Path) -> Revision:
        options = self.options
        dataset = read_layout(root, self.format_name, options.reading)
        _require_known_classes(dataset.classes, options.catalogue)
        _require_usable_names(dataset.images)
        grouping = options.grouping or ByLayout()
        placements = _place_all(dataset.images, grouping)
        chosen = _labelled_ones(dataset.images, placements, options.unlabelled)
        if options.grouping is None and all(image.group is None for image in chosen):
            self.on_remark(
                f"each of the {len(chosen)} images counts as a part and a group of its own; if several show one board "
                "or lot, say so with --group-by, or a split will leak"
            )
        boxes = BoxPlacer(is_clipping=options.is_clipping)
        labelled = self._with_origins(self._labelled(chosen, placements, boxes))
        provenance: dict[str, Any] = {"format": self.format_name.value, "group_by": grouping.described}
        provenance |= dataset.remarks
        for remark, count in dataset.remarks.items():
            self.on_remark(f"{remark.replace('_', ' ')}: {count}")
        if boxes.clipped:
            provenance["clipped"] = boxes.clipped
            self.on_remark(f"{len(boxes.clipped)} box(es) reached outside their image and were cut at its edge")
        skipped = len(dataset.images) - len(chosen)
        if skipped:
            provenance["skipped_unlabelled"] = skipped
            self.on_remark(f"{skipped} image(s) without a label were left out")
        catalogue = options.catalogue
        return self.store.write(
            RevisionDraft(
                classes=dataset.classes,
                images=labelled,
                source=options.source or self.format_name.value,
                licence_note=options.licence_note,
                catalogue=None if catalogue is None else CatalogueRef(catalogue.id, catalogue.version),
                parent=options.parent,
                provenance={"import": provenance},
            )
        )

    def _labelled(
        self, images: Sequence[SourceImage], placements: Mapping[str, Placement], boxes: BoxPlacer
    ) -> tuple[LabelledImage, ...]:
        """Store every picture and give it its labels; all problems are told together at the end."""
        unreadable = Problems()
        labelled: list[LabelledImage] = []
        for number, image in enumerate(sorted(images, key=lambda image: image.name), 1):
            try:
                file = _store(image.path, self.store)
                reference = None if image.reference is None else _store(image.reference, self.store)
            except SampleUnreadable as error:
                unreadable.add(str(error))
                continue
            placed_boxes = boxes.place(image, file)
            if placed_boxes is not None:
                labelled.append(self._with_labels(image, placements[image.name], file, reference, placed_boxes))
            self.on_image(number, len(images))
        unreadable.raise_if_any(SampleUnreadable)
        boxes.raise_if_refused()
        return tuple(labelled)

    def _with_origins(self, images: Sequence[LabelledImage]) -> tuple[LabelledImage, ...]:
        """As said, but of a picture that the parent knows as picked as the parent says."""
        parent = self.options.parent
        before: tuple[LabelledImage, ...] = ()
        with suppress(RevisionUnknown):  # the store refuses the revision below, and says why
            before = () if parent is None else self.store.read(parent).images
        picked = {image.image.sha256: image.origin for image in before if image.is_picked}
        origins = {image.name: picked.get(image.image.sha256, self.options.origin) for image in images}
        kept = sum(image.image.sha256 in picked for image in images)
        if kept:
            self.on_remark(f"{kept} image(s) were picked for what they show, says the parent; they stay so")
        return tuple(replace(image, origin=origins[image.name]) for image in images)

    def _with_labels(
        self,
        image: SourceImage,
        placed: Placement,
        file: ImageFile,
        reference: ImageFile | None,
        boxes: tuple[LabelledBox, ...],
    ) -> LabelledImage:
        return LabelledImage(
            name=image.name,
            part_id=placed.part_id,
            group=placed.group,
            product=placed.product or self.options.product,
            line=placed.line or self.options.line,
            view=placed.view or self.options.view,
            image=file,
            reference=reference,
            boxes=boxes,
            is_declared_good=not boxes,
            split=placed.split or image.split,
        )


def _store(path: Path, store: RevisionStore) -> ImageFile:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise SampleUnreadable(f"{path} is not there, but a label names it") from error
    except OSError as error:
        raise SampleUnreadable(f"{path} cannot be read: {error.strerror}") from error
    return store.add_picture(data, source=str(path))


def _require_known_classes(classes: tuple[str, ...], catalogue: Catalogue | None) -> None:
    require_distinct_classes(classes)
    if catalogue is None:
        return
    unknown = [name for name in classes if name not in catalogue.classes]
    if unknown:
        raise ClassesRefused(
            f"the catalogue {catalogue.id} version {catalogue.version} has no class {some_of(map(repr, unknown))}; "
            f"it has {', '.join(catalogue.classes)}"
        )


def _labelled_ones(
    images: Sequence[SourceImage], placements: Mapping[str, Placement], unlabelled: Unlabelled
) -> Sequence[SourceImage]:
    """The images that somebody labelled or declared good, by what a person said of the others."""
    if not images:
        raise EmptyDataset("no image was found; expected pictures (.jpg, .png, .bmp) where the layout has them")
    with_label = [image for image in images if image.is_labelled or placements[image.name].is_declared_good]
    if len(with_label) == len(images) or unlabelled is Unlabelled.GOOD:
        return images
    if unlabelled is Unlabelled.SKIP:
        if not with_label:
            raise EmptyDataset(f"none of the {len(images)} images is labelled, so none is left")
        return with_label
    names = {image.name for image in with_label}
    without = [image for image in images if image.name not in names]
    raise LabelsRefused(
        f"{len(without)} of {len(images)} images have no label: "
        f"{some_of(str(image.path) for image in without)}. If they show good parts say --unlabelled good, to leave "
        "them out --unlabelled skip; an image that nobody labelled is not taken for a good part"
    )


def _require_usable_names(images: Sequence[SourceImage]) -> None:
    problems = Problems()
    first: dict[str, SourceImage] = {}
    for image in images:
        try:
            require_name(image.name)
        except ValueError as error:
            problems.add(f"{image.path}: {error}")
        other = first.setdefault(image.name, image)
        if other is not image:
            problems.add(f"{other.path} and {image.path} are both called {image.name!r}; rename one")
    problems.raise_if_any(LabelsRefused)


def _place_all(images: Sequence[SourceImage], grouping: Grouping) -> dict[str, Placement]:
    problems = Problems()
    placements: dict[str, Placement] = {}
    for image in images:
        try:
            placements[image.name] = grouping.place(image)
        except LabelsRefused as error:
            problems.add(str(error))
            continue
        if placements[image.name].is_declared_good and image.boxes:
            problems.add(f"{image.where}: {image.name!r} is declared good, but has {len(image.boxes)} box(es)")
    problems.raise_if_any(LabelsRefused)
    grouping.require_complete(frozenset(placements))
    return placements
