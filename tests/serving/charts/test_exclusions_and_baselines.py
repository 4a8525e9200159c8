"""What people leave out of charts, and what they freeze: stored with a reason, logged, and heeded."""

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from charted_line import BEGIN, HOUR, ChartedLine, Hour, open_charted_line
from lineside.serving.events import event_json_schemas
from lineside.serving.security import Role

HOURS = [
    *(Hour(good=5, confirmed=hour % 2) for hour in range(6)),
    Hour(good=1, confirmed=5),  # 6: the lamp was broken
    *(Hour(good=5, confirmed=hour % 2) for hour in range(7, 10)),
]


@pytest.fixture(scope="module")
def line(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartedLine]:
    with open_charted_line(tmp_path_factory.mktemp("plant")) as line:
        line.play(HOURS)
        line.clock.advance(3600)
        yield line


def exclude(charted: ChartedLine, /, *, role: Role = Role.QUALITY, **fields: Any) -> httpx.Response:
    body = {"reason": "the lamp was broken", **fields}
    return charted.plant.http.post("/v1/chart-exclusions", json=body, headers=charted.plant.headers(role))


def end(line: ChartedLine, exclusion_id: str) -> httpx.Response:
    return line.plant.http.delete(
        f"/v1/chart-exclusions/{exclusion_id}", params={"reason": "a test"}, headers=line.plant.headers(Role.QUALITY)
    )


def freeze(line: ChartedLine, name: str, **fields: Any) -> httpx.Response:
    body = {
        "kind": "p-prime",
        "scope": {"station": "aoi-1"},
        "start": BEGIN.isoformat(),
        "end": (BEGIN + 6 * HOUR).isoformat(),
        "reason": "a week in control",
        **fields,
    }
    line.settle()
    return line.plant.http.put(f"/v1/chart-baselines/{name}", json=body, headers=line.plant.headers(Role.QUALITY))


def hour_six(**more: Any) -> dict[str, Any]:
    return {"start": (BEGIN + 6 * HOUR).isoformat(), "end": (BEGIN + 7 * HOUR).isoformat(), **more}


def centre(line: ChartedLine, **asked: Any) -> float:
    return float(line.chart("p", **asked)["parameters"]["centre"])


def expected_centre(*left_out: int) -> float:
    kept = [hour for number, hour in enumerate(HOURS) if number not in left_out]
    return sum(hour.confirmed for hour in kept) / sum(hour.confirmed + hour.good for hour in kept)


def test_an_excluded_hour_leaves_the_estimate_and_stays_on_the_chart_with_its_reason(line: ChartedLine) -> None:
    assert centre(line) == pytest.approx(expected_centre())
    excluded = exclude(line, station="aoi-1", **hour_six()).json()
    chart = line.chart("p")
    assert chart["parameters"]["centre"] == pytest.approx(expected_centre(6))
    point = chart["points"][6]
    assert (point["excluded"], point["count"], point["rules"]) == (True, 5, [])
    assert point["excluded_reason"] == "the lamp was broken (test quality)"
    assert [each["excluded"] for each in chart["points"]].count(True) == 1
    assert end(line, excluded["id"]).json()["ended"]["by"] == "test quality"
    assert centre(line) == pytest.approx(expected_centre())
    again = end(line, excluded["id"])
    assert (again.status_code, again.json()["type"]) == (409, "/problems/exclusion-ended")


@pytest.mark.parametrize(
    ("fields", "asked", "counts"),
    [
        pytest.param({}, {"station": "aoi-1"}, True, id="of the plant, on a station's chart"),
        pytest.param({"line": "line-1"}, {"station": "aoi-1"}, True, id="of the line, on its station's chart"),
        pytest.param({"station": "aoi-1"}, {"station": None}, False, id="of a station, on the plant's chart"),
        pytest.param({"station": "aoi-2"}, {"station": "aoi-1"}, False, id="of another station"),
    ],
)
def test_an_exclusion_counts_where_it_covers_the_whole_chart(
    line: ChartedLine, fields: dict[str, Any], asked: dict[str, Any], *, counts: bool
) -> None:
    admin = line.plant.headers()
    line.plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2", "line": "line-2"}, headers=admin)
    if "line" in fields:
        fields = {"line": line.plant.http.get("/v1/stations/aoi-1", headers=admin).json()["line"]}
    excluded = exclude(line, **hour_six(), **fields).json()
    asked = {name: value for name, value in asked.items() if value is not None}
    found = line.get("/v1/charts/p", **{"from": BEGIN.isoformat(), **asked})
    assert found["charts"][0]["points"][6]["excluded"] is counts
    end(line, excluded["id"])


def test_an_exclusion_of_a_part_of_an_hour_leaves_the_hour_in(line: ChartedLine) -> None:
    excluded = exclude(line, **(hour_six() | {"start": (BEGIN + 6.25 * HOUR).isoformat()})).json()
    assert line.chart("p")["points"][6]["excluded"] is False
    assert line.plant.http.get("/v1/chart-exclusions", headers=line.plant.headers(Role.VIEWER)).json()["items"] == [
        excluded
    ]
    end(line, excluded["id"])


