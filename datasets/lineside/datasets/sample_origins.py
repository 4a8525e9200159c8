"""What was picked for what it shows is no sample of the line: it may teach a model, not judge one or set a threshold.

Picks seek out the uncertain, the rare and the new. A golden set that grew from them would be harder, or just other,
than the line, and every rate, margin and certificate taken from it would be about them. So picked images never enter
the splits golden, sealed and calibration. Random draws with a known chance and designed samples may; of an image
without an origin whoever imported it answers for that, as before.
"""

from collections.abc import Iterable, Sequence

from lineside.datasets.errors import LabelsRefused
from lineside.datasets.labelled import LabelledImage, OriginKind, SampleOrigin, Split

SAMPLE_SPLITS = (Split.CALIBRATION, Split.GOLDEN, Split.SEALED)
"""What must be a sample of the line."""

_NAMED = 5
_BY_PEOPLE = "import"
"""The reason of an origin that whoever imports the images declares."""


def declared_origin(text: str) -> SampleOrigin:
    """Read how somebody says that images were chosen: `random:0.05`, `designed` or `picked`.

    >>> declared_origin("random:0.05").probability
    0.05

    Raises:
        LabelsRefused: it is none of them, or the chance is none.
    """
    kind, colon, chance = text.partition(":")
    try:
        return SampleOrigin(OriginKind(kind), _BY_PEOPLE, float(chance) if colon else None)
    except ValueError as error:
        raise LabelsRefused(
            f"{text!r} says of no image how it was chosen: {error}. Expected random:CHANCE (with the chance of each "
            "part to be drawn, above 0 and up to 1), designed or picked"
        ) from error


def picked_among(images: Iterable[LabelledImage], *, lineage: Iterable[LabelledImage] = ()) -> list[LabelledImage]:
    """Those that were picked: by their own origin, or by that of the same picture or of what they were made from.

    Args:
        images: asked about.
        lineage: images of other revisions that may know of a pick what these do not say.

    Returns:
        In the order given.
    """
    asked = tuple(images)
    pictures = {image.image.sha256 for image in (*asked, *lineage) if image.is_picked}
    return [image for image in asked if not pictures.isdisjoint((image.image.sha256, *image.ancestors))]


def describe_picked(picked: Sequence[LabelledImage]) -> str:
    """How many and which, for a message: `3 picked images ('a' near_threshold, 'b' novelty and 1 more)`."""
    shown = ", ".join(_described(image) for image in picked[:_NAMED])
    more = f" and {len(picked) - _NAMED} more" if len(picked) > _NAMED else ""
    return f"{len(picked)} picked image{'' if len(picked) == 1 else 's'} ({shown}{more})"


def lost_picks(images: Iterable[LabelledImage], *, parent: Iterable[LabelledImage]) -> list[LabelledImage]:
    """The images that a parent revision knows as picked, and that do not say so any more."""
    pictures = {image.image.sha256 for image in parent if image.is_picked}
    return [image for image in images if image.image.sha256 in pictures and not image.is_picked]


def _described(image: LabelledImage) -> str:
    return f"{image.name!r} {image.origin.reason}" if image.origin is not None and image.is_picked else repr(image.name)
