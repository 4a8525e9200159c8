"""What the folders and files of layouts are called for each split."""

from collections.abc import Mapping
from types import MappingProxyType

from lineside.datasets.labelled import Split

UNSPLIT = "unsplit"

SPLIT_NAMES: Mapping[str, Split | None] = MappingProxyType(
    {
        "train": Split.TRAIN,
        "val": Split.VAL,
        "valid": Split.VAL,
        "validation": Split.VAL,
        "test": Split.GOLDEN,
        "golden": Split.GOLDEN,
        "calibration": Split.CALIBRATION,
        "sealed": Split.SEALED,
        "escape_bank": Split.ESCAPE_BANK,
        UNSPLIT: None,
    }
)
"""Names that are understood, and the use that they mean. `test` parts judge and never train: they are golden."""


def written_split(split: Split | None) -> str:
    """The name that exports give a split: other programs know `test`, not `golden`."""
    if split is None:
        return UNSPLIT
    return "test" if split is Split.GOLDEN else split.value
