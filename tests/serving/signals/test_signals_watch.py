"""What the watch tells of a running line: rates of windows, states of stations, alarms of pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from charted_line import BEGIN, ChartedLine, Hour, open_charted_line

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[ChartedLine]:
    with open_charted_line(tmp_path) as line:
        yield line


def settle(line: ChartedLine) -> None:
    """Have everything told that is due."""
    line.settle()
    line.plant.http.portal.call(line.plant.services.signals.settle)  # type: ignore[attr-defined]  # TestClient's


def told(line: ChartedLine, event_type: str) -> list[dict[str, Any]]:
    settle(line)
    return line.plant.events(event_type)


def test_a_window_is_told_once_when_it_is_over(line: ChartedLine) -> None:
    line.play([Hour(good=6, confirmed=2)])
    assert told(line, "rate.v1") == []
    line.clock.advance(15 * 60)
    (window,) = told(line, "rate.v1")
    assert (window["station"], window["product"], window["revision"]) == ("aoi-1", "BRD", 1)
    assert window["start"] == "2026-03-02T06:00:00Z"
    figures = window["figures"]
    assert (figures["inspected"], figures["flagged"], figures["confirmed"]) == (8, 2, 2)
    asked = {"station": "aoi-1", "from": BEGIN.isoformat(), "to": "2026-03-02T07:00:00Z"}
    shown = line.get("/v1/rates", **asked)["total"]
    assert figures["rate"] == shown["rate"]
    assert figures["detector_rate"] == shown["detector_rate"]
    line.clock.advance(3600)
    assert len(told(line, "rate.v1")) == 1
