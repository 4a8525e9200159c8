"""Every error of the datasets package, in one tree.

```
LinesideError
└── DatasetError                   data that cannot be read or made
    ├── SampleUnreadable (ValueError)  a file of a data set is missing or is not what its layout says
    ├── LabelsRefused (ValueError)     the files can be read, but what they say together cannot be right
    ├── EmptyDataset (ValueError)      nothing to import
    ├── ClassesRefused (ValueError)    classes that clash, or that the catalogue does not have
    ├── UnsafeArchive (ValueError)     an archive that reaches outside, links, or unpacks to far more than it is
    ├── FormatCannotHold (ValueError)  a revision holds what the format has no place for
    ├── TargetInTheWay (FileExistsError)   an export would write over something
    ├── TargetUnwritable (OSError)     an export could not be written: disk full, no permission
    ├── AugmentationRefused (ValueError)   there is nothing to make more training images from, or too many are asked for
    ├── ExtraMissing                   the packages of an extra are not installed
    ├── LeakFound (ValueError)         what judges a model was used to make it
    ├── SplitRefused (ValueError)      shares that are none, or fewer groups than splits
    ├── QueueRefused (ValueError)      a labelling queue that cannot be planned: shares, budget or descriptors
    ├── NoRoomForDefect (ValueError)   a synthetic board has no place for the defects asked for
    └── RevisionError                  a revision cannot be read or written
        ├── RevisionUnknown (LookupError)  no revision, or more than one, begins with what was given
        ├── RevisionCorrupt (ValueError)   a byte is not what the revision's digests say
        ├── StoreUnknown (ValueError)      a store's URL has no filesystem here
        ├── RevisionInvalid (ValueError)   what should become a revision contradicts itself
        └── StoreUnwritable (OSError)      the store refused a write: disk full, no permission
```
"""

from lineside.inspection.errors import LinesideError


class DatasetError(LinesideError):
    """Data that cannot be read or made."""


class SampleUnreadable(DatasetError, ValueError):
    """A file of a data set is missing or is not what its layout says."""


class LabelsRefused(DatasetError, ValueError):
    """The files can be read, but what they say together cannot be right.

    A box outside its image, a class id without a class, a label without an image or an image without a label.
    """


class EmptyDataset(DatasetError, ValueError):
    """Nothing to import."""


class ClassesRefused(DatasetError, ValueError):
    """Two classes are one by their names, or a class is not in the catalogue."""


class UnsafeArchive(DatasetError, ValueError):
    """An archive reaches outside its folder, holds links, or unpacks to far more than it is."""


class FormatCannotHold(DatasetError, ValueError):
    """A revision holds what the format has no place for, so that an export would lose it."""


class TargetInTheWay(DatasetError, FileExistsError):
    """An export would write over something."""


class TargetUnwritable(DatasetError, OSError):
    """An export could not be written: disk full, no permission."""


class AugmentationRefused(DatasetError, ValueError):
    """There is nothing to make more training images from, or more made ones are asked for than are good."""


class ExtraMissing(DatasetError):
    """The packages of an extra are not installed."""


class LeakFound(DatasetError, ValueError):
    """What judges a model was used to make it.

    Attributes:
        leaks: each of them, a `lineside.datasets.leaks.Leak`.
    """

    def __init__(self, message: str, leaks: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.leaks = leaks


class SplitRefused(DatasetError, ValueError):
    """A split that cannot be made: shares that do not add up, or fewer groups than splits."""


class QueueRefused(DatasetError, ValueError):
    """A labelling queue that cannot be planned: shares that are none, a negative budget, unfitting descriptors."""


class NoRoomForDefect(DatasetError, ValueError):
    """A synthetic board has no place for the defects asked for."""


class RevisionError(DatasetError):
    """A revision cannot be read or written."""


class RevisionUnknown(RevisionError, LookupError):
    """No revision, or more than one, begins with what was given."""


class RevisionCorrupt(RevisionError, ValueError):
    """A byte in the store is not what the revision's digests say."""


class StoreUnknown(RevisionError, ValueError):
    """A store's URL is of a kind that has no filesystem in this installation."""


class RevisionInvalid(RevisionError, ValueError):
    """What should become a revision contradicts itself."""


class StoreUnwritable(RevisionError, OSError):
    """The store refused a write: disk full, no permission."""
