"""Reading and writing gate reports in the ledger."""

from datetime import datetime

from sqlalchemy import insert, select

from lineside.serving.errors import UnknownGateReport
from lineside.serving.gates.report import GateReport, read_report
from lineside.serving.gates.schemas import GateReportStored
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.tables import gate_reports

EVENT_TYPE = "gate_report.v1"


def add_report(
    transaction: Transaction, report: GateReport, *, document: str, signature: str, now: datetime, by: str
) -> GateReportStored:
    """Insert a verified report with its event if it is not there."""
    stored = GateReportStored(
        digest=report.digest,
        candidate_recipe=report.candidate_recipe,
        live_recipe=report.live_recipe,
        release=report.release,
        overall=report.overall,
        stored_by=by,
    )
    known = transaction.connection.execute(
        select(gate_reports.c.stored_by).where(gate_reports.c.digest == report.digest)
    ).one_or_none()
    if known is not None:
        return stored.model_copy(update={"stored_by": known.stored_by})
    transaction.connection.execute(
        insert(gate_reports).values(
            digest=report.digest, document=document, signature=signature, stored_at=now, stored_by=by
        )
    )
    transaction.append_event(EVENT_TYPE, station=None, occurred_at=now, data=stored.model_dump(mode="json"))
    return stored


async def find_report(ledger: Ledger, digest: str) -> GateReport:
    """A stored report.

    Raises:
        UnknownGateReport: there is none.
    """
    row = await ledger.read(
        lambda connection: connection.execute(
            select(gate_reports.c.document).where(gate_reports.c.digest == digest)
        ).one_or_none()
    )
    if row is None:
        raise UnknownGateReport(f"no gate report {digest} is stored; put it there with PUT /v1/gates/{digest}")
    return read_report(row.document.encode())
