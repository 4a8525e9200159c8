import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from blob_detector import BlobModel, TinyRelease
from lineside.serving.security import Role
from plant import RECIPE, Plant, good_board, open_plant

VERSION_2 = RECIPE.replace("version: 1\nproduct", "version: 2\nproduct")
pytestmark = pytest.mark.usefixtures("either_database")

LOOSER = VERSION_2 + "limits: {short: {max_count: 3}}\n"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        yield plant


def put(plant: Plant, text: str | bytes, recipe_id: str = "board", **query: str) -> httpx.Response:
    return plant.http.put(
        f"/v1/recipes/{recipe_id}",
        content=text,
        params=query,
        headers={**plant.headers(Role.QUALITY), "Content-Type": "application/yaml"},
    )


def recipe_events(plant: Plant) -> list[str]:
    query = "SELECT data FROM events WHERE type = 'recipe.v1' ORDER BY sequence"
    return plant.services.ledger.read_blocking(
        lambda connection: [str(data) for data in connection.exec_driver_sql(query).scalars()]
    )


def versions(plant: Plant) -> list[int]:
    rows = plant.services.ledger.read_blocking(
        lambda connection: connection.exec_driver_sql("SELECT version FROM recipes ORDER BY version").scalars().all()
    )
    return list(rows)


def test_versions_are_added_one_by_one_and_never_replaced(plant: Plant) -> None:
    assert put(plant, VERSION_2).status_code == 200
    assert plant.http.get("/v1/recipes/board", headers=plant.headers()).json()["version"] == 2
    first = plant.http.get("/v1/recipes/board?version=1", headers=plant.headers()).json()
    assert first["text"] == RECIPE
    assert first["digest"] == hashlib.sha256(RECIPE.encode()).hexdigest()


@pytest.mark.parametrize("version", [1, 3, 9])
def test_only_the_next_version_is_taken(plant: Plant, version: int) -> None:
    text = RECIPE.replace("version: 1\nproduct", f"version: {version}\nproduct") + "# changed\n"
    answer = put(plant, text)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/version-conflict")
    assert versions(plant) == [1]


def test_the_same_version_again_changes_nothing(plant: Plant) -> None:
    assert put(plant, RECIPE).status_code == 200
    assert len(recipe_events(plant)) == 1


def test_a_looser_recipe_needs_somebody_who_answers_for_it(plant: Plant) -> None:
    refused = put(plant, LOOSER)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/looser-recipe")
    assert "limits.short" in refused.json()["detail"]
    half = put(plant, LOOSER, override_name="Kim")
    assert half.status_code == 422
    taken = put(plant, LOOSER, override_name="Kim", override_reason="customer deviation 4711")
    assert taken.json()["override"] == {"name": "Kim", "reason": "customer deviation 4711"}
    last = recipe_events(plant)[-1]
    assert "limits.short" in last
    assert "customer deviation 4711" in last


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(VERSION_2 + "limits: {scratch: {max_count: 1}}\n", "scratch", id="unknown class"),
        pytest.param(VERSION_2 + "colour: red\n", "colour", id="unknown key"),
        pytest.param(VERSION_2.replace("release: blobs", "release: none"), "none", id="unknown release"),
        pytest.param(VERSION_2.replace("id: pcb", "id: glass"), "glass", id="unknown catalogue"),
        pytest.param(VERSION_2.replace("id: board", "id: other"), "other", id="another id than the address"),
        pytest.param("", "empty", id="empty"),
        pytest.param("a: &x [*x]", "", id="an alias"),
        pytest.param("][", "", id="no YAML"),
        pytest.param(b"\xff\xfe", "UTF-8", id="no UTF-8"),
    ],
)
def test_a_recipe_that_cannot_be_judged_by_is_refused(plant: Plant, text: str | bytes, says: str) -> None:
    answer = put(plant, text)
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"]
    assert versions(plant) == [1]


def test_a_recipe_of_megabytes_or_of_another_kind_is_not_read(plant: Plant) -> None:
    assert put(plant, "#" * 2_000_000).status_code == 413
    as_json = plant.http.put("/v1/recipes/board", json={}, headers=plant.headers())
    assert as_json.status_code == 415


