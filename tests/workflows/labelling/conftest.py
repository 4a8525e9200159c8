"""Fixtures of the labelling loop: real servers for all tests, a project of its own for each."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from label_scene import LabelScene, labelling_server
from label_studio import LabelStudioServer
from live_server import LiveServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Our app, for the tests of one file."""
    with labelling_server(tmp_path_factory.mktemp("plant")) as running:
        yield running


@pytest.fixture
def scene(server: LiveServer, label_studio: LabelStudioServer, tmp_path: Path) -> LabelScene:
    """A labelling project of the test's own."""
    return LabelScene(server, label_studio, f"project {uuid4().hex[:12]}", tmp_path, label_studio.url)
