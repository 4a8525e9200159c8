"""`lineside twin export` against a running server."""

import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lineside.serving.security import Role
from lineside.serving.twin.aas.service import KEPT_FOR_S
from live_server import LiveServer, live_server
from twin_scene import fill, read_value

Lineside = Callable[..., Any]

TRIES = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("plant")) as server:
        fill(server)
        yield server


def test_the_twin_is_written_as_a_package_and_as_json(server: LiveServer, lineside: Lineside, tmp_path: Path) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.MES])
    package, environment = tmp_path / "twin.aasx", tmp_path / "twin.json"
    first = lineside("twin", "export", str(package), *words, "--json")
    assert first.code == 0, first.err
    said = json.loads(first.out)
    assert said == {
        "path": str(package),
        "format": "aasx",
        "bytes": package.stat().st_size,
        "sha256": hashlib.sha256(package.read_bytes()).hexdigest(),
    }
    assert lineside("twin", "export", str(environment), *words).code == 0
    with zipfile.ZipFile(package) as opened:
        assert json.loads(opened.read("aasx/lineside.json")) == json.loads(environment.read_text("utf-8"))


def test_the_same_state_gives_the_same_bytes(server: LiveServer, lineside: Lineside, tmp_path: Path) -> None:
    """The server tells of its stations' states in the background; two files between which nothing came are alike."""
    words = ("--server", server.url, "--api-key", server.keys[Role.VIEWER], "--format", "aasx")
    for _ in range(TRIES):
        before = read_value(server, "kpi", "smt-1")["Period"]
        for name in ("first", "second"):
            assert lineside("twin", "export", str(tmp_path / name), *words).code == 0
        time.sleep(KEPT_FOR_S)  # so that the state is built anew, not given again
        assert lineside("twin", "export", str(tmp_path / "third"), *words).code == 0
        if read_value(server, "kpi", "smt-1")["Period"] == before:
            break
    else:
        pytest.fail(f"something came between the files each of {TRIES} times")
    assert len({(tmp_path / name).read_bytes() for name in ("first", "second", "third")}) == 1


def test_one_line_is_a_shell_and_its_submodels(server: LiveServer, lineside: Lineside, tmp_path: Path) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.VIEWER])
    out = tmp_path / "line.json"
    assert lineside("twin", "export", str(out), *words, "--line", "smt-2").code == 0
    environment = json.loads(out.read_text("utf-8"))
    assert [each["idShort"] for each in environment["assetAdministrationShells"]] == ["Line_smt_2"]
    assert len(environment["submodels"]) == 4
    unknown = lineside("twin", "export", str(out), *words, "--line", "nobody's")
    assert (unknown.code, "no line" in unknown.err) == (1, True)


def test_what_cannot_be_written_says_why(server: LiveServer, lineside: Lineside, tmp_path: Path) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.STATION])
    forbidden = lineside("twin", "export", str(tmp_path / "twin.json"), *words)
    assert (forbidden.code, "may not read_twin" in forbidden.err) == (1, True)
    assert not (tmp_path / "twin.json").exists()
    assert lineside("twin", "export", str(tmp_path / "twin.xml"), *words).code == 2
    viewer = ("--server", server.url, "--api-key", server.keys[Role.VIEWER])
    nowhere = lineside("twin", "export", str(tmp_path / "none" / "twin.json"), *viewer)
    assert (nowhere.code, "No such file" in nowhere.err) == (1, True)
