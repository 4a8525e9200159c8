"""Which line each station stands on: filters and names of peers need it, and events do not carry it."""

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import Connection, select

from lineside.serving.ledger import Ledger
from lineside.serving.ledger.tables import stations


class Lines(Protocol):
    """Which line each station stands on."""

    def line_of(self, station: str | None) -> str | None:
        """The station's line; None where there is none or it is not known."""
        ...

    def knows(self, station: str | None) -> bool:
        """Whether there is nothing to read again for that station."""
        ...

    async def refresh(self) -> None:
        """Read them again."""
        ...


class StationLines:
    """The plant's stations as the ledger has them, read again when one is not among them.

    Args:
        ledger: open to read.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._by_station: Mapping[str, str] = {}

    def line_of(self, station: str | None) -> str | None:
        """The station's line; None for no station and for one that was never enrolled."""
        return None if station is None else self._by_station.get(station)

    def knows(self, station: str | None) -> bool:
        """Whether there is nothing to read again for that station."""
        return station is None or station in self._by_station

    async def refresh(self) -> None:
        """Read them again.

        Raises:
            LedgerUnavailable: the database cannot be reached.
        """
        self._by_station = await self._ledger.read(self._read)

    def _read(self, connection: Connection) -> Mapping[str, str]:
        query = select(stations.c.id, stations.c.line).where(stations.c.plant == self._ledger.plant)
        return {row.id: row.line for row in connection.execute(query)}
