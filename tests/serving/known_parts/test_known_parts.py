"""Parts of known truth are said, read and said anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.serving.known_parts.showings import note_showing
from lineside.serving.security import Role
from plant import Plant, open_plant

RABBIT = {"truth": "defective", "classes": ["open"], "valid_until": "2026-12-31T00:00:00+09:00", "note": "sample 7"}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with open_plant(Path(tmp_path_factory.mktemp("plant")), recipe=None) as plant:
        yield plant


def test_what_was_said_of_a_part_comes_back_with_who_said_it(plant: Plant) -> None:
    stored = plant.http.put("/v1/known-parts/rabbit-1", json=RABBIT, headers=plant.headers(Role.QUALITY)).json()
    assert (stored["truth"], stored["classes"], stored["recorded_by"]) == ("defective", ["open"], "test quality")
    assert stored["valid_until"] == "2026-12-30T15:00:00Z"
    viewer = plant.headers(Role.VIEWER)
    assert plant.http.get("/v1/known-parts/rabbit-1", headers=viewer).json() == stored
    assert stored in plant.http.get("/v1/known-parts", headers=viewer).json()["items"]


def test_the_same_again_is_no_news_and_another_truth_is(plant: Plant) -> None:
    admin = plant.headers()
    first = plant.http.put("/v1/known-parts/rabbit-2", json=RABBIT, headers=admin).json()
    assert plant.http.put("/v1/known-parts/rabbit-2", json=RABBIT, headers=admin).json() == first
    plant.http.put("/v1/known-parts/rabbit-2", json={"truth": "good"}, headers=admin).raise_for_status()
    said = [event["truth"] for event in plant.events("known_part.v1") if event["part_id"] == "rabbit-2"]
    assert said == ["defective", "good"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"truth": "perhaps"}, id="no truth"),
        pytest.param({"truth": "good", "classes": ["open"]}, id="a good part with defects"),
        pytest.param({"truth": "defective", "classes": ["open", "open"]}, id="a class twice"),
        pytest.param({"truth": "good", "valid_until": "2026-12-31T00:00:00"}, id="an instant without offset"),
        pytest.param({"truth": "good", "colour": "red"}, id="an unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused(plant: Plant, wrong: dict[str, object]) -> None:
    assert plant.http.put("/v1/known-parts/rabbit-3", json=wrong, headers=plant.headers()).status_code == 422


def test_only_who_answers_for_quality_says_what_a_part_is(plant: Plant) -> None:
    for role in (Role.STATION, Role.MES, Role.MLOPS, Role.VIEWER):
        refused = plant.http.put("/v1/known-parts/rabbit-4", json={"truth": "good"}, headers=plant.headers(role))
        assert refused.status_code == 403, role
    unknown = plant.http.get("/v1/known-parts/rabbit-4", headers=plant.headers())
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-known-part")


@pytest.mark.parametrize(
    ("part_id", "is_known"),
    [("sample.0123456789ab", True), ("sample.1", False), ("other.0123456789ab", False), ("sample", True)],
)
def test_a_showing_of_a_known_part_is_known_with_its_first_record(
    plant: Plant, part_id: str, *, is_known: bool
) -> None:
    admin = plant.headers()
    plant.http.put("/v1/known-parts/sample", json=RABBIT, headers=admin).raise_for_status()
    plant.services.ledger.write_blocking(lambda transaction: note_showing(transaction, part_id))
    answer = plant.http.get(f"/v1/known-parts/{part_id}", headers=admin)
    assert (answer.status_code == 200) == is_known
    if is_known:
        said = answer.json()
        assert [said[key] for key in ("truth", "classes")] == ["defective", ["open"]]
        assert said["valid_until"] == "2026-12-30T15:00:00Z"
