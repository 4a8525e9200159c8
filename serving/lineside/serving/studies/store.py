"""Reading and writing studies in the ledger."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from lineside.inspection.canonical_json import canonical_json
from lineside.serving.errors import StudyFiled, UnknownStudy
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import studies
from lineside.serving.studies.schemas import StudyArea, StudyFiledEvent, StudySummary

EVENT_TYPE = "study.v1"
_SUMMARY = tuple(StudySummary.model_fields)


@dataclass(frozen=True, slots=True)
class NewStudy:
    """A study that was judged and is to be filed.

    Attributes:
        area: what it is about.
        id: its name.
        kind: pod, attribute or variable.
        document: the files, as JSON.
        result: what this server made of them, as JSON.
        stored_by: whose key it came with.
    """

    area: StudyArea
    id: str
    kind: str
    document: dict[str, Any]
    result: dict[str, Any]
    stored_by: str


def file_study(transaction: Transaction, study: NewStudy) -> RowMapping:
    """Insert a study with its event; the very same one again changes nothing.

    Raises:
        StudyFiled: another one has that name.
    """
    digest = hashlib.sha256(canonical_json(study.document).encode()).hexdigest()
    known = _row(transaction.connection, transaction.plant, study.area, study.id)
    if known is not None and known["digest"] == digest:
        return known
    if known is not None:
        raise StudyFiled(
            f"another {study.area.value} study {study.id!r} was filed on {known['stored_at']:%Y-%m-%d} by "
            f"{known['stored_by']!r}; a filed study is never changed: file this one under another name"
        )
    transaction.connection.execute(
        insert(studies).values(
            plant=transaction.plant,
            area=study.area.value,
            id=study.id,
            kind=study.kind,
            digest=digest,
            document=study.document,
            result=study.result,
            stored_at=transaction.now(),
            stored_by=study.stored_by,
            program_version=version("lineside"),
        )
    )
    filed = read_study(transaction.connection, transaction.plant, study.area, study.id)
    event = StudyFiledEvent(area=study.area, **{name: filed[name] for name in _SUMMARY})
    transaction.append_event(
        EVENT_TYPE, station=None, occurred_at=filed["stored_at"], data=event.model_dump(mode="json")
    )
    return filed


def read_study(connection: Connection, plant: str, area: StudyArea, study_id: str) -> RowMapping:
    """A filed study.

    Raises:
        UnknownStudy: there is none of that name.
    """
    row = _row(connection, plant, area, study_id)
    if row is None:
        raise UnknownStudy(f"no {area.value} study {study_id!r} is filed; GET /v1/{area.value} lists them")
    return row


def list_studies(connection: Connection, plant: str, area: StudyArea) -> Sequence[StudySummary]:
    """All studies of an area, newest first."""
    rows = connection.execute(
        select(*(studies.c[name] for name in _SUMMARY))
        .where(studies.c.plant == plant, studies.c.area == area.value)
        .order_by(studies.c.stored_at.desc(), studies.c.id)
    ).mappings()
    return [StudySummary(**row) for row in rows]


def _row(connection: Connection, plant: str, area: StudyArea, study_id: str) -> RowMapping | None:
    return (
        connection.execute(
            select(studies).where(studies.c.plant == plant, studies.c.area == area.value, studies.c.id == study_id)
        )
        .mappings()
        .one_or_none()
    )
