"""A checkpoint's way to an ONNX file: what the file must be, and what becomes of it when the export dies."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from lineside.inspection.engines import load_engine
from lineside.inspection.errors import NotADetector
from lineside.inspection.heads import Head
from lineside.inspection.model_graph import read_model_graph
from lineside.training.checkpoints import load_checkpoint
from lineside.training.errors import CheckpointRefused, ExportRefused
from lineside.training.export import check_exported, export_checkpoint, read_metadata
from lineside.training.plan import Architecture
from lineside.training.restoring import network_of_checkpoint, network_of_model
from lineside.training.torch_engine import TorchEngine
from lineside.training.ultralytics_adapter import ultralytics_in
from small_checkpoints import CLASSES, SIDE_PX, ExportedFiles, small_window, write_random_checkpoint

pytestmark = pytest.mark.training


def test_the_file_says_what_it_is_and_where_it_was_made_it_does_not(exported_files: ExportedFiles) -> None:
    content = exported_files.model.read_bytes()
    side = exported_files.side_px
    assert read_metadata(content) == {
        "description": "yolo11n detector, single input",
        "license": "AGPL-3.0-only",
        "task": "detect",
        "head": "raw",
        "end2end": "False",
        "names": str(dict(enumerate(CLASSES))),
        "imgsz": str([side, side]),
        "stride": "32",
        "batch": "1",
        "channels": "3",
        "architecture": "yolo11n",
        "input": "single",
    }
    for place in (exported_files.model.parent, Path.home(), Path.cwd(), Path(sys.prefix), Path(onnx.__file__).parent):
        assert str(place).encode() not in content
    assert b"site-packages" not in content


def test_the_same_checkpoint_gives_the_same_bytes(exported_files: ExportedFiles, tmp_path: Path) -> None:
    side = exported_files.side_px
    again = export_checkpoint(exported_files.checkpoint, tmp_path / "again.onnx", size_wh_px=(side, side))
    assert again.path.read_bytes() == exported_files.model.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["again.onnx"]


def test_the_file_computes_what_the_network_computes(exported_files: ExportedFiles, tmp_path: Path) -> None:
    """Rebuilt from its file, it differs by float32's rounding only; from the checkpoint, by the weights' as well."""
    content = exported_files.model.read_bytes()
    engine = load_engine("onnxruntime-fp32", read_model_graph(content).served_model, threads=1)
    batch = small_window(3)
    found = engine.infer(batch)
    engine.close()
    with ultralytics_in(tmp_path):
        rebuilt = TorchEngine(network_of_model(content, architecture=Architecture.YOLO11N, classes=CLASSES))
        trained = TorchEngine(network_of_checkpoint(load_checkpoint(exported_files.checkpoint)))
        assert found[:, 4:].max() > 0.3
        np.testing.assert_allclose(found, rebuilt.infer(batch), atol=0.01)
        np.testing.assert_allclose(found[:, 4:], trained.infer(batch)[:, 4:], atol=0.05)


def test_an_end_to_end_network_keeps_its_head(tmp_path: Path) -> None:
    checkpoint = write_random_checkpoint(tmp_path, Architecture.YOLO26N)
    exported = export_checkpoint(checkpoint, tmp_path / "model.onnx", size_wh_px=(96, 64))
    assert exported.graph.head is Head.END_TO_END
    assert exported.graph.input_size_wh_px == (96, 64)
    assert read_metadata(exported.path.read_bytes())["head"] == "end_to_end"


@pytest.mark.parametrize("size_wh_px", [(0, 64), (100, 96), (96, -32)])
def test_a_size_that_the_network_cannot_have_is_refused(
    size_wh_px: tuple[int, int], exported_files: ExportedFiles, tmp_path: Path
) -> None:
    with pytest.raises(ExportRefused, match="multiples of 32"):
        export_checkpoint(exported_files.checkpoint, tmp_path / "model.onnx", size_wh_px=size_wh_px)
    assert list(tmp_path.iterdir()) == []


EXPORT = """
import sys
from pathlib import Path
from lineside.training.export import export_checkpoint
export_checkpoint(Path(sys.argv[1]), Path(sys.argv[2]), size_wh_px=(int(sys.argv[3]), int(sys.argv[3])))
"""


def test_an_export_that_is_killed_leaves_what_was_there_before(exported_files: ExportedFiles, tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"the model of yesterday")
    command = [sys.executable, "-c", EXPORT, str(exported_files.checkpoint), str(target), str(SIDE_PX)]
    with subprocess.Popen(command) as process:
        half_done = tmp_path / ".model.onnx.exporting"
        while not list(half_done.glob("*.onnx")):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"the model of yesterday"
    export_checkpoint(exported_files.checkpoint, target, size_wh_px=(SIDE_PX, SIDE_PX))
    assert target.read_bytes() == exported_files.model.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


class Bomb:
    """What a hostile `.pt` does to whoever opens it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("name", ["best.pt", "best.safetensors", "best.onnx"])
