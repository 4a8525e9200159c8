"""Fixtures that every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from label_studio import LabelStudioServer, running_label_studio
from proofs import missing

_REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several workers share the run: whole files stay together, and what takes long comes first.

    A file's fixtures are made once, and everything that uses the one Label Studio of a session is one worker's.
    """
    if not config.getoption("loadgroup", default=False):  # how a worker knows
        return
    studio = {item.path for item in items if "label_studio" in getattr(item, "fixturenames", ())}
    slow = {item.path for item in items if item.get_closest_marker("system") or item.get_closest_marker("training")}
    for item in items:
        group = "label_studio" if item.path in studio else str(item.path.relative_to(_REPOSITORY))
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (item.path not in studio, item.path not in slow))


@pytest.fixture(scope="session")
def deeppcb_root() -> Path:
    """The folder of real boards (DeepPCB); with CI=true its absence is a failure, not a skip."""
    root = Path(os.environ.get("LINESIDE_DEEPPCB", _REPOSITORY / ".." / "shared" / "data" / "deeppcb")).resolve()
    if not (root / "trainval.txt").is_file():
        missing(f"no real boards at {root}; set LINESIDE_DEEPPCB to a copy of DeepPCB")
    return root


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """A real Label Studio (Community), one a session: make a project of your own in it."""
    with running_label_studio(tmp_path_factory.mktemp("label-studio")) as server:
        yield server


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Training on one thread: the tests' networks lose more than they gain by a second one, above all beside others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lineside.training.ultralytics_adapter.available_threads", lambda: 1)
        yield
