"""Killed with -9 at several points of push and pull and run again: no label is lost and none is doubled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from forked_commands import Commands, Running, forked_commands
from label_scene import MODEL_BOX, LabelScene
from lineside.client import LinesideClient
from lineside.workflows.errors import LabelsBusy
from studio_proxy import Asked, Fault, How, StudioProxy, importing, studio_proxy

pytestmark = pytest.mark.system

_PATIENCE_S = 60.0


async def reviews_of(inspection: str, client: LinesideClient) -> dict[str, Any]:
    """The reviews of an inspection."""
    return await client.reviews(inspection)


def nth(method: str, ending: str, number: int = 1) -> Callable[[Asked], bool]:
    """The so-manieth request of a kind."""
    left = [number]

    def is_it(asked: Asked) -> bool:
        if asked.method == method and asked.path.split("?")[0].endswith(ending):
            left[0] -= 1
            return left[0] == 0
        return False

    return is_it


@dataclass(frozen=True)
class Machine:
    """Runs commands in processes of their own, through proxies in front of both servers.

    Attributes:
        scene: the project.
        ours: in front of our server.
        studio: in front of Label Studio.
        commands: starts processes.
    """

    scene: LabelScene
    ours: StudioProxy
    studio: StudioProxy
    commands: Commands

    def start(self, word: str, *options: str) -> Running:
        """Start a command."""
        where = ("--server", self.ours.url, "--studio", self.studio.url, "--project", self.scene.project)
        return self.commands.start(("labels", word, *where, *options), self.scene.environment)

    def kill(self, word: str, proxy: StudioProxy, when: Callable[[Asked], bool]) -> None:
        """Start a command and kill it when a request of it was carried out and not answered."""
        proxy.faults = [Fault(when, How.DONE_BUT_SILENT)]
        running = self.start(word)
        was_reached = proxy.carried_out.acquire(timeout=_PATIENCE_S)
        running.kill()
        assert was_reached, running.told

    def finish(self, word: str) -> str:
        """Run a command to its end; gives what it told."""
        running = self.start(word)
        assert running.wait() == 0, running.told
        return running.told


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with forked_commands(tmp_path_factory.mktemp("told")) as running:
        yield running


@pytest.fixture
def machine(scene: LabelScene, commands: Commands) -> Iterator[Machine]:
    with studio_proxy(scene.server.url) as ours, studio_proxy(scene.studio.url) as studio:
        yield Machine(scene, ours, studio, commands)


def test_a_push_that_is_killed_at_any_point_makes_each_task_once(machine: Machine) -> None:
    scene = machine.scene
    scene.pick(scene.inspect(*(f"KILL-{number}" for number in range(5))))
    machine.kill("push", machine.studio, nth("POST", "/api/projects/"))
    machine.kill("push", machine.ours, nth("POST", "/v1/label-tasks"))
    machine.kill("push", machine.studio, importing)
    machine.kill("push", machine.ours, nth("POST", "/v1/label-tasks/pushed"))
    assert "0 part(s) pushed" in machine.finish("push")
    assert sorted(task["data"]["part"] for task in scene.tasks()) == [f"KILL-{number}" for number in range(5)]
    assert scene.state()["counts"]["pushed"] == 5
    assert all(task["predictions"] for task in scene.tasks())


def test_a_pull_that_is_killed_at_any_point_makes_each_review_once(machine: Machine) -> None:
    scene = machine.scene
    inspections = scene.inspect(*(f"DIE-{number}" for number in range(4)))
    scene.pick(inspections)
    scene.push()
    for part in scene.picks():
        scene.annotate(scene.task_of(part), ("short", MODEL_BOX))
    machine.kill("pull", machine.ours, nth("POST", "/v1/label-tasks/states"))
    machine.kill("pull", machine.ours, nth("PUT", f"/{quote(scene.project)}"))  # the cursor is moved on
    machine.kill("pull", machine.ours, nth("GET", "/image", 2))  # in the middle of the revision
    machine.kill("pull", machine.ours, nth("PUT", f"/{quote(scene.project)}", 3))  # the revision is written
    machine.finish("pull")
    for inspection in inspections:
        said = scene.ask(partial(reviews_of, inspection))
        assert [review["kind"] for review in said["items"]] == ["confirmed"]
    state = scene.state()
    revision = scene.store.read(state["revision"])
    assert sorted(image.part_id for image in revision.images) == [f"DIE-{number}" for number in range(4)]
    assert state["revision_change"] == state["change"]
    assert len(scene.store.ids()) == 1


def test_two_at_once_exclude_each_other_and_the_second_may_wait(machine: Machine) -> None:
    scene = machine.scene
    scene.pick(scene.inspect("TWO-1"))
    scene.push()
    scene.annotate(scene.task_of("TWO-1"), ("short", MODEL_BOX))
    machine.ours.faults = [Fault(nth("POST", "/v1/label-tasks/states"), How.DONE_BUT_SILENT)]
    first = machine.start("pull")
    assert machine.ours.carried_out.acquire(timeout=_PATIENCE_S), first.told
    second = machine.start("pull")  # on the same machine
    assert second.wait() == 1
    assert f"process {first.pid} (pull)" in second.told
    assert "--wait" in second.told
    with pytest.raises(LabelsBusy, match=r"works on labelling project .*\(pull\) until"):
        scene.pull(machine="another")
    waiting = machine.start("pull", "--wait")
    while "waiting" not in waiting.told:
        assert waiting.is_alive, waiting.told
    first.kill()
    assert waiting.wait() == 0
    assert scene.pull(machine="another").changed == 0  # it was given back
