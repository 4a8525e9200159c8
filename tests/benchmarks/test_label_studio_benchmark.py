"""A small version of the benchmark of push and pull."""

from pathlib import Path

import pytest
from benchmarks.label_studio import RECIPE, Site, measure_loop
from benchmarks.server import Line

from label_studio import LabelStudioServer

pytestmark = pytest.mark.system


def test_push_and_pull_are_measured_and_find_nothing_new_the_second_time(
    tmp_path: Path, label_studio: LabelStudioServer
) -> None:
    line = Line.prepare(tmp_path / "line", options=("--engine", "onnxruntime-fp32"))
    with line.server:
        line.enrol(2, recipe=RECIPE)
        site = Site(line, label_studio.url, label_studio.token, tmp_path)
        ran = measure_loop(site, 4, say=lambda _: None, is_waiting=False)
    assert (ran["push"].answer["tasks"], ran["push again"].answer["tasks"]) == (4, 0)
    assert sum(ran["pull"].answer["reviews"].values()) == 4
    assert ran["pull"].answer["added"] == 4
    again = ran["pull again"]
    assert (again.answer["changed"], again.answer["is_new_revision"]) == (0, False)
    assert again.requests_to_studio < ran["push"].requests_to_studio
    assert all(each.peak_memory_bytes > 50e6 for each in ran.values())  # of a process, not of nothing
