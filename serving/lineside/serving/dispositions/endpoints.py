"""POST /v1/inspections/{id}/disposition."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from lineside.serving.dependencies import ServicesDep
from lineside.serving.dispositions import store
from lineside.serving.dispositions.schemas import DispositionIn, DispositionOut
from lineside.serving.fields import Name
from lineside.serving.history.lookup import inspection_row
from lineside.serving.idempotency import RequestKeyDep, answered_once
from lineside.serving.ledger import Transaction
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/inspections", tags=["dispositions"])


@router.post("/{inspection_id}/disposition")
async def post_disposition(
    inspection_id: Annotated[Name, Path()],
    disposition: DispositionIn,
    services: ServicesDep,
    key: RequestKeyDep,
    principal: Annotated[Principal, Depends(allow(Action.POST_DISPOSITION))],
) -> DispositionOut:
    """Say what physically happened to the part; sent again, it is recorded once."""

    def write(transaction: Transaction) -> Mapping[str, Any]:
        row = inspection_row(transaction.connection, transaction.plant, inspection_id)
        principal.require_station(row.station)
        return answered_once(
            transaction,
            key,
            caller=principal.key_id,
            request_body=disposition.model_dump(mode="json"),
            inspection_id=inspection_id,
            act=lambda: store.record(transaction, row, disposition, recorded_by=principal.name).model_dump(mode="json"),
        )

    return DispositionOut.model_validate(await services.ledger.write(write))
