"""Tasks keyed by our own ids: doubled, deleted, their numbers given again, changed while they are read."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from label_studio import LabelStudioServer
from label_tasks import CLASSES, Json, chosen_verdict, drawn_box, label_task
from lineside.datasets.labelling import (
    AnswerUnreadable,
    LabelStudio,
    StudioProject,
    StudioTask,
    TaskState,
    Token,
    read_task,
)
from studio_proxy import Asked, Fault, studio_proxy


def annotate(server: LabelStudioServer, task_id: int, *result: Json, **changes: Any) -> int:
    answer = server.http.post(f"/api/tasks/{task_id}/annotations/", json={"result": list(result)} | changes)
    answer.raise_for_status()
    return int(answer.json()["id"])


def doubled(server: LabelStudioServer, project_id: int, task_id: int) -> int:
    """A copy of a task, as an import leaves that went on after its caller had given up."""
    data = server.http.get(f"/api/tasks/{task_id}").json()["data"]
    answer = server.http.post(f"/api/projects/{project_id}/import?return_task_ids=true", json=[{"data": data}])
    answer.raise_for_status()
    return int(answer.json()["task_ids"][0])


def labelled(
    studio: LabelStudio, server: LabelStudioServer, project: StudioProject, *, count: int
) -> Mapping[UUID, int]:
    """Tasks that somebody declared good, one after the other."""
    made = studio.push(project.id, [label_task(look=look) for look in range(count)])
    for number in made.values():
        annotate(server, number)
    return made


def state_of(task: StudioTask) -> TaskState:
    size = label_task().size_wh_px
    return read_task(task, classes=CLASSES, offset_xy_px=(0, 0), size_wh_px=size, frame_size_wh_px=size)


def test_a_copy_that_nobody_labelled_goes_with_the_next_push(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    task = label_task()
    (first,) = studio.push(project.id, [task]).values()
    copy = doubled(label_studio, project.id, first)
    annotate(label_studio, copy, drawn_box())
    assert studio.tasks_of(project.id, [task.uuid]) == {task.uuid: (copy, first)}, "the labelled one goes first"

    made = studio.push(project.id, [task])

    assert made == {task.uuid: copy}
    assert studio.tasks_of(project.id, [task.uuid]) == {task.uuid: (copy,)}
    assert studio.task_count(project.id) == 1


def test_copies_that_people_labelled_all_stay(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    task = label_task()
    (first,) = studio.push(project.id, [task]).values()
    copy = doubled(label_studio, project.id, first)
    annotate(label_studio, first, drawn_box())
    annotate(label_studio, copy, drawn_box(), was_cancelled=True)

    made = studio.push(project.id, [task])

    assert made == {task.uuid: first}
    assert studio.tasks_of(project.id, [task.uuid]) == {task.uuid: (first, copy)}


def test_a_number_that_is_given_again_does_not_bring_the_other_task_s_labels(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    gone, kept = label_task(), label_task(look=8)
    number = studio.push(project.id, [gone])[gone.uuid]
    annotate(label_studio, number, drawn_box())
    studio.delete_tasks(project.id, [number])
    again = studio.push(project.id, [kept])[kept.uuid]
    assert again == number, "Label Studio on SQLite gives the number again; else this test shows nothing"
    assert list(studio.updated_since(project.id, None)) == []
    annotate(label_studio, again)

    (found,) = studio.updated_since(project.id, None)

    assert state_of(found).id == kept.uuid
    reading = state_of(found).reading
    assert reading is not None
    assert reading.boxes == ()
    assert studio.all_tasks(project.id) == {kept.uuid: (number,)}


def test_tasks_that_are_not_ours_are_read_without_an_id(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    strangers = [{"image": "x"}, {"image": "x", "vid": "not a uuid"}, {"image": "x", "vid": 5}]
    imported = label_studio.http.post(
        f"/api/projects/{project.id}/import?return_task_ids=true", json=[{"data": data} for data in strangers]
    )
    for number in imported.json()["task_ids"]:
        annotate(label_studio, number)

    assert [task.uuid for task in studio.updated_since(project.id, None)] == [None, None, None]
    assert studio.all_tasks(project.id) == {}


def test_an_annotation_edited_or_deleted_brings_its_task_again(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    task = label_task()
    (number,) = studio.push(project.id, [task]).values()
    annotation = annotate(label_studio, number, drawn_box(), chosen_verdict("defect"))
    (made,) = studio.updated_since(project.id, None)

    edit = {"result": [chosen_verdict("ok")]}
    label_studio.http.patch(f"/api/annotations/{annotation}/", json=edit).raise_for_status()
    (edited,) = studio.updated_since(project.id, made.updated_at)
    label_studio.http.delete(f"/api/annotations/{annotation}/").raise_for_status()
    (deleted,) = studio.updated_since(project.id, edited.updated_at)

    first, second, third = state_of(made), state_of(edited), state_of(deleted)
    assert first.reading is not None
    assert first.reading.is_defective
    assert second.reading is not None
    assert not second.reading.is_defective
    assert second.reading.at > first.reading.at
    assert third.reading is None
    assert third.annotations == ()
    assert made.updated_at < edited.updated_at < deleted.updated_at


def test_a_skipped_task_and_a_starred_annotation_are_known(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    tasks = [label_task(), label_task(look=8)]
    made = studio.push(project.id, tasks)
    annotate(label_studio, made[tasks[0].uuid], was_cancelled=True)
    annotate(label_studio, made[tasks[1].uuid], drawn_box("scratch"))
    starred = annotate(label_studio, made[tasks[1].uuid])
    label_studio.http.patch(f"/api/annotations/{starred}/", json={"ground_truth": True}).raise_for_status()

    states = {state.id: state for state in map(state_of, studio.updated_since(project.id, None))}

    assert [each.code.value for each in states[tasks[0].uuid].attention] == ["skipped"]
    said = states[tasks[1].uuid]
    assert said.attention == ()
    assert said.reading is not None
    assert not said.reading.is_defective


def test_an_odd_annotation_does_not_keep_the_others_from_being_read(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    tasks = [label_task(), label_task(look=8)]
    made = studio.push(project.id, tasks)
    odd = {"result": [{"from_name": "box", "type": "x", "value": "text"}, {"value": 5}], "lead_time": -4}
    label_studio.http.post(f"/api/tasks/{made[tasks[0].uuid]}/annotations/", json=odd).raise_for_status()
    annotate(label_studio, made[tasks[1].uuid], drawn_box())

    states = {state.id: state for state in map(state_of, studio.updated_since(project.id, None))}

    assert {each.code.value for each in states[tasks[0].uuid].attention} == {"unknown_control"}
    assert states[tasks[0].uuid].annotations[0].lead_time_s is None
    assert states[tasks[1].uuid].reading is not None


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_every_task_comes_once_in_the_order_of_change_whatever_the_page(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer, page_size: int
) -> None:
    made = labelled(studio, label_studio, project, count=5)

    found = list(studio.updated_since(project.id, None, page_size=page_size))

    assert Counter(task.uuid for task in found) == Counter(made.keys())
    assert all(one.updated_at <= other.updated_at for one, other in pairwise(found))


def test_many_tasks_of_one_instant_all_come(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    """An action on many tasks gives them one instant, more than a page of them."""
    made = labelled(studio, label_studio, project, count=5)
    action = {"selectedItems": {"all": True, "excluded": []}}
    label_studio.http.post(
        "/api/dm/actions", params={"id": "delete_tasks_annotations", "project": project.id}, json=action
    ).raise_for_status()
    instants = Counter(task.updated_at for task in studio.updated_since(project.id, None))

    found = list(studio.updated_since(project.id, None, page_size=2))

    assert max(instants.values()) > 2, "the action gave instants of their own; this test shows nothing"
    assert Counter(task.uuid for task in found) == Counter(made.keys())


def test_a_task_that_changes_while_pages_are_read_pushes_no_other_aside(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    made = labelled(studio, label_studio, project, count=5)
    pages = studio.updated_since(project.id, None, page_size=2)
    first = next(pages)
    annotate(label_studio, first.id)

    found = [first, *pages]

    counted = Counter(task.id for task in found)
    assert set(counted) == set(made.values())
    assert counted[first.id] == 2, "once as it was, once as it is"
    assert len(found[-1].annotations) == 2


def test_a_server_that_allows_smaller_pages_only_is_read_to_the_end(
    label_studio: LabelStudioServer, studio: LabelStudio, project: StudioProject
) -> None:
    """`TASK_API_PAGE_SIZE_MAX` caps pages in silence; here the proxy does."""
    made = labelled(studio, label_studio, project, count=5)
    with studio_proxy(label_studio.url) as proxy:
        proxy.rewrite = lambda path: re.sub("page_size=[0-9]+", "page_size=2", path)
        with LabelStudio(proxy.url, Token(label_studio.token)) as capped:
            assert len(capped.all_tasks(project.id)) == 5
            assert {task.id for task in capped.updated_since(project.id, None)} == set(made.values())


WORK: dict[str, Callable[[LabelStudioServer, int, int], object]] = {
    "labelled": lambda server, _, number: annotate(server, number),
    "skipped": lambda server, _, number: annotate(server, number, was_cancelled=True),
    "suggestions accepted in bulk": lambda server, project, number: action(
        server, project, "predictions_to_annotations", number
    ),
}
UNDONE: dict[str, Callable[[LabelStudioServer, int, int], object]] = {
    "deleted": lambda server, _, number: delete_annotations(server, number),
    "deleted in bulk": lambda server, project, number: action(server, project, "delete_tasks_annotations", number),
}


def action(server: LabelStudioServer, project_id: int, name: str, number: int) -> None:
    """An action on chosen tasks, as the list of tasks offers it."""
    content = {"selectedItems": {"all": False, "included": [number]}}
    server.http.post("/api/dm/actions", params={"id": name, "project": project_id}, json=content).raise_for_status()


def delete_annotations(server: LabelStudioServer, number: int) -> None:
    for each in server.http.get(f"/api/tasks/{number}").json()["annotations"]:
        server.http.delete(f"/api/annotations/{each['id']}/").raise_for_status()


@pytest.mark.parametrize(
    ("work", "undone"),
    [
        ("labelled", "deleted"),
        ("skipped", "deleted in bulk"),
        ("suggestions accepted in bulk", "deleted in bulk"),
    ],
)
def test_whatever_people_do_with_a_task_is_read(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer, work: str, undone: str
) -> None:
    """Tasks that nobody touched are left out by Label Studio's own notes; this is what those notes must know."""
    other, task = label_task(), label_task(look=8)
    number = studio.push(project.id, [other, task])[task.uuid]

    WORK[work](label_studio, project.id, number)
    (worked_on,) = studio.updated_since(project.id, None)
    UNDONE[undone](label_studio, project.id, number)
    (empty,) = studio.updated_since(project.id, worked_on.updated_at)

    assert (worked_on.uuid, len(worked_on.annotations)) == (task.uuid, 1)
    assert (empty.uuid, empty.annotations) == (task.uuid, ())
    assert [each.uuid for each in studio.updated_since(project.id, None)] == [task.uuid]


