"""The client's calls about the review place: what waits, parts to read, readings, and how well people read."""

from collections.abc import Mapping, Sequence
from typing import Any

from lineside.client.calls import Calls, Json, json_object, path_segment


class VerificationCalls(Calls):
    """Reads parts as the page of the review place does. Every call may be repeated."""

    async def verification(self) -> Json:
        """What waits to be read by people: `waiting` by kind, `claimed`, `without_image`, `oldest_since`."""
        return json_object(await self._get("/v1/verification"))

    async def claim_part(
        self, *, reader: str | None = None, holder: str = "default", station: str | None = None
    ) -> Json | None:
        """The part that has waited longest, or the one that this reader's window holds; None if nothing waits for him.

        Args:
            reader: who reads, where several share the key.
            holder: which of the reader's windows: each holds a part of its own.
            station: only its parts.
        """
        content = {"reader": reader, "holder": holder, "station": station}
        request = self._http.build_request("POST", "/v1/verification/claims", json=content)
        answer = await self._sender.send(request, give_up_after_s=self._timeout_s)
        return json_object(answer.content) if answer.content else None

    async def release_part(self, claim_id: str) -> None:
        """Let a part go unread."""
        request = self._http.build_request("DELETE", f"/v1/verification/claims/{path_segment(claim_id)}")
        await self._sender.send(request, give_up_after_s=self._timeout_s)

    async def read_part(
        self,
        claim_id: str,
        *,
        kind: str,
        boxes: Sequence[Mapping[str, Any]] = (),
        reason: str | None = None,
        disposition: str | None = None,
    ) -> Json:
        """Say what a part is that is held, and what becomes of it.

        Args:
            claim_id: of the claim that holds it.
            kind: "confirmed", "false_call", "escape" or "corrected".
            boxes: the defects that are there, as `{"view", "class_name", "box_xyxy_px"}`.
            reason: in words.
            disposition: "passed" (use it), "reworked" or "scrapped"; None leaves it open.
        """
        content = {"kind": kind, "boxes": [dict(box) for box in boxes], "reason": reason, "disposition": disposition}
        return await self._change("PUT", f"/v1/verification/claims/{path_segment(claim_id)}/reading", content)

    async def take_reading_back(self, claim_id: str) -> Json | None:
        """Undo a reading; the part as it is held again, None if somebody else has it by now."""
        path = f"/v1/verification/claims/{path_segment(claim_id)}/reading"
        request = self._http.build_request("DELETE", path)
        answer = await self._sender.send(request, give_up_after_s=self._timeout_s)
        return json_object(answer.content) if answer.content else None

    async def reviewers(self, **asked: str | float) -> Json:
        """How well people read: `total` and `items` by reader, each with error rates, kappa and minutes.

        Args:
            asked: the query of `GET /v1/reviewers`: `to`, `simulated`, `confidence`; `from` is a word of Python's and
                comes as `**{"from": "2026-01-31T06:00:00+00:00"}`.
        """
        return json_object(await self._get("/v1/reviewers", {name: str(value) for name, value in asked.items()}))
