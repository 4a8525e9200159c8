"""Changes that a rule or a scenario proposes, and that wait for a person to approve them."""

from lineside.serving.proposals.schemas import ProposalChanged, ProposalKind, ProposalOut, ProposalState
from lineside.serving.proposals.service import ProposalBook

__all__ = ["ProposalBook", "ProposalChanged", "ProposalKind", "ProposalOut", "ProposalState"]
