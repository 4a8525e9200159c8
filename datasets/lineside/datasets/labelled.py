"""Labelled images: what a revision holds of each picture, as records that cannot be wrong in themselves."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from lineside.inspection.frames import MediaType

MEDIA_TYPES = (MediaType.PNG, MediaType.JPEG, MediaType.BMP)
"""The encodings that a picture in a revision may have: those a station may send, raw pixels excepted."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class Split(StrEnum):
    """What a labelled part is used for; a part has one use.

    The first three make a model and its thresholds. Golden parts judge releases, sealed ones too but are rarely
    opened, and the escape bank keeps the defects that once got away.
    """

    TRAIN = "train"
    VAL = "val"
    CALIBRATION = "calibration"
    GOLDEN = "golden"
    SEALED = "sealed"
    ESCAPE_BANK = "escape_bank"


class OriginKind(StrEnum):
    """How an image came among the labelled ones.

    What was picked because it looked hard, rare or new is good to learn from and no sample of the line: what it says
    of a model or a threshold holds for such parts only.
    """

    RANDOM = "random"
    DESIGNED = "designed"
    PICKED = "picked"


@dataclass(frozen=True, slots=True)
class SampleOrigin:
    """How an image was chosen for labelling.

    Attributes:
        kind: drawn by lot, made or gathered by a plan, or picked for what it shows.
        reason: in one word, e.g. "audit" or "near_threshold".
        probability: the chance of the draw, above 0 and up to 1; None unless it was random.
    """

    kind: OriginKind
    reason: str
    probability: float | None = None

    def __post_init__(self) -> None:
        """Refuse a draw whose chance nobody knows, and a chance of what was not drawn."""
        object.__setattr__(self, "kind", OriginKind(self.kind))
        if not self.reason.strip():
            raise ValueError(f"an origin of kind {self.kind} has no reason")
        is_drawn = self.kind is OriginKind.RANDOM
        if is_drawn and (self.probability is None or not 0.0 < self.probability <= 1.0):
            raise ValueError(
                f"a random origin ({self.reason}) has the probability {self.probability}; expected above 0 and up to 1"
            )
        if not is_drawn and self.probability is not None:
            raise ValueError(f"an origin that is {self.kind} ({self.reason}) has a probability; only a draw has one")

    @classmethod
    def random(cls, reason: str, probability: float) -> "SampleOrigin":
        """Drawn by lot with a known chance."""
        return cls(OriginKind.RANDOM, reason, probability)

    @classmethod
    def designed(cls, reason: str) -> "SampleOrigin":
        """Made or gathered by a plan that did not look at what a model says."""
        return cls(OriginKind.DESIGNED, reason)

    @classmethod
    def picked(cls, reason: str) -> "SampleOrigin":
        """Chosen for what it shows."""
        return cls(OriginKind.PICKED, reason)


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A defect that somebody drew.

    Attributes:
        class_name: the defect class, as the revision's class list has it.
        box_xyxy_px: left, top, right, bottom edges in image pixels; 0, 0 is the corner of the first pixel.
    """

    class_name: str
    box_xyxy_px: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        """Refuse what is no box; integers become floats, so that 5 and 5.0 have one spelling in a manifest."""
        if not self.class_name:
            raise ValueError("a labelled box has no class name")
        left, top, right, bottom = self.box_xyxy_px
        edges = (float(left) + 0.0, float(top) + 0.0, float(right) + 0.0, float(bottom) + 0.0)  # -0.0 becomes 0.0
        if not all(math.isfinite(edge) for edge in edges):
            raise ValueError(f"box {self.box_xyxy_px} of {self.class_name!r} is not finite")
        if not (edges[0] < edges[2] and edges[1] < edges[3]):
            raise ValueError(f"box {self.box_xyxy_px} of {self.class_name!r} has no area; expected x1 < x2 and y1 < y2")
        object.__setattr__(self, "box_xyxy_px", edges)

    @property
    def area_px(self) -> float:
        """Width times height, in square pixels."""
        left, top, right, bottom = self.box_xyxy_px
        return (right - left) * (bottom - top)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An encoded picture, by its content.

    Attributes:
        sha256: lowercase hex digest of the encoded bytes; the name under which a store keeps them.
        size_bytes: how many bytes there are.
        width_px: columns of the decoded picture.
        height_px: rows of the decoded picture.
        media_type: the encoding.
    """

    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    media_type: MediaType

    def __post_init__(self) -> None:
        """Refuse what no file can be; text becomes the media type that it names."""
        if not _DIGEST.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no SHA-256 digest in lowercase hex")
        if min(self.size_bytes, self.width_px, self.height_px) < 1:
            raise ValueError(
                f"image {self.sha256[:12]}: {self.size_bytes} bytes, {self.width_px}x{self.height_px} px; "
                "each must be at least 1"
            )
        object.__setattr__(self, "media_type", MediaType(self.media_type))
        if self.media_type not in MEDIA_TYPES:
            raise ValueError(f"image {self.sha256[:12]} is {self.media_type}; expected one of {', '.join(MEDIA_TYPES)}")

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width_px, self.height_px


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """A picture of a part with everything that was said about it.

    Attributes:
        name: what it is called; unique in a revision and usable as a relative path without a suffix.
        part_id: the part it shows; several views of a part share it.
        group: the unit of splitting (board, lot, part): images of one group never lie on both sides of a split.
        product: what the part is, None if nobody said.
        line: the line it was taken on, None if nobody said.
        view: the recipe's view that it is.
        image: the picture.
        reference: the golden image it is compared with, None for single-image models.
        boxes: the defects, in the order in which they were given.
        is_declared_good: somebody said that there is no defect. An image without boxes of which nobody said so is
            unlabelled, and no `LabelledImage`.
        split: its use, None while undecided.
        ancestors: SHA-256 digests of the images that this one was cut or made from.
        origin: how it was chosen for labelling; None where nobody said, as of imports by people.
    """

    name: str
    part_id: str
    group: str
    product: str | None = None
    line: str | None = None
    view: str = "default"
    image: ImageFile
    reference: ImageFile | None = None
    boxes: tuple[LabelledBox, ...] = ()
    is_declared_good: bool = False
    split: Split | None = None
    ancestors: tuple[str, ...] = ()
    origin: SampleOrigin | None = None

    def __post_init__(self) -> None:
        """Refuse contradictions."""
        require_name(self.name)
        for label, value in (("part_id", self.part_id), ("group", self.group), ("view", self.view)):
            if not value:
                raise ValueError(f"image {self.name!r} has an empty {label}")
        if self.boxes and self.is_declared_good:
            raise ValueError(f"image {self.name!r} is declared good and has {len(self.boxes)} defects")
        if not self.boxes and not self.is_declared_good:
            raise ValueError(
                f"image {self.name!r} has no defect and nobody declared it good: it is unlabelled, no true negative"
            )
        for box in self.boxes:
            left, top, right, bottom = box.box_xyxy_px
            if left < 0 or top < 0 or right > self.image.width_px or bottom > self.image.height_px:
                raise ValueError(
                    f"image {self.name!r}: box {box.box_xyxy_px} of {box.class_name!r} reaches outside its "
                    f"{self.image.width_px}x{self.image.height_px} px"
                )
        for digest in self.ancestors:
            if not _DIGEST.fullmatch(digest):
                raise ValueError(f"image {self.name!r}: ancestor {digest!r} is no SHA-256 digest in lowercase hex")

    @property
    def is_picked(self) -> bool:
        """Whether it was chosen for what it shows, so that it is no sample of the line."""
        return self.origin is not None and self.origin.kind is OriginKind.PICKED

    @property
    def files(self) -> tuple[ImageFile, ...]:
        """The picture and, if there is one, its reference."""
        return (self.image,) if self.reference is None else (self.image, self.reference)


def require_name(name: str) -> None:
    """Refuse a name that could not be a relative path: exports write files under it.

    Raises:
        ValueError: what is wrong with it.
    """
    path = PurePosixPath(name)
    is_relative = not path.is_absolute() and str(path) == name
    is_plain = all(part == part.strip() and not part.startswith(".") for part in path.parts)
    if not path.parts or not is_relative or not is_plain or "\\" in name or _UNPRINTABLE.search(name):
        raise ValueError(
            f"image name {name!r}: expected a relative path such as 'board-7/0001', its parts without leading dots, "
            "blanks around them, '\\' or control characters"
        )
