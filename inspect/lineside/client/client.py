"""The client of the HTTP API, for stations, workflows and scripts."""

import base64
import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from lineside.client.aas_calls import AasCalls
from lineside.client.calls import Json, json_object, path_segment, signed
from lineside.client.delivery_calls import DeliveryCalls
from lineside.client.errors import KeyUnusable
from lineside.client.event_stream import follow
from lineside.client.label_calls import LabelCalls
from lineside.client.mes_calls import MesCalls
from lineside.client.packages import ReleasePackage
from lineside.client.picture_calls import PictureCalls
from lineside.client.records import Cause, InspectionAnswer, LedgerEvent, Pending, parse
from lineside.client.scenario_calls import ScenarioCalls
from lineside.client.sending import Pace
from lineside.client.station_calls import StationCalls
from lineside.client.statistics_calls import StatisticsCalls
from lineside.client.verification_calls import VerificationCalls
from lineside.inspection.frames import MediaType, RawGeometry


class LinesideClient(
    StatisticsCalls,
    PictureCalls,
    LabelCalls,
    VerificationCalls,
    AasCalls,
    MesCalls,
    ScenarioCalls,
    DeliveryCalls,
    StationCalls,
):
    """A typed client of one server. Nothing connects before the first request.

    ```python
    async with LinesideClient("http://127.0.0.1:8470", key) as client:
        answer = await client.inspect(jpeg, MediaType.JPEG, station="aoi-1", part_id="P-0001")
    ```

    Every method raises `RequestRefused` where the server says no, and `TryAgainLater` where no answer that counts
    arrived in time; see `lineside.client.errors`.

    Args:
        base_url: where the server is, e.g. "http://127.0.0.1:8470".
        key: an API key of a role that may do what is asked of it.
        timeout_s: seconds after which a call gives up, all its tries together.
        unix_socket: a server's Unix socket on this machine: raw frames go there without a copy through TCP; only the
            path of `base_url` counts then.
        transport: another way to the server, such as `httpx.ASGITransport` for one in this process.
        pace: waits and clock.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = 10.0,
        unix_socket: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pace: Pace | None = None,
    ) -> None:
        if not (key.isascii() and key.isprintable()):
            raise KeyUnusable(
                f"the API key has {len(key)} characters in {len(key.splitlines())} lines, or some that are not "
                "printable; expected one line that begins with lsk_: look at the file or variable that holds it"
            )
        if unix_socket is not None and transport is not None:
            raise ValueError("a Unix socket is a transport: give one of unix_socket and transport")
        if unix_socket is not None:
            transport = httpx.AsyncHTTPTransport(uds=str(unix_socket))
        # No timeout of the pool's own: each call has one, over all its tries. A proxy that the environment names
        # is not ours to use: a plant's server is reached directly.
        http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=None,  # noqa: S113 - see above
            transport=transport,
            trust_env=False,
        )
        super().__init__(http, pace or Pace(), timeout_s=timeout_s)

    async def __aenter__(self) -> Self:
        """Hold the connection pool open."""
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._http.__aexit__(kind, error, trace)

    async def inspect(
        self,
        body: bytes,
        media_type: MediaType,
        *,
        station: str,
        part_id: str,
        view: str = "default",
        attempt: int = 1,
        cause: Cause = Cause.FIRST,
        parent_id: str | None = None,
        lot: str | None = None,
        sequence: int | None = None,
        captured_at: datetime | None = None,
        encoder: int | None = None,
        raw: RawGeometry | None = None,
        idempotency_key: str | None = None,
        give_up_after_s: float | None = None,
    ) -> InspectionAnswer | Pending:
        """Have one frame of one attempt judged.

        The same request is sent again, with the same idempotency key, while the connection fails or the server has no
        room, until the time is over.

        Args:
            body: the encoded picture.
            media_type: its encoding.
            station: who took it.
            part_id: the inspected unit.
            view: the view of the recipe that it is.
            attempt: 1 for the first judging of the part at this station.
            cause: why the attempt is made; FIRST exactly when `attempt` is 1.
            parent_id: the panel or carrier that the part belongs to.
            lot: None to take the station's order.
            sequence: the camera's frame counter.
            captured_at: aware instant of exposure.
            encoder: encoder count at the trigger.
            raw: geometry of a raw body.
            idempotency_key: names this frame across restarts of the caller; None makes one for this call.
            give_up_after_s: instead of the client's timeout.

        Returns:
            The verdict, or which views are missing.
        """
        said: dict[str, Any] = {
            "station": station,
            "part_id": part_id,
            "view": view,
            "attempt": attempt,
            "cause": cause.value,
            "parent_id": parent_id,
            "lot": lot,
            "sequence": sequence,
            "captured_at": None if captured_at is None else captured_at.isoformat(),
            "encoder": encoder,
        }
        if raw is not None:
            said |= {"width": raw.width_px, "height": raw.height_px, "pixel_format": raw.pixel_format.value}
        request = self._http.build_request(
            "POST",
            "/v1/inspections",
            params={name: value for name, value in said.items() if value is not None},
            content=body,
            headers={
                "Content-Type": media_type.value,
                "Content-Digest": content_digest(body),
                "Idempotency-Key": idempotency_key or str(uuid.uuid4()),
            },
        )
        response = await self._sender.send(
            request, give_up_after_s=self._timeout_s if give_up_after_s is None else give_up_after_s
        )
        if response.status_code == 202:
            return parse(Pending, response.content)
        return parse(InspectionAnswer, response.content)

    async def inspection(self, inspection_id: str) -> InspectionAnswer:
        """One inspection as its station was answered."""
        return parse(InspectionAnswer, await self._get(f"/v1/inspections/{path_segment(inspection_id)}"))

    async def stored_inspection(self, inspection_id: str) -> Json:
        """One inspection with everything that came of it since: each frame and whether it is kept, reviews, fates."""
        return json_object(await self._get(f"/v1/inspections/{path_segment(inspection_id)}"))

    async def inspections(self, **filters: str | int) -> AsyncIterator[Json]:
        """Inspections in the server's order, page after page; filters are the route's query parameters."""
        cursor: str | None = None
        while True:
            page = json_object(await self._get("/v1/inspections", filters | ({"cursor": cursor} if cursor else {})))
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def image(self, inspection_id: str, *, view: str = "default") -> bytes:
        """The kept picture of one view, as it was sent."""
        return await self._get(f"/v1/inspections/{path_segment(inspection_id)}/image", {"view": view})

    async def dispose(
        self,
        inspection_id: str,
        *,
        kind: str,
        confirmed_by_sensor: bool,
        at: datetime,
        grade: str | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """Say what physically happened to the part.

        Args:
            inspection_id: the inspection that it happened after.
            kind: "passed", "rejected", "set_aside", "reworked", "scrapped" or "graded".
            confirmed_by_sensor: whether a sensor saw it.
            at: aware instant.
            grade: with "graded".
            idempotency_key: names this disposition across restarts of the caller; None makes one for this call.
        """
        content = {"kind": kind, "confirmed_by_sensor": confirmed_by_sensor, "at": at.isoformat(), "grade": grade}
        path = f"/v1/inspections/{path_segment(inspection_id)}/disposition"
        return await self._change("POST", path, content, idempotency_key=idempotency_key)

    async def review(
        self,
        inspection_id: str,
        *,
        kind: str,
        source: str,
        reviewer: str,
        at: datetime,
        boxes: Sequence[Mapping[str, Any]] = (),
        reason: str | None = None,
        supersedes: str | None = None,
        blind: bool = False,
    ) -> Json:
        """Say what a human finds of an inspection.

        Args:
            inspection_id: the inspection.
            kind: "confirmed", "false_call", "escape", "corrected"; or "withdrawn", which takes `supersedes` back.
            source: "operator", "audit", "downstream" or "label_studio".
            reviewer: who it is.
            at: aware instant.
            boxes: with "escape" and "corrected": view, class_name and box_xyxy_px of each defect.
            reason: in words.
            supersedes: the review that this one replaces.
            blind: whether it was said without knowing what another reader said.
        """
        content = {
            "kind": kind,
            "source": source,
            "reviewer": reviewer,
            "at": at.isoformat(),
            "boxes": list(boxes),
            "reason": reason,
            "supersedes": supersedes,
            "blind": blind,
        }
        return await self._change("POST", f"/v1/inspections/{path_segment(inspection_id)}/reviews", content)

    async def reviews(self, inspection_id: str) -> Json:
        """The reviews of an inspection, and what they amount to."""
        return json_object(await self._get(f"/v1/inspections/{path_segment(inspection_id)}/reviews"))

    async def stations(self) -> Sequence[Json]:
        """All stations that the key may see."""
        items: Sequence[Json] = json_object(await self._get("/v1/stations"))["items"]
        return items

    async def station(self, station_id: str) -> Json:
        """A station's settings and what is in force there."""
        return json_object(await self._get(f"/v1/stations/{path_segment(station_id)}"))

    async def put_station(self, station_id: str, settings: Mapping[str, Any]) -> Json:
        """Enrol a station or change its settings, given as the API's JSON has them (`name` at least)."""
        return await self._change("PUT", f"/v1/stations/{path_segment(station_id)}", settings)

    async def put_order(
        self,
        station_id: str,
        *,
        order_id: str,
        product: str,
        lot: str | None = None,
        quantity: int | None = None,
        from_part_id: str | None = None,
        from_encoder: int | None = None,
    ) -> Json:
        """Give a station the order that it works on; its product selects the recipe.

        Args:
            station_id: where.
            order_id: the MES's number.
            product: what is made.
            lot: the lot.
            quantity: how many parts, at least 1.
            from_part_id: the first part that it is for; without one, and without an encoder count, it counts at once.
            from_encoder: the first encoder count that it is for.
        """
        effective: Json = {"from": "now"}
        if from_part_id is not None:
            effective = {"from": "part", "value": from_part_id}
        elif from_encoder is not None:
            effective = {"from": "encoder", "value": from_encoder}
        content = {"order_id": order_id, "product": product, "lot": lot, "quantity": quantity, "effective": effective}
        return await self._change("PUT", f"/v1/stations/{path_segment(station_id)}/order", content)

    async def put_reference(self, image: bytes, media_type: MediaType) -> str:
        """Store a reference image; what a recipe calls it is `sha256:` and the digest that this returns."""
        digest = hashlib.sha256(image).hexdigest()
        request = self._http.build_request(
            "PUT",
            f"/v1/references/{digest}",
            content=image,
            headers={"Content-Type": media_type.value, "Content-Digest": content_digest(image)},
        )
        await self._sender.send(request, give_up_after_s=self._timeout_s)
        return digest

    async def recipes(self) -> Sequence[Json]:
        """The latest version of every recipe, without its text."""
        items: Sequence[Json] = json_object(await self._get("/v1/recipes"))["items"]
        return items

    async def recipe(self, recipe_id: str, *, version: int | None = None) -> Json:
        """One version of a recipe with its text; the latest if none is named."""
        return json_object(
            await self._get(f"/v1/recipes/{path_segment(recipe_id)}", {} if version is None else {"version": version})
        )

    async def put_recipe(
        self,
        recipe_id: str,
        text: str,
        *,
        override_name: str | None = None,
        override_reason: str | None = None,
        gate_report: str | None = None,
    ) -> Json:
        """Add a version of a recipe, as its YAML file has it.

        Args:
            recipe_id: as in the file.
            text: the file's text.
            override_name: who answers for it where it allows more than the version before.
            override_reason: why it may.
            gate_report: digest of the stored gate report that lets it.
        """
        override = {
            "override_name": override_name,
            "override_reason": override_reason,
            "gate_report": gate_report,
        }
        request = self._http.build_request(
            "PUT",
            f"/v1/recipes/{path_segment(recipe_id)}",
            params={name: value for name, value in override.items() if value is not None},
            content=text.encode(),
            headers={"Content-Type": "application/yaml"},
        )
        return json_object((await self._sender.send(request, give_up_after_s=self._timeout_s)).content)

    async def put_gate_report(self, document: bytes, signature: bytes) -> str:
        """Store a gate's report on a recipe, signed by the deploy key; gives the digest that `put_recipe` names.

        Args:
            document: the report's exact bytes.
            signature: the content of its signature file.
        """
        digest = hashlib.sha256(document).hexdigest()
        await self._change("PUT", f"/v1/gates/{digest}", signed(document, signature))
        return digest

    async def releases(self) -> Json:
        """Every release that the server has (`items`), and those that do not verify (`unusable`)."""
        return json_object(await self._get("/v1/releases"))

    async def release_package(self, digest: str) -> bytes:
        """A release's folder as the zip file that `PUT` takes."""
        return await self._get(f"/v1/releases/{path_segment(digest)}/package")

    async def upload_release(self, package: ReleasePackage, *, give_up_after_s: float = 120.0) -> Json:
        """Store a signed release on the server; it judges nothing until a deployment names it.

        Args:
            package: of `pack_release`.
            give_up_after_s: instead of the client's timeout: packages are large.
        """
        request = self._http.build_request(
            "PUT",
            f"/v1/releases/{package.digest}",
            content=package.content,
            headers={"Content-Type": "application/zip"},
        )
        return json_object((await self._sender.send(request, give_up_after_s=give_up_after_s)).content)

    async def deploy(self, document: bytes, signature: bytes, *, give_up_after_s: float = 120.0) -> Json:
        """Have the server carry out a signed deployment; the very same one again changes nothing.

        Args:
            document: the deployment's exact bytes.
            signature: the content of its signature file.
            give_up_after_s: instead of the client's timeout: the release is loaded and tried first.
        """
        return await self._change(
            "POST", "/v1/deployments", signed(document, signature), give_up_after_s=give_up_after_s
        )

    async def deployments(self) -> Json:
        """Every deployment that the server accepted (`items`, newest first), and the `highest_serial`."""
        return json_object(await self._get("/v1/deployments"))

    async def deployment(self, deployment_id: str) -> Json:
        """One deployment; of a shadow or canary with its `comparison`."""
        return json_object(await self._get(f"/v1/deployments/{path_segment(deployment_id)}"))

    async def in_force(self) -> Sequence[Json]:
        """Who judges what now, for each line and product that a station works on."""
        items: Sequence[Json] = json_object(await self._get("/v1/deployments/in-force"))["items"]
        return items

    async def disagreements(self, deployment_id: str, *, limit: int = 50) -> Sequence[Json]:
        """The latest parts that two releases see differently, newest first."""
        path = f"/v1/deployments/{path_segment(deployment_id)}/disagreements"
        items: Sequence[Json] = json_object(await self._get(path, {"limit": limit}))["items"]
        return items

    async def withdraw(self, deployment_id: str, *, reason: str, give_up_after_s: float = 120.0) -> Json:
        """Roll back: take a deployment back, so that what was in force below it is in force again.

        Args:
            deployment_id: which.
            reason: why.
            give_up_after_s: instead of the client's timeout: what comes back is loaded first.
        """
        request = self._http.build_request(
            "DELETE", f"/v1/deployments/{path_segment(deployment_id)}", params={"reason": reason}
        )
        return json_object((await self._sender.send(request, give_up_after_s=give_up_after_s)).content)

    async def is_ready(self) -> bool:
        """Whether the server answers and says that it can judge; never raises for one that is not there."""
        try:
            response = await self._http.get("/readyz", timeout=self._timeout_s)
        except httpx.HTTPError:
            return False
        return response.status_code == 200

    def events(self, *, after: int = 0, types: Sequence[str] = ()) -> AsyncIterator[LedgerEvent]:
        """Follow the plant's log without end, each event once and in order, across lost connections.

        Args:
            after: the sequence number of the last event that the caller has; 0 for all.
            types: only those, e.g. "inspection.v1"; all where empty.
        """
        return follow(self._http, self._pace, after=after, types=frozenset(types))


def content_digest(body: bytes) -> str:
    """The `Content-Digest` header (RFC 9530) of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
