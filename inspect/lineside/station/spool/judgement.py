"""A part's verdict as the station itself gives it, with everything that explains it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from lineside.inspection.verdict import Defect, Judgement, Reason, ReasonCode, Verdict


@dataclass(frozen=True, slots=True)
class UsedRelease:
    """The model release that looked.

    Attributes:
        name: of the model line.
        version: of the release.
        digest: lowercase hex SHA-256 of its manifest.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class UsedRecipe:
    """The recipe that judged.

    Attributes:
        id: its name.
        version: 1, 2, ...
    """

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class PartContext:
    """What the station was making.

    Attributes:
        product: what is made, None if the station has no order.
        lot: its lot.
        order_id: the MES's order.
    """

    product: str | None = None
    lot: str | None = None
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class StationJudgement:
    """What a station says of a part by itself.

    Attributes:
        verdict: OK, NG or NOT_INSPECTED.
        reasons: why it is not OK; empty exactly when it is.
        defects: every detection that counts.
        thresholds: the confidence from which a detection counted, by class.
        recipe: None only where the station knew none.
        release: None only where none looked.
        engine: what ran the release.
        context: what was being made.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    defects: tuple[Defect, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    recipe: UsedRecipe | None = None
    release: UsedRelease | None = None
    engine: str | None = None
    context: PartContext = PartContext()

    def __post_init__(self) -> None:
        """Refuse a verdict that its reasons contradict, or that nobody can have reached."""
        if (self.verdict is Verdict.OK) != (not self.reasons):
            raise ValueError(f"{self.verdict} with {len(self.reasons)} reasons: OK has none, others say why")
        if self.verdict is not Verdict.NOT_INSPECTED and (self.recipe is None or self.release is None):
            raise ValueError(f"{self.verdict} without recipe or release: only NOT_INSPECTED can do without")

    @classmethod
    def not_inspected(cls, code: ReasonCode, message: str, *, context: PartContext | None = None) -> Self:
        """The judgement of a part that nobody could look at.

        Args:
            code: why; never one that makes a part NG.
            message: for people.
            context: what was being made.
        """
        if code.makes_ng:
            raise ValueError(f"{code} is a finding, not a reason for having none")
        return cls(Verdict.NOT_INSPECTED, (Reason(code, message),), context=context or PartContext())

    @classmethod
    def of(
        cls,
        judgement: Judgement,
        *,
        recipe: UsedRecipe,
        release: UsedRelease | None,
        engine: str | None,
        context: PartContext,
    ) -> Self:
        """The record of what `lineside.inspection.verdict.judge` gave."""
        return cls(
            judgement.verdict,
            judgement.reasons,
            judgement.defects,
            MappingProxyType(dict(judgement.thresholds)),
            recipe,
            release,
            engine,
            context,
        )
