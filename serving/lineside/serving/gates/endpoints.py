"""PUT of signed gate reports."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from lineside.serving.bodies import from_base64
from lineside.serving.dependencies import ServicesDep
from lineside.serving.errors import DigestMismatch
from lineside.serving.gates import store
from lineside.serving.gates.report import verify_report
from lineside.serving.gates.schemas import GateReportIn, GateReportStored
from lineside.serving.security import Action, Principal, allow

router = APIRouter(prefix="/v1/gates", tags=["deployments"])


@router.put("/{digest}")
async def put_gate_report(
    digest: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    report: GateReportIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_DEPLOYMENTS))],
) -> GateReportStored:
    """Store a report of the gate on a recipe, signed by the deploy key; harmless when repeated.

    `PUT /v1/recipes/{id}?gate_report=<digest>` then lets the recipe in that it is about.
    """
    document, signature = from_base64("document", report.document), from_base64("signature", report.signature)
    found = hashlib.sha256(document).hexdigest()
    if found != digest:
        raise DigestMismatch(f"the report's sha-256 is {found}, its address says {digest}")
    trust = await asyncio.to_thread(services.trust.load)
    now = services.clock.now()
    verified = await asyncio.to_thread(lambda: verify_report(document, signature, trust, now=now))
    return await services.ledger.write(
        lambda transaction: store.add_report(
            transaction,
            verified,
            document=document.decode(),
            signature=signature.decode(),
            now=now,
            by=principal.name,
        )
    )
