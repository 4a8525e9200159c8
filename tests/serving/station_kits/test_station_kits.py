"""What a station may keep to judge by itself: what is in force there, and nothing else."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.inspection.catalogue import load_catalogue
from lineside.inspection.recipe import load_recipe
from lineside.inspection.release import verify_deployment
from lineside.serving.clock import SystemClock
from lineside.serving.security import Role
from odd_releases import Workshop, version
from plant import Plant, good_board, open_plant
from signing import TestKeys


@pytest.fixture
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture
def plant(tmp_path: Path, keys: TestKeys) -> Iterator[Plant]:
    with open_plant(tmp_path, signing=keys) as plant:
        yield plant


def kit(plant: Plant, **asked: str) -> dict[str, object]:
    answer = plant.http.get("/v1/stations/aoi-1/kit", params=asked, headers=plant.headers(Role.STATION))
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_without_a_signed_deployment_there_is_nothing_to_judge_with(plant: Plant) -> None:
    found = kit(plant)
    assert (found["deployment"], found["release"]) == (None, None)
    assert found["recipe"] is not None


def test_what_is_live_comes_with_its_signature_and_verifies(plant: Plant, keys: TestKeys, tmp_path: Path) -> None:
    folder = Workshop(tmp_path / "workshop", keys).write(version("2.0.0"))
    plant.upload(folder)
    plant.deploy(keys.deploy_release(folder))
    found = plant.http.get("/v1/stations/aoi-1/kit", headers=plant.headers(Role.STATION)).json()
    document, signature = (base64.b64decode(found["deployment"][part]) for part in ("document", "signature"))
    now = SystemClock().now()
    deployment = verify_deployment(document, signature, keys.trust, plant=found["plant"], now=now, highest_serial=0)
    assert deployment.release.digest == found["release"]["digest"]
    package = plant.http.get(
        f"/v1/stations/aoi-1/kit/releases/{found['release']['digest']}", headers=plant.headers(Role.STATION)
    )
    assert (package.status_code, package.headers["content-type"]) == (200, "application/zip")
    catalogue = load_catalogue(found["recipe"]["catalogue_text"])
    assert load_recipe(found["recipe"]["text"], catalogue=catalogue).id == "board"


def test_a_station_gets_no_release_and_no_image_that_its_kit_does_not_name(
    plant: Plant, keys: TestKeys, tmp_path: Path
) -> None:
    folder = Workshop(tmp_path / "workshop", keys).write(version("2.0.0"))
    plant.upload(folder)
    manifest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    picture = plant.post(good_board(1), part_id="p").json()["frames"][0]["digest"]
    for path in (f"releases/{manifest}", f"references/{picture}"):
        answer = plant.http.get(f"/v1/stations/aoi-1/kit/{path}", headers=plant.headers(Role.STATION))
        assert answer.status_code == 404


def test_a_withdrawn_deployment_is_in_no_kit(plant: Plant, keys: TestKeys, tmp_path: Path) -> None:
    folder = Workshop(tmp_path / "workshop", keys).write(version("2.0.0"))
    plant.upload(folder)
    accepted = plant.deploy(keys.deploy_release(folder)).json()["deployment"]["id"]
    assert kit(plant)["deployment"] is not None
    assert kit(plant)["withdrawn"] == []
    plant.withdraw(accepted)
    assert (kit(plant)["deployment"], kit(plant)["withdrawn"]) == (None, [1])


def test_another_stations_key_gets_no_kit(plant: Plant) -> None:
    answer = plant.http.get("/v1/stations/aoi-2/kit", headers=plant.headers(Role.STATION))
    assert answer.status_code == 403


def test_a_kit_is_for_stations(plant: Plant) -> None:
    """A release and pictures are in it: whoever may look at stations may not look at those."""
    for role in (Role.MES, Role.VIEWER, Role.DELIVERY):
        for path in ("kit", f"kit/releases/{'0' * 64}", f"kit/references/{'0' * 64}"):
            assert plant.http.get(f"/v1/stations/aoi-1/{path}", headers=plant.headers(role)).status_code == 403


@pytest.mark.parametrize("effective", [{"from": "part", "value": "p9"}, {"from": "encoder", "value": 900}])
def test_a_kit_names_the_order_that_begins_later_until_it_has(plant: Plant, effective: dict[str, object]) -> None:
    said = {"order_id": "JO-1", "product": "BRD", "lot": "L-1", "effective": effective}
    plant.http.put("/v1/stations/aoi-1/order", json=said, headers=plant.headers(Role.MES)).raise_for_status()
    found = kit(plant)
    assert (found["order_id"], found["lot"]) == (None, None)
    at = (effective["value"], None) if effective["from"] == "part" else (None, effective["value"])
    pending = found["pending"]
    assert isinstance(pending, dict)
    assert (pending["part_id"], pending["encoder"]) == at
    assert (pending["product"], pending["lot"], pending["order_id"]) == ("BRD", "L-1", "JO-1")
    assert pending["recipe"] == found["recipe"]
    plant.post(good_board(1), part_id="p9", encoder=900)
    assert (kit(plant)["order_id"], kit(plant)["pending"]) == ("JO-1", None)
