"""`lineside deployments` against a running server."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blob_detector import TinyRelease
from lineside.client import pack_release
from lineside.inspection.release import DeploymentMode
from lineside.serving.security import Role
from live_server import LiveServer, live_server
from odd_releases import Workshop, version
from plant import RECIPE
from signing import TestKeys

Lineside = Callable[..., Any]


@dataclass(frozen=True)
class Deployed:
    """A server with a live release and a shadow.

    Attributes:
        server: it.
        words: how the commands reach it.
        live: identifier of the live deployment.
        shadow: of the shadow's.
    """

    server: LiveServer
    words: tuple[str, ...]
    live: str
    shadow: str


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    keys = TestKeys()
    (tmp_path / "releases").mkdir()
    Workshop(tmp_path / "releases", keys).write(TinyRelease()).rename(tmp_path / "releases" / "blobs")
    folder = Workshop(tmp_path / "workshop", keys).write(version("2.0.0"))
    package = pack_release(folder)
    with live_server(tmp_path, trust_file=keys.write_trust(tmp_path / "trust.json")) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        server.http.put(
            f"/v1/releases/{package.digest}",
            content=package.content,
            headers={**server.authorization(), "Content-Type": "application/zip"},
        ).raise_for_status()
        live = server.deploy(keys.deploy_release(folder, serial=1)).json()["deployment"]["id"]
        shadow = server.deploy(keys.deploy_release(folder, serial=2, mode=DeploymentMode.SHADOW, share=0.5))
        words = ("--server", server.url, "--api-key", server.keys[Role.MLOPS])
        yield Deployed(server, words, live, shadow.json()["deployment"]["id"])


def test_deployments_are_listed_shown_and_taken_back(deployed: Deployed, lineside: Lineside) -> None:
    listed = lineside("deployments", "list", *deployed.words)
    assert [line.split("\t")[1:4] for line in listed.out.splitlines()] == [
        ["2", "shadow 50%", "blobs 2.0.0"],
        ["1", "live", "blobs 2.0.0"],
    ]
    assert json.loads(lineside("deployments", "list", *deployed.words, "--json").out)["highest_serial"] == 2
    shown = lineside("deployments", "show", deployed.shadow, *deployed.words).out
    assert "compared\t0 parts, 0 dropped" in shown
    assert "e-value\t1 that they differ; 20 is evidence at the 5 % level" in shown
    assert lineside("deployments", "show", "2", *deployed.words).out == shown
    taken = lineside("deployments", "withdraw", deployed.live, "--reason", "a trial", *deployed.words)
    assert taken.code == 0
    assert "deployment 1 is withdrawn" in taken.err
    assert taken.out.splitlines()[-1] == "line-1\tBRD\tblobs (as the server came)\tready"  # above: the server's log
    again = json.loads(lineside("deployments", "show", deployed.live, *deployed.words, "--json").out)
    assert again["deployment"]["withdrawal"]["reason"] == "a trial"


def test_what_the_server_refuses_is_one_line(deployed: Deployed, lineside: Lineside) -> None:
    ran = lineside("deployments", "show", "nothing", *deployed.words)
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "no deployment 'nothing'" in ran.err
    viewer = ("--server", deployed.server.url, "--api-key", deployed.server.keys[Role.VIEWER])
    ran = lineside("deployments", "withdraw", deployed.live, "--reason", "a trial", *viewer)
    assert (ran.code, "may not write_deployments" in ran.err) == (1, True)
