"""Studies through the API: judged by the server, filed once, never changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineside.serving.security import Role
from plant import Plant, open_plant
from study_files import key_text, pod_text, sheet_text, size_key_text, size_sheet_text

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=None) as plant:
        yield plant


def put(plant: Plant, path: str, role: Role = Role.QUALITY, **content: Any) -> httpx.Response:
    return plant.http.put(f"/v1/{path}", json=content, headers=plant.headers(role))


def get(plant: Plant, path: str) -> Any:
    answer = plant.http.get(f"/v1/{path}", headers=plant.headers(Role.VIEWER))
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(plant: Plant) -> list[Any]:
    found: list[Any] = plant.http.portal.call(plant.services.ledger.events_after, 0)  # type: ignore[attr-defined]  # TestClient's
    return [event for event in found if event.type == "study.v1"]


def test_a_pod_study_is_judged_filed_and_read_back(plant: Plant) -> None:
    filed = put(plant, "pod/board-2026", study=pod_text()).json()
    estimate = filed["result"]["estimate"]
    assert (estimate["targets"], estimate["is_indicative"], estimate["fit"]) == (80, False, "firth")
    assert estimate["smallest"] < estimate["size_found"] < estimate["size_bound"]
    assert (estimate["false_calls"]["events"], estimate["false_calls"]["units"]) == (2, 40)
    assert get(plant, "pod/board-2026") == filed
    listed = get(plant, "pod")["items"]
    assert [(each["id"], each["kind"], each["stored_by"]) for each in listed] == [("board-2026", "pod", "test quality")]
    assert get(plant, "capability")["items"] == []


def test_a_capability_study_is_judged_filed_and_read_back(plant: Plant) -> None:
    filed = put(plant, "capability/aoi-1", sheet=sheet_text(), key=key_text()).json()
    result = filed["result"]
    assert (filed["kind"], result["detector"], result["borderline_parts"], result["gauge"]) == (
        "attribute",
        "aoi-1",
        8,
        None,
    )
    kim, detector = result["agreement"]["appraisers"]
    assert (kim["miss_rate"]["events"], detector["miss_rate"]["events"]) == (0, 3)
    assert get(plant, "capability/aoi-1") == filed


def test_a_gauge_study_is_judged_filed_and_read_back(plant: Plant) -> None:
    filed = put(plant, "capability/sizes", sheet=size_sheet_text(), key=size_key_text()).json()
    assert (filed["kind"], filed["result"]["agreement"]) == ("variable", None)
    assert filed["result"]["gauge"]["distinct_categories"] >= 5
    assert get(plant, "capability/sizes") == filed


def test_the_same_study_again_changes_nothing_and_another_is_refused(plant: Plant) -> None:
    first = put(plant, "pod/a", study=pod_text()).json()
    assert put(plant, "pod/a", study=pod_text()).json() == first
    other = put(plant, "pod/a", study=pod_text(seed=12))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/study-filed")
    assert "never changed" in other.json()["detail"]
    assert get(plant, "pod/a") == first
    (event,) = events(plant)
    assert (event.data["area"], event.data["id"], event.data["digest"]) == ("pod", "a", first["digest"])


def test_production_sizes_are_refused_unless_marked(plant: Plant) -> None:
    refused = put(plant, "pod/a", study=pod_text(design="production"))
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/study-refused")
    marked = put(plant, "pod/a", study=pod_text(design="production"), indicative=True).json()
    assert marked["result"]["estimate"]["is_indicative"]
    assert marked["result"]["estimate"]["notes"][0].startswith("INDICATIVE ONLY")
    assert len(events(plant)) == 1


def test_what_cannot_be_read_is_refused_with_its_line(plant: Plant) -> None:
    answer = put(plant, "capability/a", sheet=sheet_text().replace("kim,1,1,K01,NG", "kim,1,1,K01,bad"), key=key_text())
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/study-unreadable")
    assert "sheet, line 3, column call: the cell holds 'bad'" in answer.json()["detail"]
    assert events(plant) == []


def test_a_study_that_nobody_filed_is_unknown(plant: Plant) -> None:
    answer = plant.http.get("/v1/pod/none", headers=plant.headers())
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-study")


def test_figures_cannot_be_handed_in(plant: Plant) -> None:
    answer = put(plant, "pod/a", study=pod_text(), result={"size_bound": 0.01})
    assert answer.status_code == 422


@pytest.mark.parametrize("role", [Role.VIEWER, Role.STATION, Role.MES, Role.MLOPS])
def test_only_quality_files_studies(plant: Plant, role: Role) -> None:
    assert put(plant, "pod/a", role, study=pod_text()).status_code == 403
