"""The one place that knows ultralytics: its networks, its losses, its averaged weights, its export.

ultralytics (AGPL-3.0) writes a settings file when it is imported, reports usage unless told not to, logs to the
terminal, and expects a torchvision that works. All four are dealt with here, before the first import, which happens
when a run starts. Its trainer is not used: it keeps its state as pickles, which nothing of ours ever opens, and it
writes where it likes. The networks, the assignment of boxes to anchors, the losses and the export are ultralytics'.
"""

import importlib
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx

from lineside.inspection.engines import available_threads
from lineside.inspection.engines.without_telemetry import import_onnxruntime
from lineside.training.errors import ExtraMissing
from lineside.training.plan import Architecture

LOG_NAME = "log.txt"

Network = Any
"""A `DetectionModel` of ultralytics (untyped): a torch module."""


@contextmanager
def ultralytics_in(folder: Path) -> Iterator[Any]:
    """The imported package, kept from writing outside `folder` and from calling home.

    Args:
        folder: made if missing; gets `log.txt`, and the settings file if this is the process's first import.

    Raises:
        ExtraMissing: torch or ultralytics is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if "ultralytics" not in sys.modules:
        os.environ.setdefault("YOLO_CONFIG_DIR", str(folder.resolve()))
        os.environ.setdefault("YOLO_OFFLINE", "true")
        os.environ.setdefault("YOLO_AUTOINSTALL", "false")
        os.environ.setdefault("YOLO_VERBOSE", "false")
    import_onnxruntime()  # the export's tools import it too, and would let it report
    try:
        install_torchvision_stand_in()
        package = importlib.import_module("ultralytics")
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}; install the training extra: pip install 'lineside[training]'") from error
    # It asks OpenMP for a single thread when it is imported, and takes that back in its own trainer only.
    importlib.import_module("torch").set_num_threads(available_threads())
    # In memory only: an ordinary update writes the settings file again, wherever the first import put it.
    dict.update(package.settings, sync=False, datasets_dir=str(folder.resolve()))
    tracer_warning: type[Warning] = importlib.import_module("torch.jit").TracerWarning
    with warnings.catch_warnings(), _logging_to(folder / LOG_NAME):
        warnings.simplefilter("ignore", DeprecationWarning)  # between torch and ultralytics, nothing we could change
        # ultralytics ignores these for the whole process when it is imported; whoever restores the filters undoes that
        warnings.simplefilter("ignore", tracer_warning)
        yield package


def build_network(architecture: Architecture, classes: Sequence[str], *, epochs: int = 1) -> Network:
    """A network with random weights (torch's generator decides them), on the CPU, in training mode.

    Call it within `ultralytics_in`.

    Args:
        architecture: which.
        classes: names in the order of the class ids.
        epochs: that it is going to be trained for; the loss of an end-to-end network shifts its weight over them.
    """
    tasks: Any = importlib.import_module("ultralytics.nn.tasks")
    network = tasks.DetectionModel(f"{architecture}.yaml", nc=len(classes), ch=3, verbose=False)
    network.names = dict(enumerate(classes))
    network.task = "detect"
    if architecture.is_end_to_end:
        network.end2end = True  # otherwise inference and export take the other head, which needs suppression
    network.args = importlib.import_module("ultralytics.cfg").get_cfg(overrides={"epochs": epochs})
    for name, parameter in network.named_parameters():
        if ".dfl" in name:  # the fixed weights of an expectation, no parameters
            parameter.requires_grad = False
    return network


def build_criterion(network: Network) -> Any:
    """The network's loss, ultralytics' own: `(predictions, targets) -> (losses summed over images, items by name)`."""
    return network.init_criterion()


def build_average(network: Network) -> Any:
    """Ultralytics' exponential moving average of the weights, a `ModelEMA`."""
    return importlib.import_module("ultralytics.utils.torch_utils").ModelEMA(network)


def export_onnx(network: Network, target: Path, *, size_wh_px: tuple[int, int], opset: int = 19) -> None:
    """Export a network to ONNX: float32 (1, 3, height, width) in, the raw head or the end-to-end head out.

    Args:
        network: as `build_network` made it; it is copied, not changed.
        target: the file to write; other files beside it may come and go meanwhile, `log.txt` stays.
        size_wh_px: of the input.
        opset: of the graph.
    """
    with ultralytics_in(target.parent):
        exporter: Any = importlib.import_module("ultralytics.engine.exporter").Exporter
        width, height = size_wh_px
        is_end_to_end = bool(network.end2end)
        # It writes beside the file that a network came from, under its name.
        network.pt_path = str((target.parent / f"{target.stem}.export.pt").resolve())
        export = exporter(
            overrides={
                "mode": "export",
                "format": "onnx",
                "imgsz": [height, width],
                "opset": opset,
                "simplify": True,
                "dynamic": False,
                "device": "cpu",
                "batch": 1,
                # False asks for the head that needs no suppression; networks without one give their raw head.
                "nms": False if is_end_to_end else None,
            }
        )
        written = export(model=network)
    shutil.move(str(written), target)
    _forget_circumstances(target)


def _forget_circumstances(onnx_file: Path) -> None:
    """Drop the date, and the data file's path on this machine: the same weights give the same file anywhere."""
    model = onnx.load(onnx_file)
    kept = [entry for entry in model.metadata_props if entry.key != "date"]
    entries = [(entry.key, entry.value.split(" trained on ")[0]) for entry in kept]
    del model.metadata_props[:]
    for key, value in entries:
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, onnx_file)


def versions() -> dict[str, str]:
    """Versions of what a trained model depends on."""
    from importlib.metadata import version

    names = ("ultralytics", "torch", "numpy", "opencv-python-headless", "onnx", "onnxslim")
    return {name: version(name) for name in names}


def licence_text() -> str:
    """The licence that comes with the installed ultralytics, which weights trained with it follow."""
    from importlib.metadata import distribution

    for file in distribution("ultralytics").files or ():
        if file.name == "LICENSE":
            return Path(str(file.locate())).read_text("utf-8")
    raise ExtraMissing("the installed ultralytics has no LICENSE file; install it from its wheel")


def install_torchvision_stand_in() -> bool:
    """Put a stand-in in place of a torchvision that cannot be imported beside the installed torch.

    There is no CPU build of torchvision for the CPU build of torch that we pin: its import fails with "operator
    torchvision::nms does not exist". ultralytics imports it for `ops.nms` alone and has an own NMS.

    Returns:
        Whether the stand-in is in use now.
    """
    current = sys.modules.get("torchvision")
    if current is not None:
        return getattr(current, "is_lineside_stand_in", False)
    try:
        importlib.import_module("torchvision")
    except (RuntimeError, ImportError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    else:
        return False
    stand_in, operators = ModuleType("torchvision"), ModuleType("torchvision.ops")

    def nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
        from ultralytics.utils.nms import TorchNMS

        return TorchNMS.nms(boxes, scores, iou_threshold)

    vars(operators)["nms"] = nms
    vars(stand_in).update(ops=operators, is_lineside_stand_in=True, __version__="0")
    sys.modules.update({"torchvision": stand_in, "torchvision.ops": operators})
    return True


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send ultralytics' talk to a file instead of the terminal."""
    logger = logging.getLogger("ultralytics")
    before, level, propagates = logger.handlers[:], logger.level, logger.propagate
    file = logging.FileHandler(path, encoding="utf-8")
    logger.handlers, logger.propagate = [file], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagates
        logger.setLevel(level)
        file.close()
