"""Starting points: an exported model learns on from what it computes, and classes keep their weights by name."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from lineside.inspection.release import InputKind, starter_release_folder
from lineside.training import ultralytics_adapter
from lineside.training.checkpoints import Checkpoint, save_checkpoint
from lineside.training.errors import CheckpointRefused
from lineside.training.learning import torch_seed
from lineside.training.plan import Architecture
from lineside.training.starting_points import StartingPoint, read_starting_point, starting_network
from lineside.training.unfolding import folded_weights, unfold
from random_yolo import picture

pytestmark = pytest.mark.training

CLASSES = ("open", "short", "spur")
SIDE_PX = 64
CROPS = [np.ascontiguousarray(picture(SIDE_PX, seed)) for seed in range(8)]


def output_of(network: Any) -> Any:
    torch: Any = importlib.import_module("torch")
    network.eval()
    pixels = torch.from_numpy(np.stack(CROPS)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        return network(pixels)[0].numpy()


def trained(architecture: Architecture) -> Any:
    """A network whose normalisations have seen pictures, as after training."""
    torch: Any = importlib.import_module("torch")
    with torch_seed(4):
        network = ultralytics_adapter.build_network(architecture, CLASSES)
    network.train()
    with torch.no_grad():
        for _ in range(30):
            network(torch.from_numpy(np.stack(CROPS)).permute(0, 3, 1, 2).float() / 255)
    return network.eval()


@pytest.mark.parametrize("architecture", [Architecture.YOLO11N, Architecture.YOLO26N])
def test_an_exported_network_computes_the_same_when_it_is_unfolded(architecture: Architecture, tmp_path: Path) -> None:
    with ultralytics_adapter.ultralytics_in(tmp_path):
        network = trained(architecture)
        expected = output_of(network)
        ultralytics_adapter.export_onnx(network, tmp_path / "model.onnx", size_wh_px=(SIDE_PX, SIDE_PX))
        weights = folded_weights((tmp_path / "model.onnx").read_bytes())
        restored = ultralytics_adapter.build_network(architecture, CLASSES)
        unfold(restored, weights, pixels=CROPS)
        np.testing.assert_allclose(output_of(restored), expected, rtol=2e-3, atol=2e-3)
        gains = {
            round(float(module.weight.detach().mean()), 4)
            for module in restored.modules()
            if type(module).__name__ == "BatchNorm2d"
        }
    assert len(gains) > 10, "the normalisations carry figures of their own, not one"


def test_the_starter_is_a_starting_point_of_its_kind_only(tmp_path: Path) -> None:
    point = read_starting_point("starter:pcb-single", kind=InputKind.SINGLE, architecture=Architecture.YOLO11N)
    assert point.parent is not None
    assert len(point.parent) == 64
    assert point.exported is not None
    model = onnx.load(starter_release_folder("pcb-single") / "model.onnx")
    assert "model.0.conv.weight" in point.exported or len(model.graph.initializer) == 0
    with pytest.raises(CheckpointRefused, match="of kind single"):
        read_starting_point("starter:pcb-single", kind=InputKind.REFERENCE, architecture=Architecture.YOLO11N)


def test_a_release_of_another_architecture_is_refused(tmp_path: Path) -> None:
    point = read_starting_point("starter:pcb-single", kind=InputKind.SINGLE, architecture=Architecture.YOLO11S)
    with (
        ultralytics_adapter.ultralytics_in(tmp_path),
        pytest.raises(CheckpointRefused, match="another architecture"),
    ):
        starting_network(point, architecture=Architecture.YOLO11S, classes=CLASSES, seed=1, epochs=1, crops=CROPS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param("nowhere.safetensors", "no such release folder or checkpoint", id="not there"),
        pytest.param("weights.pt", "pickle of PyTorch", id="a pickle"),
    ],
)
def test_what_is_no_starting_point_is_refused(
    given: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(CheckpointRefused, match=message):
        read_starting_point(given, kind=InputKind.SINGLE, architecture=Architecture.YOLO11N)


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    weights = {"w": np.ones(1, np.float32)}
    save_checkpoint(Checkpoint(Architecture.YOLO26M, CLASSES, InputKind.SINGLE, 64, weights), path)
    with pytest.raises(CheckpointRefused, match="--model yolo26m"):
        read_starting_point(str(path), kind=InputKind.SINGLE, architecture=Architecture.YOLO11N)


def test_classes_keep_their_weights_by_name(tmp_path: Path) -> None:
    """Another order and a new class: what was learnt of "spur" stays with "spur"."""
    with ultralytics_adapter.ultralytics_in(tmp_path):
        parent = trained(Architecture.YOLO11N)
        weights = {name: value.numpy() for name, value in parent.state_dict().items() if value.is_floating_point()}
        point = StartingPoint(
            "parent",
            parent="0" * 64,
            kind=InputKind.SINGLE,
            classes=CLASSES,
            checkpoint=Checkpoint(Architecture.YOLO11N, CLASSES, InputKind.SINGLE, SIDE_PX, weights),
        )
        child = starting_network(
            point, architecture=Architecture.YOLO11N, classes=("spur", "scratch", "open"), seed=1, epochs=1
        )
        before, after = output_of(parent), output_of(child)
    np.testing.assert_allclose(after[:, 4 + 0], before[:, 4 + CLASSES.index("spur")], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after[:, 4 + 2], before[:, 4 + CLASSES.index("open")], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after[:, :4], before[:, :4], rtol=1e-4, atol=1e-3)
