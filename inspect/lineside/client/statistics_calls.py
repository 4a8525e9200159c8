"""The client's calls about rates and what stands behind them: calendar, known parts, certificates, drift, studies."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from lineside.client.calls import Calls, Json, json_object, path_segment, signed

StudyArea = Literal["pod", "capability"]


class StatisticsCalls(Calls):
    """Asks for rates, and says what they rest on."""

    async def rates(self, **asked: str | int) -> Json:
        """Defect rates with their intervals, and what they rest on.

        Args:
            asked: the query of `GET /v1/rates`: `to`, `station`, `lot`, `by`, `bucket` and so on; `from` is a word of
                Python's and comes as `**{"from": "2026-01-31T06:00:00+00:00"}`.
        """
        return json_object(await self._get("/v1/rates", asked))

    async def rate_comparison(self, **asked: str | int) -> Json:
        """Stations, lines or others held against each other, with how sure their ranks are.

        Args:
            asked: the query of `GET /v1/rates/comparison`, as of `rates`.
        """
        return json_object(await self._get("/v1/rates/comparison", asked))

    async def charts(self, kind: str = "default", **asked: str | int) -> Json:
        """Control charts of one kind, or those to look at first, with what happened meanwhile.

        Args:
            kind: as in `GET /v1/charts/{kind}`.
            asked: its query: `station`, `by`, `to` and so on; `from` as with `rates`.
        """
        return json_object(await self._get(f"/v1/charts/{path_segment(kind)}", asked))

    async def put_note(self, note: Mapping[str, Any]) -> Json:
        """Say what happened at the line, as the API's JSON has it: `kind`, `text`, `at`, and `station` or `line`."""
        return await self._change("POST", "/v1/notes", note)

    async def calendar(self) -> Json:
        """The plant's calendar: time zone, production day, shifts."""
        return json_object(await self._get("/v1/calendar"))

    async def put_calendar(self, calendar: Mapping[str, Any]) -> Json:
        """Say when production days and shifts begin, as the API's JSON has it (`time_zone` at least)."""
        return await self._change("PUT", "/v1/calendar", calendar)

    async def known_parts(self) -> Sequence[Json]:
        """Every part whose truth is known beforehand."""
        items: Sequence[Json] = json_object(await self._get("/v1/known-parts"))["items"]
        return items

    async def put_known_part(
        self,
        part_id: str,
        *,
        truth: str,
        classes: Sequence[str] = (),
        valid_until: str | None = None,
        note: str | None = None,
    ) -> Json:
        """Say that a part is defective or good, whatever the line says: its inspections are tests from then on.

        Args:
            part_id: the part.
            truth: "defective" or "good".
            classes: the defect classes of a defective one.
            valid_until: instant in ISO 8601 with its offset, from which on the identifier is another part's.
            note: in words.
        """
        content = {"truth": truth, "classes": list(classes), "valid_until": valid_until, "note": note}
        return await self._change("PUT", f"/v1/known-parts/{path_segment(part_id)}", content)

    async def certificates(self, *, line: str | None = None, in_force: bool = False) -> Sequence[Json]:
        """Certificates of thresholds that the server accepted, newest first."""
        wanted = {"in_force": str(in_force).lower(), **({} if line is None else {"line": line})}
        items: Sequence[Json] = json_object(await self._get("/v1/certificates", wanted))["items"]
        return items

    async def certificate_standing(self) -> Json:
        """What the thresholds in force rest on now: `threshold_status`, and `items` by line and product."""
        return json_object(await self._get("/v1/certificates/standing"))

    async def put_certificate(self, document: bytes, signature: bytes) -> Json:
        """Put a signed certificate in force; the very same one again changes nothing."""
        return await self._change("POST", "/v1/certificates", signed(document, signature))

    async def end_certificate(self, certificate_id: str, *, reason: str) -> Json:
        """End a certificate: from the next verdict on it guarantees nothing."""
        path = f"/v1/certificates/{path_segment(certificate_id)}"
        request = self._http.build_request("DELETE", path, params={"reason": reason})
        return json_object((await self._sender.send(request, give_up_after_s=self._timeout_s)).content)

    async def drift(self, *, station: str | None = None) -> Json:
        """How each station (or one) stands against its reference period (`items`), and what no watch can see."""
        return json_object(await self._get("/v1/drift", None if station is None else {"station": station}))

    async def acknowledge_drift(self, alarm_id: str, *, reason: str, reference: str = "keep") -> Json:
        """End a drift alarm.

        Args:
            alarm_id: which.
            reason: what it was.
            reference: "keep" where it is mended, "renew" where this is the new normal.
        """
        path = f"/v1/drift/alarms/{path_segment(alarm_id)}/acknowledgement"
        return await self._change("POST", path, {"reason": reason, "reference": reference})

    async def put_study(
        self, area: StudyArea, study_id: str, content: Mapping[str, Any], *, give_up_after_s: float = 120.0
    ) -> Json:
        """File a study; the server makes its figures from the files. The very same one again changes nothing.

        Args:
            area: "pod" or "capability".
            study_id: its name.
            content: of a pod study `study` and, where wanted, `indicative`; of a capability study `sheet` and `key`:
                the texts of the files.
            give_up_after_s: instead of the client's timeout: figures of large studies take a while.
        """
        return await self._change(
            "PUT", f"/v1/{area}/{path_segment(study_id)}", content, give_up_after_s=give_up_after_s
        )

    async def studies(self, area: StudyArea) -> Sequence[Json]:
        """The filed studies, newest first, without their figures."""
        items: Sequence[Json] = json_object(await self._get(f"/v1/{area}"))["items"]
        return items

    async def study(self, area: StudyArea, study_id: str) -> Json:
        """A filed study with its figures and files."""
        return json_object(await self._get(f"/v1/{area}/{path_segment(study_id)}"))
