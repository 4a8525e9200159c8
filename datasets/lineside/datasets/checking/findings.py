"""What a check finds, as records."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lineside.datasets.checking.balance import Balance
from lineside.datasets.labelled import LabelledBox


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Figures from this revision are wrong, or it cannot be used."""
    WARNING = "warning"
    """Somebody should look."""


class FindingKind(StrEnum):
    """What can be wrong."""

    BROKEN_PICTURE = "broken picture"
    BOX_OUTSIDE = "box outside its picture"
    UNKNOWN_CLASS = "class not in the catalogue"
    LEAK = "leak between splits"
    DUPLICATE_BOX = "one defect boxed twice"
    TWO_CLASSES = "one place, two classes"
    COPIES = "copies of one shot"
    TINY_BOX = "tiny boxes"
    RARE_CLASS = "rare class"
    CLASS_MISSING_IN_SPLIT = "class missing in a split"
    NO_GOOD_PARTS = "no good parts"
    NO_DEFECTS = "no defects"
    ONE_SIDED_GROUP = "most of a class in one group"
    NOT_SPLIT = "images without a split"


@dataclass(frozen=True, slots=True)
class Case:
    """One place where a finding shows.

    Attributes:
        image: its name.
        detail: what is there, in words; may be empty.
        boxes: the boxes that it is about; empty where it is about the whole picture.
        other_image: name of the image that it is tied to; None where there is none.
    """

    image: str
    detail: str = ""
    boxes: tuple[LabelledBox, ...] = ()
    other_image: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with every place where it is.

    Attributes:
        kind: what.
        level: how bad.
        summary: a sentence that says what was found, and what to do about it.
        cases: where; empty where it is about the revision as a whole.
    """

    kind: FindingKind
    level: Level
    summary: str
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that a check found.

    Attributes:
        revision_id: what was checked.
        source: where the images come from, in the revision's words.
        balance: what the revision holds, by split and class.
        findings: errors first.
        is_searched_for_copies: whether the pictures were compared with each other.
    """

    revision_id: str
    source: str
    balance: Balance
    findings: tuple[Finding, ...]
    is_searched_for_copies: bool

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings for which a pipeline should stop."""
        return tuple(finding for finding in self.findings if finding.level is Level.ERROR)

    def to_json(self) -> Mapping[str, Any]:
        """For programs: schema `lineside.dataset-check/1`."""
        return {
            "schema": "lineside.dataset-check/1",
            "revision": self.revision_id,
            "source": self.source,
            "has_errors": bool(self.errors),
            "is_searched_for_copies": self.is_searched_for_copies,
            "balance": self.balance.to_json(),
            "findings": [
                {
                    "kind": finding.kind.value,
                    "level": finding.level.value,
                    "summary": finding.summary,
                    "cases": [
                        {
                            "image": case.image,
                            "other_image": case.other_image,
                            "detail": case.detail,
                            "boxes": [
                                {"class": box.class_name, "box_xyxy_px": list(box.box_xyxy_px)} for box in case.boxes
                            ],
                        }
                        for case in finding.cases
                    ],
                }
                for finding in self.findings
            ],
        }