def test_a_pickle_is_refused_unopened_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    trace = tmp_path / "was-opened"
    pickled = tmp_path / name
    pickled.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(CheckpointRefused, match="pickle"):
        export_checkpoint(pickled, tmp_path / "model.onnx", size_wh_px=(SIDE_PX, SIDE_PX))
    with pytest.raises(NotADetector, match="pickle"):
        read_model_graph(pickled.read_bytes())
    with pytest.raises(ExportRefused, match="pickle"):
        check_exported(pickled.read_bytes())
    assert not trace.exists()
    assert not (tmp_path / "model.onnx").exists()


def outside_weight(model: onnx.ModelProto) -> None:
    tensor = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def foreign_operator(model: onnx.ModelProto) -> None:
    model.graph.node[-1].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def foreign_opset(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[-1].op_type = "NoSuchOperator"


def shapes_that_do_not_fit(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 7


def nan_weight(model: onnx.ModelProto) -> None:
    tensor = next(each for each in model.graph.initializer if each.data_type == onnx.TensorProto.FLOAT16)
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def metadata(**changes: str | None) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        entries = {entry.key: entry.value for entry in model.metadata_props} | changes
        del model.metadata_props[:]
        helper.set_model_props(model, {key: value for key, value in entries.items() if value is not None})

    return change


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param(outside_weight, "another file", id="a weight outside"),
        pytest.param(foreign_operator, "com.example", id="an operator of its own"),
        pytest.param(foreign_opset, "com.microsoft", id="operators of one engine's"),
        pytest.param(unknown_operator, "not valid", id="no such operator"),
        pytest.param(shapes_that_do_not_fit, "not valid", id="shapes that contradict"),
        pytest.param(nan_weight, "no line would load", id="a weight that is NaN"),
        pytest.param(metadata(names=None), "no line would load", id="no class names"),
        pytest.param(metadata(task=None), "'task' is None", id="no task"),
        pytest.param(metadata(task="segment"), "'task' is 'segment'", id="another task"),
        pytest.param(metadata(head=None), "'head' is None", id="no head"),
        pytest.param(metadata(head="end_to_end"), "'head' is 'end_to_end'", id="another head"),
        pytest.param(metadata(imgsz="[640, 640]"), "'imgsz'", id="another size"),
        pytest.param(metadata(stride=None), "'stride' is None", id="no stride"),
        pytest.param(metadata(stride="7"), "'stride' is '7'", id="a stride that does not divide"),
        pytest.param(metadata(description="trained on /home/someone/boards"), "names a path", id="a path"),
        pytest.param(metadata(data=r"C:\boards\data.yaml"), "names a path", id="a path on Windows"),
    ],
)
def test_what_no_line_should_get_is_refused(
    damage: Callable[[onnx.ModelProto], None], why: str, exported_files: ExportedFiles
) -> None:
    model = onnx.load(exported_files.model)
    check_exported(model.SerializeToString())
    damage(model)
    with pytest.raises(ExportRefused, match=why):
        check_exported(model.SerializeToString())
