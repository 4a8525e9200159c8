"""The next dataset revision: the project's head with what people said since it was written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2

from lineside.client import ServerFailed
from lineside.datasets.augment import PROVENANCE_KEY as AUGMENTATION_KEY
from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.labelled import ImageFile, LabelledImage
from lineside.datasets.revisions import CatalogueRef, Revision, RevisionDraft, RevisionStore
from lineside.workflows.errors import LabelProjectUnfit, PictureGone, PictureUnusable
from lineside.workflows.labelling.labelled_views import GroupBy, LabelledView
from lineside.workflows.labelling.merging import MergedLabels, classes_with, merge_labels
from lineside.workflows.labelling.needing_people import Code, Need, listed, stamped
from lineside.workflows.labelling.part_pictures import PartPictures, is_for_revisions
from lineside.workflows.labelling.picks import CatalogueVersion, LabelProject, Picked

PROVENANCE_KEY = "labelling"
_DISPUTED = (
    "judges models (golden, sealed or escape bank) and people now label it otherwise; it stays as it was. If they are "
    "right, correct it in a new import of that set: figures before and after are then of different sets"
)
_KEPT = (
    "came with labels of another source, was labelled anew, and that reading was taken back; it keeps the labels of "
    "the reading. Label it again, or import the other source's labels"
)
DEFAULT_LICENCE_NOTE = "The plant's own pictures, for its own use."


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionTerms:
    """What a person says of the revisions that a project writes.

    Attributes:
        group_by: what stays together in a split.
        licence_note: what may be done with the pictures; only a first revision needs it, a child has its parent's.
        start_from: id or beginning of the revision that a project without a head starts from; None starts empty.
    """

    group_by: GroupBy = GroupBy.PART
    licence_note: str = DEFAULT_LICENCE_NOTE
    start_from: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenRevision:
    """What came of the labels.

    Attributes:
        id: of the head now; None while there is nothing to write.
        merged: what differs from the one before.
        needs: what people must look at.
        is_new: whether it was written now.
        change: the last change of a label that it holds, with all before; what comes after it is tried again.
    """

    id: str | None
    merged: MergedLabels
    needs: tuple[Need, ...]
    is_new: bool
    change: int


class RevisionWriter:
    """Writes a project's next revision.

    Args:
        store: where revisions live.
        pictures: fetches what the store does not have yet.
        terms: what a person says of the revisions.
    """

    def __init__(self, store: RevisionStore, pictures: PartPictures, terms: RevisionTerms) -> None:
        self._store, self._pictures, self._terms = store, pictures, terms

    def head_of(self, project: LabelProject) -> Revision | None:
        """The revision that the next one is a child of.

        Raises:
            LabelProjectUnfit: it has made images, which a child would take for photographed ones.
            RevisionUnknown: it is not in this store.
        """
        named = project.revision or self._terms.start_from
        if named is None:
            return None
        head = self._store.read(named)
        if AUGMENTATION_KEY in head.provenance:
            raise LabelProjectUnfit(
                f"revision {head.id[:12]} has made images; labels continue what was photographed: start from its "
                f"parent {str(head.parent)[:12]}"
            )
        return head

    async def write(
        self,
        project: LabelProject,
        picks: Sequence[Picked],
        *,
        change: int,
        on_view: Callable[[int, int], None] = lambda *_: None,
    ) -> WrittenRevision:
        """Write the head's child with the labels of some picks; the same labels again write nothing.

        Args:
            project: whose head it continues.
            picks: those whose label changed since the head was written.
            change: the last change of a label among them; what the revision holds of it stands in its provenance.
            on_view: called with how many views are done and how many there are.

        Raises:
            LabelProjectUnfit: see `head_of`, or the project has no catalogue.
            RevisionUnknown: the head is not in this store.
            StoreUnwritable: the store refused; run again when it does not.
            ClientError: the server cannot be asked.
        """
        if project.catalogue is None:
            raise LabelProjectUnfit(
                f"labelling project {project.name!r} has no defect catalogue; `labels push` names one"
            )
        head = self.head_of(project)
        known = {} if head is None else {image.name: image for image in head.images}
        by_digest = {image.image.sha256: image for image in known.values()}
        allowed = {*project.classes, *(() if head is None else head.classes)}
        needs: list[Need] = []
        labelled: list[LabelledImage] = []
        views = _oldest_first(picks)
        for done, (pick, view) in enumerate(views, 1):
            unknown = sorted({box.class_name for box in view.boxes} - allowed)
            if unknown:
                needs.append(_unknown_class(pick, view, unknown, project.classes))
                continue
            present = known.get(view.name) or by_digest.get(view.digest)
            try:
                labelled.append(await self._image(pick, view, present))
            except (PictureGone, PictureUnusable, SampleUnreadable) as error:
                needs.append(_not_in_revision(pick, view, str(error)))
            except ServerFailed as error:
                needs.append(_not_in_revision(pick, view, f"{error}. The next pull tries again"))
                change = min(change, pick.change - 1)
            on_view(done, len(views))
        withdrawn = [view for pick in picks for view in pick.withdrawn_views()]
        merged = merge_labels(known.values(), labelled, withdrawn=withdrawn)
        needs += _disputes(merged, picks)
        if not merged.is_changed or not merged.images:
            return WrittenRevision(None if head is None else head.id, merged, tuple(needs), is_new=False, change=change)
        written = self._store.write(self._draft(project, project.catalogue, head, merged, change))
        return WrittenRevision(written.id, merged, tuple(needs), is_new=True, change=change)

    def _draft(
        self,
        project: LabelProject,
        catalogue: CatalogueVersion,
        head: Revision | None,
        merged: MergedLabels,
        change: int,
    ) -> RevisionDraft:
        used = {box.class_name for image in merged.images for box in image.boxes}
        classes = classes_with(() if head is None else head.classes, used, catalogue=project.classes)
        provenance = {} if head is None else dict(head.provenance)
        return RevisionDraft(
            classes=classes,
            images=merged.images,
            source=f"labels of project {project.name}" if head is None else head.source,
            licence_note=self._terms.licence_note if head is None else head.licence_note,
            catalogue=CatalogueRef(catalogue.id, catalogue.version),
            parent=None if head is None else head.id,
            provenance={**provenance, PROVENANCE_KEY: {"project": project.name, "change": change}},
        )

    async def _image(self, pick: Picked, view: LabelledView, present: LabelledImage | None) -> LabelledImage:
        if present is not None:
            return self._labelled(view, present.image, present.reference, present.ancestors)
        picture = await self._pictures.fetch(
            pick.inspection_id, view.view, recipe=pick.recipe_version, judged_at=pick.judged_at
        )
        reference = None
        if picture.golden is not None:
            reference = self._store.add_picture(picture.golden.content, source=f"the golden image of {view.name}")
        if is_for_revisions(picture.kept, picture.pixels):
            return self._labelled(view, self._store.add_picture(picture.kept.content, source=view.name), reference)
        png = cv2.imencode(".png", picture.pixels)[1].tobytes()
        file = self._store.add_picture(png, source=view.name)
        return self._labelled(view, file, reference, (picture.kept.digest,))

    def _labelled(
        self, view: LabelledView, file: ImageFile, reference: ImageFile | None, ancestors: tuple[str, ...] = ()
    ) -> LabelledImage:
        try:
            return view.to_image(file, reference=reference, ancestors=ancestors, group_by=self._terms.group_by)
        except ValueError as error:
            raise PictureUnusable(str(error)) from error


def _oldest_first(picks: Iterable[Picked]) -> list[tuple[Picked, LabelledView]]:
    """Every labelled view, so that of two readings of one picture the later comes last."""
    views = [(pick, view) for pick in picks for view in pick.labelled_views()]
    return sorted(views, key=lambda each: (each[1].read_at, each[1].name))


def _unknown_class(pick: Picked, view: LabelledView, unknown: Sequence[str], classes: Sequence[str]) -> Need:
    message = (
        f"{view.name} is labelled with {listed(unknown)}; the project's classes are {listed(classes, most=20)}. "
        "It is in no dataset revision: correct the label, or push with a catalogue that has the class"
    )
    return _about(Code.UNKNOWN_CLASS, pick, message, f"{view.name} {stamped(view.read_at)}")


def _not_in_revision(pick: Picked, view: LabelledView, why: str) -> Need:
    message = f"{view.name} is labelled and was reviewed, but is in no dataset revision: {why}"
    return _about(Code.NOT_IN_REVISION, pick, message, f"{view.name} {stamped(view.read_at)}")


def _about(code: Code, pick: Picked, message: str, occurrence: str) -> Need:
    return Need(code=code, message=message, inspection_id=pick.inspection_id, pick_id=pick.id, occurrence=occurrence)


def _disputes(merged: MergedLabels, picks: Sequence[Picked]) -> list[Need]:
    """What people say otherwise of pictures that judge models, and of pictures whose earlier label nobody knows."""
    by_name: dict[str, Picked] = {}
    by_digest: dict[str, Picked] = {}
    for pick in picks:
        for said in pick.labelled_views():
            by_name[said.name] = by_digest[said.digest] = pick
        for unsaid in pick.withdrawn_views():
            by_name[unsaid.name] = by_digest[unsaid.digest] = pick
    digest_of = {image.name: image.image.sha256 for image in merged.images}
    needs = []
    for code, names, message in (
        (Code.GOLDEN_DISPUTED, merged.disputed, _DISPUTED),
        (Code.LABEL_WITHDRAWN, merged.kept, _KEPT),
    ):
        for name in names:
            about = by_name.get(name) or by_digest.get(digest_of[name])
            if about is not None:
                needs.append(_about(code, about, f"image {name!r} {message}", f"{name} {about.change}"))
    return needs
