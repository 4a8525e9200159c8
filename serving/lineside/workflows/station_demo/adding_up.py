"""Adding up: the PLC's account, the station's spool, what the server keeps, and the truth that nobody was told."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineside.client import LinesideClient
from lineside.inspection.verdict import Verdict
from lineside.station.rig import Lane
from lineside.station.spool import BookedPart, booked_parts, reconcile_with_server
from lineside.workflows.demo.site import STATION
from lineside.workflows.station_demo.account import PartAccount, StationDemoSummary
from lineside.workflows.station_demo.plan import StationDemoPlan
from lineside.workflows.station_demo.station_files import ShownPart, shown_parts, spool_folder

_MOST_REPORTS = 1000


@dataclass(frozen=True, slots=True)
class LineSaid:
    """What the line has to say.

    Attributes:
        account: of the PLC: `parts` and `counts`, as `rig.line.orders.truth_as_json` writes them.
        stops: why it stopped, each time.
        outage_s: how long the server was away; None if it never was.
    """

    account: Mapping[str, Any]
    stops: Sequence[str]
    outage_s: float | None


async def add_up(plan: StationDemoPlan, said: LineSaid, reader: LinesideClient) -> StationDemoSummary:
    """Hold them against each other; the station has ended.

    Args:
        plan: what the demonstration was.
        said: by the line.
        reader: a client that may list inspections.

    Raises:
        LinesideError: the spool cannot be read, or the server is away.
    """
    folder = spool_folder(plan)
    reconciliation = await reconcile_with_server(folder, reader, most=plan.parts)
    booked = {part.acquisition_id: part for part in booked_parts(folder)}
    stored = {
        part.acquisition_id: await reader.stored_inspection(part.inspection_id)
        for part in booked.values()
        if part.inspection_id is not None
    }
    shown = await asyncio.to_thread(shown_parts, plan)
    parts = tuple(
        _account_of(truth, booked.get(truth["acquisition_id"]), stored.get(truth["acquisition_id"]), shown)
        for truth in said.account["parts"]
    )
    reports = await reader.station_reports(STATION, limit=_MOST_REPORTS)
    return StationDemoSummary(
        parts=parts,
        plc_triggers=said.account["counts"]["triggers"],
        reconciliation=reconciliation,
        reports=Counter(report["kind"] for report in reports),
        stops=tuple(said.stops),
        outage_s=said.outage_s,
    )


def _account_of(
    truth: Mapping[str, Any],
    booked: BookedPart | None,
    stored: Mapping[str, Any] | None,
    shown: Mapping[str, ShownPart],
) -> PartAccount:
    verdict = None if booked is None else booked.verdict
    digests = [] if stored is None else [frame["digest"] for frame in stored["frames"]]
    seen = next((shown[digest] for digest in digests if digest in shown), None)
    is_uninspected = verdict is Verdict.NOT_INSPECTED and stored is not None
    return PartAccount(
        part_id=truth["part_id"],
        acquisition_id=truth["acquisition_id"],
        lane=Lane(truth["lane"]),
        why=truth["why"],
        verdict=verdict,
        judged_by=None if booked is None else booked.judged_by,
        reasons=tuple(reason["code"] for reason in stored["reasons"]) if is_uninspected and stored else (),
        booked_lane=None if booked is None else booked.lane,
        defects=None if seen is None else seen.defects,
    )
