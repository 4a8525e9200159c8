"""Defect catalogues: append-only versions, all in memory, the built-in ones below those of the ledger."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Final

from sqlalchemy import Connection, func, insert, select

from lineside.inspection.catalogue import Catalogue, load_catalogue
from lineside.inspection.errors import CatalogueError
from lineside.serving.catalogue.schemas import CatalogueChanged
from lineside.serving.clock import Clock
from lineside.serving.errors import UnknownCatalogue, VersionConflict
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.tables import catalogues

EVENT_TYPE: Final = "catalogue.v1"
_BUILTIN = "pcb"
_BUILTIN_SINCE = datetime(2026, 1, 1, tzinfo=UTC)  # part of the program, not of this plant's history


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """One version of a catalogue as it was handed in.

    Attributes:
        catalogue: its content.
        text: the YAML file's text.
        digest: lowercase hex SHA-256 of the text.
        created_at: when it came, aware UTC.
        created_by: name of the key it came with; "lineside" for the built-in ones.
    """

    catalogue: Catalogue
    text: str
    digest: str
    created_at: datetime
    created_by: str


class CatalogueShelf:
    """All versions of all catalogues. Open it with `open`."""

    def __init__(self, ledger: Ledger, *, clock: Clock, versions: Mapping[tuple[str, int], StoredCatalogue]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._versions = dict(versions)

    @classmethod
    async def open(cls, ledger: Ledger, *, clock: Clock) -> "CatalogueShelf":
        """Read every catalogue."""
        builtin = _builtin()
        rows = await ledger.read(_read_all)
        versions = {(each.catalogue.id, each.catalogue.version): each for each in (builtin, *rows)}
        return cls(ledger, clock=clock, versions=versions)

    def get(self, catalogue_id: str, version: int | None = None) -> StoredCatalogue:
        """One version; the latest if none is named.

        Raises:
            UnknownCatalogue: there is none.
        """
        wanted = self.last_version(catalogue_id) if version is None else version
        found = self._versions.get((catalogue_id, wanted))
        if found is None:
            known = ", ".join(f"{name} {number}" for name, number in sorted(self._versions))
            which = "" if version is None else f" version {version}"
            raise UnknownCatalogue(f"no defect catalogue {catalogue_id!r}{which}; there are: {known}")
        return found

    def last_version(self, catalogue_id: str) -> int:
        """Number of the latest version; 0 if there is none."""
        return max((number for name, number in self._versions if name == catalogue_id), default=0)

    def latest(self) -> Sequence[StoredCatalogue]:
        """The latest version of every catalogue, by name."""
        return [self.get(name) for name in sorted({name for name, _ in self._versions})]

    async def add(self, catalogue_id: str, text: str, *, changed_by: str) -> StoredCatalogue:
        """Add the version that follows the last one; the same text again changes nothing.

        Raises:
            CatalogueError: the text is no catalogue, or of another name.
            VersionConflict: another version number.
        """
        # Some YAML takes seconds to refuse, and parts must not wait for it.
        catalogue = await asyncio.to_thread(load_catalogue, text, source=f"catalogue {catalogue_id}")
        if catalogue.id != catalogue_id:
            raise CatalogueError(
                f"the file's id is {catalogue.id!r} and the address says {catalogue_id!r}; make them agree"
            )
        digest = hashlib.sha256(text.encode()).hexdigest()
        last = self.last_version(catalogue_id)
        if catalogue.version == last and self.get(catalogue_id).digest == digest:
            return self.get(catalogue_id)
        if catalogue.version != last + 1:
            raise VersionConflict(
                f"catalogue {catalogue_id!r} is at version {last}: the next is {last + 1}, not {catalogue.version}"
            )
        now = self._clock.now()
        stored = StoredCatalogue(catalogue, text, digest, now, changed_by)
        event = CatalogueChanged(
            id=catalogue.id,
            version=catalogue.version,
            digest=digest,
            classes=tuple(catalogue.classes),
            changed_by=changed_by,
        ).model_dump(mode="json")

        def write(transaction: Transaction) -> None:
            taken = transaction.connection.execute(
                select(func.count())
                .select_from(catalogues)
                .where(catalogues.c.id == catalogue.id, catalogues.c.version == catalogue.version)
            ).scalar_one()
            if taken:
                raise VersionConflict(f"catalogue {catalogue.id!r} version {catalogue.version} came at the same time")
            transaction.connection.execute(
                insert(catalogues).values(
                    id=catalogue.id,
                    version=catalogue.version,
                    text=text,
                    digest=digest,
                    created_at=now,
                    created_by=changed_by,
                )
            )
            transaction.append_event(EVENT_TYPE, station=None, occurred_at=now, data=event)

        await self._ledger.write(write)
        self._versions[catalogue.id, catalogue.version] = stored
        return stored


def _builtin() -> StoredCatalogue:
    file = resources.files("lineside.inspection.catalogue") / f"{_BUILTIN}.yaml"
    text = file.read_text(encoding="utf-8")
    catalogue = load_catalogue(text, source=f"built-in catalogue {_BUILTIN}")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return StoredCatalogue(catalogue, text, digest, _BUILTIN_SINCE, "lineside")


def _read_all(connection: Connection) -> list[StoredCatalogue]:
    return [
        StoredCatalogue(
            load_catalogue(row.text, source=f"catalogue {row.id} version {row.version}"),
            row.text,
            row.digest,
            row.created_at,
            row.created_by,
        )
        for row in connection.execute(select(catalogues).order_by(catalogues.c.id, catalogues.c.version))
    ]
