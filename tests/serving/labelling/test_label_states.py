"""What Label Studio says of tasks becomes reviews: one a part, and the one that the latest states say."""

from collections.abc import Iterator

import pytest

from label_state import MODEL_BOX, Desk, open_desk


@pytest.fixture(scope="module")
def desk(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("plant")) as desk:
        yield desk


@pytest.fixture
def part(request: pytest.FixtureRequest) -> str:
    """A part name of the test's own."""
    return str(request.node.name)


def test_a_part_goes_from_candidate_to_review(desk: Desk, part: str) -> None:
    inspection_id = desk.inspect(part)
    assert inspection_id in {each["inspection_id"] for each in desk.candidates()}
    (made,) = desk.pick(inspection_id, reason="near_threshold", score=0.4)
    assert made["is_new"]
    assert inspection_id not in {each["inspection_id"] for each in desk.candidates()}
    assert desk.get_pick(made["id"])["state"] == "waiting"
    task_ids = desk.plan(made["id"])
    number = desk.push(*task_ids)[task_ids[0]]
    assert desk.get_pick(made["id"])["state"] == "pushed"
    at = desk.later()
    (answer,) = desk.send(
        {
            "id": task_ids[0],
            "label_studio_task_id": number,
            "updated_at": at,
            "annotations": [{"id": 3, "updated_at": at, "annotator": "Kim", "lead_time_s": 90}],
            "reading": {"reviewer": "Kim", "at": at, "is_defective": True, "boxes": [MODEL_BOX], "minutes": 1.5},
        }
    )
    assert (answer["outcome"], answer["pick_id"], answer["review_kind"]) == ("applied", made["id"], "escape")
    (review,) = desk.reviews(inspection_id)
    assert (review["kind"], review["source"], review["reviewer"]) == ("escape", "label_studio", "Kim")
    assert review["boxes"] == [{"view": "default", **MODEL_BOX}]
    pick = desk.get_pick(made["id"])
    assert (pick["state"], pick["review_id"], pick["change"]) == ("labelled", review["id"], pick["change"])
    assert pick["label"]["boxes"] == review["boxes"]
    assert pick["label"]["minutes"] == 1.5
