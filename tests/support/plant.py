"""A whole plant for tests: a real app on a real ledger, with the blob detector's release, a recipe and a station."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from blob_detector import Blob, TinyRelease, draw_blobs
from lineside.client import pack_release
from lineside.serving import Settings, create_app
from lineside.serving.clock import Clock
from lineside.serving.ledger.tables import events
from lineside.serving.security import Role
from lineside.serving.services import Services
from signing import TestKeys

SIZE_WH_PX = (160, 160)

RECIPE = """\
schema: lineside.recipe/1
id: board
version: 1
product: BRD
catalogue: {id: pcb, version: 1}
release: blobs
deadline_ms: 20000
views: {default: {size_wh_px: [160, 160]}}
health: {min_std: null, min_brightest: null, max_black_share: null, min_mean: null, min_sharpness: null}
"""

TWO_VIEWS = RECIPE.replace(
    "views: {default: {size_wh_px: [160, 160]}}",
    "views: {top: {size_wh_px: [160, 160]}, bottom: {size_wh_px: [160, 160]}}",
)


def board_png(*blobs: Blob, seed: int = 0) -> bytes:
    """A frame with blobs on a faintly noisy background; each seed gives other bytes."""
    image = draw_blobs(blobs, SIZE_WH_PX)
    noise = np.random.default_rng(seed).integers(0, 6, image.shape, np.uint8)
    encoded = cv2.imencode(".png", np.where(image == 0, noise, image))[1]
    return bytes(encoded.tobytes())


def good_board(seed: int = 0) -> bytes:
    """A frame without a defect."""
    return board_png(seed=seed)


def bad_board(seed: int = 0) -> bytes:
    """A frame with one defect of class `short`."""
    return board_png(Blob(1, 64, 48), seed=seed)


def content_digest(body: bytes) -> str:
    """The Content-Digest header of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@dataclass(frozen=True)
class Plant:
    """A running app and keys to it."""

    app: FastAPI
    http: httpx.Client
    services: Services
    keys: Mapping[Role, str] = field(repr=False)

    def headers(self, role: Role = Role.ADMIN) -> dict[str, str]:
        """Authorization as a role."""
        return {"Authorization": f"Bearer {self.keys[role]}"}

    def post(
        self,
        body: bytes,
        *,
        part_id: str,
        role: Role = Role.STATION,
        headers: Mapping[str, str | None] | None = None,
        **said: Any,
    ) -> httpx.Response:
        """Post a frame as the station does; a header of None is left out."""
        merged: dict[str, str | None] = {
            **self.headers(role),
            "Content-Type": "image/png",
            "Content-Digest": content_digest(body),
            **(headers or {}),
        }
        return self.http.post(
            "/v1/inspections",
            params={"station": "aoi-1", "part_id": part_id, **said},
            content=body,
            headers={name: value for name, value in merged.items() if value is not None},
        )

    def upload(self, folder: Path, *, role: Role = Role.MLOPS) -> httpx.Response:
        """Upload a release folder as it is."""
        package = pack_release(folder)
        return self.http.put(
            f"/v1/releases/{package.digest}",
            content=package.content,
            headers={**self.headers(role), "Content-Type": "application/zip"},
        )

    def deploy(self, signed: tuple[bytes, bytes], *, role: Role = Role.MLOPS) -> httpx.Response:
        """Post a signed deployment."""
        document, signature = (base64.b64encode(content).decode() for content in signed)
        return self.http.post(
            "/v1/deployments", json={"document": document, "signature": signature}, headers=self.headers(role)
        )

    def withdraw(self, deployment_id: str, *, reason: str = "a test", role: Role = Role.MLOPS) -> httpx.Response:
        """Take a deployment back."""
        return self.http.delete(
            f"/v1/deployments/{deployment_id}", params={"reason": reason}, headers=self.headers(role)
        )

    def deployment(self, deployment_id: str) -> dict[str, Any]:
        """One deployment, once nothing waits to be compared."""
        self.settle()
        found: dict[str, Any] = self.http.get(f"/v1/deployments/{deployment_id}", headers=self.headers()).json()
        return found

    def settle(self) -> None:
        """Wait until every part that waited was looked at by the second release."""
        self.http.portal.call(self.services.shadowing.settle)  # type: ignore[attr-defined]  # TestClient's loop

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """The data of every event of a type, in order."""
        ledger = self.services.ledger
        return ledger.read_blocking(
            lambda connection: list(
                connection.execute(
                    select(events.c.data)
                    .where(events.c.plant == ledger.plant, events.c.type == event_type)
                    .order_by(events.c.sequence)
                ).scalars()
            )
        )

    def inspections(self) -> list[dict[str, Any]]:
        """The data of every `inspection.v1` event, in order."""
        return self.events("inspection.v1")


@contextmanager
def open_plant(
    folder: Path,
    *,
    recipe: str | None = RECIPE,
    releases: Sequence[TinyRelease] = (TinyRelease(),),
    signing: TestKeys | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> Iterator[Plant]:
    """Start an app in a folder; opening the same folder again starts it with what is there.

    Args:
        folder: of data and releases.
        recipe: YAML to store and bind to the station `aoi-1`; None for a station without a recipe.
        releases: written below the folder.
        signing: signs them, and is what the server trusts; None for a server that trusts nobody.
        clock: of the app.
        **settings: further fields of `Settings`.
    """
    releases_dir = folder / "releases"
    for release in releases:
        if not (releases_dir / release.name).exists():
            written = release.write(releases_dir / release.name)
            if signing is not None:
                signing.sign_release(written)
    if signing is not None:
        settings = {"trust_file": signing.write_trust(folder / "trust.json"), **settings}
    chosen = Settings(
        **{
            "data_dir": folder / "data",
            "releases_dir": releases_dir,
            "unsigned_releases": settings.get("trust_file") is None,
            "engine": "onnxruntime-fp32",
            "threads": 1,
            **settings,
        }
    )
    app = create_app(chosen, clock=clock)
    with TestClient(app, raise_server_exceptions=False) as http:
        services: Services = app.state.services
        keys = {
            role: services.keys.create(
                f"test {role.value}", role, station="aoi-1" if role is Role.STATION else None
            ).secret
            for role in Role
        }
        plant = Plant(app, http, services, keys)
        if http.get("/v1/stations/aoi-1", headers=plant.headers()).status_code == 404:
            _enrol(plant, recipe)
        yield plant


def _enrol(plant: Plant, recipe: str | None) -> None:
    station: dict[str, Any] = {"name": "AOI 1"}
    if recipe is not None:
        answer = plant.http.put(
            "/v1/recipes/board",
            content=recipe,
            headers={**plant.headers(), "Content-Type": "application/yaml"},
        )
        if answer.status_code >= 300:
            raise RuntimeError(f"the recipe was refused: {answer.text}")
        station["recipe"] = {"id": "board", "version": 1}
    answer = plant.http.put("/v1/stations/aoi-1", json=station, headers=plant.headers())
    if answer.status_code >= 300:
        raise RuntimeError(f"the station was refused: {answer.text}")
