"""The labelling configuration: ours, of an earlier list of classes, or edited by hand."""

from uuid import uuid4
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio import LabelStudioServer
from label_tasks import CLASSES, chosen_verdict, drawn_box, label_task
from lineside.datasets.class_names import folded
from lineside.datasets.errors import ClassesRefused
from lineside.datasets.labelling import (
    AttentionCode,
    ConfigEdited,
    ConfigStanding,
    LabelStudio,
    PredictedBox,
    ProjectAmbiguous,
    StudioProject,
    config_state,
    project_config,
    read_task,
)

OURS = project_config(CLASSES, has_reference=True)
ODD_CLASSES = ("긁힘", '<b>&"bold"</b>', "it's 5 % off", "a;b,c|d", "o", "d", "1", "ok")


def test_the_same_classes_are_ours_whatever_their_order_or_colour() -> None:
    recoloured = OURS.replace("#d55e00", "#ffffff").replace('rows="2"', 'rows="9"')

    for found in (OURS, recoloured, project_config(tuple(reversed(CLASSES)), has_reference=True)):
        assert config_state(found, CLASSES, has_reference=True).standing is ConfigStanding.OURS


@pytest.mark.parametrize(
    ("classes", "has_reference", "text"),
    [
        pytest.param(("scratch", "dent", "burr"), True, "'box' has no 'burr'", id="a class more"),
        pytest.param(("scratch",), True, "'box' has 'dent', which is not of ours", id="a class less"),
        pytest.param(CLASSES, False, "Image 'reference' was added", id="no reference any more"),
    ],
)
def test_an_earlier_one_of_ours_is_outdated(classes: tuple[str, ...], has_reference: bool, text: str) -> None:  # noqa: FBT001 - a case's value
    state = config_state(OURS, classes, has_reference=has_reference)

    assert state.standing is ConfigStanding.OUTDATED
    assert [difference.text for difference in state.differences] == [text]


@pytest.mark.parametrize(
    ("found", "text", "is_blocking"),
    [
        pytest.param(
            OURS.replace("</RectangleLabels>", '<Label value="burr"/></RectangleLabels>'),
            "'box' has 'burr', which is not of ours",
            False,
            id="a label added",
        ),
        pytest.param(OURS.replace('value="dent"', 'value="Dent"'), "'box' has no 'dent'", True, id="a label renamed"),
        pytest.param(
            OURS.replace('name="box"', 'name="bbox"'),
            "the control 'box' (RectangleLabels) is gone or renamed; there is 'bbox'",
            True,
            id="a control renamed",
        ),
        pytest.param(
            OURS.replace("RectangleLabels", "PolygonLabels"),
            "the control 'box' is PolygonLabels on 'image'; expected RectangleLabels on 'image'",
            True,
            id="another shape",
        ),
        pytest.param(OURS.replace('value="$image"', 'value="$photo"'), "shows Image of $photo", True, id="other data"),
        pytest.param(
            OURS.replace('value="defect"', 'value="ng"'), "'verdict' has no 'defect'", True, id="another verdict"
        ),
        pytest.param(
            OURS.replace('name="comment"', 'name="remark"'), "the control 'comment' (TextArea)", False, id="comment"
        ),
        pytest.param("<View>", "no XML", True, id="no XML"),
        pytest.param('<!DOCTYPE a [<!ENTITY b "c">]><View/>', "a document type", True, id="a document type"),
        pytest.param("<View/>", "the picture 'image' is gone", True, id="emptied"),
    ],
)
def test_what_was_edited_by_hand_is_told(found: str, text: str, is_blocking: bool) -> None:  # noqa: FBT001 - a case's value
    state = config_state(found, CLASSES, has_reference=True)

    assert state.standing is ConfigStanding.EDITED
    assert text in "; ".join(difference.text for difference in state.differences)
    assert state.is_blocking == is_blocking


@pytest.mark.parametrize("classes", [(), ("a", "A"), ("$price",), (" a",), ("a\nb",), ("",)], ids=repr)
def test_classes_that_cannot_be_labels_are_refused(classes: tuple[str, ...]) -> None:
    with pytest.raises(ClassesRefused):
        project_config(classes, has_reference=False)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique_by=folded))
def test_any_class_name_that_is_accepted_stands_in_the_configuration_as_it_is(classes: list[str]) -> None:
    try:
        config = project_config(classes, has_reference=False)
    except ClassesRefused:
        return
    assert [label.get("value") for label in fromstring(config).iter("Label")] == classes  # noqa: S314 - our own
    assert config_state(config, classes, has_reference=False).standing is ConfigStanding.OURS


