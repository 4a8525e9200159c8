"""Fixtures that every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from label_studio import LabelStudioServer, running_label_studio
from proofs import missing

_REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several workers share the run, the files that take long come first, and none of them ends it alone."""
    if not hasattr(config, "workerinput"):
        return
    slow = {item.path for item in items if item.get_closest_marker("system") or item.get_closest_marker("training")}
    systems = _REPOSITORY / "tests" / "system"
    items.sort(key=lambda item: (systems not in item.path.parents, item.path not in slow))


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
