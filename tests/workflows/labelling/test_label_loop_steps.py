"""Push and pull against a real Label Studio and a real server."""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest

from blob_detector import Blob
from label_scene import MODEL_BOX, LabelScene
from labelled_blobs import BlobImage, write_blob_revision
from lineside.client import ProblemDetail, ServerFailed
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.labelling import ConfigEdited, ProjectGone
from lineside.datasets.revisions import Revision, RevisionDraft
from lineside.workflows.labelling.part_pictures import PartPicture, PartPictures

pytestmark = pytest.mark.system

OTHER_BOX = (8.0, 100.0, 40.0, 132.0)


def replace_images(revision: Revision, images: Sequence[LabelledImage]) -> RevisionDraft:
    """A child of a revision, with other images."""
    kept = {each.name: getattr(revision, each.name) for each in fields(RevisionDraft)}
    return RevisionDraft(**{**kept, "images": tuple(images), "parent": revision.id})


def test_picks_go_out_with_the_models_boxes_and_come_back_as_reviews_and_a_revision(scene: LabelScene) -> None:
    scene.pick(scene.inspect("NG-1", "NG-2", "NG-3"))
    scene.pick(scene.inspect("OK-1", is_good=True), reason="random", probability=0.25)
    report = scene.push()
    assert (report.picks, report.tasks, report.needs) == (4, 4, ())
    suggested = {task["data"]["part"]: task["predictions"][0] for task in scene.tasks()}
    regions = [each for each in suggested["NG-1"]["result"] if each["type"] == "rectanglelabels"]
    assert regions[0]["value"]["rectanglelabels"] == ["short"]
    assert regions[0]["value"]["x"] == pytest.approx(100 * MODEL_BOX[0] / 160)
    assert re.fullmatch(r"blobs 1\.0\.0 \([0-9a-f]{12}\)", suggested["NG-1"]["model_version"])
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
        "pushed_tasks": 4,
    }  # fmt: skip

    revision = scene.store.read(str(pulled.revision))
    said = {image.part_id: image for image in revision.images}
    assert [box.class_name for box in said["NG-3"].boxes] == ["spur"]
    assert said["NG-3"].boxes[0].box_xyxy_px == pytest.approx(OTHER_BOX)
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


def test_a_change_of_mind_relabels_and_a_deleted_annotation_takes_the_image_back(scene: LabelScene) -> None:
    scene.pick(scene.inspect("MIND-1", "MIND-2"))
    scene.push()
    first = scene.annotate(scene.task_of("MIND-1"), ("short", MODEL_BOX))
    scene.annotate(scene.task_of("MIND-2"), ("short", MODEL_BOX))
    scene.pull()
    scene.change(first, ("spur", OTHER_BOX))
    changed = scene.pull()
    assert (changed.relabelled, changed.added, changed.reviews) == (1, 0, {"corrected": 1})
    scene.delete(first)
    taken_back = scene.pull()
    assert (taken_back.removed, taken_back.reviews) == (1, {"withdrawn": 1})
    revision = scene.store.read(str(taken_back.revision))
    assert [image.part_id for image in revision.images] == ["MIND-2"]
    assert revision.parent == changed.revision
    assert scene.state()["counts"]["pushed"] == 1  # it is to be labelled again


def test_a_pull_without_a_store_leaves_the_revision_to_a_later_one(scene: LabelScene) -> None:
    scene.pick(scene.inspect("LATER-1"))
    scene.push()
    scene.annotate(scene.task_of("LATER-1"), ("short", MODEL_BOX))
    reviewed = scene.pull(store=None)
    assert (reviewed.reviews, reviewed.revision) == ({"confirmed": 1}, None)
    written = scene.pull()
    assert (written.changed, written.is_new_revision, written.added) == (0, True, 1)


def test_a_conflict_and_a_skipped_task_wait_for_a_person_and_the_rest_goes_on(scene: LabelScene) -> None:
    scene.pick(scene.inspect("CON-1", "CON-2", "CON-3"))
    scene.push()
    scene.annotate(scene.task_of("CON-1"), ("short", MODEL_BOX))
    wrong = scene.annotate(scene.task_of("CON-1"))
    scene.annotate(scene.task_of("CON-2"), was_cancelled=True)
    scene.annotate(scene.task_of("CON-3"), ("short", MODEL_BOX))
    pulled = scene.pull()
    assert pulled.reviews == {"confirmed": 1}
    assert {entry["code"] for entry in scene.attention()} == {"conflict", "skipped"}
    assert scene.state()["counts"]["attention"] == 2
    scene.delete(wrong)
    settled = scene.pull()
    assert settled.reviews == {"confirmed": 1}
    assert [entry["code"] for entry in scene.attention()] == ["skipped"]


