"""The one place that knows ultralytics: train a detector, export it to ONNX.

ultralytics (AGPL-3.0) writes a settings file when it is imported, reports usage unless told not to, and expects a
torchvision that works. All three are dealt with here, before the first import, which happens when a run starts.
"""

import importlib
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import onnx

from lineside.training.errors import ExtraMissing, TrainingError

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How a detector is trained.

    Attributes:
        architecture: a model description of ultralytics; its weights start random.
        epochs: passes over the training images.
        batch: images per step.
        image_px: side of the square training images, a multiple of 32.
        learning_rate: at the end of the warm-up.
        seed: of the weights and the order of images.
        device: "cpu" (in bfloat16 where the processor has it) or "cuda".
        workers: processes that read images, at most one a core; 0 reads them in the training process itself.
    """

    architecture: str = "yolo11n.yaml"
    epochs: int = 6
    batch: int = 32
    image_px: int = 320
    learning_rate: float = 0.002
    seed: int = 1
    device: Device = "cpu"
    workers: int = 12


def train(data_file: Path, run_folder: Path, plan: TrainingPlan) -> Path:
    """Train a detector from random weights.

    Args:
        data_file: the data set's YAML file in ultralytics' form.
        run_folder: everything the run writes goes there, ultralytics' settings too.
        plan: how.

    Returns:
        The checkpoint with the averaged weights of the last step.

    Raises:
        ExtraMissing: torch or ultralytics is not installed.
        TrainingError: the run ended without a checkpoint.
    """
    with _ultralytics(run_folder):
        overrides = {
            "model": plan.architecture,
            "data": str(data_file.resolve()),
            "project": str(run_folder.resolve()),
            "name": "run",
            "exist_ok": True,
            "epochs": plan.epochs,
            "batch": plan.batch,
            "nbs": plan.batch,
            "imgsz": plan.image_px,
            "seed": plan.seed,
            "device": "0" if plan.device == "cuda" else "cpu",
            "optimizer": "AdamW",
            "lr0": plan.learning_rate,
            "cos_lr": True,
            "warmup_epochs": 0.3,
            "warmup_bias_lr": 0.0,
            "amp": "bf16" if plan.device == "cuda" else False,
            "workers": plan.workers,
            "pretrained": False,
            "plots": False,
            "val": False,
            # The generator varies what is seen, and composed channels must stay in step with each other: no
            # augmentation on top. Flips would also move the boxes' margins, which differ from side to side.
            **dict.fromkeys(
                ("mosaic", "hsv_h", "hsv_s", "hsv_v", "fliplr", "flipud", "scale", "translate", "erasing"), 0.0
            ),
            "close_mosaic": 0,
        }
        trainer = _trainer_class(is_cpu=plan.device == "cpu")(overrides=overrides)
        with _bfloat16_autocast(is_wanted=plan.device == "cpu"):
            trainer.train()
        checkpoint = Path(trainer.last)
    if not checkpoint.is_file():
        raise TrainingError(f"the run in {run_folder} ended without {checkpoint}; see its log")
    return checkpoint


def export_onnx(checkpoint: Path, target: Path, *, size_wh_px: tuple[int, int], opset: int = 19) -> None:
    """Export a checkpoint to ONNX with the raw head: float32 (1, 3, height, width) in, (1, 4 + classes, n) out."""
    with _ultralytics(target.parent) as ultralytics:
        model = ultralytics.YOLO(str(checkpoint))
        width, height = size_wh_px
        written = model.export(
            format="onnx", imgsz=(height, width), opset=opset, simplify=True, dynamic=False, device="cpu", nms=None
        )
    # Every export of a checkpoint has the same name: it is moved before another can overwrite it.
    shutil.move(str(written), target)
    _forget_data_path(target)


def _forget_data_path(onnx_file: Path) -> None:
    """Shorten the description: it names the data file by its path on this machine, which is nobody else's business."""
    model = onnx.load(onnx_file)
    for entry in model.metadata_props:
        if entry.key == "description":
            entry.value = entry.value.split(" trained on ")[0]
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
def _ultralytics(run_folder: Path) -> Iterator[Any]:
    """The imported package, kept from writing outside `run_folder` and from calling home."""
    run_folder.mkdir(parents=True, exist_ok=True)
    if "ultralytics" not in sys.modules:
        os.environ.setdefault("YOLO_CONFIG_DIR", str(run_folder.resolve()))
        os.environ.setdefault("YOLO_OFFLINE", "true")
        os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    try:
        install_torchvision_stand_in()
        package = importlib.import_module("ultralytics")
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}; install the training extra: pip install 'lineside[training]'") from error
    package.settings.update({"sync": False, "datasets_dir": str(run_folder.resolve())})
    tracer_warning: type[Warning] = importlib.import_module("torch.jit").TracerWarning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # between torch and ultralytics, nothing we could change
        # ultralytics ignores these for the whole process when it is imported; whoever restores the filters undoes that
        warnings.simplefilter("ignore", tracer_warning)
        yield package


def _trainer_class(*, is_cpu: bool) -> Any:
    """The detection trainer; on a CPU with the memory layout that its convolutions run fastest in.

    Measured on two cores of an AVX512-BF16 processor, yolo11n at 320 px: 28 ms an image in float32, 19 ms in
    bfloat16, 15 ms in bfloat16 with channels last.
    """
    import torch

    base: Any = importlib.import_module("ultralytics.models.yolo.detect").DetectionTrainer

    class ChannelsLastTrainer(base):  # type: ignore[misc] # the base class is only known at run time
        model: Any

        def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
            prepared: dict[str, Any] = super().preprocess_batch(batch)
            prepared["img"] = prepared["img"].contiguous(memory_format=torch.channels_last)
            return prepared

        def set_model_attributes(self) -> None:
            super().set_model_attributes()
            self.model.to(memory_format=torch.channels_last)

    return ChannelsLastTrainer if is_cpu else base


@contextmanager
def _bfloat16_autocast(*, is_wanted: bool) -> Iterator[None]:
    """On a CPU ultralytics turns mixed precision off; for the time of a run, turn bfloat16 on."""
    if not is_wanted:
        yield
        return
    import torch

    trainer: Any = importlib.import_module("ultralytics.engine.trainer")
    original = trainer.autocast

    def autocast(_enabled: Any, device: str = "cpu") -> Any:
        return torch.autocast(device, torch.bfloat16)

    trainer.autocast = autocast
    try:
        yield
    finally:
        trainer.autocast = original
