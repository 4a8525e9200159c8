"""Push and pull against a real Label Studio and a real server."""

import pytest

from label_scene import MODEL_BOX, LabelScene

pytestmark = pytest.mark.system

OTHER_BOX = (8.0, 100.0, 40.0, 132.0)


def test_picks_go_out_with_the_models_boxes_and_come_back_as_reviews_and_a_revision(scene: LabelScene) -> None:
    scene.pick(scene.inspect("NG-1", "NG-2", "NG-3"))
    scene.pick(scene.inspect("OK-1", is_good=True), reason="random", probability=0.25)
    report = scene.push()
    assert (report.picks, report.tasks, report.needs) == (4, 4, ())
    suggested = {task["data"]["part"]: task["predictions"][0] for task in scene.tasks()}
    regions = [each for each in suggested["NG-1"]["result"] if each["type"] == "rectanglelabels"]
    assert regions[0]["value"]["rectanglelabels"] == ["short"]
    assert regions[0]["value"]["x"] == pytest.approx(100 * MODEL_BOX[0] / 160)
    assert suggested["NG-1"]["model_version"] == "blobs 1.0.0"
    assert [each["value"]["choices"] for each in suggested["OK-1"]["result"]] == [["ok"]]

    scene.annotate(scene.task_of("NG-1"), ("short", MODEL_BOX))  # as the model says
    scene.annotate(scene.task_of("NG-2"))  # no defect at all
    scene.annotate(scene.task_of("NG-3"), ("spur", OTHER_BOX))
    scene.annotate(scene.task_of("OK-1"), ("open", OTHER_BOX))
    pulled = scene.pull()
    assert pulled.changed == 4
    assert pulled.reviews == {"confirmed": 1, "false_call": 1, "corrected": 1, "escape": 1}
    assert pulled.is_new_revision
    assert pulled.minutes == pytest.approx(0.4)
    assert scene.state()["counts"] == {
        "waiting": 0, "pushed": 0, "labelled": 4, "attention": 0, "withdrawn": 0, "open_attention": 0,
    }  # fmt: skip

    revision = scene.store.read(str(pulled.revision))
    said = {image.part_id: image for image in revision.images}
    assert [(box.class_name, box.box_xyxy_px) for box in said["NG-3"].boxes] == [("spur", pytest.approx(OTHER_BOX))]
    assert said["NG-2"].is_declared_good
    assert said["OK-1"].origin is not None
    assert (said["OK-1"].origin.kind, said["OK-1"].origin.probability) == ("random", 0.25)
    assert said["NG-1"].is_picked
    scene.store.verify(revision.id)


def test_pushing_and_pulling_again_changes_nothing(scene: LabelScene) -> None:
    scene.pick(scene.inspect("AGAIN-1", "AGAIN-2"))
    scene.push()
    scene.annotate(scene.task_of("AGAIN-1"), ("short", MODEL_BOX))
    first = scene.pull()
    events = scene.server.event_count()
    again = scene.push()
    assert (again.picks, again.tasks) == (0, 0)
    assert len(scene.tasks()) == 2
    second = scene.pull()
    assert (second.changed, second.reviews, second.is_new_revision) == (0, {}, False)
    assert second.revision == first.revision
    assert len(scene.store.ids()) == 1
    assert scene.server.event_count() == events
