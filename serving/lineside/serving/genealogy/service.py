"""Putting a lot's history and its rates together."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from lineside.serving.genealogy import store
from lineside.serving.genealogy.schemas import LotOut, LotStationOut, PartOut
from lineside.serving.ledger import Ledger
from lineside.serving.rates.answers import RateAnswers, RateQuestion
from lineside.serving.rates.schemas import GroupOut, WindowOut
from lineside.serving.rates.service import By
from lineside.serving.rates.windows import MOST_TIME, RateFilter

_AFTER: Final = timedelta(minutes=1)  # the span's end is not part of it


class Genealogy:
    """Answers where parts and lots have been.

    Args:
        ledger: where it stands.
        rates: gives a lot's defect rates.
        is_simulated: whether the server's parts are of a simulated line.
    """

    def __init__(self, ledger: Ledger, *, rates: RateAnswers, is_simulated: bool) -> None:
        self._ledger = ledger
        self._rates = rates
        self._is_simulated = is_simulated

    async def part(self, part_id: str) -> PartOut:
        """Where a part has been.

        Raises:
            UnknownPart: it was inspected nowhere, and nothing that was belongs to it.
        """
        return await self._ledger.read(partial(store.part_history, plant=self._ledger.plant, part_id=part_id))

    async def lot(self, lot: str) -> LotOut:
        """What a lot is made of.

        Raises:
            UnknownLot: no part, order or hold names it.
        """
        found = await self._ledger.read(partial(store.lot_history, plant=self._ledger.plant, lot=lot))
        rates = await self._rates_of(lot, found.stations)
        return LotOut(
            lot=lot,
            parts=found.parts,
            products=found.products,
            stations=tuple(
                LotStationOut(
                    station=each.station,
                    first_at=each.first_at,
                    last_at=each.last_at,
                    judged=each.judged,
                    rate=rates.get(each.station),
                )
                for each in found.stations
            ),
            orders=found.orders,
            holds=found.holds,
        )

    async def _rates_of(self, lot: str, stations: tuple[store.LotAtStation, ...]) -> Mapping[str, WindowOut]:
        """The lot's defect rates by station, as far as they are counted."""
        if not stations:
            return {}
        end = max(each.last_at for each in stations) + _AFTER
        start = max(min(each.first_at for each in stations), end - MOST_TIME + timedelta(days=1))
        wanted = RateFilter(start, end, lot=lot, is_simulated=self._is_simulated)
        answer = await self._rates.answer(RateQuestion(wanted, by=By.STATION))
        return {group.name: _window(group) for group in answer.groups}


def _window(group: GroupOut) -> WindowOut:
    return WindowOut(**{name: getattr(group, name) for name in WindowOut.model_fields})
