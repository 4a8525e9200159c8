"""The plant's holds: the ledger is written first, what the stations show after it."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lineside.serving.holds import store
from lineside.serving.holds.schemas import HoldIn, HoldOut, HoldState
from lineside.serving.ledger import Ledger
from lineside.serving.stations import Hold, StationDirectory


class HoldBook:
    """Holds of stations and of lots. Open it with `open`.

    A hold says that parts must not go on, whatever their verdict. It alters no verdict: what the line does with held
    parts is the line's, and the MES hears of it by the event `hold.v1`.
    """

    def __init__(self, ledger: Ledger, *, stations: StationDirectory) -> None:
        self._ledger = ledger
        self._stations = stations
        self._changing = asyncio.Lock()
        self._held: dict[str, HoldOut] = {}

    @classmethod
    async def open(cls, ledger: Ledger, *, stations: StationDirectory) -> "HoldBook":
        """Read what is held, and have the stations show it."""
        book = cls(ledger, stations=stations)
        held = await ledger.read(lambda connection: store.all_holds(connection, ledger.plant, state=HoldState.HELD))
        for hold in held:
            book._show(hold)
        return book

    def standing(self, *, station: str | None = None, lot: str | None = None) -> tuple[HoldOut, ...]:
        """What is held now, oldest first.

        Args:
            station: only holds of this station.
            lot: only holds of this lot; with a station too, both.
        """
        found = tuple(self._held.values())
        if station is not None or lot is not None:
            found = tuple(
                hold
                for hold in found
                if (station is not None and hold.station == station) or (lot is not None and hold.lot == lot)
            )
        return tuple(sorted(found, key=lambda hold: hold.id))

    def concerning(self, station_id: str) -> tuple[HoldOut, ...]:
        """What holds a station's parts back now: its own hold, and that of the lot which it works on.

        Raises:
            UnknownStation: there is none.
        """
        station = self._stations.get(station_id)
        return self.standing(station=station_id, lot=station.lot)

    async def hold(
        self,
        *,
        station: str | None = None,
        lot: str | None = None,
        reason: str,
        by: str,
        evidence: Sequence[Mapping[str, Any]] = (),
    ) -> HoldOut:
        """Hold back a station's parts, or a lot's; what is held already stays as it is, with its own reason.

        Args:
            station: whose parts; this or a lot.
            lot: whose parts; it need not have begun.
            reason: why, for people.
            by: name of the key, or of the rule, that asks.
            evidence: what speaks for it, as JSON objects.

        Raises:
            UnknownStation: there is none.
            ValueError: a station and a lot, or neither; or evidence that no ledger can hold.
        """
        asked = HoldIn.model_validate(
            {"station": station, "lot": lot, "reason": reason, "evidence": [dict(each) for each in evidence]}
        )
        if asked.station is not None:
            self._stations.get(asked.station)
        write = partial(
            store.hold, station=asked.station, lot=asked.lot, reason=asked.reason, by=by, evidence=asked.evidence
        )
        async with self._changing:
            held = await self._ledger.write(write)
            self._show(held)
        return held

    async def release(self, hold_id: str, *, reason: str, by: str) -> HoldOut:
        """Let held parts go on; the very same release again changes nothing.

        Raises:
            UnknownHold: there is none.
            HoldReleased: it was released before, by somebody else or for another reason.
        """
        async with self._changing:
            released = await self._ledger.write(partial(store.release, hold_id=hold_id, reason=reason, by=by))
            self._held.pop(hold_id, None)
            if released.station is not None and not self.standing(station=released.station):
                self._stations.show_hold(released.station, None)
        return released

    async def release_station(self, station_id: str, *, reason: str, by: str) -> None:
        """Let the parts of a station go on; one whose parts are not held changes nothing.

        Raises:
            UnknownStation: there is none.
        """
        self._stations.get(station_id)
        for hold in self.standing(station=station_id):
            await self.release(hold.id, reason=reason, by=by)

    async def holds(
        self, *, state: HoldState | None = None, station: str | None = None, lot: str | None = None, limit: int
    ) -> Sequence[HoldOut]:
        """Holds that stand or stood, newest first.

        Args:
            state: only these.
            station: only holds of this station.
            lot: only holds of this lot; with a station too, both.
            limit: how many at most.
        """
        return await self._ledger.read(
            partial(store.all_holds, plant=self._ledger.plant, state=state, station=station, lot=lot, limit=limit)
        )

    def _show(self, hold: HoldOut) -> None:
        self._held[hold.id] = hold
        if hold.station is not None:
            self._stations.show_hold(hold.station, Hold(hold.reason, hold.by, hold.at))