def test_what_people_say_against_a_golden_image_is_told_and_changes_nothing(scene: LabelScene) -> None:
    scene.pick(scene.inspect("GOLD-1", "GOLD-2"), reason="random", probability=0.5)
    scene.push()
    gold = scene.annotate(scene.task_of("GOLD-1"), ("short", MODEL_BOX))
    scene.annotate(scene.task_of("GOLD-2"), ("short", MODEL_BOX))
    head = scene.store.read(str(scene.pull().revision))
    images = tuple(
        replace(image, split=Split.GOLDEN if image.part_id == "GOLD-1" else Split.TRAIN) for image in head.images
    )
    child = scene.store.write(replace_images(head, images))
    scene.ask(lambda client: client.put_label_project(scene.project, revision=child.id))
    scene.change(gold, ("spur", OTHER_BOX))
    pulled = scene.pull()
    assert (pulled.disputed, pulled.is_new_revision, pulled.revision) == (1, False, child.id)
    assert [entry["code"] for entry in scene.attention()] == ["golden_disputed"]
    assert "judges models" in scene.said[-1]
    assert scene.pull().changed == 0
    assert len(scene.attention()) == 1


def test_labels_continue_the_revision_that_the_project_starts_from(scene: LabelScene) -> None:
    images = [BlobImage("old-1", drawn=[Blob(1, 8, 8)], split=Split.TRAIN)]
    start = write_blob_revision(scene.store, images, classes=("spur", "short"))
    scene.pick(scene.inspect("START-1"))
    scene.push()
    scene.annotate(scene.task_of("START-1"), ("open", OTHER_BOX))
    pulled = scene.pull(start_from=start.id[:8])
    revision = scene.store.read(str(pulled.revision))
    assert revision.parent == start.id
    assert revision.classes == ("spur", "short", "open")  # what a model numbers stays in its place
    assert {image.part_id for image in revision.images} == {"old-1", "START-1"}
    assert revision.licence_note == start.licence_note


def test_tasks_that_people_add_or_delete_by_hand_are_found(scene: LabelScene) -> None:
    scene.pick(scene.inspect("HAND-1", "HAND-2", "HAND-3"))
    scene.push()
    scene.annotate(scene.task_of("HAND-1"), ("short", MODEL_BOX))
    scene.pull()
    read, unread = scene.task_of("HAND-1"), scene.task_of("HAND-2")
    for task in (read, unread):
        scene.studio.http.delete(f"/api/tasks/{task}/").raise_for_status()
    stranger = scene.add_task_by_hand()
    scene.annotate(stranger, ("short", MODEL_BOX))
    scene.pull()
    found = {(entry["code"], entry["label_studio_task_id"]) for entry in scene.attention()}
    assert found == {("task_deleted", read), ("task_deleted", unread), ("unknown_task", stranger)}
    picks = scene.picks()
    assert picks["HAND-1"]["state"] == "labelled"  # what was said stays
    assert picks["HAND-2"]["state"] == "attention"
    assert scene.push().picks == 0
    entry = next(each for each in scene.attention() if each["pick_id"] == picks["HAND-2"]["id"])
    scene.ask(lambda client: client.settle_label_attention(entry["id"], by="qe", note="label it after all"))
    assert scene.push().picks == 1
    scene.annotate(scene.task_of("HAND-2"), ("short", MODEL_BOX))
    assert scene.pull().reviews == {"confirmed": 1}


def test_a_deleted_project_is_made_anew_with_what_nobody_has_read(scene: LabelScene) -> None:
    scene.pick(scene.inspect("DEL-1", "DEL-2"))
    scene.push()
    scene.annotate(scene.task_of("DEL-1"), ("short", MODEL_BOX))
    scene.pull()
    gone = scene.studio_project
    scene.studio.http.delete(f"/api/projects/{gone}/").raise_for_status()
    with pytest.raises(ProjectGone, match="push --recreate"):
        scene.pull()
    with pytest.raises(ProjectGone, match="push --recreate"):
        scene.push()
    report = scene.push(is_recreating=True)
    assert (report.picks, report.tasks) == (1, 1)
    assert [task["data"]["part"] for task in scene.tasks()] == ["DEL-2"]
    scene.annotate(scene.task_of("DEL-2"), ("short", MODEL_BOX))
    pulled = scene.pull()
    assert pulled.reviews == {"confirmed": 1}
    assert {image.part_id for image in scene.store.read(str(pulled.revision)).images} == {"DEL-1", "DEL-2"}


