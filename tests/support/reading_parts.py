"""Reading parts at the review place by its API."""

from typing import Any

import httpx

from lineside.serving.security import Role
from plant import Plant


def claim(plant: Plant, reader: str | None = None, **wanted: Any) -> dict[str, Any] | None:
    """A part taken to be read by the key of role quality; None if nothing waits."""
    answer = plant.http.post(
        "/v1/verification/claims", json={"reader": reader, **wanted}, headers=plant.headers(Role.QUALITY)
    )
    assert answer.status_code in {201, 204}, answer.text
    found: dict[str, Any] | None = answer.json() if answer.status_code == 201 else None
    return found


def taken(plant: Plant, reader: str | None = None, **wanted: Any) -> dict[str, Any]:
    """The same, where something waits."""
    found = claim(plant, reader, **wanted)
    assert found is not None
    return found


def read(plant: Plant, claim_id: str, kind: str, **said: Any) -> httpx.Response:
    """Say something of a part that is held."""
    return plant.http.put(
        f"/v1/verification/claims/{claim_id}/reading",
        json={"kind": kind, **said},
        headers=plant.headers(Role.QUALITY),
    )


def undo(plant: Plant, claim_id: str) -> httpx.Response:
    """Take it back."""
    return plant.http.delete(f"/v1/verification/claims/{claim_id}/reading", headers=plant.headers(Role.QUALITY))


def waiting(plant: Plant) -> dict[str, int]:
    """What waits, by kind."""
    answer = plant.http.get("/v1/verification", headers=plant.headers(Role.VIEWER))
    assert answer.status_code == 200, answer.text
    found: dict[str, int] = answer.json()["waiting"]
    return found


def stored(plant: Plant, inspection_id: str) -> dict[str, Any]:
    """An inspection with all that came of it."""
    found: dict[str, Any] = plant.http.get(f"/v1/inspections/{inspection_id}", headers=plant.headers()).json()
    return found
