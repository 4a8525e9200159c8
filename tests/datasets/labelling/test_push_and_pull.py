"""Tasks to a real Label Studio and back."""

from datetime import UTC, datetime, timedelta

import pytest

from label_studio import LabelStudioServer
from label_tasks import CLASSES, SIZE_WH_PX, label_task
from lineside.datasets.labelling import (
    ConfigStanding,
    LabelStudio,
    StudioProject,
    read_task,
)


def test_a_pushed_task_comes_back_as_the_person_left_it(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    task = label_task()

    made = studio.push(project.id, [task])

    predicted = label_studio.http.get("/api/predictions/", params={"task": made[task.uuid]}).json()
    assert [each["model_version"] for each in predicted] == ["board 1.0.0"]
    label_studio.http.post(
        f"/api/tasks/{made[task.uuid]}/annotations/",
        json={"result": predicted[0]["result"], "lead_time": 12.0, "parent_prediction": predicted[0]["id"]},
    ).raise_for_status()
    (found,) = studio.updated_since(project.id, None)
    state = read_task(
        found, classes=CLASSES, offset_xy_px=(300, 40), size_wh_px=SIZE_WH_PX, frame_size_wh_px=(1000, 400)
    )
    assert state.id == task.uuid
    assert state.label_studio_task_id == made[task.uuid]
    assert state.attention == ()
    assert state.reading is not None
    assert state.reading.reviewer == label_studio.email
    assert state.reading.is_defective
    (box,) = state.reading.boxes
    assert box.class_name == "dent"
    assert box.box_xyxy_px == pytest.approx((320.0, 60.0, 380.0, 100.0), abs=0.01)
    assert state.reading.minutes == pytest.approx(0.2)


def test_pushing_twice_adds_nothing(studio: LabelStudio, project: StudioProject) -> None:
    tasks = [label_task() for _ in range(3)]
    first = studio.push(project.id, tasks[:2])

    second = studio.push(project.id, tasks)

    assert {uuid: second[uuid] for uuid in first} == first
    assert studio.task_count(project.id) == 3
    assert studio.tasks_of(project.id, [task.uuid for task in tasks]) == {uuid: (id_,) for uuid, id_ in second.items()}


def test_a_new_project_has_our_configuration(project: StudioProject) -> None:
    assert project.config_state is not None
    assert project.config_state.standing is ConfigStanding.OURS
    assert project.task_count == 0


def test_only_what_people_changed_since_comes(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    tasks = [label_task() for _ in range(5)]
    made = studio.push(project.id, tasks)
    assert list(studio.updated_since(project.id, None)) == [], "nobody has said anything yet"

    for task in tasks[1:4]:
        label_studio.http.post(f"/api/tasks/{made[task.uuid]}/annotations/", json={"result": []}).raise_for_status()
    everything = list(studio.updated_since(project.id, None, page_size=2))
    changed = list(studio.updated_since(project.id, everything[0].updated_at + timedelta(microseconds=1)))

    assert [task.uuid for task in everything] == [task.uuid for task in tasks[1:4]]
    assert [task.uuid for task in changed] == [task.uuid for task in tasks[2:4]]
    assert list(studio.updated_since(project.id, datetime.now(UTC) + timedelta(days=1))) == []
