"""The JSON of proposals, and what each kind of them would change."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from lineside.serving.fields import Name, Prose
from lineside.serving.holds.schemas import Evidence, HeldIn
from lineside.serving.stations import OrderIn


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ProposalKind(StrEnum):
    """What is proposed."""

    HOLD = "hold"
    ORDER = "order"
    THRESHOLD = "threshold"
    SECOND_STATION = "second_station"


class ProposalState(StrEnum):
    """What became of it."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DISMISSED = "dismissed"


class OrderChange(_Shape):
    """Give a station an order."""

    station: Name
    order: OrderIn


class ThresholdChange(_Shape):
    """Add a version of a recipe with other confidence thresholds, and bring it into force where it is used."""

    recipe_id: Name
    thresholds: Annotated[dict[Name, Annotated[float, Field(ge=0, le=1)]], Field(min_length=1, max_length=200)] = Field(
        description="The confidence from which a detection counts, by class. Lower is stricter."
    )


class SecondStationChange(_Shape):
    """Put a second station beside one. The server cannot: approving it is written down."""

    station: Name = Field(description="The station that cannot keep up.")
    note: Prose | None = None


Change: TypeAlias = HeldIn | OrderChange | ThresholdChange | SecondStationChange
"""What approving carries out."""


class _ProposedIn(_Shape):
    """Why, and what speaks for it, whatever is proposed."""

    reason: Prose
    evidence: Evidence = ()
    scenario_id: Name | None = None


class HoldProposalIn(_ProposedIn):
    """Parts to hold back."""

    kind: Literal[ProposalKind.HOLD]
    change: HeldIn


class OrderProposalIn(_ProposedIn):
    """An order to give."""

    kind: Literal[ProposalKind.ORDER]
    change: OrderChange


class ThresholdProposalIn(_ProposedIn):
    """Thresholds to move."""

    kind: Literal[ProposalKind.THRESHOLD]
    change: ThresholdChange


class SecondStationProposalIn(_ProposedIn):
    """A station to add."""

    kind: Literal[ProposalKind.SECOND_STATION]
    change: SecondStationChange


ProposalIn: TypeAlias = Annotated[
    HoldProposalIn | OrderProposalIn | ThresholdProposalIn | SecondStationProposalIn, Field(discriminator="kind")
]
"""What is proposed, why, and what speaks for it."""


class DismissalIn(_Shape):
    """Why it is not done."""

    note: Prose | None = None


class ApprovalIn(_Shape):
    """What the one who approves says to it."""

    note: Prose | None = None
    gate_report: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="SHA-256 of the gate's report that a looser threshold stands on."
    )


class ProposalOut(_Shape):
    """A proposal and what became of it."""

    id: str
    kind: ProposalKind
    change: Mapping[str, Any]
    reason: str
    evidence: tuple[Mapping[str, Any], ...]
    scenario_id: str | None
    state: ProposalState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    outcome: Mapping[str, Any] | None = Field(description="What approving it brought about; null where it did not.")


class ProposalDetail(ProposalOut):
    """A proposal and, of an open one that moves thresholds, the recipe that approving would add."""

    recipe_text: str | None


class ProposalList(_Shape):
    """Proposals, newest first; at most as many as were asked for."""

    items: tuple[ProposalOut, ...]


class ProposalChanged(_Shape):
    """Data of the event `proposal.v1`: a change was proposed, approved and carried out, or dismissed."""

    state: ProposalState
    proposal: ProposalOut
    changed_by: str
