"""A person labels on Label Studio's own page what our server judged, and our server learns what he said.

Set LINESIDE_PICTURES to a folder to keep what the page looked like; the guide's pictures are made so.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from selenium import webdriver

from browsing import browsing
from label_scene import LabelScene
from label_studio import LabelStudioServer
from labelled_boards import boards, pushed_boards
from labelling_page import LabellingPage
from lineside.workflows.demo.virtual_line import VirtualPart

pytestmark = pytest.mark.system

_HAND_PX = 3.0  # the mouse moves in whole pixels of the screen


@dataclass(frozen=True)
class Desk:
    """Boards on the page: four that the model found defects on, and two good ones."""

    scene: LabelScene
    parts: Mapping[str, VirtualPart]
    page: LabellingPage

    def found(self, part: str) -> list[dict[str, Any]]:
        """What the model found on a part."""
        found: list[dict[str, Any]] = self.scene.picks()[part]["defects"]
        return found

    def open(self, part: str, *, regions: int | None = None) -> None:
        self.page.open(self.scene.task_of(part), regions=len(self.found(part)) if regions is None else regions)

    def reviews(self) -> dict[str, dict[str, Any]]:
        """The review of each part that was labelled."""
        self.scene.pull()
        server = self.scene.server
        made: dict[str, dict[str, Any]] = {}
        for part, pick in self.scene.picks().items():
            path = f"/v1/inspections/{pick['inspection_id']}/reviews"
            for review in server.http.get(path, headers=server.authorization()).json()["items"]:
                assert part not in made
                made[part] = review
        return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browsing(tmp_path_factory.mktemp("browser"), "--window-size=1500,1050") as chrome:
        yield chrome


@pytest.fixture(scope="module")
def desk(
    label_studio: LabelStudioServer, browser: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    parts = boards(defective=4, good=2)
    wanted = os.environ.get("LINESIDE_PICTURES")
    folder = tmp_path_factory.mktemp("boards")
    with pushed_boards(folder, label_studio, parts, project=f"controller-board {uuid4().hex[:6]}") as scene:
        pictures = None if wanted is None else Path(wanted)
        page = LabellingPage(browser, label_studio, scene.studio_project, pictures=pictures)
        page.log_in()
        yield Desk(scene, parts, page)


def test_a_person_labels_on_the_page_and_the_reviews_say_what_he_did(desk: Desk) -> None:
    accepted, corrected, false_call, _, escape, fine = desk.parts
    page = desk.page

    desk.open(accepted)
    page.keep_picture("label-studio-task")
    assert page.regions() == sorted(each["class_name"] for each in desk.found(accepted))
    assert page.verdicts() == ["defect"]
    page.submit()

    desk.open(corrected)
    badly_placed = desk.found(corrected)[0]
    left, top, right, bottom = badly_placed["box_xyxy_px"]
    wider = (left - 12, top - 12, right + 12, bottom + 12)
    page.delete(badly_placed["class_name"])
    page.draw(badly_placed["class_name"], wider)
    page.keep_picture("label-studio-corrected")
    page.submit()

    desk.open(false_call)
    for each in desk.found(false_call):
        page.delete(each["class_name"])
    page.choose("ok")
    page.submit()

    desk.open(escape)
    assert page.verdicts() == ["ok"]
    drawn = (100.0, 120.0, 180.0, 200.0)
    page.draw("spur", drawn)
    page.choose("defect")
    page.comment("found at the customer's")
    page.submit()

    desk.open(fine)
    page.submit()

    reviews = desk.reviews()
    kinds = {part: review["kind"] for part, review in reviews.items()}
    assert kinds == {
        accepted: "confirmed",
        corrected: "corrected",
        false_call: "false_call",
        escape: "escape",
        fine: "confirmed",
    }
    (box,) = reviews[escape]["boxes"]
    assert box["class_name"] == "spur"
    assert box["box_xyxy_px"] == pytest.approx(drawn, abs=_HAND_PX)
    (box,) = (box for box in reviews[corrected]["boxes"] if box["box_xyxy_px"] == pytest.approx(wider, abs=_HAND_PX))
    assert box["class_name"] == badly_placed["class_name"]
    assert "found at the customer's" in str(reviews[escape]["reason"])
    assert desk.scene.attention() == []


def test_opening_a_task_without_suggestions_shows_what_the_live_model_finds(desk: Desk) -> None:
    unseen = list(desk.parts)[3]
    desk.scene.connect()
    desk.scene.forget_predictions(desk.scene.task_of(unseen))
    try:
        desk.open(unseen)
        assert desk.page.regions() == sorted(each["class_name"] for each in desk.found(unseen))
        assert desk.page.verdicts() == ["defect"]
        desk.page.keep_picture("label-studio-live-model")
    finally:
        desk.scene.disconnect()
