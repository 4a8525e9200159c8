"""People are asked to look at a task again, on a real Label Studio."""

import pytest

from label_studio import LabelStudioServer
from label_tasks import SIZE_WH_PX, label_task
from lineside.datasets.labelling import LabelStudio, PredictedBox, StudioProject

FOUND = PredictedBox("scratch", 0.91, (100.0, 10.0, 140.0, 50.0))


def test_a_task_gets_a_note_and_a_suggestion_once(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    task = label_task()
    number = studio.push(project.id, [task])[task.uuid]

    assert studio.ask_again(number, note="scratch overlooked?", boxes=[FOUND], size_wh_px=SIZE_WH_PX)
    assert not studio.ask_again(number, note="scratch overlooked?", boxes=[FOUND], size_wh_px=SIZE_WH_PX)
    assert studio.ask_again(number, note="dent swapped?", boxes=[FOUND], size_wh_px=SIZE_WH_PX)

    data = label_studio.http.get(f"/api/tasks/{number}/").json()["data"]
    assert data["check"] == "dent swapped?"
    assert data["facts"].endswith("check again: dent swapped?")
    assert "overlooked" not in data["facts"]
    assert data["vid"] == str(task.uuid), "it is still our task"
    predicted = label_studio.http.get("/api/predictions/", params={"task": number}).json()
    assert sorted(each["model_version"] for each in predicted) == ["board 1.0.0", "label check"]
    (checked,) = (each for each in predicted if each["model_version"] == "label check")
    assert checked["result"][0]["value"]["rectanglelabels"] == ["scratch"]
    assert checked["result"][0]["value"]["x"] == pytest.approx(50.0)
    assert studio.task_count(project.id) == 1
