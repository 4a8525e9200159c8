"""Fixtures of the data set tests."""

from uuid import uuid4

import pytest

from importing_folders import Importer
from lineside.datasets.revisions import RevisionStore


@pytest.fixture
def memory_store() -> RevisionStore:
    """An empty store."""
    return RevisionStore(f"memory://{uuid4().hex}")


@pytest.fixture
def importer(memory_store: RevisionStore) -> Importer:
    """`importer(folder, FormatName.YOLO, is_clipping=True)` gives a revision."""
    return Importer(memory_store)
