"""Carrying out what the recipes' rules asked for: holds, and proposals to a person.

A rule's wish is written down in the transaction that tells what set it off, and carried out behind it. Killed in
between, the watch carries it out after the restart: a hold that stands already and a proposal that is open already are
not made again.
"""

from functools import partial
from typing import Final, Literal

import structlog

from lineside.inspection.errors import LinesideError
from lineside.inspection.recipe import HoldAct
from lineside.serving.holds import HoldBook
from lineside.serving.ledger import Ledger, LedgerBusy, LedgerClosed, LedgerUnavailable
from lineside.serving.proposals import ProposalBook
from lineside.serving.signals import store
from lineside.serving.signals.rules import HoldWanted

_log = structlog.get_logger(__name__)

_AT_ONCE: Final = 50


class Acting:
    """Carries out the holds that rules asked for.

    Args:
        ledger: says which are due.
        holds: takes those that are ordered.
        proposals: takes those that a person decides.
    """

    def __init__(self, ledger: Ledger, *, holds: HoldBook, proposals: ProposalBook) -> None:
        self._ledger = ledger
        self._holds = holds
        self._proposals = proposals

    async def carry_out(self) -> bool:
        """Carry out what is due; whether anything was, so that there may be more, and stations are in other states.

        Raises:
            LedgerUnavailable, LedgerBusy, LedgerClosed: the rest stays due.
        """
        due = await self._ledger.read(partial(store.due_actions, plant=self._ledger.plant, limit=_AT_ONCE))
        for wanted in due:
            state: Literal["done", "refused"] = "done"
            try:
                result = await self._done(wanted)
            except (LedgerUnavailable, LedgerBusy, LedgerClosed):
                raise
            except (LinesideError, ValueError) as error:  # it cannot be carried out today or tomorrow
                state, result = "refused", str(error)
                _log.error("rule_not_obeyed", rule=wanted.key, reason=result)
            else:
                _log.warning("rule_obeyed", rule=wanted.key, act=wanted.act.value, reason=wanted.reason)
            await self._ledger.write(partial(store.carried_out, key=wanted.key, state=state, result=result))
        return bool(due)

    async def _done(self, wanted: HoldWanted) -> str:
        """The identifier of the hold or proposal that stands for it; parts that are held need no proposal."""
        standing = self._holds.standing(station=wanted.station, lot=wanted.lot)
        if standing:
            return standing[0].id
        if wanted.act is HoldAct.ORDER:
            held = await self._holds.hold(
                station=wanted.station, lot=wanted.lot, reason=wanted.reason, by=wanted.by, evidence=wanted.evidence
            )
            return held.id
        change = {"station": wanted.station} if wanted.lot is None else {"lot": wanted.lot}
        proposed = await self._proposals.propose(
            kind="hold", change=change, reason=wanted.reason, by=wanted.by, evidence=wanted.evidence
        )
        return proposed.id