def test_odd_class_names_come_back_as_they_are(studio: LabelStudio, label_studio: LabelStudioServer) -> None:
    project = studio.ensure_project(f"별난 {uuid4().hex[:8]}", ODD_CLASSES, has_reference=False)
    boxes = tuple(PredictedBox(name, 0.5, (10.0, 10.0, 50.0, 50.0)) for name in ODD_CLASSES)
    task = label_task(predictions=boxes)
    made = studio.push(project.id, [task])
    predicted = label_studio.http.get("/api/predictions/", params={"task": made[task.uuid]}).json()
    label_studio.http.post(
        f"/api/tasks/{made[task.uuid]}/annotations/", json={"result": predicted[0]["result"]}
    ).raise_for_status()

    (found,) = studio.updated_since(project.id, None)

    state = read_task(
        found, classes=ODD_CLASSES, offset_xy_px=(0, 0), size_wh_px=task.size_wh_px, frame_size_wh_px=task.size_wh_px
    )
    assert state.reading is not None
    assert tuple(box.class_name for box in state.reading.boxes) == ODD_CLASSES
    assert project.config_state is not None
    assert project.config_state.standing is ConfigStanding.OURS


def test_a_project_is_made_once_and_found_again(studio: LabelStudio) -> None:
    title = f"once {uuid4().hex[:8]}"

    first = studio.ensure_project(title, CLASSES, has_reference=False)
    second = studio.ensure_project(title, CLASSES, has_reference=False)
    studio.ensure_project(f"{title} more", CLASSES, has_reference=False)

    assert first.id == second.id
    assert studio.find_project(title) == studio.project(first.id)
    assert studio.find_project(title[:-1]) is None


def test_two_projects_of_one_title_need_a_person(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    other = studio.ensure_project(f"other {uuid4().hex[:8]}", CLASSES, has_reference=False)
    renamed = label_studio.http.patch(f"/api/projects/{other.id}/", json={"title": project.title})
    renamed.raise_for_status()

    with pytest.raises(ProjectAmbiguous, match=rf"{project.id}.*rename all but one|{other.id}.*rename all but one"):
        studio.find_project(project.title)


def test_new_classes_are_written_to_a_project_that_nobody_edited(studio: LabelStudio, project: StudioProject) -> None:
    more = (*CLASSES, "burr")

    updated = studio.ensure_project(project.title, more, has_reference=True)

    assert updated.id == project.id
    assert updated.config_state is not None
    assert updated.config_state.standing is ConfigStanding.OURS
    assert 'value="burr"' in studio.project(project.id).config


def test_a_project_edited_by_hand_stays_as_it_is_until_somebody_says_otherwise(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    edited = project.config.replace('name="box"', 'name="bbox"')
    label_studio.http.patch(f"/api/projects/{project.id}/", json={"label_config": edited}).raise_for_status()

    found = studio.ensure_project(project.title, CLASSES, has_reference=True)

    assert found.config == edited
    with pytest.raises(ConfigEdited, match=r"is gone or renamed; there is 'bbox'.*Change that back in its settings"):
        found.require_config()
    replaced = studio.ensure_project(project.title, CLASSES, has_reference=True, is_replacing_edits=True)
    replaced.require_config()
    assert replaced.config == project.config


def test_a_class_that_was_taken_out_while_annotations_use_it_needs_attention(
    studio: LabelStudio, project: StudioProject, label_studio: LabelStudioServer
) -> None:
    task = label_task()
    made = studio.push(project.id, [task])
    label_studio.http.post(
        f"/api/tasks/{made[task.uuid]}/annotations/", json={"result": [drawn_box("dent"), chosen_verdict("defect")]}
    ).raise_for_status()

    less = studio.ensure_project(project.title, ("scratch",), has_reference=True)

    assert less.config_state is not None
    assert less.config_state.standing is ConfigStanding.OURS
    (found,) = studio.updated_since(project.id, None)
    state = read_task(
        found, classes=("scratch",), offset_xy_px=(0, 0), size_wh_px=task.size_wh_px, frame_size_wh_px=task.size_wh_px
    )
    assert state.reading is None
    assert [each.code for each in state.attention] == [AttentionCode.UNKNOWN_CLASS]
    assert "'dent', which the catalogue does not have" in state.attention[0].message
