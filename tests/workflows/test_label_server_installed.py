"""Label Studio's environment: installed once, whole or not at all."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineside.workflows.errors import LabelServerNotInstalled
from lineside.workflows.label_server import built_once, label_studio_python
from lineside.workflows.label_server.environment import CONSTRAINTS, LABEL_STUDIO_VERSION

_KILLED_WHILE_BUILDING = """
import os, signal, sys
from pathlib import Path
from lineside.workflows.label_server import built_once

def build(folder):
    (folder / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)

built_once(Path(sys.argv[1]), "thing", build)
"""


def test_a_build_that_was_killed_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED_WHILE_BUILDING, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.glob("thing-*/half"))
    folder = built_once(tmp_path, "thing", lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
    assert list(tmp_path.glob("thing-*/half")) == []


def test_of_programs_that_ask_at_once_one_builds(tmp_path: Path) -> None:
    builds: list[Path] = []
    waited: list[str] = []
    others_wait = multiprocessing.Event()

    def build(folder: Path) -> None:
        builds.append(folder)
        assert others_wait.wait(30)

    def on_wait(who: str) -> None:
        waited.append(who)
        others_wait.set()

    with ThreadPoolExecutor(3) as programs:
        asked = [programs.submit(built_once, tmp_path, "thing", build, on_wait=on_wait) for _ in range(3)]
        folders = {each.result() for each in asked}
    assert folders == {builds[0]}
    assert len(builds) == 1
    assert waited[0] == f"process {os.getpid()}"


def test_a_build_that_fails_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    def fail(_folder: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        built_once(tmp_path, "thing", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]
    assert built_once(tmp_path, "thing", lambda folder: (folder / "whole").touch()).is_dir()


def test_a_folder_that_was_removed_is_built_again(tmp_path: Path) -> None:
    first = built_once(tmp_path, "thing", lambda _folder: None)
    first.rmdir()
    assert built_once(tmp_path, "thing", lambda folder: (folder / "again").touch()) != first


def test_every_distribution_is_pinned() -> None:
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^ ;]+", line) for line in lines)
    assert f"label-studio=={LABEL_STUDIO_VERSION}" in lines


@pytest.mark.system
def test_wheels_that_are_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    with pytest.raises(LabelServerNotInstalled, match=r"label-studio==.*pip wheel.*--wheels"):
        label_studio_python(wheels=tmp_path / "wheels", base=tmp_path / "base")
    with pytest.raises(LabelServerNotInstalled, match="is no folder"):
        label_studio_python(wheels=tmp_path / "none", base=tmp_path / "base")
    assert not [path for path in (tmp_path / "base").iterdir() if path.is_dir()]
