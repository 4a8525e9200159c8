"""Labels in doubt go back to Label Studio, and what people then say comes home."""

import pytest

from label_scene import MODEL_BOX, LabelScene
from lineside.client import LinesideClient
from lineside.datasets.label_quality import SuspectKind, SuspectLabel
from lineside.workflows.labelling import RecheckReport, send_back

pytestmark = pytest.mark.system

OTHER_BOX = (8.0, 100.0, 40.0, 132.0)


def recheck(scene: LabelScene, *suspects: SuspectLabel, revision: str) -> RecheckReport:
    async def act(client: LinesideClient) -> RecheckReport:
        with scene.adapter() as studio:
            groups = [(suspect,) for suspect in suspects]
            return await send_back(scene.site(client), studio, groups, studio_url=scene.studio_url, revision=revision)

    return scene.ask(act)


def test_a_label_in_doubt_is_asked_for_again_once_and_mended(scene: LabelScene) -> None:
    scene.pick(scene.inspect("DOUBT-1", "DOUBT-2"))
    scene.push()
    swapped = scene.annotate(scene.task_of("DOUBT-1"), ("spur", MODEL_BOX))
    scene.annotate(scene.task_of("DOUBT-2"), ("short", MODEL_BOX))
    pulled = scene.pull()
    image = next(image for image in scene.store.read(str(pulled.revision)).images if image.part_id == "DOUBT-1")
    doubt = SuspectLabel(image.name, SuspectKind.SWAPPED, "spur", MODEL_BOX, "short", MODEL_BOX, 0.93, 0.05)
    elsewhere = SuspectLabel("imported/1", SuspectKind.OVERLOOKED, "open", OTHER_BOX, "open", OTHER_BOX, 0.8, 0.1)

    first = recheck(scene, doubt, elsewhere, revision=str(pulled.revision))
    again = recheck(scene, doubt, elsewhere, revision=str(pulled.revision))

    assert (first.asked, first.changed, first.elsewhere) == (1, 1, ("imported/1",))
    assert (again.asked, again.changed) == (1, 0)
    (entry,) = scene.attention()
    assert entry["code"] == "label_suspect"
    assert "DOUBT-1" in entry["message"]
    noted = {task["data"]["part"]: task["data"].get("check") for task in scene.tasks()}
    assert noted == {"DOUBT-1": "spur swapped? looks like short", "DOUBT-2": None}
    assert scene.pull().changed == 0, "being asked is no answer"

    scene.change(swapped, ("short", MODEL_BOX))
    mended = scene.pull()
    assert (mended.relabelled, mended.reviews) == (1, {"confirmed": 1})


def test_a_task_that_was_deleted_meanwhile_does_not_stop_the_others(scene: LabelScene) -> None:
    scene.pick(scene.inspect("GONE-1", "GONE-2"))
    scene.push()
    for part in ("GONE-1", "GONE-2"):
        scene.annotate(scene.task_of(part), ("short", MODEL_BOX))
    pulled = scene.pull()
    names = {image.part_id: image.name for image in scene.store.read(str(pulled.revision)).images}
    scene.studio.http.delete(f"/api/tasks/{scene.task_of('GONE-1')}/").raise_for_status()
    doubts = [
        SuspectLabel(names[part], SuspectKind.BADLY_LOCATED, "short", MODEL_BOX, "short", OTHER_BOX, 0.9, 0.2)
        for part in ("GONE-1", "GONE-2")
    ]
    assert recheck(scene, *doubts, revision=str(pulled.revision)).asked == 1
    assert any("no longer in Label Studio" in said for said in scene.said)
