"""Reading and writing proposals in the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from lineside.serving.errors import ProposalDecided, UnknownProposal
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.context_tables import proposals
from lineside.serving.proposals.schemas import ProposalChanged, ProposalKind, ProposalOut, ProposalState

EVENT_TYPE: Final = "proposal.v1"


def propose(
    transaction: Transaction,
    *,
    kind: ProposalKind,
    change: Mapping[str, Any],
    reason: str,
    evidence: Sequence[Mapping[str, Any]],
    scenario_id: str | None,
    by: str,
) -> ProposalOut:
    """Write a proposal down; one that changes the same and is open is given back as it is."""
    plant = transaction.plant
    standing = transaction.connection.execute(
        select(proposals)
        .where(
            proposals.c.plant == plant,
            proposals.c.state == ProposalState.PROPOSED.value,
            proposals.c.kind == kind.value,
            proposals.c.change == dict(change),  # its canonical text
        )
        .order_by(proposals.c.id)
        .limit(1)
    ).one_or_none()
    if standing is not None:
        return _out(standing)
    proposal_id = transaction.new_id()
    transaction.connection.execute(
        insert(proposals).values(
            id=proposal_id,
            plant=plant,
            kind=kind.value,
            change=dict(change),
            reason=reason,
            evidence=[dict(each) for each in evidence],
            scenario_id=scenario_id,
            state=ProposalState.PROPOSED.value,
            proposed_by=by,
            proposed_at=transaction.now(),
        )
    )
    return _changed(transaction, proposal_id, changed_by=by)


def decide(
    transaction: Transaction,
    proposal_id: str,
    *,
    state: ProposalState,
    note: str | None,
    outcome: Mapping[str, Any] | None,
    by: str,
) -> ProposalOut:
    """Write a decision down.

    Raises:
        UnknownProposal: there is none.
        ProposalDecided: somebody decided before.
    """
    require_open(find(transaction.connection, transaction.plant, proposal_id))
    transaction.connection.execute(
        update(proposals)
        .where(proposals.c.id == proposal_id)
        .values(
            state=state.value,
            decided_by=by,
            decided_at=transaction.now(),
            note=note,
            outcome=None if outcome is None else dict(outcome),
        )
    )
    return _changed(transaction, proposal_id, changed_by=by)


def require_open(proposal: ProposalOut) -> None:
    """Refuse to decide twice.

    Raises:
        ProposalDecided: somebody decided before.
    """
    if proposal.state is not ProposalState.PROPOSED:
        raise ProposalDecided(
            f"proposal {proposal.id} was {proposal.state.value} by {proposal.decided_by} at "
            f"{proposal.decided_at:%Y-%m-%d %H:%M} UTC; make a new one if things have changed"
        )


def find(connection: Connection, plant: str, proposal_id: str) -> ProposalOut:
    """One proposal.

    Raises:
        UnknownProposal: there is none.
    """
    row = connection.execute(
        select(proposals).where(proposals.c.plant == plant, proposals.c.id == proposal_id)
    ).one_or_none()
    if row is None:
        raise UnknownProposal(f"no proposal {proposal_id!r}; GET /v1/proposals lists them")
    return _out(row)


def all_proposals(
    connection: Connection,
    plant: str,
    *,
    state: ProposalState | None = None,
    kind: ProposalKind | None = None,
    limit: int | None = None,
) -> Sequence[ProposalOut]:
    """Proposals, newest first.

    Args:
        connection: where to read.
        plant: whose.
        state: only these.
        kind: only these.
        limit: how many at most; None for all.
    """
    query = select(proposals).where(proposals.c.plant == plant)
    if state is not None:
        query = query.where(proposals.c.state == state.value)
    if kind is not None:
        query = query.where(proposals.c.kind == kind.value)
    return [_out(row) for row in connection.execute(query.order_by(proposals.c.id.desc()).limit(limit))]


def _out(row: Row[Any]) -> ProposalOut:
    return ProposalOut(
        id=row.id,
        kind=ProposalKind(row.kind),
        change=row.change,
        reason=row.reason,
        evidence=tuple(row.evidence),
        scenario_id=row.scenario_id,
        state=ProposalState(row.state),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note,
        outcome=row.outcome,
    )


def _changed(transaction: Transaction, proposal_id: str, *, changed_by: str) -> ProposalOut:
    """Append the event of what stands now, and give that back."""
    proposal = find(transaction.connection, transaction.plant, proposal_id)
    event = ProposalChanged(state=proposal.state, proposal=proposal, changed_by=changed_by)
    transaction.append_event(
        EVENT_TYPE,
        station=proposal.change.get("station"),
        occurred_at=transaction.now(),
        data=event.model_dump(mode="json"),
    )
    return proposal