REFERENCE_RELEASE = TinyRelease(model=BlobModel(kind="reference"), name="compare")


def golden(seed: int = 0) -> bytes:
    image = np.random.default_rng(seed).integers(0, 255, (160, 160), np.uint8)
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def with_reference(image: str) -> str:
    spec = f"{{id: g1, image: {image}, approved_by: Lee, approved_at: 2026-01-01T00:00:00Z}}"
    view = f"views: {{default: {{size_wh_px: [160, 160], references: [{spec}]}}}}"
    return (
        RECIPE.replace("release: blobs", "release: compare")
        .replace("id: board", "id: pair")
        .replace("views: {default: {size_wh_px: [160, 160]}}", view)
    )


@pytest.fixture
def pairs(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=None, releases=(REFERENCE_RELEASE,)) as plant:
        yield plant


def upload(plant: Plant, body: bytes, digest: str | None = None, media_type: str = "image/png") -> httpx.Response:
    return plant.http.put(
        f"/v1/references/{digest or hashlib.sha256(body).hexdigest()}",
        content=body,
        headers={**plant.headers(Role.QUALITY), "Content-Type": media_type},
    )


def test_a_reference_is_stored_by_its_digest_and_a_recipe_may_name_it(pairs: Plant) -> None:
    body = golden()
    digest = hashlib.sha256(body).hexdigest()
    unknown = put(pairs, with_reference(f'"sha256:{digest}"'), "pair")
    assert (unknown.status_code, unknown.json()["type"]) == (422, "/problems/recipe-unfit")
    assert upload(pairs, body).json()["size_wh_px"] == [160, 160]
    assert upload(pairs, body).status_code == 200
    assert pairs.http.get(f"/v1/references/{digest}", headers=pairs.headers()).content == body
    assert put(pairs, with_reference(f'"sha256:{digest}"'), "pair").status_code == 200
    stored = pairs.services.recipes.get("pair", 1)
    assert [each.reference.id for each in stored.references["default"]] == ["g1"]


def test_a_reference_that_is_not_what_it_says_is_refused(pairs: Plant) -> None:
    body = golden()
    assert upload(pairs, body, digest="0" * 64).json()["type"] == "/problems/digest-mismatch"
    assert upload(pairs, b"text").json()["type"] == "/problems/reference-refused"
    assert upload(pairs, body[:-20]).json()["type"] == "/problems/reference-refused"
    assert upload(pairs, body, media_type="image/webp").status_code == 415
    missing = pairs.http.get(f"/v1/references/{'0' * 64}", headers=pairs.headers())
    assert missing.json()["type"] == "/problems/unknown-reference"


@pytest.mark.parametrize("image", ["golden.png", f'"sha256:{"0" * 64}"'])
def test_a_recipe_may_not_name_a_picture_that_the_server_does_not_have(pairs: Plant, image: str) -> None:
    answer = put(pairs, with_reference(image), "pair")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/recipe-unfit")
    assert "PUT /v1/references/" in answer.json()["detail"]


def test_a_reference_of_another_size_than_the_view_is_refused(pairs: Plant) -> None:
    small = bytes(cv2.imencode(".png", np.zeros((80, 80), np.uint8))[1].tobytes())
    upload(pairs, small)
    answer = put(pairs, with_reference(f'"sha256:{hashlib.sha256(small).hexdigest()}"'), "pair")
    assert answer.status_code == 422
    assert "80x80" in answer.json()["detail"]


def test_a_release_that_compares_needs_references(pairs: Plant) -> None:
    text = RECIPE.replace("release: blobs", "release: compare").replace("id: board", "id: pair")
    assert "has none" in put(pairs, text, "pair").json()["detail"]


def test_recipes_and_their_overrides_survive_a_restart(tmp_path: Path) -> None:
    with open_plant(tmp_path) as plant:
        put(plant, LOOSER, override_name="Kim", override_reason="trial")
        before = plant.http.get("/v1/recipes", headers=plant.headers()).json()
    with open_plant(tmp_path) as plant:
        assert plant.http.get("/v1/recipes", headers=plant.headers()).json() == before
        assert plant.post(good_board(), part_id="p").json()["recipe"]["version"] == 1
