"""Label Studio down, slow, failing midway, or with another token: a clear message, and it goes on where it stopped."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from label_scene import MODEL_BOX, LabelScene
from lineside.client import LinesideClient
from lineside.datasets.labelling import (
    LabelStudio,
    StudioFailed,
    StudioSlow,
    StudioUnreachable,
    Token,
    TokenRefused,
)
from lineside.workflows.errors import LabelProjectUnfit
from lineside.workflows.labelling import PullOptions, PullReport, PushOptions, follow_labels, push_labels, pushing
from studio_proxy import Asked, Fault, How, StudioProxy, anything, importing, studio_proxy

pytestmark = pytest.mark.system

_PATIENCE_S = 60.0


@pytest.fixture
def proxy(scene: LabelScene) -> Iterator[StudioProxy]:
    """Between the steps and Label Studio."""
    with studio_proxy(scene.studio.url) as running:
        scene.studio_url = running.url
        yield running


def reading(asked: Asked) -> bool:
    """Whether changed tasks are asked for."""
    return asked.method == "GET" and asked.path.startswith("/api/tasks")


def test_down_is_told_and_what_waits_goes_out_later(scene: LabelScene) -> None:
    scene.pick(scene.inspect("DOWN-1"))
    there, scene.studio_url = scene.studio_url, "http://127.0.0.1:9"
    with pytest.raises(StudioUnreachable, match="does Label Studio run there"):
        scene.push()
    assert scene.state()["counts"]["waiting"] == 1
    scene.studio_url = there
    assert scene.push().picks == 1


def test_a_failure_midway_keeps_what_is_there_and_goes_on_with_the_rest(
    scene: LabelScene, proxy: StudioProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "_TASKS_A_BATCH", 2)
    scene.pick(scene.inspect(*(f"MID-{number}" for number in range(5))))
    imports = 0

    def second_import_on(asked: Asked) -> bool:
        nonlocal imports
        imports += importing(asked)
        return importing(asked) and imports > 1

    proxy.faults = [Fault(second_import_on, How.DONE_BUT_ANSWERED, status=502)]
    with pytest.raises(StudioFailed, match="502"):
        scene.push(adapter=scene.adapter(tries=1))
    assert scene.state()["counts"]["waiting"] == 3
    proxy.faults = []
    assert scene.push().picks == 3
    assert sorted(task["data"]["part"] for task in scene.tasks()) == [f"MID-{number}" for number in range(5)]


def test_an_import_that_is_done_but_never_answered_makes_no_second_task(scene: LabelScene, proxy: StudioProxy) -> None:
    scene.pick(scene.inspect("SLOW-1", "SLOW-2"))
    proxy.faults = [Fault(importing, How.DONE_BUT_SILENT)]
    with pytest.raises(StudioSlow, match="no answer"):
        scene.push(adapter=scene.adapter(timeout_s=5.0))
    proxy.faults = []
    assert scene.push().picks == 2
    assert len(scene.tasks()) == 2


def test_an_expired_token_is_told_without_showing_it(scene: LabelScene) -> None:
    scene.pick(scene.inspect("TOKEN-1"))
    token = "f" * 40

    async def push(client: LinesideClient) -> None:
        with LabelStudio(scene.studio_url, Token(token)) as studio:
            await push_labels(scene.site(client), studio, PushOptions(studio_url=scene.studio_url))

    with pytest.raises(TokenRefused, match="make a new one") as refused:
        scene.ask(push)
    assert token not in str(refused.value)


def test_a_pull_that_fails_midway_is_simply_run_again(scene: LabelScene, proxy: StudioProxy) -> None:
    scene.pick(scene.inspect("RUN-1", "RUN-2"))
    scene.push()
    for part in ("RUN-1", "RUN-2"):
        scene.annotate(scene.task_of(part), ("short", MODEL_BOX))
    proxy.faults = [Fault(reading, times=100)]
    with pytest.raises(StudioFailed):
        scene.pull()
    assert scene.state()["cursor"] is None
    proxy.faults = []
    assert scene.pull().reviews == {"confirmed": 2}


def test_another_label_studio_is_not_taken_for_the_projects(scene: LabelScene) -> None:
    scene.pick(scene.inspect("OTHER-1"))
    scene.push()
    elsewhere = scene.studio.http.post("/api/projects/", json={"title": "somebody else's"}).json()["id"]
    scene.ask(
        lambda client: client.put_label_project(
            scene.project, label_studio_url="http://elsewhere:8080", label_studio_project_id=elsewhere
        )
    )
    with pytest.raises(LabelProjectUnfit, match="another one"):
        scene.pull()


def test_a_new_label_studio_at_the_old_address_is_not_taken_for_it_though_it_numbers_projects_alike(
    scene: LabelScene,
) -> None:
    scene.pick(scene.inspect("NEW-1"))
    scene.push()
    other = scene.studio.http.post("/api/projects/", json={"title": "another product"}).json()
    scene.ask(lambda client: client.put_label_project(scene.project, label_studio_project_id=other["id"]))
    scene.pick(scene.inspect("NEW-2"))
    for step in (scene.push, scene.pull):
        with pytest.raises(LabelProjectUnfit, match="'another product', so it is another one"):
            step()
    unchanged = scene.studio.http.get(f"/api/projects/{other['id']}/").json()
    assert (unchanged["task_number"], unchanged["label_config"]) == (0, other["label_config"])


def test_following_pulls_when_a_hint_came_and_survives_what_passes(scene: LabelScene, proxy: StudioProxy) -> None:
    scene.pick(scene.inspect("HINT-1"))
    scene.push()
    task = scene.task_of("HINT-1")
    reports: list[PullReport] = []

    async def follow(client: LinesideClient) -> None:
        with scene.adapter(tries=1) as studio:
            options = PullOptions(studio_url=scene.studio_url, store=scene.store)
            following = asyncio.create_task(
                follow_labels(
                    scene.site(client), studio, options, on_report=reports.append, every_s=3600, look_every_s=0.05
                )
            )
            await _until(lambda: len(reports) == 1)
            proxy.faults = [Fault(anything, times=1)]
            await client.put_label_project(scene.project, hinted_at="2030-01-01T00:00:00+00:00")
            await _until(lambda: any("trying again" in said for said in scene.said))
            await asyncio.to_thread(scene.annotate, task, ("short", MODEL_BOX))
            await client.put_label_project(scene.project, hinted_at="2030-01-01T00:00:01+00:00")
            await _until(lambda: len(reports) == 2)
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    scene.ask(follow)
    assert (reports[0].changed, reports[1].changed) == (0, 1)
    assert scene.said[-1] == "pulling again"


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - what is waited for happens in the code under test
            await asyncio.sleep(0.02)
