"""`lineside train` and `lineside dataset augment` as a person calls them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from lineside.cli.train import ArchitectureName, DeviceName, KindName, OrientationName
from lineside.datasets.revisions import Revision
from lineside.inspection.release import InputKind
from lineside.training.plan import Architecture, DeviceChoice, Orientation
from tiny_revision import store_in, tiny_revision

pytestmark = pytest.mark.training

Lineside = Callable[..., Any]
TINY = ("--epochs", 1, "--batch", 8, "--image-px", 64, "--input-px", 128, "--device", "cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("datasets")


@pytest.fixture(scope="module")
def revision(store: Path) -> Revision:
    return tiny_revision(store_in(store))


@pytest.mark.parametrize(
    ("names", "values"),
    [
        pytest.param(ArchitectureName, Architecture, id="architectures"),
        pytest.param(OrientationName, Orientation, id="orientations"),
        pytest.param(DeviceName, DeviceChoice, id="devices"),
        pytest.param(KindName, InputKind, id="kinds"),
    ],
)
def test_what_can_be_chosen_is_what_there_is(names: Any, values: Any) -> None:
    assert set(get_args(names)) == {value.value for value in values}


def test_a_run_shows_its_epochs_and_gives_its_record(
    lineside: Lineside, store: Path, revision: Revision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineside.training.ultralytics_adapter.available_threads", lambda: 1)
    out = tmp_path / "run"
    ran = lineside("train", "--data", revision.id[:10], "--store", store, "--out", out, *TINY, "--json")
    assert ran.code == 0, ran.err
    record = json.loads(ran.out)
    assert record == json.loads((out / "run.json").read_bytes())
    assert record["command"].startswith(f"lineside train --data {revision.id[:10]}")
    assert "mAP50-95" in ran.err
    assert "took epoch 1" in ran.err
    again = lineside("train", "--data", revision.id[:10], "--store", store, "--out", out, *TINY)
    assert again.code == 1
    assert "not empty" in again.err
    resumed = lineside("train", "--resume", "--store", store, "--out", out)
    assert resumed.code == 1
    assert "finished" in resumed.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param((), 2, "give a dataset revision", id="no revision"),
        pytest.param(("--resume", "--epochs", 5), 2, "leave out --epochs", id="settings beside --resume"),
        pytest.param(("--data", "0123456789"), 1, "no revision", id="an unknown revision"),
        pytest.param(("--data", "REV", "--from", "best.pt"), 1, "pickle", id="a pickle to start from"),
        pytest.param(("--data", "REV", "--from", "nowhere"), 1, "no such release folder", id="nothing to start from"),
        pytest.param(
            ("--data", "REV", "--from", "starter:pcb-single", "--kind", "reference"),
            1,
            "of kind single",
            id="other kind",
        ),
        pytest.param(("--data", "REV", "--image-px", 100), 1, "multiple of 32", id="a size that does not fit"),
        pytest.param(("--data", "REV", "--minutes", 0), 1, "more than 0", id="no time at all"),
    ],
)
def test_a_wrong_call_is_one_line_and_makes_no_run(
    words: tuple[object, ...],
    code: int,
    message: str,
    lineside: Lineside,
    store: Path,
    revision: Revision,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "best.pt").write_bytes(b"PK\x03\x04")
    given = [revision.id if word == "REV" else word for word in words]
    ran = lineside("train", "--store", store, "--out", tmp_path / "run", *given)
    assert ran.code == code
    assert message in " ".join(ran.err.replace("│", " ").split())
    assert not (tmp_path / "run").exists()


def test_a_gpu_that_is_not_there_is_an_error(
    lineside: Lineside, store: Path, revision: Revision, tmp_path: Path
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    ran = lineside("train", "--store", store, "--out", tmp_path / "run", "--data", revision.id, "--device", "cuda")
    assert ran.code == 1
    assert "a GPU was asked for" in ran.err
    assert not (tmp_path / "run").exists()


def test_a_larger_revision_is_made_and_its_id_printed(lineside: Lineside, store: Path, revision: Revision) -> None:
    ran = lineside("dataset", "augment", revision.id, "--store", store, "--copies", 1)
    assert ran.code == 0, ran.err
    made = store_in(store).read(ran.out.strip())
    assert made.parent == revision.id
    assert "varied copies: 4" in ran.err
    refused = lineside("dataset", "augment", made.id, "--store", store)
    assert refused.code == 1
    assert "take its parent" in refused.err
