"""The lines' shells over HTTP: what they say, that every address in them leads somewhere, and what is refused."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from basyx.aas.adapter.aasx import AASXReader, DictSupplementaryFileContainer
from basyx.aas.model.provider import DictIdentifiableStore
from fastapi.testclient import TestClient

from lineside.serving import Settings, create_app
from lineside.serving.security import Role
from lineside.serving.twin.aas.media_types import AASX_MEDIA_TYPE
from live_server import LiveServer, live_server
from twin_scene import TWIN_FILE, asset_id, base64url, dispose, fill, read, read_value, wait_until_counted

SHELL = "urn:lineside:plant-1:aas:smt-1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("plant")
    (folder / "twin.yaml").write_text(TWIN_FILE)
    with live_server(folder, twin_file=folder / "twin.yaml") as server:
        fill(server)
        yield server


def submodel(server: LiveServer, kind: str, line: str = "smt-1") -> str:
    """The address of one of a line's submodels."""
    return f"/submodels/{base64url(f'urn:lineside:plant-1:{kind}:{line}')}"


def refused(server: LiveServer, path: str, *, role: Role | None = Role.VIEWER, **params: Any) -> tuple[int, str]:
    """Status and text of an error, which is a Result object."""
    headers = {} if role is None else server.authorization(role)
    answer = server.http.get(f"/aas{path}", params=params or None, headers=headers)
    message = answer.json()["messages"][0]
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"messages"}
    assert set(message) == {"code", "correlationId", "messageType", "text", "timestamp"}
    assert message["code"] == str(answer.status_code)
    return answer.status_code, str(message["text"])


def test_each_line_has_a_shell_with_its_submodels(server: LiveServer) -> None:
    shells = read(server, "/shells")["result"]
    assert [shell["id"] for shell in shells] == [SHELL, SHELL.replace("smt-1", "smt-2")]
    kinds = [reference["keys"][0]["value"].split(":")[3] for reference in shells[0]["submodels"]]
    assert kinds == ["ai-model", "interfaces", "kpi", "nameplate", "time-series"]
    assert len(shells[1]["submodels"]) == 4  # no station of that line has a recipe, so no model judges there


def test_kpis_are_what_was_judged_and_what_happened_to_the_parts(server: LiveServer) -> None:
    """Eight parts, two of them NG: one was scrapped after its rework, one reworked."""
    values = read_value(server, "kpi", "smt-1")
    shown = {name: values[name]["currentValue"] for name in values if name != "Period"}
    assert shown == {
        "ProducedQuantity": 8,
        "InspectedPart": 8,
        "GoodPart": 6,
        "ReworkQuantity": 1,
        "ScrapQuantity": 1,
    }
    assert all(values[name]["comment"][0]["en"] for name in shown)


def test_a_line_without_parts_has_zeros(server: LiveServer) -> None:
    values = read_value(server, "kpi", "smt-2")
    assert {values[name]["currentValue"] for name in values if name != "Period"} == {0}


def test_the_definitions_of_the_kpis_come_along(server: LiveServer) -> None:
    environment = read(server, "/serialization")
    described = {each["id"].rpartition("#")[2] for each in environment["conceptDescriptions"]}
    assert described == {"ProducedQuantity", "InspectedPart", "GoodPart", "ReworkQuantity", "ScrapQuantity"}
    without = read(server, "/serialization", includeConceptDescriptions="false")
    assert "conceptDescriptions" not in without


def test_the_nameplate_says_what_the_plant_says_and_nothing_else(server: LiveServer) -> None:
    first, second = (read_value(server, "nameplate", line) for line in ("smt-1", "smt-2"))
    assert first["ManufacturerName"] == [{"en": "Kim Automation"}]
    assert first["YearOfConstruction"] == "2024"
    assert first["ContactInformation"]["CityTown"] == [{"en": "not stated"}]
    assert first["Stations"] == {"Station01": {"Id": "aoi-1", "Name": "aoi-1"}}
    assert "SerialNumber" not in first
    assert second["SerialNumber"] == "0042"