def test_a_project_made_anew_under_the_old_number_has_what_nobody_has_read(scene: LabelScene) -> None:
    """As in a new Label Studio, which counts its projects from 1 again."""
    scene.pick(scene.inspect("AGAIN-1", "AGAIN-2"))
    scene.push()
    scene.annotate(scene.task_of("AGAIN-1"), ("short", MODEL_BOX))
    scene.pull()
    number = scene.studio_project
    with scene.adapter() as studio:
        studio.delete_tasks(number, [task["id"] for task in scene.tasks()])
    assert scene.push().picks == 0
    report = scene.push(is_recreating=True)
    assert (report.studio_project_id, report.picks) == (number, 1)
    assert [task["data"]["part"] for task in scene.tasks()] == ["AGAIN-2"]


def test_an_edited_configuration_is_told_and_a_harmful_one_stops_the_push(scene: LabelScene) -> None:
    scene.pick(scene.inspect("EDIT-1"))
    scene.push()
    address = f"/api/projects/{scene.studio_project}/"
    config = scene.studio.http.get(address).json()["label_config"]
    scene.studio.http.patch(address, json={"label_config": config.replace('"spur"', '"burr"')}).raise_for_status()
    scene.pick(scene.inspect("EDIT-2"))
    with pytest.raises(ConfigEdited, match="restore-config"):
        scene.push()
    assert [entry["code"] for entry in scene.attention()] == ["config_edited"]
    scene.annotate(scene.task_of("EDIT-1"), ("burr", OTHER_BOX))
    assert scene.pull().reviews == {}
    assert {entry["code"] for entry in scene.attention()} == {"config_edited", "unknown_class"}
    assert scene.push(is_replacing_edits=True).picks == 1


def test_a_part_whose_picture_is_gone_is_told_and_the_others_go_out(scene: LabelScene) -> None:
    gone, kept = scene.inspect("GONE-1", "GONE-2")
    scene.pick([gone, kept])
    scene.forget_picture(gone)
    report = scene.push()
    assert report.picks == 1
    assert [entry["code"] for entry in scene.attention()] == ["image_gone"]
    assert "GONE-1" in scene.attention()[0]["message"]
    assert scene.push().picks == 0


def test_a_label_whose_picture_is_gone_since_is_reviewed_and_told(scene: LabelScene) -> None:
    ids = scene.inspect("LOST-1", "LOST-2")
    scene.pick(ids)
    scene.push()
    scene.annotate(scene.task_of("LOST-1"), ("short", MODEL_BOX))
    scene.annotate(scene.task_of("LOST-2"), ("short", MODEL_BOX))
    scene.forget_picture(ids[0])
    pulled = scene.pull()
    assert (pulled.reviews, pulled.added) == ({"confirmed": 2}, 1)
    assert [entry["code"] for entry in scene.attention()] == ["not_in_revision"]


def test_a_label_whose_picture_our_server_fails_to_give_is_in_the_revision_of_the_next_pull(
    scene: LabelScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = scene.inspect("FAILS-1", "FAILS-2")
    scene.pick([first, second])
    scene.push()
    for part in ("FAILS-1", "FAILS-2"):
        scene.annotate(scene.task_of(part), ("short", MODEL_BOX))
    fetch = PartPictures.fetch

    async def failing(self: PartPictures, inspection_id: str, view: str, **about: Any) -> PartPicture:
        if inspection_id == first:
            raise ServerFailed(ProblemDetail(502, "about:blank", "Bad Gateway", "a proxy restarts"))
        return await fetch(self, inspection_id, view, **about)

    with monkeypatch.context() as patch:
        patch.setattr(PartPictures, "fetch", failing)
        assert scene.pull().added == 1
    assert [entry["code"] for entry in scene.attention()] == ["not_in_revision"]
    again = scene.pull()
    assert (again.added, again.relabelled, again.is_new_revision) == (1, 0, True)
    assert not scene.pull().is_new_revision
    assert scene.state()["revision_change"] == scene.state()["change"]


def test_a_defect_that_the_project_has_no_label_for_goes_out_without_a_suggestion_and_people_are_told(
    scene: LabelScene,
) -> None:
    scene.pick(scene.inspect("NG-1", "NG-2"))
    scene.ask(lambda client: client.put_label_project(scene.project, classes=["open"]))
    report = scene.push()
    assert (report.picks, [need.code for need in report.needs]) == (2, ["unknown_class"])
    assert [task["predictions"] for task in scene.tasks()] == [[], []]
    (entry,) = scene.attention()
    assert entry["code"] == "unknown_class"
    assert "'short'" in entry["message"]
    assert {pick["state"] for pick in scene.picks().values()} == {"pushed"}
