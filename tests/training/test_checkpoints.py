"""Checkpoints: what is written comes back, and nothing that could run code is opened."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lineside.inspection.release import InputKind
from lineside.training.checkpoints import SCHEMA, Checkpoint, load_checkpoint, save_checkpoint
from lineside.training.errors import CheckpointRefused
from lineside.training.plan import Architecture

pytestmark = pytest.mark.training


def checkpoint(**changes: object) -> Checkpoint:
    values: dict[str, object] = {
        "architecture": Architecture.YOLO26S,
        "classes": ("open", "깨짐"),
        "kind": InputKind.REFERENCE,
        "image_px": 320,
        "weights": {"model.0.conv.weight": np.arange(6, dtype=np.float32).reshape(2, 3)},
    }
    return Checkpoint(**{**values, **changes})  # type: ignore[arg-type]  # tests give wrong ones too


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    digest = save_checkpoint(checkpoint(), tmp_path / "a.safetensors")
    read = load_checkpoint(tmp_path / "a.safetensors")
    assert (read.architecture, read.classes, read.kind, read.image_px) == (
        Architecture.YOLO26S, ("open", "깨짐"), InputKind.REFERENCE, 320
    )  # fmt: skip
    assert np.array_equal(read.weights["model.0.conv.weight"], checkpoint().weights["model.0.conv.weight"])
    assert save_checkpoint(read, tmp_path / "b.safetensors") == digest


class Trap:
    """Runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "it ran")


def _pickle(path: Path, sprung: Path) -> None:
    path.write_bytes(pickle.dumps(Trap(sprung)))


def _torch_archive(path: Path, sprung: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Trap(sprung)))


@pytest.mark.parametrize("write", [_pickle, _torch_archive])
@pytest.mark.parametrize("name", ["best.pt", "renamed.safetensors"])
def test_a_pickle_is_never_opened(name: str, write: Callable[[Path, Path], None], tmp_path: Path) -> None:
    write(tmp_path / name, tmp_path / "sprung")
    with pytest.raises(CheckpointRefused, match="pickle of PyTorch"):
        load_checkpoint(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(checkpoint(), path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointRefused, match="not all of one"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        pytest.param({}, "schema None", id="of somebody else"),
        pytest.param({"schema": SCHEMA}, "does not say", id="facts missing"),
        pytest.param(
            {"schema": SCHEMA, "architecture": "yolo99", "classes": "[]", "kind": "single", "image_px": "320"},
            "yolo99",
            id="unknown architecture",
        ),
        pytest.param(
            {"schema": SCHEMA, "architecture": "yolo11n", "classes": "5", "kind": "single", "image_px": "320"},
            "does not say",
            id="classes that are none",
        ),
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_refused(facts: dict[str, str], message: str, tmp_path: Path) -> None:
    save_file({"weight": np.ones(2, np.float32)}, tmp_path / "a.safetensors", facts)
    with pytest.raises(CheckpointRefused, match=message):
        load_checkpoint(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"weights": {"w": np.array([1, np.nan], np.float32)}}, id="not finite"),
        pytest.param({"weights": {}}, id="no weights"),
        pytest.param({"classes": ("open", "open")}, id="a name twice"),
        pytest.param({"classes": ()}, id="no class"),
    ],
)
def test_a_checkpoint_that_means_nothing_cannot_be_made(changes: dict[str, object]) -> None:
    with pytest.raises(CheckpointRefused):
        checkpoint(**changes)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(checkpoint(), path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(checkpoint(image_px=64), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
