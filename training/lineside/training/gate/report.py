"""The gate's answer: every question with its figures, for each product and line, and whether it may go live."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from lineside.training.errors import GateRefused
from lineside.training.evaluation.outcomes import JudgedRelease, JudgingRecipe
from lineside.training.gate.criteria import Criterion
from lineside.training.gate.pairs import Scope

GATE_SCHEMA = "lineside.gate/1"


class GateKind(StrEnum):
    """What is about to change."""

    RELEASE = "release"
    RECIPE = "recipe"


class Overall(StrEnum):
    """The answer in one word.

    `PASSED`: every scope passed. `PARTLY_PASSED`: some did, and only these may be promoted. `OVERRIDDEN`: not all
    passed, and a named person takes the responsibility for the rest.
    """

    PASSED = "passed"
    PARTLY_PASSED = "partly_passed"
    FAILED = "failed"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody promotes although the gate did not pass it.

    Attributes:
        name: who.
        reason: why.
    """

    name: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse an anonymous or unexplained one."""
        if not self.name.strip() or not self.reason.strip():
            raise GateRefused("an override needs a name and a reason; give both")


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """The answer for one product on one line.

    Attributes:
        scope: which.
        criteria: in the order asked.
    """

    scope: Scope
    criteria: tuple[Criterion, ...]

    @property
    def blocking(self) -> tuple[Criterion, ...]:
        """What stands in the way here."""
        return tuple(criterion for criterion in self.criteria if criterion.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What the gate was asked, what it found and what follows.

    Attributes:
        kind: a release or a recipe.
        candidate: the release that wants to go live; for a recipe the release that both recipes use.
        live: the one that it is compared with; None where nothing is live.
        candidate_recipe: whose rules made the candidate's verdicts; None without a recipe.
        live_recipe: likewise for the live side.
        revision: id of the labelled data.
        split: of it, e.g. "golden".
        escape_bank: id of the escape bank's revision; None without one.
        engine: engine and precision of the candidate's evaluation.
        criteria: those that concern every scope (classes gone, leaks, parity, latency).
        scopes: one for each product and line in the data.
        override: by whom and why, if somebody overrode.
        policy: by what was judged, JSON values.
        sealed_looks: how often the sealed split has been looked at, this time included; None if it was not.
        created_at: aware, UTC.
    """

    kind: GateKind
    candidate: JudgedRelease
    live: JudgedRelease | None
    candidate_recipe: JudgingRecipe | None
    live_recipe: JudgingRecipe | None
    revision: str
    split: str
    escape_bank: str | None
    engine: str
    criteria: tuple[Criterion, ...]
    scopes: tuple[ScopeResult, ...]
    override: Override | None
    policy: Mapping[str, Any] = field(hash=False)
    sealed_looks: int | None
    created_at: datetime

    def __post_init__(self) -> None:
        """Refuse a report of nothing; make the policy unchangeable."""
        if not self.scopes:
            raise GateRefused("no labelled part was judged; expected at least one")
        object.__setattr__(self, "policy", MappingProxyType(dict(self.policy)))

    @property
    def blocking(self) -> tuple[Criterion, ...]:
        """What stands in the way everywhere."""
        return tuple(criterion for criterion in self.criteria if criterion.blocks)

    @property
    def passed_scopes(self) -> tuple[Scope, ...]:
        """Where a promotion may reach without an override."""
        return () if self.blocking else tuple(result.scope for result in self.scopes if not result.blocking)

    @property
    def overall(self) -> Overall:
        """The answer in one word."""
        passed = self.passed_scopes
        if len(passed) == len(self.scopes):
            return Overall.PASSED
        if self.override is not None:
            return Overall.OVERRIDDEN
        return Overall.PARTLY_PASSED if passed else Overall.FAILED

    @property
    def may_go_live(self) -> bool:
        """Whether every scope may be promoted, by the figures or by the override."""
        return self.overall in (Overall.PASSED, Overall.OVERRIDDEN)

    def to_bytes(self) -> bytes:
        """The report as canonical JSON (schema "lineside.gate/1"); what is stored, hashed and signed."""
        from lineside.training.gate.document import report_bytes

        return report_bytes(self)

    @property
    def sha256(self) -> str:
        """Lowercase hex digest of `to_bytes`: a deployment names its report by it."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, content: bytes, *, source: str = "the gate report") -> "GateReport":
        """Read a stored report.

        Raises:
            NotAGateReport: it is none of this schema, or not in its canonical spelling.
        """
        from lineside.training.gate.document import read_report

        return read_report(content, source=source)
