"""The digital twin against `aas_test_engines`, which others wrote: the API, and both files of the command line."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from keyed_proxy import adding_key
from lineside.serving.security import Role
from lineside.serving.twin.aas.endpoints import PROFILES
from lineside.serving.twin.aas.media_types import AASX_MEDIA_TYPE, JSON_MEDIA_TYPE
from lineside_process import without_network
from live_server import LiveServer, live_server
from twin_scene import TWIN_FILE, fill

pytestmark = pytest.mark.system

ENGINE = (sys.executable, "-m", "aas_test_engines")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("plant")
    (folder / "twin.yaml").write_text(TWIN_FILE)
    with live_server(folder, twin_file=folder / "twin.yaml") as server:
        fill(server)
        yield server


def run(command: Sequence[str]) -> str:
    """What the engine says; it ends with 0 if it finds no error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("profile", PROFILES)
def test_the_api_passes_the_checks_of_its_profiles(server: LiveServer, profile: str) -> None:
    """Two lines, so that there are pages; the engine's own header option is not sent, hence the proxy."""
    with adding_key(server.url, server.keys[Role.VIEWER]) as proxy:
        said = run([*ENGINE, "check_server", f"{proxy}/aas", profile])
    assert said.count("Checking Get") + said.count("Checking Generate") >= 23
    assert "Negative tests passed" in said
    for line in said.splitlines():
        if "tests passed:" in line:
            passed, _, number = line.partition(":")[2].strip(" \x1b[0m").partition(" / ")
            assert (int(passed) > 30, passed) == (True, number)


@pytest.mark.parametrize(("media_type", "form"), [(AASX_MEDIA_TYPE, "aasx"), (JSON_MEDIA_TYPE, "json")])
def test_the_files_pass_the_checks_without_a_network(
    server: LiveServer, tmp_path: Path, media_type: str, form: str
) -> None:
    headers = {**server.authorization(Role.VIEWER), "Accept": media_type}
    path = tmp_path / f"twin.{form}"
    path.write_bytes(server.http.get("/aas/serialization", headers=headers).content)
    said = run(without_network([*ENGINE, "check_file", str(path), "--format", form]))
    assert said.count("Template: DigitalNameplate") == 2  # the only one of our templates that the engine knows


def test_the_engine_does_find_errors(server: LiveServer, tmp_path: Path) -> None:
    """The same checks on a file in which one property lacks its type."""
    answer = server.http.get("/aas/serialization", headers=server.authorization(Role.VIEWER)).json()
    kpis = next(each for each in answer["submodels"] if each["id"].endswith("kpi:smt-1"))
    del kpis["submodelElements"][0]["value"][0]["valueType"]
    (tmp_path / "broken.json").write_text(json.dumps(answer))
    done = subprocess.run(
        [*ENGINE, "check_file", str(tmp_path / "broken.json"), "--format", "json"], capture_output=True, check=False
    )
    assert done.returncode == 1