def test_a_chart_with_nothing_left_in_says_why_it_cannot_be(line: ChartedLine) -> None:
    excluded = exclude(line, start=BEGIN.isoformat(), end=(BEGIN + 48 * HOUR).isoformat()).json()
    line.settle()
    answer = line.plant.http.get(
        "/v1/charts/p", params={"from": BEGIN.isoformat()}, headers=line.plant.headers(Role.VIEWER)
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/chart-refused")
    assert "excluded" in answer.json()["detail"]
    end(line, excluded["id"])


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="neither a time nor a lot"),
        pytest.param(hour_six(lot="L1"), id="both"),
        pytest.param({"start": BEGIN.isoformat()}, id="half a time"),
        pytest.param({"start": BEGIN.isoformat(), "end": BEGIN.isoformat()}, id="no time"),
        pytest.param(hour_six(reason=""), id="no reason"),
    ],
)
def test_an_exclusion_of_nothing_is_refused(line: ChartedLine, fields: dict[str, Any]) -> None:
    assert exclude(line, **fields).status_code == 422


def test_the_same_exclusion_again_is_one_and_every_change_is_logged(line: ChartedLine) -> None:
    first, again = (exclude(line, lot="L-77").json() for _ in range(2))
    assert first == again
    end(line, first["id"])
    schema = event_json_schemas()["chart_exclusion.v1"]["properties"]["data"]
    states = []
    for event in line.plant.events("chart_exclusion.v1"):
        jsonschema.validate(event, schema | {"$defs": event_json_schemas()["chart_exclusion.v1"]["$defs"]})
        if event["exclusion"]["id"] == first["id"]:
            states.append(event["state"])
    assert states == ["excluded", "ended"]


def test_later_points_are_held_against_a_frozen_baseline(line: ChartedLine) -> None:
    frozen = freeze(line, "board-aoi-1").json()
    assert (frozen["version"], frozen["parameters"]["subgroups"], frozen["excluded"]) == (1, 6, 0)
    assert frozen["parameters"]["centre"] == pytest.approx(3 / 33)
    chart = line.chart("p-prime", baseline="board-aoi-1", **{"from": (BEGIN + 6 * HOUR).isoformat()})
    assert (chart["phase"], chart["baseline"]) == ("II", {"id": "board-aoi-1", "version": 1})
    assert chart["parameters"]["centre"] == frozen["parameters"]["centre"]
    assert "beyond-limits" in chart["points"][0]["rules"]


def test_a_baseline_has_versions_that_never_change(line: ChartedLine) -> None:
    first = freeze(line, "versions").json()
    second = freeze(line, "versions", end=(BEGIN + 10 * HOUR).isoformat(), reason="longer").json()
    assert (first["version"], second["version"]) == (1, 2)
    headers = line.plant.headers(Role.VIEWER)
    versions = line.plant.http.get("/v1/chart-baselines/versions", headers=headers).json()["items"]
    assert versions == [second, first]
    latest = line.plant.http.get("/v1/chart-baselines", headers=headers).json()["items"]
    assert second in latest
    assert first not in latest
    for named, version in (("versions", 2), ("versions@1", 1)):
        assert line.chart("p-prime", baseline=named)["baseline"]["version"] == version
    assert [
        event["baseline"] for event in line.plant.events("chart_baseline.v1") if event["baseline"]["id"] == "versions"
    ] == [first, second]


def test_a_baseline_leaves_out_what_was_excluded(line: ChartedLine) -> None:
    excluded = exclude(line, station="aoi-1", **hour_six()).json()
    frozen = freeze(line, "without-six", end=(BEGIN + 10 * HOUR).isoformat()).json()
    assert (frozen["excluded"], frozen["parameters"]["subgroups"]) == (1, 9)
    assert frozen["parameters"]["centre"] == pytest.approx(expected_centre(6))
    end(line, excluded["id"])


@pytest.mark.parametrize(
    ("asked", "status", "kind"),
    [
        pytest.param({"baseline": "nobody"}, 404, "unknown-baseline", id="no such baseline"),
        pytest.param({"baseline": "mine@9"}, 404, "unknown-baseline", id="no such version"),
        pytest.param({"baseline": "mine", "counted": "detector"}, 422, "chart-refused", id="of another count"),
        pytest.param({"baseline": "mine", "product": "BRD"}, 422, "chart-refused", id="of other parts"),
    ],
)
def test_a_baseline_of_something_else_is_refused(
    line: ChartedLine, asked: dict[str, Any], status: int, kind: str
) -> None:
    freeze(line, "mine")
    answer = line.plant.http.get(
        "/v1/charts/p-prime", params={"station": "aoi-1", **asked}, headers=line.plant.headers(Role.VIEWER)
    )
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")


def test_a_baseline_of_defects_does_not_hold_a_chart_of_parts(line: ChartedLine) -> None:
    freeze(line, "defects", kind="u")
    answer = line.plant.http.get(
        "/v1/charts/p",
        params={"station": "aoi-1", "baseline": "defects", "from": BEGIN.isoformat()},
        headers=line.plant.headers(Role.VIEWER),
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/chart-refused")


def test_a_viewer_changes_nothing(line: ChartedLine) -> None:
    assert exclude(line, role=Role.VIEWER, lot="L").status_code == 403
    body = {"kind": "p", "start": BEGIN.isoformat(), "end": (BEGIN + HOUR).isoformat(), "reason": "x"}
    answer = line.plant.http.put("/v1/chart-baselines/x", json=body, headers=line.plant.headers(Role.VIEWER))
    assert answer.status_code == 403


def test_a_baseline_of_other_windows_is_used_and_the_chart_says_so(line: ChartedLine) -> None:
    freeze(line, "hourly")
    chart = line.chart("p-prime", baseline="hourly", by="day")
    assert any("estimated by hour" in note for note in chart["notes"])
    assert not any("estimated by" in note for note in line.chart("p-prime", baseline="hourly")["notes"])
