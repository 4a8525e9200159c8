"""What only reading the pictures shows: broken ones, boxes beyond their edge, copies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lineside.datasets.checking.findings import Case, Finding, FindingKind, Level
from lineside.datasets.errors import RevisionCorrupt, SampleUnreadable
from lineside.datasets.labelled import LabelledImage
from lineside.datasets.near_duplicates import CopyIndex, Fingerprint
from lineside.datasets.revisions import Revision, RevisionStore


@dataclass(slots=True)
class PictureFindings:
    """What was found while reading.

    Attributes:
        broken: pictures that cannot be read.
        outside: boxes beyond what the picture really has.
        fingerprints: of the others, by name; empty where none were asked for.
    """

    broken: list[Case] = field(default_factory=list)
    outside: list[Case] = field(default_factory=list)
    fingerprints: dict[str, Fingerprint] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        """As findings."""
        if self.broken:
            yield Finding(
                FindingKind.BROKEN_PICTURE,
                Level.ERROR,
                f"{len(self.broken)} picture(s) cannot be read; restore them from a copy of the store",
                tuple(self.broken),
            )
        if self.outside:
            yield Finding(
                FindingKind.BOX_OUTSIDE,
                Level.ERROR,
                f"{len(self.outside)} picture(s) have another size than their labels were made for",
                tuple(self.outside),
            )


def read_pictures(
    revision: Revision, store: RevisionStore, *, on_image: Callable[[int, int], None], is_fingerprinting: bool
) -> PictureFindings:
    """Read every picture and reference, and take fingerprints where copies will be searched."""
    found = PictureFindings()
    for done, image in enumerate(revision.images, 1):
        try:
            for file in image.files[1:]:
                store.pixels(file)
            picture = store.pixels(image.image)
        except (RevisionCorrupt, SampleUnreadable) as error:
            found.broken.append(Case(image.name, str(error)))
        else:
            height, width = picture.shape[:2]
            if (width, height) != image.image.size_wh_px:
                recorded = f"{image.image.width_px}x{image.image.height_px}"
                found.outside.append(Case(image.name, f"{width}x{height} px, recorded as {recorded}", image.boxes))
            if is_fingerprinting:
                found.fingerprints[image.name] = Fingerprint.of(picture)
        on_image(done, len(revision.images))
    return found


def find_copies(
    revision: Revision,
    store: RevisionStore,
    fingerprints: dict[str, Fingerprint],
    *,
    on_image: Callable[[int, int], None],
) -> Iterator[tuple[LabelledImage, LabelledImage]]:
    """Pairs of images that show the same shot, each pair once, in the order of their names."""
    images = [image for image in revision.images if image.name in fingerprints]
    index = CopyIndex([fingerprints[image.name] for image in images], picture=lambda at: store.pixels(images[at].image))
    for at, image in enumerate(images):
        earlier = range(at + 1)
        for copy in index.copies_of(store.pixels(image.image), fingerprints[image.name], without=earlier):
            yield image, images[copy.position]
        on_image(at + 1, len(images))
