"""A plant that believes the signatures of two test keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from odd_releases import Workshop
from plant import Plant, open_plant
from signing import TestKeys


@pytest.fixture(scope="session")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture
def workshop(tmp_path: Path, keys: TestKeys) -> Workshop:
    return Workshop(tmp_path / "workshop", keys)


@pytest.fixture
def plant(tmp_path: Path, keys: TestKeys) -> Iterator[Plant]:
    with open_plant(tmp_path, signing=keys) as plant:
        yield plant
