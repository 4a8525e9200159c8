"""Fixtures of the labelling tests: a project of its own on a real Label Studio for each test."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from label_studio import LabelStudioServer
from label_tasks import CLASSES
from lineside.datasets.labelling import LabelStudio, StudioProject, Token, Tries


@pytest.fixture
def studio(label_studio: LabelStudioServer) -> Iterator[LabelStudio]:
    """The adapter, on the session's real server; between tries it does not wait."""
    with LabelStudio(label_studio.url, Token(label_studio.token), tries=Tries(first_s=0.0)) as opened:
        yield opened


@pytest.fixture
def project(studio: LabelStudio) -> StudioProject:
    """A new project with the classes scratch and dent and a place for a reference."""
    return studio.ensure_project(f"project {uuid4().hex[:12]}", CLASSES, has_reference=True)
