"""The plant's proposals: made by rules, scenarios and people, decided by people."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from pydantic import TypeAdapter

from lineside.serving.gates.store import find_report
from lineside.serving.ledger import Ledger
from lineside.serving.proposals import store
from lineside.serving.proposals.carrying_out import Hands
from lineside.serving.proposals.schemas import (
    ApprovalIn,
    ProposalDetail,
    ProposalIn,
    ProposalKind,
    ProposalOut,
    ProposalState,
    ThresholdChange,
)

_ASKED: Final[TypeAdapter[ProposalIn]] = TypeAdapter(ProposalIn)


class ProposalBook:
    """Proposals and what became of them.

    What is approved is carried out first and written down as approved then. Should the server stop in between, the
    proposal is still open, and approving it again finds done what was done.

    Args:
        ledger: where they stand.
        hands: carries out what is approved.
    """

    def __init__(self, ledger: Ledger, *, hands: Hands) -> None:
        self._ledger = ledger
        self._hands = hands
        self._deciding = asyncio.Lock()

    async def propose(
        self,
        *,
        kind: str,
        change: Mapping[str, Any],
        reason: str,
        by: str,
        evidence: Sequence[Mapping[str, Any]] = (),
        scenario_id: str | None = None,
    ) -> ProposalOut:
        """Propose a change; one that changes the same and is still open is given back as it is.

        Args:
            kind: "hold", "order", "threshold" or "second_station".
            change: what approving carries out, in the kind's JSON (`HeldIn`, `OrderChange`, `ThresholdChange`,
                `SecondStationChange`).
            reason: why, for people.
            by: name of the key, or of the rule, that proposes.
            evidence: what speaks for it, as JSON objects.
            scenario_id: the what-if scenario that it came from.

        Raises:
            UnknownStation, UnknownRecipe, NoRecipeForProduct: the change names what does not exist.
            ProposalUnfit: the change cannot be carried out.
            ValueError: the change is not of its kind's shape, or the evidence nothing that a ledger can hold.
        """
        asked = _ASKED.validate_python(
            {
                "kind": ProposalKind(kind),
                "change": dict(change),
                "reason": reason,
                "evidence": tuple(dict(each) for each in evidence),
                "scenario_id": scenario_id,
            }
        )
        return await self.add(asked, by=by)

    async def add(self, asked: ProposalIn, *, by: str) -> ProposalOut:
        """As `propose`, of what was read already."""
        self._hands.check(asked.change)
        return await self._ledger.write(
            partial(
                store.propose,
                kind=asked.kind,
                change=asked.change.model_dump(mode="json", by_alias=True, exclude_none=True),
                reason=asked.reason,
                evidence=asked.evidence,
                scenario_id=asked.scenario_id,
                by=by,
            )
        )

    async def approve(self, proposal_id: str, given: ApprovalIn, *, by: str) -> ProposalOut:
        """Carry a proposal out and write that down; the very same approval again changes nothing.

        Raises:
            UnknownProposal: there is none.
            ProposalDecided: somebody decided before.
            LooserRecipe: its thresholds let more pass, and no gate's report says that they may; it stays open.
            ServingError: whatever else refuses the change; it stays open.
        """
        async with self._deciding:
            proposal = await self.get(proposal_id)
            if _is_again(proposal, ProposalState.APPROVED, note=given.note, by=by):
                return proposal
            store.require_open(proposal)
            report = None if given.gate_report is None else await find_report(self._ledger, given.gate_report)
            outcome = await self._hands.carry_out(proposal, by=by, gate_report=report)
            return await self._decide(proposal_id, ProposalState.APPROVED, note=given.note, outcome=outcome, by=by)

    async def dismiss(self, proposal_id: str, *, note: str | None, by: str) -> ProposalOut:
        """Leave things as they are; the very same dismissal again changes nothing.

        Raises:
            UnknownProposal: there is none.
            ProposalDecided: somebody decided before.
        """
        async with self._deciding:
            proposal = await self.get(proposal_id)
            if _is_again(proposal, ProposalState.DISMISSED, note=note, by=by):
                return proposal
            return await self._decide(proposal_id, ProposalState.DISMISSED, note=note, outcome=None, by=by)

    async def get(self, proposal_id: str) -> ProposalOut:
        """One proposal.

        Raises:
            UnknownProposal: there is none.
        """
        return await self._ledger.read(partial(store.find, plant=self._ledger.plant, proposal_id=proposal_id))

    async def detail(self, proposal_id: str) -> ProposalDetail:
        """One proposal and, of an open one that moves thresholds, the recipe that approving would add.

        Raises:
            UnknownProposal: there is none.
            ProposalUnfit: the recipe has changed so that the thresholds cannot be written into it.
        """
        proposal = await self.get(proposal_id)
        text = None
        if proposal.kind is ProposalKind.THRESHOLD and proposal.state is ProposalState.PROPOSED:
            text = self._hands.recipe_text(ThresholdChange.model_validate(proposal.change))
        return ProposalDetail(**dict(proposal), recipe_text=text)

    async def proposals(
        self, *, state: ProposalState | None = None, kind: ProposalKind | None = None, limit: int
    ) -> Sequence[ProposalOut]:
        """Proposals, newest first.

        Args:
            state: only these.
            kind: only these.
            limit: how many at most.
        """
        return await self._ledger.read(
            partial(store.all_proposals, plant=self._ledger.plant, state=state, kind=kind, limit=limit)
        )

    async def _decide(
        self,
        proposal_id: str,
        state: ProposalState,
        *,
        note: str | None,
        outcome: Mapping[str, Any] | None,
        by: str,
    ) -> ProposalOut:
        decide = partial(store.decide, proposal_id=proposal_id, state=state, note=note, outcome=outcome, by=by)
        return await self._ledger.write(decide)


def _is_again(proposal: ProposalOut, state: ProposalState, *, note: str | None, by: str) -> bool:
    """Whether a decision is the one that stands: its answer was lost on the way."""
    return (proposal.state, proposal.note, proposal.decided_by) == (state, note, by)
