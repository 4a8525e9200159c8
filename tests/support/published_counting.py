"""DeepPCB's published counting, written again from its description alone, so that ours can be held against it.

It reads files as the published script does and shares nothing with `lineside.training.evaluation`: plain Python, one
image after the other. An annotation line is `x1 y1 x2 y2 type` with type 1 to 6; a prediction line is
`x1,y1,x2,y2,confidence,class`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")
IOU = 0.33


@dataclass(frozen=True)
class PublishedFigures:
    """What the script prints."""

    average_precision: float
    precision: float
    recall: float
    f_score: float


def published_figures(annotations: Mapping[str, Path], predictions: Path) -> PublishedFigures:
    """Count a folder of prediction files.

    Args:
        annotations: annotation file by image name.
        predictions: holds `NAME.txt` for every image.
    """
    all_confidences: list[float] = []
    all_matches: list[bool] = []
    truths = correct = detections = 0
    for name, path in annotations.items():
        truth = [_annotation(line) for line in path.read_text().splitlines() if line.strip()]
        found = [_prediction(line) for line in (predictions / f"{name}.txt").read_text().splitlines() if line.strip()]
        is_used = [False] * len(found)
        is_correct = [False] * len(found)
        for true_box, true_class in truth:
            for index, (box, _, found_class) in enumerate(found):
                if not is_used[index] and _iou(true_box, box) > IOU:
                    is_used[index] = True
                    is_correct[index] = found_class == true_class
                    break
        truths += len(truth)
        detections += len(found)
        correct += sum(is_correct)
        all_confidences += [confidence for _, confidence, _ in found]
        all_matches += is_correct
    precision = correct / detections if detections else 0.0
    recall = correct / truths
    f_score = 2 * precision * recall / (precision + recall) if correct else 0.0
    return PublishedFigures(_average_precision(all_confidences, all_matches, truths), precision, recall, f_score)


def _average_precision(confidences: list[float], matches: list[bool], truths: int) -> float:
    ranking = sorted(range(len(confidences)), key=lambda index: -confidences[index])
    total = 0.0
    right = 0
    for rank, index in enumerate(ranking, 1):
        if matches[index]:
            right += 1
            total += right / rank
    return total / truths


def _iou(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    union = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared
    return shared / union


def _annotation(line: str) -> tuple[tuple[int, ...], str]:
    *box, kind = (int(field) for field in line.split())
    return tuple(box), CLASSES[kind - 1]


def _prediction(line: str) -> tuple[tuple[int, ...], float, str]:
    *box, confidence, name = line.strip().split(",")
    return tuple(int(side) for side in box), float(confidence), name
