"""Stations on the server's own machine: a socket file in place of a port, raw pixels in place of a JPEG."""

import asyncio
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lineside.client import InspectionAnswer, KeyRefused, LinesideClient
from lineside.inspection.frames import MediaType, PixelFormat, RawGeometry
from lineside.inspection.verdict import Verdict
from lineside.serving.security import Role
from lineside.workflows.errors import ServerFailed
from lineside.workflows.unix_listener import listening_at
from lineside_process import make_key, serving

RECIPE = """\
schema: lineside.recipe/1
id: board
version: 1
product: BRD
catalogue: {id: pcb, version: 1}
release: pcb-single
deadline_ms: 20000
views: {default: {}}
health: {min_std: null, min_brightest: null, min_sharpness: null}
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: a socket's name has about a hundred characters at most."""
    with tempfile.TemporaryDirectory(prefix="ls-") as folder:
        yield Path(folder) / "lineside.sock"


@pytest.mark.system
def test_raw_pixels_through_the_socket_are_judged_and_a_key_is_asked_for(tmp_path: Path, place: Path) -> None:
    data = tmp_path / "data"
    pixels = np.random.default_rng(1).integers(90, 110, (640, 640), np.uint8)

    async def post() -> InspectionAnswer:
        async with LinesideClient("http://server", make_key(data, Role.ADMIN)[1], unix_socket=place) as admin:
            await admin.put_recipe("board", RECIPE)
            await admin.put_station("aoi-1", {"name": "AOI 1", "recipe": {"id": "board", "version": 1}})
            answer = await admin.inspect(
                pixels.tobytes(),
                MediaType.RAW,
                station="aoi-1",
                part_id="P-1",
                raw=RawGeometry(640, 640, PixelFormat.MONO8),
                give_up_after_s=30,
            )
        assert isinstance(answer, InspectionAnswer)
        async with LinesideClient("http://server", "lsk_" + "0" * 43, unix_socket=place) as stranger:
            with pytest.raises(KeyRefused):
                await stranger.stations()
        return answer

    with serving(data, "--engine", "onnxruntime-fp32", "--no-page", "--unix-socket", str(place)):
        assert stat.S_IMODE(place.stat().st_mode) == 0o660
        assert asyncio.run(post()).verdict is Verdict.OK
    assert not place.exists()


def test_a_file_that_a_killed_server_left_is_taken_over(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(place))
    with listening_at(place) as listener:
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(place))
    assert not place.exists()


def test_a_living_servers_socket_is_left_alone(place: Path) -> None:
    with listening_at(place) as listener:
        listener.listen()
        with pytest.raises(ServerFailed, match="another server listens"), listening_at(place):
            pass
        assert place.exists()


def test_what_is_no_socket_is_not_removed(place: Path) -> None:
    place.write_text("notes")
    with pytest.raises(ServerFailed, match="is no socket"), listening_at(place):
        pass
    assert place.read_text() == "notes"


def test_a_place_that_cannot_be_listened_at_is_named(place: Path, tmp_path: Path) -> None:
    (file := tmp_path / "file").touch()
    for impossible in (place.parent / "none" / "x.sock", place.parent / ("x" * 200), file / "x.sock"):
        with pytest.raises(ServerFailed, match="choose another with --unix-socket"), listening_at(impossible):
            pass
    assert not list(place.parent.iterdir())


def test_a_socket_that_does_not_answer_is_not_taken_from_whoever_has_it(place: Path) -> None:
    """Here one of another type: connecting fails, but not because nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(place))
        with pytest.raises(ServerFailed, match="--unix-socket"), listening_at(place):
            pytest.fail("it listens")
        assert place.exists()
