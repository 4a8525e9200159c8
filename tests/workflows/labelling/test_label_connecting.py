"""Our server behind a real Label Studio: its ML backend and its webhook."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from label_scene import MODEL_BOX, SIDE_PX, LabelScene, labelling_server
from label_studio import LabelStudioServer
from lineside.datasets.labelling import StudioRefused
from lineside.serving.security import Role
from lineside.workflows.errors import LabelProjectUnfit
from lineside_process import LINESIDE

pytestmark = pytest.mark.system


@pytest.fixture
def connected(scene: LabelScene) -> Iterator[LabelScene]:
    """A project with one pushed bad board, connected to our server."""
    scene.pick(scene.inspect("bad"))
    scene.push()
    scene.connect()
    yield scene
    scene.disconnect()


def opened(scene: LabelScene, task: int) -> list[dict[str, Any]]:
    """The suggestions that the page gets when somebody opens the task."""
    answer = scene.studio.http.get(f"/api/tasks/{task}/")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def eventually(is_so: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


def refused_webhooks(scene: LabelScene) -> float:
    text = scene.server.http.get("/metrics", headers=scene.server.authorization()).text
    kind = 'lineside_request_problems_total{kind="not-authenticated"}'
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(kind))


def test_connecting_twice_leaves_one_backend_and_one_webhook_that_tells_nothing(connected: LabelScene) -> None:
    again = connected.connect()
    (backend,) = connected.backends()
    (webhook,) = connected.webhooks()
    assert (backend["id"], backend["readable_state"], again.state) == (again.backend_id, "Connected", "Connected")
    assert backend["model_version"].startswith("blobs 1.0.0 (")
    assert backend["auth_method"] == "BASIC_AUTH"
    assert webhook["id"] == again.webhook_id
    assert list(webhook["headers"]) == ["Authorization"]
    assert (webhook["send_payload"], webhook["send_for_all_actions"], webhook["is_active"]) == (False, False, True)
    assert "ANNOTATION_CREATED" in webhook["actions"]
    assert connected.state()["webhook"] == {"id": again.webhook_id, "url": again.webhook_url}
    assert "lsk_" not in json.dumps(connected.state())


def test_what_was_changed_in_label_studio_is_put_right(connected: LabelScene) -> None:
    """A webhook whose actions somebody emptied is silent; the one that Label Studio makes itself has no credentials."""
    (ours,) = connected.webhooks()
    http = connected.studio.http
    http.patch(f"/api/webhooks/{ours['id']}/", json={"url": ours["url"], "headers": {}}).raise_for_status()
    own = {"project": connected.studio_project, "url": f"{connected.server.url}/label-studio/webhook"}
    other = {"project": connected.studio_project, "url": "http://127.0.0.1:9/somebody-elses"}
    for each in (own, other):
        http.post("/api/webhooks/", json={**each, "send_for_all_actions": False}).raise_for_status()
    connected.connect()
    assert sorted(webhook["url"] for webhook in connected.webhooks()) == sorted([ours["url"], other["url"]])
    (put_right,) = (webhook for webhook in connected.webhooks() if webhook["id"] == ours["id"])
    assert (put_right["headers"], put_right["actions"]) == (ours["headers"], ours["actions"])


def test_opening_an_unlabelled_task_shows_the_live_models_boxes(connected: LabelScene) -> None:
    task = connected.task_of("bad")
    connected.forget_predictions(task)
    (shown,) = opened(connected, task)
    assert shown["model_version"] == connected.backends()[0]["model_version"]
    boxes = [region["value"] for region in shown["result"] if region["type"] == "rectanglelabels"]
    assert [box["rectanglelabels"] for box in boxes] == [["short"]]
    left, top, right, bottom = (100 * side / SIDE_PX for side in MODEL_BOX)
    percent = [boxes[0][side] for side in ("x", "y", "width", "height")]
    assert percent == pytest.approx([left, top, right - left, bottom - top], abs=0.1)
    assert len(opened(connected, task)) == 1  # it is kept: opening again asks nobody


def test_what_push_suggested_is_not_suggested_again_by_the_same_release(connected: LabelScene) -> None:
    (suggested,) = opened(connected, connected.task_of("bad"))
    assert suggested["model_version"] == connected.backends()[0]["model_version"]
    connected.studio.http.post(
        "/api/dm/actions",
        params={"id": "retrieve_tasks_predictions", "project": connected.studio_project},
        json={"selectedItems": {"all": True, "excluded": []}},
    ).raise_for_status()
    assert [each["id"] for each in opened(connected, connected.task_of("bad"))] == [suggested["id"]]


def test_a_task_of_somebody_elses_has_no_suggestion(connected: LabelScene) -> None:
    assert opened(connected, connected.add_task_by_hand()) == []


def test_an_annotation_leaves_a_hint_and_label_studios_own_webhook_is_refused(connected: LabelScene) -> None:
    own = {"project": connected.studio_project, "url": f"{connected.server.url}/label-studio/webhook"}
    connected.studio.http.post("/api/webhooks/", json={**own, "send_for_all_actions": True}).raise_for_status()
    before = refused_webhooks(connected)
    assert connected.state()["hinted_at"] is None
    connected.annotate(connected.task_of("bad"), ("short", MODEL_BOX))
    eventually(lambda: connected.state()["hinted_at"] is not None)
    assert refused_webhooks(connected) >= before + 1


def test_people_go_on_labelling_while_our_server_is_down(label_studio: LabelStudioServer, tmp_path: Path) -> None:
    with labelling_server(tmp_path / "plant") as server:
        scene = LabelScene(server, label_studio, f"project {uuid4().hex[:12]}", tmp_path, label_studio.url)
        scene.pick(scene.inspect("bad"))
        scene.push()
        scene.connect()
        task, number = scene.task_of("bad"), scene.studio_project
    scene.forget_predictions(task)
    assert opened(scene, task) == []
    scene.annotate(task, ("short", MODEL_BOX))
    http = label_studio.http
    (row,) = http.get("/api/webhooks/", params={"project": number}).json()
    http.delete(f"/api/webhooks/{row['id']}/").raise_for_status()
    assert http.get(f"/api/tasks/{task}/").json()["annotations"]


def test_a_server_that_label_studio_does_not_reach_is_not_connected(connected: LabelScene) -> None:
    with pytest.raises(StudioRefused, match="is the server running"):
        connected.connect(own_url="http://127.0.0.1:9")
    assert connected.backends()[0]["url"] == f"{connected.server.url}/label-studio"


def test_a_key_that_our_server_refuses_connects_nothing(scene: LabelScene) -> None:
    scene.pick(scene.inspect("bad"))
    scene.push()
    for key in ("lsk_" + "0" * 43, scene.server.keys[Role.VIEWER]):
        with pytest.raises(StudioRefused, match="role label_studio") as refused:
            scene.connect(key=key)
        assert key not in str(refused.value)
    assert (scene.backends(), scene.webhooks()) == ([], [])


def test_a_project_that_was_never_pushed_cannot_be_connected(scene: LabelScene) -> None:
    scene.pick(scene.inspect("waiting"))
    with pytest.raises(LabelProjectUnfit, match="labels push"):
        scene.connect()


def test_the_command_connects_and_says_what_is_missing(scene: LabelScene, tmp_path: Path) -> None:
    scene.pick(scene.inspect("bad"))
    scene.push()
    command = [*LINESIDE, "labels", "connect", "--server", scene.server.url, "--project", scene.project, "--json"]

    def run(**more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={**scene.environment, **more}, timeout=120
        )

    without = run()
    assert (without.returncode, without.stdout) == (1, "")
    assert "lineside keys create label-studio --role label_studio" in without.stderr
    key = scene.server.keys[Role.LABEL_STUDIO]
    done = run(LINESIDE_LABEL_STUDIO_KEY=key)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["state"], said["removed"]) == ("Connected", 1)  # the webhook that Label Studio made itself
    assert key not in done.stdout + done.stderr
    command += ["--key-file", str(tmp_path / "key")]
    (tmp_path / "key").write_text(key + "\n")
    again = run()
    assert json.loads(again.stdout) == {**said, "removed": 0}
    scene.disconnect()
