"""`REV:golden`: a revision, or some of its splits, as people name them on a command line."""

from dataclasses import dataclass

from lineside.datasets.errors import RevisionUnknown
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions.records import Revision


@dataclass(frozen=True, slots=True)
class RevisionSelection:
    """Which images of which revision.

    Attributes:
        revision: an id or the beginning of one.
        splits: only these; empty takes all images, also those without a split.
    """

    revision: str
    splits: tuple[Split, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "RevisionSelection":
        """Read `REV`, `REV:split` or `REV:split,split`.

        >>> RevisionSelection.parse("4f1a:golden").splits
        (<Split.GOLDEN: 'golden'>,)

        Raises:
            RevisionUnknown: the part after the colon names no split.
        """
        revision, colon, names = text.partition(":")
        if not colon:
            return cls(revision)
        known = {split.value: split for split in Split}
        unknown = [name for name in names.split(",") if name not in known]
        if unknown:
            raise RevisionUnknown(f"{text!r} names the split {unknown[0]!r}; there are {', '.join(known)}")
        return cls(revision, tuple(dict.fromkeys(known[name] for name in names.split(","))))

    def images(self, revision: Revision) -> tuple[LabelledImage, ...]:
        """The selected images, sorted by name.

        Raises:
            RevisionUnknown: the revision has none in these splits.
        """
        chosen = revision.of_split(*self.splits) if self.splits else revision.images
        if not chosen:
            raise RevisionUnknown(
                f"revision {revision.id[:12]} has no image in {', '.join(self.splits)}; "
                "`lineside dataset split` makes splits"
            )
        return chosen
