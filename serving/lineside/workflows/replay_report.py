"""What a replay says: attempt by attempt what was judged and what would be, and the sums."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from lineside.inspection.canonical_json import canonical_json

SCHEMA: Final = "lineside.replay/1"

NOT_REPLAYED: Final = (
    "Deadlines, overload, interrupted attempts and frozen pictures belong to the moment and are not replayed: a part "
    "that was NOT_INSPECTED for one of them is judged by its pictures here."
)


class WhyNot(StrEnum):
    """Why an attempt was not judged again."""

    NOT_KEPT = "not_kept"
    """A frame of it was not kept, or its retention ended."""

    NO_FRAME = "no_frame"
    """No frame of it came."""

    NO_RECIPE = "no_recipe"
    """It was judged by no recipe."""

    PENDING = "pending"
    """It has no verdict yet."""


@dataclass(frozen=True, slots=True)
class Verdicted:
    """What was found of an attempt.

    Attributes:
        verdict: OK, NG or NOT_INSPECTED.
        reasons: their codes, in order.
        defects: as the API's JSON has them.
    """

    verdict: str
    reasons: tuple[str, ...]
    defects: tuple[Mapping[str, Any], ...]

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Defects by view and class."""
        return Counter((defect["view"], defect["class_name"]) for defect in self.defects)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt of the lot.

    Attributes:
        station: where.
        part_id: of which part.
        attempt: its number.
        inspection_id: of the inspection.
        release: that judged it then, as name and version; None if none did.
    """

    station: str
    part_id: str
    attempt: int
    inspection_id: str
    release: str | None


@dataclass(frozen=True, slots=True)
class ReplayedAttempt:
    """An attempt that was judged again.

    Attributes:
        of: which.
        old: what its station was told.
        new: what it would be told now.
    """

    of: Attempt
    old: Verdicted
    new: Verdicted

    @property
    def verdict_changes(self) -> bool:
        """Whether the verdict is another one."""
        return self.old.verdict != self.new.verdict

    @property
    def defects_change(self) -> bool:
        """Whether other classes, or other numbers of them, are found in a view."""
        return self.old.counts() != self.new.counts()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An attempt that was not judged again.

    Attributes:
        of: which.
        why: the reason.
        views: those whose frames are missing.
    """

    of: Attempt
    why: WhyNot
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """A lot judged again.

    Attributes:
        deployment: identifier of the deployment whose release judged now.
        release: name, version and digest.
        lot: of which parts.
        engine: that ran the release.
        recipes: by which attempts were judged, as name and version.
        replayed: in the order of station, part and attempt.
        left_out: in the same order.
    """

    deployment: str
    release: Mapping[str, str]
    lot: str
    engine: str
    recipes: tuple[str, ...]
    replayed: tuple[ReplayedAttempt, ...] = field(repr=False)
    left_out: tuple[LeftOut, ...] = field(repr=False)

    def totals(self) -> Mapping[str, Any]:
        """The sums."""
        changes = Counter(f"{each.old.verdict} -> {each.new.verdict}" for each in self.replayed)
        return {
            "parts": len({each.of.part_id for each in self.replayed} | {left.of.part_id for left in self.left_out}),
            "attempts": len(self.replayed) + len(self.left_out),
            "replayed": len(self.replayed),
            "left_out": dict(sorted(Counter(each.why.value for each in self.left_out).items())),
            "verdicts": dict(sorted(changes.items())),
            "verdict_changes": sum(each.verdict_changes for each in self.replayed),
            "defects_change": sum(each.defects_change for each in self.replayed),
            "defects_old": _by_class(each.old for each in self.replayed),
            "defects_new": _by_class(each.new for each in self.replayed),
        }

    def to_json(self) -> str:
        """The whole as canonical JSON: the same lot, release and frames give the same bytes."""
        return (
            canonical_json(
                {
                    "schema": SCHEMA,
                    "deployment": self.deployment,
                    "release": dict(self.release),
                    "lot": self.lot,
                    "engine": self.engine,
                    "recipes": list(self.recipes),
                    "totals": self.totals(),
                    "attempts": [
                        {
                            **_which(each.of),
                            "old": _found(each.old),
                            "new": _found(each.new),
                            "verdict_changes": each.verdict_changes,
                            "defects_change": each.defects_change,
                        }
                        for each in self.replayed
                    ],
                    "left_out": [
                        {**_which(each.of), "why": each.why.value, "views": list(each.views)} for each in self.left_out
                    ],
                    "notes": [NOT_REPLAYED],
                }
            )
            + "\n"
        )


def _by_class(found: Iterable[Verdicted]) -> Mapping[str, int]:
    counts = Counter(defect["class_name"] for each in found for defect in each.defects)
    return dict(sorted(counts.items()))


def _which(attempt: Attempt) -> dict[str, Any]:
    return {
        "station": attempt.station,
        "part_id": attempt.part_id,
        "attempt": attempt.attempt,
        "inspection_id": attempt.inspection_id,
        "release": attempt.release,
    }


def _found(found: Verdicted) -> dict[str, Any]:
    return {"verdict": found.verdict, "reasons": list(found.reasons), "defects": [dict(each) for each in found.defects]}
