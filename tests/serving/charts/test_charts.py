"""Control charts over the API, of a line whose hours are known."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from charted_line import BEGIN, HOUR, ChartedLine, Hour, open_charted_line
from lineside.serving.security import Role

QUIET = [Hour(confirmed=1 if hour % 3 else 0) for hour in range(12)]
HOURS = [
    *QUIET[:5],
    Hour(confirmed=1, overturned=4),  # 5: the detector called much, people took it back
    Hour(good=0),  # 6: the line stood still
    *QUIET[7:],
    Hour(good=3, confirmed=6),  # 12: the process went wrong
    Hour(good=6, unsettled=2),  # 13: nobody has looked yet
]


@pytest.fixture(scope="module")
def line(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartedLine]:
    with open_charted_line(tmp_path_factory.mktemp("plant")) as line:
        line.play(HOURS)
        yield line


def counts(chart: dict[str, Any]) -> list[int]:
    return [point["count"] for point in chart["points"]]


def test_calls_that_people_overturned_leave_the_process_chart_and_stay_on_the_detectors(line: ChartedLine) -> None:
    process, detector = line.chart("p"), line.chart("p", counted="detector")
    assert counts(process) == [hour.confirmed for hour in HOURS]
    assert counts(detector) == [hour.confirmed + hour.overturned + hour.unsettled for hour in HOURS]
    assert (process["counted"], detector["counted"]) == ("process", "detector")


def test_the_hour_that_went_wrong_is_a_signal(line: ChartedLine) -> None:
    point = line.chart("p-prime")["points"][12]
    assert point["value"] == pytest.approx(6 / 9)
    assert point["value"] > point["upper"]
    assert "beyond-limits" in point["rules"]


def test_an_hour_without_a_part_keeps_its_place_and_has_no_value(line: ChartedLine) -> None:
    point = line.chart("p")["points"][6]
    assert (point["value"], point["upper"], point["size"], point["rules"]) == (None, None, 0, [])


def test_unsettled_calls_make_a_point_provisional_and_estimate_nothing(line: ChartedLine) -> None:
    chart = line.chart("p")
    point = chart["points"][13]
    assert (point["provisional"], point["unsettled"], point["count"]) == (True, 2, 0)
    assert point["value_if_confirmed"] == pytest.approx(2 / 8)
    assert [each["label"] for each in chart["points"] if each["provisional"]] == [point["label"]]
    settled = HOURS[:13]
    parts = sum(hour.good + hour.confirmed + hour.overturned for hour in settled)
    assert chart["parameters"]["centre"] == pytest.approx(sum(hour.confirmed for hour in settled) / parts)
    assert chart["phase"] == "I"
    assert any("provisional" in note for note in chart["notes"])


def test_the_default_is_p_prime_and_an_ewma_of_weight_one_tenth(line: ChartedLine) -> None:
    asked = {"from": BEGIN.isoformat(), "station": "aoi-1"}
    default = line.get("/v1/charts", **asked)
    assert [chart["kind"] for chart in default["charts"]] == ["p-prime", "ewma"]
    assert default["charts"][1]["parameters"]["weight"] == 0.1
    assert line.get("/v1/charts/default", **asked)["charts"] == default["charts"]


@pytest.mark.parametrize("kind", ["p", "np", "u", "p-prime", "u-prime", "ewma", "cusum"])
def test_every_kind_has_a_point_for_every_hour(line: ChartedLine, kind: str) -> None:
    chart = line.chart(kind)
    assert chart["kind"] == kind
    assert len(chart["points"]) == len(HOURS)
    assert all(point["value"] is not None for point in chart["points"] if point["size"])


def test_a_c_chart_of_hours_of_different_sizes_is_refused(line: ChartedLine) -> None:
    line.settle()
    answer = line.plant.http.get(
        "/v1/charts/c", params={"from": BEGIN.isoformat()}, headers=line.plant.headers(Role.VIEWER)
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/chart-refused")
    assert "u chart" in answer.json()["detail"]


def test_points_of_a_number_of_parts_have_at_least_so_many(line: ChartedLine) -> None:
    points = line.chart("p", by="parts:20")["points"]
    assert all(point["size"] >= 20 for point in points[:-1])
    assert sum(point["size"] for point in points) == sum(
        hour.good + hour.confirmed + hour.overturned + hour.unsettled for hour in HOURS
    )


def test_a_class_that_nobody_found_has_a_chart_at_zero(line: ChartedLine) -> None:
    chart = line.chart("p", class_name="open")
    assert set(counts(chart)) == {0}
    assert any("nothing was counted" in note for note in chart["notes"])
    assert sum(counts(line.chart("p", class_name="short"))) == sum(hour.confirmed for hour in HOURS)


def test_gaps_between_confirmed_parts_are_counted_in_parts_and_in_hours(line: ChartedLine) -> None:
    order = [part for hour in HOURS for part in [0] * hour.good + [1] * hour.confirmed + [0] * hour.overturned]
    places = [place for place, is_defective in enumerate(order, 1) if is_defective]
    gaps = line.chart("g-r", events=1)
    assert [point["value"] for point in gaps["points"]] == [later - earlier for earlier, later in pairwise(places)]
    assert gaps["quantity"] == "parts"
    hours = line.chart("t")
    assert hours["quantity"] == "hours"
    assert sum(point["value"] for point in hours["points"]) == pytest.approx(
        sum(
            (datetime.fromisoformat(point["end"]) - datetime.fromisoformat(point["start"])) / HOUR
            for point in hours["points"]
        )
    )


def test_gaps_of_four_parts_have_probability_limits(line: ChartedLine) -> None:
    chart = line.chart("g-r")
    assert chart["points"]
    assert all(point["lower"] is not None and point["lower"] > 0 for point in chart["points"])


def test_gaps_of_the_detectors_calls_are_refused(line: ChartedLine) -> None:
    answer = line.plant.http.get(
        "/v1/charts/g-r", params={"counted": "detector"}, headers=line.plant.headers(Role.VIEWER)
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/chart-refused")


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"from": "2026-03-02T06:00:00Z", "to": "2026-03-02T06:00:00Z"}, id="an empty time"),
        pytest.param({"by": "week"}, id="an unknown bucket"),
        pytest.param({"by": "parts:0"}, id="no parts"),
        pytest.param({"from": "2020-01-01T00:00:00Z"}, id="more points than anybody can see"),
        pytest.param({"lambda": 0}, id="an EWMA without weight"),
        pytest.param({"baseline": "x@y"}, id="a version that is no number"),
    ],
)
def test_what_no_chart_can_show_is_refused(line: ChartedLine, asked: dict[str, Any]) -> None:
    answer = line.plant.http.get("/v1/charts/p", params=asked, headers=line.plant.headers(Role.VIEWER))
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].startswith("/problems/")


def test_a_station_without_parts_has_a_named_refusal(line: ChartedLine) -> None:
    headers = line.plant.headers()
    line.plant.http.put("/v1/stations/aoi-9", json={"name": "AOI 9"}, headers=headers)
    answer = line.plant.http.get("/v1/charts/p", params={"station": "aoi-9"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/chart-refused")
    missing = line.plant.http.get("/v1/charts/p", params={"station": "none"}, headers=headers)
    assert missing.json()["type"] == "/problems/unknown-station"


def test_what_happened_stands_at_the_hour_in_which_it_happened(line: ChartedLine) -> None:
    at = BEGIN + 3 * HOUR + timedelta(minutes=20)
    admin = line.plant.headers()
    note = {"kind": "lamp", "text": "lamp changed", "station": "aoi-1", "at": at.isoformat()}
    line.plant.http.post("/v1/notes", json=note, headers=admin)
    line.plant.http.put("/v1/stations/other", json={"name": "Other", "line": "line 2"}, headers=admin)
    line.plant.http.post("/v1/notes", json={"text": "elsewhere", "line": "line 2", "at": at.isoformat()}, headers=admin)
    line.plant.http.post("/v1/stations/aoi-1/hold", json={"reason": "a look at the press"}, headers=admin)
    line.plant.http.post("/v1/stations/aoi-1/release", json={"reason": "fine"}, headers=admin)
    line.clock.advance(1)
    found = line.get("/v1/charts/p", **{"from": BEGIN.isoformat(), "station": "aoi-1"})
    labels = [point["label"] for point in found["charts"][0]["points"]]
    said = {(each["kind"], each["text"]): each["label"] for each in found["annotations"]}
    assert said["lamp", "lamp changed (test admin)"] == labels[3]
    assert ("hold", "held: a look at the press") in said
    assert not any("elsewhere" in text for _, text in said)


def test_an_ewma_passes_over_an_hour_until_its_calls_are_settled(line: ChartedLine) -> None:
    chart = line.chart("ewma")
    assert chart["points"][13]["value"] == chart["points"][12]["value"]
    assert (chart["points"][13]["provisional"], chart["points"][13]["excluded"]) == (True, False)
    assert any("passes over" in note for note in chart["notes"])
