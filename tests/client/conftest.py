"""A running server for the client to speak to."""

from collections.abc import Iterator

import pytest

from live_server import LiveServer, live_server
from plant import RECIPE


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A real app over real HTTP, with the blob detector and the station `aoi-1`."""
    with live_server(tmp_path_factory.mktemp("client")) as live:
        live.put_recipe("board", RECIPE).raise_for_status()
        live.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield live