def test_a_server_that_ignores_filters_within_filters_is_named(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    """As versions before 1.23 do; here the proxy takes them out."""
    labelled(studio, label_studio, project, count=2)
    last = max(task.updated_at for task in studio.updated_since(project.id, None))
    with studio_proxy(label_studio.url) as proxy:
        proxy.rewrite = lambda path: path.replace("child_filter", "unknown_key")
        with (
            LabelStudio(proxy.url, Token(label_studio.token)) as old,
            pytest.raises(AnswerUnreadable, match=r"came with version 1\.23"),
        ):
            list(old.updated_since(project.id, last))


def test_nothing_asked_for_is_nothing_found(studio: LabelStudio, project: StudioProject) -> None:
    assert studio.push(project.id, []) == {}
    assert studio.tasks_of(project.id, []) == {}
    assert list(studio.updated_since(project.id, None)) == []
    studio.delete_tasks(project.id, [])
    with pytest.raises(ValueError, match="at least 1"):
        next(studio.updated_since(project.id, None, page_size=0))


def test_the_model_whose_boxes_are_shown_can_be_set(studio: LabelStudio, project: StudioProject) -> None:
    studio.push(project.id, [label_task()])

    studio.set_model_version(project.id, "board 1.0.0")

    assert studio.project(project.id).model_version == "board 1.0.0"


_PUSH = """
import os, sys
from uuid import UUID
from label_tasks import label_task
from lineside.datasets.labelling import AnswerUnreadable, LabelStudio, Token
with LabelStudio(sys.argv[1], Token(os.environ["TEST_TOKEN"])) as studio:
    studio.push(int(sys.argv[2]), [label_task(UUID(int=n, version=4), look=n) for n in range(95)])
"""


@pytest.mark.system
@pytest.mark.parametrize("moment", ["second upload", "first import"])
def test_a_push_killed_anywhere_is_finished_by_the_next_and_doubles_nothing(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer, moment: str
) -> None:
    """Ninety-five tasks in two batches; the process is killed while the server is at the named request."""
    word, is_import = moment.split()[0], moment.endswith("import")
    with studio_proxy(label_studio.url) as proxy:
        seen: list[Asked] = []
        process: list[subprocess.Popen[bytes]] = []

        def strike(asked: Asked) -> bool:
            posted = asked.method == "POST" and ("return_task_ids" if is_import else "commit_to_project") in asked.path
            seen.extend([asked] if posted else [])
            if posted and len(seen) == {"first": 1, "second": 2}[word]:
                process[0].send_signal(signal.SIGKILL)
            return False

        proxy.faults.append(Fault(strike))
        environ = os.environ | {"TEST_TOKEN": label_studio.token, "PYTHONPATH": os.pathsep.join(sys.path)}
        process.append(subprocess.Popen([sys.executable, "-c", _PUSH, proxy.url, str(project.id)], env=environ))
        assert process[0].wait(timeout=120) == -signal.SIGKILL

    tasks = [label_task(UUID(int=number, version=4), look=number) for number in range(95)]
    made = studio.push(project.id, tasks)

    assert studio.task_count(project.id) == 95
    assert studio.all_tasks(project.id) == {uuid: (number,) for uuid, number in made.items()}
