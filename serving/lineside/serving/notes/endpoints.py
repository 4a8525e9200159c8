"""POST, GET and DELETE of notes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Instant, Name
from lineside.serving.notes import store
from lineside.serving.notes.places import check_place
from lineside.serving.notes.schemas import NoteIn, NoteList, NoteOut, Reason
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/notes", tags=["charts"])


@router.post("")
async def post_note(
    note: NoteIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_NOTES))],
) -> NoteOut:
    """Say what happened: a lamp changed, a lens cleaned; charts show it, forecasts begin anew at it."""
    check_place(services.stations, note)
    return await services.ledger.write(lambda transaction: store.record(transaction, note, recorded_by=principal.name))


@router.get("", dependencies=[Depends(allow(Action.READ_RATES))])
async def list_notes(
    services: ServicesDep,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> NoteList:
    """The notes that stand, newest first."""
    found = await services.ledger.read(
        lambda connection: store.notes_between(connection, services.settings.plant, start=start, end=end, limit=limit)
    )
    return NoteList(items=tuple(found))


@router.delete("/{note_id}")
async def withdraw_note(
    note_id: Annotated[Name, Path()],
    reason: Annotated[Reason, Query()],
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_NOTES))],
) -> NoteOut:
    """Take a note back that was wrong; it stays in the ledger."""
    return await services.ledger.write(
        lambda transaction: store.withdraw(transaction, note_id, reason=reason, withdrawn_by=principal.name)
    )
