"""Stock YOLO networks with random weights that find something: what the training framework itself makes of them.

Untrained networks score everything alike. Widening the last layer of the class branch spreads the scores, so that a
picture of rectangles gets tens of overlapping boxes of several classes: all that decoding and suppression have to
handle.
"""

import importlib
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.inspection.heads import Head

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")
CONFIDENCE = 0.25
IOU = 0.5
PICTURE_SEEDS = (11, 23)
COMMON_LOGIT, HIGHEST_LOGIT = -1.1, 3.0  # 2 % of the scores pass the threshold, and none is so high that many are equal


@dataclass(frozen=True)
class RandomYolo:
    """One architecture with one seed.

    Attributes:
        architecture: ultralytics' name of the configuration.
        head: what the export gives.
    """

    architecture: str
    head: Head
    size_px: int = 320
    seed: int = 7


@dataclass(frozen=True)
class FrameworkResult:
    """What ultralytics finds: boxes (n, 4) px, confidences (n,), class ids (n,), by falling confidence."""

    boxes_xyxy_px: NDArray[np.float32]
    confidences: NDArray[np.float32]
    class_ids: NDArray[np.int64]


def picture(size_px: int, seed: int) -> NDArray[np.uint8]:
    """A colour picture (size, size, 3) in BGR of rectangles and noise."""
    generator = np.random.default_rng(seed)
    image = np.full((size_px, size_px, 3), 90, np.uint8)
    for _ in range(40):
        left, top = generator.integers(0, size_px - 40, 2).tolist()
        width, height = generator.integers(8, 90, 2).tolist()
        colour = generator.integers(0, 256, 3).tolist()
        cv2.rectangle(image, (left, top), (left + width, top + height), colour, -1)
    noise = generator.integers(-20, 21, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def export(spec: RandomYolo, folder: Path) -> Path:
    """Build the network, export it as ultralytics does, and return the ONNX file."""
    ultralytics = _ultralytics(folder)
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(spec.seed)
    tasks: Any = importlib.import_module("ultralytics.nn.tasks")
    network = tasks.DetectionModel(f"{spec.architecture}.yaml", nc=len(CLASSES), verbose=False)
    network.names = dict(enumerate(CLASSES))
    network.args = {**importlib.import_module("ultralytics.utils").DEFAULT_CFG_DICT, "imgsz": spec.size_px}
    network.task = "detect"
    _calibrate(network, spec)
    model = ultralytics.YOLO(f"{spec.architecture}.yaml")
    model.model = network
    target = folder / f"{spec.architecture}.onnx"
    kind = {"nms": False} if spec.head is Head.END_TO_END else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of tracing and of its own future; ultralytics means it so
        written = model.export(format="onnx", imgsz=spec.size_px, simplify=True, device="cpu", **kind)
    shutil.move(str(written), target)
    return target


def _calibrate(network: Any, spec: RandomYolo) -> None:
    """Make untrained layers pass something on, and spread the scores.

    Batch normalisation takes its figures from pictures, or activations fade to nothing on their way. Then each last
    layer of the class branch is rescaled so that few scores on those pictures pass and none is saturated.
    """
    torch: Any = importlib.import_module("torch")
    pictures = np.stack([picture(spec.size_px, seed) for seed in PICTURE_SEEDS])
    batch = torch.from_numpy(pictures[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    network.train()
    with torch.no_grad():
        network(batch)
        network.eval()
        head = network.model[-1]
        branches = head.one2one_cv3 if spec.head is Head.END_TO_END else head.cv3
        for index, branch in enumerate(branches):
            last = branch[-1]
            logits: list[Any] = []
            hook = last.register_forward_hook(lambda _layer, _inputs, output, into=logits: into.append(output))
            network(batch)
            hook.remove()
            by_class = logits[0].permute(1, 0, 2, 3).flatten(1)
            common, highest = by_class.quantile(0.98, dim=1), by_class.amax(dim=1)
            # no two classes or branches with the same highest score, or rounding would decide which box stays
            wanted = HIGHEST_LOGIT - 0.3 * torch.arange(len(CLASSES)) - 0.1 * index
            factor = (wanted - COMMON_LOGIT) / (highest - common)
            last.weight.mul_(factor[:, None, None, None])
            last.bias.copy_(COMMON_LOGIT + factor * (last.bias - common))


def decode(output: NDArray[np.float32], spec: RandomYolo) -> FrameworkResult:
    """What ultralytics' own suppression makes of a network output, clipped to the picture as its predictor does."""
    _ultralytics(Path.cwd())
    torch: Any = importlib.import_module("torch")
    suppression: Any = importlib.import_module("ultralytics.utils.nms")
    operations: Any = importlib.import_module("ultralytics.utils.ops")
    rows = suppression.non_max_suppression(torch.from_numpy(output.copy()), CONFIDENCE, IOU, max_det=300)[0]
    boxes = operations.clip_boxes(rows[:, :4], (spec.size_px, spec.size_px))
    return FrameworkResult(boxes.numpy(), rows[:, 4].numpy(), rows[:, 5].numpy().astype(np.int64))


def predict(model: Path, image: NDArray[np.uint8]) -> FrameworkResult:
    """What ultralytics' own predictor finds in a picture with an exported model, on the CPU in ONNX Runtime."""
    detector = _ultralytics(model.parent).YOLO(str(model), task="detect")
    size = image.shape[0]
    result = detector.predict(
        image, imgsz=size, conf=CONFIDENCE, iou=IOU, max_det=300, device="cpu", verbose=False, save=False
    )[0]
    boxes = result.boxes
    return FrameworkResult(
        boxes.xyxy.numpy().astype(np.float32),
        boxes.conf.numpy().astype(np.float32),
        boxes.cls.numpy().astype(np.int64),
    )


def _ultralytics(folder: Path) -> Any:
    """The package, kept from writing anywhere else."""
    from lineside.training.ultralytics_adapter import install_torchvision_stand_in

    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    install_torchvision_stand_in()
    return importlib.import_module("ultralytics")


RAW_MODELS = (RandomYolo("yolo11n", Head.RAW), RandomYolo("yolov8n", Head.RAW))
END_TO_END_MODELS = (
    RandomYolo("yolo26n", Head.END_TO_END),
    RandomYolo("yolov10n", Head.END_TO_END),
)
