"""A looser recipe comes in on a signed report of the gate that it passed, and on no other."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.recipe import recipe_digest
from plant import RECIPE, Plant
from signing import TestKeys

LOOSER = RECIPE.replace("version: 1\nproduct", "version: 2\nproduct") + "limits: {open: {max_count: 9}}\n"


def report(plant: Plant, **changes: Any) -> bytes:
    """The gate's report on LOOSER against RECIPE, as far as a server reads it."""
    (release,) = (
        item
        for item in plant.http.get("/v1/releases", headers=plant.headers()).json()["items"]
        if item["name"] == "blobs"
    )
    entry = {"name": "blobs", "version": "1.0.0", "digest": release["digest"]}
    content = {
        "schema": "lineside.gate/1",
        "kind": "recipe",
        "candidate": entry,
        "live": entry,
        "candidate_recipe": {"id": "board", "version": 2, "sha256": recipe_digest(LOOSER)},
        "live_recipe": {"id": "board", "version": 1, "sha256": recipe_digest(RECIPE)},
        "overall": "passed",
        **changes,
    }
    return canonical_json(content).encode()


def store(plant: Plant, document: bytes, signature: bytes, digest: str | None = None) -> httpx.Response:
    body = {name: base64.b64encode(part).decode() for name, part in (("document", document), ("signature", signature))}
    name = digest or hashlib.sha256(document).hexdigest()
    return plant.http.put(f"/v1/gates/{name}", json=body, headers=plant.headers())


def put_looser(plant: Plant, gate_report: str | None = None) -> httpx.Response:
    return plant.http.put(
        "/v1/recipes/board",
        content=LOOSER,
        params={} if gate_report is None else {"gate_report": gate_report},
        headers={**plant.headers(), "Content-Type": "application/yaml"},
    )


def test_a_looser_recipe_stands_on_the_report_of_a_gate_that_it_passed(plant: Plant, keys: TestKeys) -> None:
    assert put_looser(plant).json()["type"] == "/problems/looser-recipe"
    document = report(plant)
    stored = store(plant, document, keys.deploy.sign(document, schema="lineside.gate/1"))
    assert stored.status_code == 200, stored.text
    added = put_looser(plant, stored.json()["digest"])
    assert added.status_code == 200, added.text
    assert added.json()["gate_report"] == stored.json()["digest"]
    event = plant.events("recipe.v1")[-1]
    assert event["looser_by"]
    assert event["gate_report"] == stored.json()["digest"]
    assert len(plant.events("gate_report.v1")) == 1
    assert store(plant, document, keys.deploy.sign(document, schema="lineside.gate/1")).json() == stored.json()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"overall": "failed"}, "says 'failed'", id="failed"),
        pytest.param({"overall": "partly_passed"}, "says 'partly_passed'", id="partly passed"),
        pytest.param({"overall": "overridden"}, "override_name", id="overridden"),
        pytest.param(
            {"candidate_recipe": {"id": "board", "version": 2, "sha256": "1" * 64}}, "candidate is", id="another text"
        ),
        pytest.param(
            {"live_recipe": {"id": "board", "version": 1, "sha256": "1" * 64}}, "compared with", id="another baseline"
        ),
        pytest.param(
            {"candidate": {"name": "blobs", "version": "1.0.0", "digest": "1" * 64}},
            "made with release",
            id="another release",
        ),
    ],
)
def test_a_report_about_something_else_lets_nothing_in(
    plant: Plant, keys: TestKeys, changes: dict[str, Any], says: str
) -> None:
    document = report(plant, **changes)
    digest = store(plant, document, keys.deploy.sign(document, schema="lineside.gate/1")).json()["digest"]
    answer = put_looser(plant, digest)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/gate-report-unfit")
    assert says in answer.json()["detail"]


def test_a_report_must_be_signed_by_the_deploy_key_for_what_it_is(plant: Plant, keys: TestKeys) -> None:
    document = report(plant)
    wrong = {
        "the build key": keys.build.sign(document, schema="lineside.gate/1"),
        "a stranger": TestKeys().deploy.sign(document, schema="lineside.gate/1"),
        "as something else": keys.deploy.sign(document, schema="lineside.deployment/1"),
    }
    for name, signature in wrong.items():
        assert store(plant, document, signature).status_code == 409, name
    right = keys.deploy.sign(document, schema="lineside.gate/1")
    assert store(plant, document + b" ", right).status_code == 409
    assert store(plant, document, right, digest="0" * 64).status_code == 400
    unknown = put_looser(plant, hashlib.sha256(document).hexdigest())
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-gate-report")
