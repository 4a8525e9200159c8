"""A plant with a labelling project, shared by a module's tests, on each kind of database."""

from collections.abc import Iterator

import pytest

from label_state import Desk, open_desk


@pytest.fixture(scope="module")
def desk(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("plant")) as desk:
        yield desk


@pytest.fixture
def part(request: pytest.FixtureRequest) -> str:
    """A part name of the test's own."""
    return str(request.node.name)