def test_the_time_series_has_the_last_hours_as_rates_and_chart_say(server: LiveServer) -> None:
    segments = read_value(server, "time-series", "smt-1")["Segments"]
    points = segments["HourlyPoints"]
    assert points["RecordCount"] == 24 == len(points["Records"])
    counted = [points["Records"][f"Record{number:02d}"] for number in (23, 24)]  # the hour may turn while parts come
    assert sum(each["Inspected"] for each in counted) == 8
    assert sum(each["Flagged"] for each in counted) == 2
    fullest = max(counted, key=lambda each: int(each["Inspected"]))
    start = datetime.fromisoformat(fullest["Time"])
    answer = server.http.get(
        "/v1/rates",
        params={"line": "smt-1", "from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()},
        headers=server.authorization(),
    ).json()
    rate, detector_rate = answer["total"]["rate"], answer["total"]["detector_rate"]
    assert [rate[name] for name in ("point", "lower", "upper")] == [
        fullest.get(name) for name in ("Rate", "RateLower", "RateUpper")
    ]
    assert [detector_rate[name] for name in ("estimate", "lower", "upper")] == [
        fullest[name] for name in ("DetectorRate", "DetectorRateLower", "DetectorRateUpper")
    ]
    assert "ChartValue" in fullest


def test_the_linked_segments_lead_to_the_history(server: LiveServer) -> None:
    segments = read_value(server, "time-series", "smt-1")["Segments"]
    linked = [each for each in segments.values() if "Endpoint" in each]
    assert len(linked) == 3
    for each in linked:
        assert each["Endpoint"].startswith("http://lineside.example:8470/v1/")
        path = each["Endpoint"].removeprefix("http://lineside.example:8470")
        answer = server.http.get(f"{path}?{each['Query']}", headers=server.authorization(Role.MES))
        assert answer.status_code == 200, answer.text


def test_every_interface_that_is_described_is_there(server: LiveServer) -> None:
    described = read_value(server, "interfaces", "smt-1")["InterfaceHTTP"]
    properties = described["InteractionMetadata"]["properties"]
    assert set(properties) == {"rates", "charts", "inspections", "events"}
    for name, each in properties.items():
        if name != "events":  # a stream never ends
            answer = server.http.get(each["forms"]["href"], headers=server.authorization(Role.MES))
            assert answer.status_code == 200, name


def test_the_model_says_which_release_judges(server: LiveServer) -> None:
    path = read(server, f"/shells/{base64url(SHELL)}/submodel-refs")["result"][0]["keys"][0]["value"]
    address = f"/submodels/{base64url(path)}"
    values = read(server, f"{address}/$value")
    release = values["Release"]
    loaded = next(iter(server.services.releases.all_loaded().values())).release
    assert (release["Name"], release["Digest"]) == (loaded.name, loaded.digest)
    assert release["Classes"] == list(loaded.classes)
    answer = server.http.get(
        f"/aas{address}/submodel-elements/Release.Manifest/attachment", headers=server.authorization(Role.VIEWER)
    )
    assert hashlib.sha256(answer.content).hexdigest() == loaded.digest  # byte for byte as it was verified


@pytest.mark.parametrize("kind", ["ai-model", "interfaces", "kpi", "nameplate", "time-series"])
def test_every_path_of_a_submodel_leads_to_its_element(server: LiveServer, kind: str) -> None:
    identifiers = [
        each["id"] for each in read(server, "/submodels/$metadata")["result"] if each["id"].split(":")[3] == kind
    ]
    address = f"/submodels/{base64url(identifiers[0])}"
    paths = read(server, f"{address}/$path")
    assert len(paths) == len(set(paths)) > 5
    for path in paths[:: max(1, len(paths) // 40)]:
        element = read(server, f"{address}/submodel-elements/{path}")
        reference = read(server, f"{address}/submodel-elements/{path}/$reference")
        assert reference["keys"][-1]["type"] == element["modelType"]
        metadata = read(server, f"{address}/submodel-elements/{path}/$metadata")
        assert "value" not in metadata
        read(server, f"{address}/submodel-elements/{path}/$value")
        below = f"/shells/{base64url(SHELL)}{address}/submodel-elements/{path}"
        assert read(server, below) == element


def test_a_shell_is_found_by_what_it_is_of(server: LiveServer) -> None:
    by_line = read(server, "/shells", assetIds=asset_id("line", "smt-2"))["result"]
    by_global = read(server, "/shells", assetIds=asset_id("globalAssetId", "urn:lineside:plant-1:line:smt-2"))["result"]
    assert (
        [shell["id"] for shell in by_line] == [shell["id"] for shell in by_global] == [SHELL.replace("smt-1", "smt-2")]
    )
    assert read(server, "/shells", idShort="Line_smt_1")["result"][0]["id"] == SHELL
    assert read(server, "/shells", assetIds=[asset_id("line", "smt-1"), asset_id("plant", "other")])["result"] == []


def test_submodels_are_found_by_what_they_mean(server: LiveServer) -> None:
    template = "https://admin-shell.io/idta/TimeSeries/1/1"
    reference = json.dumps({"type": "ExternalReference", "keys": [{"type": "GlobalReference", "value": template}]})
    for wanted in (template, reference):
        found = read(server, "/submodels/$metadata", semanticId=base64url(wanted))["result"]
        assert [each["idShort"] for each in found] == ["TimeSeries", "TimeSeries"]
    assert len(read(server, "/submodels/$reference", idShort="Nameplate")["result"]) == 2


def test_core_stops_below_the_first_level(server: LiveServer) -> None:
    whole = read(server, submodel(server, "time-series"))
    core = read(server, submodel(server, "time-series"), level="core")
    assert [each["idShort"] for each in core["submodelElements"]] == [
        each["idShort"] for each in whole["submodelElements"]
    ]
    assert all("value" not in each for each in core["submodelElements"])
    assert read(server, f"{submodel(server, 'time-series')}/$path", level="core") == ["Metadata", "Segments"]


def test_pages_of_the_api_put_together_are_the_whole(server: LiveServer) -> None:
    everything = read(server, "/submodels/$path", limit=500)["result"]
    collected: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(100):
        page = read(server, "/submodels/$path", limit=77, **cursor)
        collected += page["result"]
        if "cursor" not in page["paging_metadata"]:
            break
        cursor = {"cursor": page["paging_metadata"]["cursor"]}
    assert collected[: len(everything)] == everything
    assert len(collected) > 500
    assert len(read(server, "/submodels/$path", limit=10**12)["result"]) == 500  # a huge page is cut


def test_the_package_has_what_the_json_has_and_opens_elsewhere(server: LiveServer) -> None:
    headers = {**server.authorization(Role.MES), "Accept": AASX_MEDIA_TYPE}
    is_news = True
    while is_news:  # the watch may tell of the station meanwhile, which the twin takes up
        said = read(server, "/serialization")
        answer, again = (server.http.get("/aas/serialization", headers=headers) for _ in range(2))
        is_news = read(server, "/serialization") != said
    assert again.content == answer.content
    assert answer.headers["content-type"] == AASX_MEDIA_TYPE
    with zipfile.ZipFile(io.BytesIO(answer.content)) as package:
        assert json.loads(package.read("aasx/lineside.json")) == said
    store: DictIdentifiableStore[Any] = DictIdentifiableStore()
    files = DictSupplementaryFileContainer()  # type: ignore[no-untyped-call]  # the library says nothing
    with AASXReader(io.BytesIO(answer.content)) as reader:
        reader.read_into(store, files)
    assert {each.id for each in store} >= {SHELL, "urn:lineside:plant-1:kpi:smt-1"}
    assert len(files) == 1  # the release's manifest


def test_only_what_is_asked_for_is_serialised(server: LiveServer) -> None:
    one = read(server, "/serialization", aasIds=base64url(SHELL))
    assert [each["id"] for each in one["assetAdministrationShells"]] == [SHELL]
    assert len(one["submodels"]) == 5
    kpi = base64url("urn:lineside:plant-1:kpi:smt-2")
    both = read(server, "/serialization", aasIds=base64url(SHELL), submodelIds=kpi)
    assert [each["id"] for each in both["submodels"]] == ["urn:lineside:plant-1:kpi:smt-2"]
    assert "assetAdministrationShells" not in read(server, "/serialization", submodelIds=kpi)


@pytest.mark.parametrize("role", [Role.STATION, Role.LABEL_STUDIO])
def test_who_may_not_read_the_twin_gets_a_result_object_that_says_so(server: LiveServer, role: Role) -> None:
    assert refused(server, "/shells", role=role)[0] == 403
    assert refused(server, "/shells", role=None)[0] == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/shells/not-base64-%C3%A9", 400, id="no base64url"),
        pytest.param(f"/shells/{base64url('urn:nobody')}", 404, id="no such shell"),
        pytest.param(f"/submodels/{base64url(SHELL)}", 404, id="a shell is no submodel"),
        pytest.param(f"/shells/{base64url(SHELL)}/asset-information/thumbnail", 404, id="no picture"),
        pytest.param(
            f"/shells/{base64url(SHELL)}/submodels/{base64url('urn:lineside:plant-1:kpi:smt-2')}",
            404,
            id="another shell's submodel",
        ),
        pytest.param("/{kpi}/submodel-elements/GoodPart.nothing", 404, id="no such element"),
        pytest.param("/{kpi}/submodel-elements/GoodPart[0]", 404, id="a collection has no positions"),
        pytest.param("/{kpi}/submodel-elements/..%2F..%2Fetc%2Fpasswd", 404, id="traversal by slashes"),
        pytest.param("/{kpi}/submodel-elements/..%252F..%252Fetc", 400, id="traversal, encoded twice"),
        pytest.param("/{kpi}/submodel-elements/..%5C..%5Cetc", 400, id="traversal by backslashes"),
        pytest.param("/{kpi}/submodel-elements/GoodPart..key", 400, id="two dots"),
        pytest.param("/{kpi}/submodel-elements/GoodPart%00", 400, id="a control character"),
        pytest.param("/{kpi}/submodel-elements/" + "A" * 1200, 400, id="an endless path"),
        pytest.param("/{kpi}/submodel-elements/GoodPart.key/$path", 400, id="paths of a leaf"),
        pytest.param("/{kpi}/submodel-elements/GoodPart/attachment", 404, id="no file"),
        pytest.param("/{kpi}?level=deeper", 400, id="no such level"),
        pytest.param("/{kpi}?extent=all", 400, id="no such extent"),
        pytest.param("/submodels?limit=0", 400, id="no items"),
        pytest.param("/submodels?limit=-1", 400, id="fewer than none"),
        pytest.param("/submodels?limit=many", 400, id="no number"),
        pytest.param("/submodels?limit=" + "9" * 5000, 400, id="a number beyond reading"),
        pytest.param("/submodels?cursor=../..", 400, id="no cursor of ours"),
        pytest.param("/shells?assetIds=eyJ9", 400, id="no asset id"),
        pytest.param("/serialization?aasIds=" + base64url("urn:nobody"), 404, id="a file of nobody"),
        pytest.param("/nothing/of/that/name", 404, id="no such route"),
    ],
)
def test_what_cannot_be_answered_is_a_result_object(server: LiveServer, path: str, status: int) -> None:
    address = path.replace("/{kpi}", f"/submodels/{base64url('urn:lineside:plant-1:kpi:smt-1')}")
    found, text = refused(server, address)
    assert (found, bool(text)) == (status, True)
    assert "/etc" not in text or status == 404


def test_nothing_can_be_written(server: LiveServer) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = server.http.request(method, "/aas/shells", json={}, headers=server.authorization())
        assert answer.status_code == 405, method
        assert answer.json()["messages"][0]["code"] == "405"


def test_a_form_that_the_twin_is_not_given_out_in_is_refused(server: LiveServer) -> None:
    headers = {**server.authorization(Role.VIEWER), "Accept": "application/xml"}
    answer = server.http.get("/aas/serialization", headers=headers)
    assert answer.status_code == 400
    assert "application/json" in answer.json()["messages"][0]["text"]


def test_problems_elsewhere_stay_problem_documents(server: LiveServer) -> None:
    answer = server.http.get("/v1/stations/nobody", headers=server.authorization())
    assert answer.headers["content-type"] == "application/problem+json"
    assert (
        server.http.get("/aasx", headers=server.authorization()).headers["content-type"] == "application/problem+json"
    )


def test_a_disposition_shows_as_soon_as_it_is_written_down(server: LiveServer) -> None:
    """Part P-4 was reworked before; what is scrapped is no rework."""
    before = read_value(server, "kpi", "smt-1")
    found = server.http.get("/v1/inspections", params={"part_id": "P-4"}, headers=server.authorization()).json()[
        "items"
    ]
    dispose(server, found[0]["id"], "scrapped")
    wait_until_counted(server)
    values = read_value(server, "kpi", "smt-1")
    assert values["ScrapQuantity"]["currentValue"] == before["ScrapQuantity"]["currentValue"] + 1
    assert values["ReworkQuantity"]["currentValue"] == before["ReworkQuantity"]["currentValue"] - 1
    assert values["Period"]["AsOfSequence"] > before["Period"]["AsOfSequence"]


def test_a_plant_without_stations_has_no_shells(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path / "data", releases_dir=tmp_path))
    with TestClient(app) as http:
        key = app.state.services.keys.create("a viewer", Role.VIEWER).secret
        headers = {"Authorization": f"Bearer {key}"}
        assert http.get("/aas/shells", headers=headers).json() == {"paging_metadata": {}, "result": []}
        assert http.get("/aas/serialization", headers=headers).json() == {}
