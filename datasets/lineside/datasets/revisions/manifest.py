"""A revision's manifest: canonical JSON out, checked records in.

No instant, path or user stands in it: the same images, labels and notes give the same bytes, and so the same id.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from lineside.datasets.errors import DatasetError, RevisionCorrupt
from lineside.datasets.labelled import ImageFile, LabelledBox, LabelledImage, OriginKind, SampleOrigin, Split
from lineside.datasets.revisions.records import CatalogueRef, Revision, RevisionDraft, digest_of
from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.file_models import FileModel
from lineside.inspection.frames import MediaType

SCHEMA = "lineside.revision/1"


class BoxInManifest(FileModel):
    """A defect."""

    class_name: str
    box_xyxy_px: Annotated[list[float], Field(min_length=4, max_length=4)]


class FileInManifest(FileModel):
    """A picture."""

    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    media_type: str


class OriginInManifest(FileModel):
    """How an image was chosen for labelling."""

    kind: str
    reason: str
    probability: float | None


class ImageInManifest(FileModel):
    """A labelled image."""

    name: str
    part_id: str
    group: str
    product: str | None
    line: str | None
    view: str
    image: FileInManifest
    reference: FileInManifest | None
    boxes: list[BoxInManifest]
    is_declared_good: bool
    split: str | None
    ancestors: list[str]
    origin: OriginInManifest | None = None


class CatalogueInManifest(FileModel):
    """Which catalogue."""

    id: str
    version: int


class Manifest(FileModel):
    """A revision as it is stored."""

    schema_: Literal["lineside.revision/1"] = Field(alias="schema")
    classes: list[str]
    catalogue: CatalogueInManifest | None
    source: str
    parent: str | None
    licence_note: str
    provenance: dict[str, Any]
    images: list[ImageInManifest]


def manifest_bytes(draft: RevisionDraft) -> bytes:
    """The manifest of a draft or revision: canonical JSON in UTF-8.

    Raises:
        ValueError: the provenance holds what is no JSON (NaN, a lone surrogate).
        TypeError: the provenance holds an object of another type.
    """
    return canonical_json(
        {
            "schema": SCHEMA,
            "classes": list(draft.classes),
            "catalogue": None
            if draft.catalogue is None
            else {"id": draft.catalogue.id, "version": draft.catalogue.version},
            "source": draft.source,
            "parent": draft.parent,
            "licence_note": draft.licence_note,
            "provenance": dict(draft.provenance),
            "images": [_image_json(image) for image in draft.images],
        }
    ).encode()


def read_manifest(data: bytes, *, revision_id: str) -> Revision:
    """The revision that a manifest describes.

    Raises:
        RevisionCorrupt: the bytes are not those that the id was made from, or no manifest.
    """
    found = digest_of(data)
    if found != revision_id:
        raise RevisionCorrupt(
            f"the manifest of revision {revision_id} has the digest {found}: it was changed or is damaged; "
            "restore it from a copy of the store"
        )
    try:
        manifest = Manifest.model_validate_json(data)
        return Revision(
            id=revision_id,
            classes=tuple(manifest.classes),
            images=tuple(_image(image) for image in manifest.images),
            source=manifest.source,
            licence_note=manifest.licence_note,
            catalogue=None
            if manifest.catalogue is None
            else CatalogueRef(manifest.catalogue.id, manifest.catalogue.version),
            parent=manifest.parent,
            provenance=manifest.provenance,
        )
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in detail["loc"])
        raise RevisionCorrupt(f"revision {revision_id}: {where}: {detail['msg']}; expected {SCHEMA}") from error
    except (DatasetError, ValueError) as error:
        raise RevisionCorrupt(f"revision {revision_id}: {error}") from error


def _image_json(image: LabelledImage) -> dict[str, Any]:
    content = {
        "name": image.name,
        "part_id": image.part_id,
        "group": image.group,
        "product": image.product,
        "line": image.line,
        "view": image.view,
        "image": _file_json(image.image),
        "reference": None if image.reference is None else _file_json(image.reference),
        "boxes": [{"class_name": box.class_name, "box_xyxy_px": list(box.box_xyxy_px)} for box in image.boxes],
        "is_declared_good": image.is_declared_good,
        "split": None if image.split is None else image.split.value,
        "ancestors": list(image.ancestors),
    }
    if image.origin is not None:  # left out otherwise, so that revisions from before it was known keep their ids
        origin = image.origin
        content["origin"] = {"kind": origin.kind.value, "reason": origin.reason, "probability": origin.probability}
    return content


def _file_json(file: ImageFile) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "width_px": file.width_px,
        "height_px": file.height_px,
        "media_type": file.media_type.value,
    }


def _image(image: ImageInManifest) -> LabelledImage:
    return LabelledImage(
        name=image.name,
        part_id=image.part_id,
        group=image.group,
        product=image.product,
        line=image.line,
        view=image.view,
        image=_file(image.image),
        reference=None if image.reference is None else _file(image.reference),
        boxes=tuple(_box(box) for box in image.boxes),
        is_declared_good=image.is_declared_good,
        split=None if image.split is None else Split(image.split),
        ancestors=tuple(image.ancestors),
        origin=None if image.origin is None else _origin(image.origin),
    )


def _origin(origin: OriginInManifest) -> SampleOrigin:
    return SampleOrigin(OriginKind(origin.kind), origin.reason, origin.probability)


def _file(file: FileInManifest) -> ImageFile:
    return ImageFile(file.sha256, file.size_bytes, file.width_px, file.height_px, MediaType(file.media_type))


def _box(box: BoxInManifest) -> LabelledBox:
    left, top, right, bottom = box.box_xyxy_px
    return LabelledBox(box.class_name, (left, top, right, bottom))
