"""The client's calls of the MES: orders, holds, proposals, jobs, and where parts and lots have been."""

from collections.abc import Mapping, Sequence
from typing import Any

from lineside.client.calls import Calls, Json, json_object, path_segment


class MesCalls(Calls):
    """Says what is made, holds parts back, and asks what became of them. Every call may be repeated."""

    async def orders(self, *, station: str | None = None, state: str | None = None, limit: int = 20) -> Sequence[Json]:
        """Orders, the newest first, each with its counts at every station.

        Args:
            station: only orders of this station.
            state: only orders that stand so at a station: "accepted", "in_force", "done" or "replaced".
            limit: how many at most.
        """
        return await self._items("/v1/orders", station=station, state=state, limit=limit)

    async def order(self, order_id: str) -> Json:
        """One order: what it is for, and how it stands at each station."""
        return json_object(await self._get(f"/v1/orders/{path_segment(order_id)}"))

    async def hold(
        self,
        *,
        reason: str,
        station: str | None = None,
        lot: str | None = None,
        evidence: Sequence[Mapping[str, Any]] = (),
    ) -> Json:
        """Hold back a station's parts or a lot's, whatever their verdict; what is held already stays held as it is.

        Args:
            reason: why, for people.
            station: whose parts; this or a lot.
            lot: whose parts.
            evidence: what speaks for it, as JSON objects.
        """
        content = {"station": station, "lot": lot, "reason": reason, "evidence": [dict(each) for each in evidence]}
        return await self._change("POST", "/v1/holds", content)

    async def release_hold(self, hold_id: str, *, reason: str) -> Json:
        """Let held parts go on."""
        return await self._change("POST", f"/v1/holds/{path_segment(hold_id)}/release", {"reason": reason})

    async def holds(
        self, *, state: str | None = None, station: str | None = None, lot: str | None = None, limit: int = 100
    ) -> Sequence[Json]:
        """Holds, the newest first.

        Args:
            state: "held" or "released"; None for both.
            station: only holds of this station.
            lot: only holds of this lot; with a station too, both.
            limit: how many at most.
        """
        return await self._items("/v1/holds", state=state, station=station, lot=lot, limit=limit)

    async def propose(
        self,
        *,
        kind: str,
        change: Mapping[str, Any],
        reason: str,
        evidence: Sequence[Mapping[str, Any]] = (),
        scenario_id: str | None = None,
    ) -> Json:
        """Propose a change for a person to approve; the same one that is still open is given back as it is.

        Args:
            kind: "hold", "order", "threshold" or "second_station".
            change: what approving carries out, in the kind's JSON.
            reason: why, for people.
            evidence: what speaks for it, as JSON objects.
            scenario_id: the what-if scenario that it came from.
        """
        content = {
            "kind": kind,
            "change": dict(change),
            "reason": reason,
            "evidence": [dict(each) for each in evidence],
            "scenario_id": scenario_id,
        }
        return await self._change("POST", "/v1/proposals", content)

    async def proposals(self, *, state: str | None = None, kind: str | None = None, limit: int = 100) -> Sequence[Json]:
        """Proposals, the newest first.

        Args:
            state: "proposed", "approved" or "dismissed"; None for all.
            kind: only these.
            limit: how many at most.
        """
        return await self._items("/v1/proposals", state=state, kind=kind, limit=limit)

    async def proposal(self, proposal_id: str) -> Json:
        """One proposal; of an open one that moves thresholds with the `recipe_text` that approving would add."""
        return json_object(await self._get(f"/v1/proposals/{path_segment(proposal_id)}"))

    async def approve(self, proposal_id: str, *, note: str | None = None, gate_report: str | None = None) -> Json:
        """Carry a proposal out.

        Args:
            proposal_id: which.
            note: what the one who approves says to it.
            gate_report: digest of the stored gate report that lets a looser threshold pass.
        """
        content = {"note": note, "gate_report": gate_report}
        return await self._change("POST", f"/v1/proposals/{path_segment(proposal_id)}/approve", content)

    async def dismiss(self, proposal_id: str, *, note: str | None = None) -> Json:
        """Leave things as they are."""
        return await self._change("POST", f"/v1/proposals/{path_segment(proposal_id)}/dismiss", {"note": note})

    async def start_job(
        self,
        station_id: str,
        *,
        meas_id: str | None = None,
        part_id: str | None = None,
        recipe_id: str | None = None,
        product: str | None = None,
    ) -> Json:
        """Have a station judge a part once; the part's inspection ends the job.

        Args:
            station_id: where.
            meas_id: the caller's own name for the measurement.
            part_id: the part; None for whichever the station has judged next.
            recipe_id: what the station must work by.
            product: what it must work on.
        """
        content = {"meas_id": meas_id, "part_id": part_id, "recipe_id": recipe_id, "product": product}
        return await self._change("POST", f"/v1/stations/{path_segment(station_id)}/jobs", content)

    async def jobs(self, station_id: str, *, state: str | None = None, limit: int = 100) -> Sequence[Json]:
        """A station's jobs, the newest first.

        Args:
            station_id: where.
            state: "started", "done" or "aborted"; None for all.
            limit: how many at most.
        """
        return await self._items(f"/v1/stations/{path_segment(station_id)}/jobs", state=state, limit=limit)

    async def job(self, job_id: str) -> Json:
        """One job and what became of it."""
        return json_object(await self._get(f"/v1/jobs/{path_segment(job_id)}"))

    async def abort_job(self, job_id: str, *, reason: str) -> Json:
        """End a job without a result."""
        return await self._change("POST", f"/v1/jobs/{path_segment(job_id)}/abort", {"reason": reason})

    async def part(self, part_id: str) -> Json:
        """Where a part has been: its attempts at every station, what it belongs to, and what was said and done."""
        return json_object(await self._get(f"/v1/parts/{path_segment(part_id)}"))

    async def lot(self, lot: str) -> Json:
        """What a lot is made of: its parts by verdict, its defect rate, orders, stations and holds."""
        return json_object(await self._get(f"/v1/lots/{path_segment(lot)}"))

    async def _items(self, path: str, **asked: str | int | None) -> Sequence[Json]:
        params = {name: value for name, value in asked.items() if value is not None}
        items: Sequence[Json] = json_object(await self._get(path, params))["items"]
        return items
