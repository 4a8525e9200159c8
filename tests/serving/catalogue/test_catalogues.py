from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lineside.serving.security import Role
from plant import Plant, open_plant

pytestmark = pytest.mark.usefixtures("either_database")

GLASS = """\
schema: lineside.catalogue/1
id: glass
version: 1
classes:
  - {name: scratch, name_ko: 긁힘, severity: major, size_definition: length}
"""


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=None) as plant:
        yield plant


def put(plant: Plant, text: str, catalogue_id: str = "glass") -> httpx.Response:
    return plant.http.put(
        f"/v1/catalogues/{catalogue_id}",
        content=text.encode(),
        headers={**plant.headers(Role.QUALITY), "Content-Type": "application/yaml"},
    )


def test_the_built_in_catalogue_is_there_from_the_start(plant: Plant) -> None:
    body = plant.http.get("/v1/catalogues/pcb", headers=plant.headers()).json()
    assert [each["name"] for each in body["classes"]] == ["open", "short", "mousebite", "spur", "copper", "pin-hole"]
    assert all(each["name_ko"] for each in body["classes"])


def test_a_catalogue_is_added_listed_and_survives_a_restart(tmp_path: Path) -> None:
    with open_plant(tmp_path, recipe=None) as plant:
        assert put(plant, GLASS).json()["classes"][0]["name_ko"] == "긁힘"
        events = plant.http.portal.call(plant.services.ledger.events_after, 0)  # type: ignore[attr-defined]  # TestClient's
        assert events[-1].type == "catalogue.v1"
        assert events[-1].data["classes"] == ["scratch"]
    with open_plant(tmp_path, recipe=None) as plant:
        listed = plant.http.get("/v1/catalogues", headers=plant.headers()).json()["items"]
        assert [(each["id"], each["version"]) for each in listed] == [("glass", 1), ("pcb", 1)]


def test_versions_follow_each_other_and_are_never_replaced(plant: Plant) -> None:
    put(plant, GLASS)
    assert put(plant, GLASS).status_code == 200
    assert put(plant, GLASS.replace("major", "minor")).json()["type"] == "/problems/version-conflict"
    assert put(plant, GLASS.replace("version: 1", "version: 3")).status_code == 409
    assert put(plant, GLASS.replace("version: 1", "version: 2")).status_code == 200
    assert plant.http.get("/v1/catalogues/glass?version=1", headers=plant.headers()).json()["text"] == GLASS


@pytest.mark.parametrize(
    ("text", "catalogue_id"),
    [
        pytest.param(GLASS + "colour: red\n", "glass", id="unknown key"),
        pytest.param(GLASS, "steel", id="another id than the address"),
        pytest.param("", "glass", id="empty"),
    ],
)
def test_what_is_no_catalogue_is_refused(plant: Plant, text: str, catalogue_id: str) -> None:
    answer = put(plant, text, catalogue_id)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/catalogue-invalid")


def test_an_unknown_catalogue_says_which_there_are(plant: Plant) -> None:
    answer = plant.http.get("/v1/catalogues/none", headers=plant.headers())
    assert answer.status_code == 404
    assert "pcb 1" in answer.json()["detail"]
