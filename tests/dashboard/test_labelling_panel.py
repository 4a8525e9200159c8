"""The page's panel of labelling projects."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from label_state import Desk, open_desk
from lineside.cli.reference import command_paths
from lineside.serving.dashboard.labelling import labelling_panel, shown_labelling
from lineside.serving.dashboard.texts import Language
from lineside.serving.dashboard.wording import Wording
from lineside.serving.security import Role


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as desk:
        yield desk


def panel(desk: Desk, language: Language = Language.EN) -> str:
    shown = asyncio.run(shown_labelling(desk.plant.services))
    return labelling_panel(shown, Wording(language, []))


@pytest.mark.parametrize("language", list(Language))
def test_without_a_project_it_names_commands_that_there_are(language: Language) -> None:
    html = labelling_panel([], Wording(language, []))
    named = [part.split("</code>")[0] for part in html.split("<code>")[1:]]
    assert len(named) == 5
    assert {tuple(words.split()[1:]) for words in named} <= set(command_paths())


def test_a_project_leads_to_its_tasks_and_says_how_far_it_is(desk: Desk) -> None:
    desk.put_project(label_studio_url="https://labels.plant.example/", label_studio_project_id=12)
    desk.pushed_part("one")
    html = panel(desk)
    assert 'href="https://labels.plant.example/projects/12/data"' in html
    assert "<td>0</td><td>1</td><td>0</td><td>0</td><td>-</td><td>no</td>" in html
    assert "lineside labels connect" in html
    desk.put_project(webhook={"id": 3, "url": "http://127.0.0.1:8470/label-studio/webhook?project=12"})
    connected = panel(desk)
    assert "<td>yes</td>" in connected
    assert "lineside labels connect" not in connected


def test_a_hint_that_nobody_followed_is_shown(desk: Desk) -> None:
    desk.put_project(label_studio_project_id=12)
    headers = desk.plant.headers(Role.LABEL_STUDIO)
    desk.plant.http.post("/label-studio/webhook", params={"project": 12}, json={"action": "X"}, headers=headers)
    desk.plant.http.portal.call(desk.plant.services.label_hints.settle)  # type: ignore[attr-defined]  # TestClient's
    assert "labelled since" in panel(desk)


@pytest.mark.parametrize("address", ["javascript:alert(1)", 'https://x/"><script>alert(1)</script>', "labels.plant"])
def test_an_address_cannot_bring_a_script_onto_the_page(desk: Desk, address: str) -> None:
    desk.put_project(label_studio_url=address, label_studio_project_id=12)
    html = panel(desk)
    assert "<script" not in html
    assert 'href="javascript' not in html
