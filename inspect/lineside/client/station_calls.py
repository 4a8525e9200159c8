"""The client's calls of a station: what it needs to judge by itself, and what it has to report."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lineside.client.calls import Calls, Json, json_object, path_segment


class StationCalls(Calls):
    """Fetches a station's kit and hands in its own records. Every call may be repeated."""

    async def station_kit(self, station_id: str) -> Json:
        """What the station judges with now: context, recipe, catalogue, signed deployment, release, references."""
        return json_object(await self._get(f"/v1/stations/{path_segment(station_id)}/kit"))

    async def station_release(self, station_id: str, digest: str) -> bytes:
        """The release that the station's kit names, as a zip file of its folder; verify it before it is used."""
        return await self._get(f"/v1/stations/{path_segment(station_id)}/kit/releases/{path_segment(digest)}")

    async def station_reference(self, station_id: str, digest: str) -> bytes:
        """A reference image that the station's kit names; its SHA-256 is its name."""
        return await self._get(f"/v1/stations/{path_segment(station_id)}/kit/references/{path_segment(digest)}")

    async def station_report(
        self,
        station_id: str,
        *,
        report_id: str,
        kind: str,
        severity: str,
        message: str,
        at: datetime,
        part_id: str | None = None,
        acquisition_id: int | None = None,
        lot: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Json:
        """Tell the plant of something that a station met; the same report again is recorded once.

        Args:
            station_id: which station.
            report_id: a UUID that the station gave it.
            kind: what it is about, e.g. "camera_lost"; "bypass_on" and "master_missed" hold the lot.
            severity: "info", "warning" or "alarm".
            message: for people.
            at: aware instant.
            part_id: the part that it is about.
            acquisition_id: its acquisition, 0 to 65535.
            lot: the lot that it is about; None for the station's own.
            evidence: what speaks for it.
        """
        content = {
            "kind": kind,
            "severity": severity,
            "message": message,
            "at": at.isoformat(),
            "part_id": part_id,
            "acquisition_id": acquisition_id,
            "lot": lot,
            "evidence": None if evidence is None else dict(evidence),
        }
        return await self._change(
            "PUT", f"/v1/stations/{path_segment(station_id)}/reports/{path_segment(report_id)}", content
        )

    async def station_reports(self, station_id: str, *, kind: str | None = None, limit: int = 100) -> list[Json]:
        """What a station reported, the newest first.

        Args:
            station_id: which station.
            kind: only these.
            limit: how many at most.
        """
        params: dict[str, str | int] = {"limit": limit} | ({} if kind is None else {"kind": kind})
        items: list[Json] = json_object(await self._get(f"/v1/stations/{path_segment(station_id)}/reports", params))[
            "items"
        ]
        return items

    async def put_inspection(self, inspection_id: str, record: Mapping[str, Any], images: Mapping[str, bytes]) -> Json:
        """Hand in what the station judged itself; the server judges the same frames again and keeps both.

        Args:
            inspection_id: the UUID that the station gave it.
            record: the station's record, as `PUT /v1/inspections/{id}` has it.
            images: by view, the images that the station still has, each exactly as its digest in the record says.

        Raises:
            Contradicted: the server judged the attempt itself; `problem.inspection_id` says as which inspection.
        """
        request = self._http.build_request(
            "PUT",
            f"/v1/inspections/{path_segment(inspection_id)}",
            files={
                "record": (None, json.dumps(dict(record), allow_nan=False)),
                **{view: (view, body, "application/octet-stream") for view, body in images.items()},
            },
        )
        return json_object((await self._sender.send(request, give_up_after_s=self._timeout_s)).content)
