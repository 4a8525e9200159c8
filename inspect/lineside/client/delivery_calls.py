"""The client's calls about delivery: how sinks stand, what is parked, what to send again, and whether all agrees."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lineside.client.calls import Calls, Json, json_object, path_segment


class DeliveryCalls(Calls):
    """Looks after sinks; `enrol_sink` and `report_delivery` are the delivery process's own."""

    async def delivery(self) -> Json:
        """Every sink: proof, position, lag, state, trouble, parked events."""
        return json_object(await self._get("/v1/delivery"))

    async def parked_events(
        self, sink: str, *, state: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[Json]:
        """Events that a sink refused for good, or that people decided about.

        Args:
            sink: its name.
            state: "parked", "resend", "resent" or "skipped"; None for all.
            after: the last sequence number that is known.
            limit: at most so many, 1 to 1000.
        """
        said: dict[str, str | int] = {"after": after, "limit": limit} | ({} if state is None else {"state": state})
        found = json_object(await self._get(f"/v1/delivery/{path_segment(sink)}/parked", said))
        items: Sequence[Json] = found["items"]
        return items

    async def resend_events(
        self,
        sink: str,
        *,
        sequences: Sequence[int] | None = None,
        parked: bool = False,
        first: int | None = None,
        since: datetime | None = None,
    ) -> Json:
        """Have a sink send events again, with the same identifiers; give exactly one of what to send.

        Args:
            sink: its name.
            sequences: these.
            parked: all that are parked.
            first: this one and everything behind it.
            since: everything recorded at that aware instant or later.
        """
        content: dict[str, Any] = {"parked": parked}
        if sequences is not None:
            content["sequences"] = list(sequences)
        if first is not None:
            content["from"] = first
        if since is not None:
            content["since"] = since.isoformat()
        return await self._change("POST", f"/v1/delivery/{path_segment(sink)}/resend", content)

    async def skip_events(self, sink: str, sequences: Sequence[int], *, reason: str) -> Json:
        """Have a sink never deliver some parked or waiting events; who asks and why is kept."""
        content = {"sequences": list(sequences), "reason": reason}
        return await self._change("POST", f"/v1/delivery/{path_segment(sink)}/skip", content)

    async def reconciliation(self, *, start: datetime, end: datetime, station: str | None = None) -> Json:
        """Whether frames, verdicts, events and deliveries of a period agree, with every gap named.

        Args:
            start: aware; inspections judged from this instant on.
            end: aware; before this one.
            station: only its.
        """
        said: dict[str, str | int] = {"from": start.isoformat(), "to": end.isoformat()}
        if station is not None:
            said["station"] = station
        return json_object(await self._get("/v1/reconciliation", said))

    async def enrol_sink(self, sink: str, described: Mapping[str, Any]) -> Json:
        """Where a sink goes on, or begins."""
        return await self._change("PUT", f"/v1/delivery/{path_segment(sink)}", described)

    async def report_delivery(self, report: Mapping[str, Any]) -> Json:
        """How a sink stands; the answer says what people want of it."""
        return await self._change("POST", "/v1/delivery/reports", report)
