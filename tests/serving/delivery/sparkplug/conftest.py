"""A broker and a decoder for each module, a ledger for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mosquitto import Mosquitto, running_mosquitto
from sink_scene import SinkScene, sink_scene
from sparkplug_host import SparkplugHost, sparkplug_host


@pytest.fixture(scope="module")
def host() -> Iterator[SparkplugHost]:
    """Eclipse Tahu's decoder, in a process of its own."""
    with sparkplug_host() as host:
        yield host


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A mosquitto that every test of a module shares; nothing Sparkplug says is retained but a host's STATE."""
    with running_mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[SinkScene]:
    """A ledger with two stations, and the context of a sink."""
    with sink_scene(tmp_path, name="line-1") as scene:
        yield scene
