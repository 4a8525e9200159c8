"""The model card of a starter release, written from what was measured."""

from collections.abc import Mapping
from typing import Any

from lineside.datasets.synthetic import DEFECT_CLASSES
from lineside.inspection.release import InputKind
from lineside.training.evaluation import Scores

_INPUT = {
    InputKind.SINGLE: "one gray frame of 640x640 px at about 48 px/mm (larger frames are tiled)",
    InputKind.REFERENCE: (
        "three channels of 640x640 px at about 48 px/mm (larger frames are tiled): the gray frame, the golden image "
        "registered to it, and their absolute difference"
    ),
}


_FIGURES = """\
Measured with the serving detector on ONNX Runtime (CPU, float32) on this very file. Brackets hold the 95 % interval of
a bootstrap over images; images cut from one board resemble each other, so boards of another kind vary more than it
says. mAP50 and mAP50-95 are COCO's. DeepPCB mAP and F count as its published protocol does (IoU > 0.33); F is taken at
confidence {confidence:g}, and the best F over all confidences of the same boards is beside it. Refused are images
whose reference did not fit: their defects count as missed."""

_CLOSING = """\
The generator was tuned on groups 00041, 13000 and 20085 of DeepPCB (Tang et al., 2019); the headline groups were
neither looked at nor judged before this model was final. No real image was trained on.

## Limits

A starting point, not a released inspection: thresholds are uncertified defaults. Expect it to fail on boards that look
otherwise than backlit or binarised scans (copper dark, board bright) at about 48 px/mm, on defects larger than about
100 px, and with solder mask, silkscreen or parts on the board. Judge it on your own labelled boards before it decides
anything.
"""


def render(name: str, version: str, kind: InputKind, training: Mapping[str, Any], scores: Mapping[str, Scores]) -> str:
    """The card as Markdown.

    Args:
        name: of the release.
        version: of the release.
        kind: what the model's channels are.
        training: as `training.json` of the run has it.
        scores: by the title of the boards judged.
    """
    versions = ", ".join(f"{package} {number}" for package, number in training["versions"].items())
    classes = ", ".join(DEFECT_CLASSES)
    confidence = next(iter(scores.values())).confidence
    time = f"{training['seconds']} s on {training['machine']}, of which {training['generation_seconds']} s generating"
    settings = (
        f"{training['epochs']} epochs, batch {training['batch']}, {training['image_px']} px crops at native scale"
    )
    lines = [
        f"# {name} {version}",
        "",
        f"Finds defects on bare printed-circuit boards: {classes}.",
        "",
        f"- **Input**: {_INPUT[kind]}.",
        f"- **Model**: stock ultralytics {training['architecture'].removesuffix('.yaml')}, from random weights.",
        f"- **Data**: {training['data']}.",
        f"- **Command**: `{training['command']}`",
        f"- **Seed**: {training['seed']}. **Time**: {time} boards.",
        f"- **Settings**: {settings}; no augmentation beyond the generator's own variety.",
        f"- **Versions**: {versions}.",
        "- **Weights**: stored in half precision, computed in single precision.",
        "- **Licence**: AGPL-3.0-only, as weights trained with ultralytics are; see LICENSE beside this card.",
        "",
        "## Figures",
        "",
        *_FIGURES.format(confidence=confidence).splitlines(),
        "",
        "| boards | images | defects | refused | mAP50 | mAP50-95 | DeepPCB mAP | DeepPCB F | best F |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {title} | {score.images} | {score.defects} | {score.refused} | {score.map50} | {score.map50_95} | "
        f"{score.protocol_map} | {score.protocol_f} | {score.best_f:.3f} |"
        for title, score in scores.items()
    ]
    lines += [
        "",
        "mAP50 by class:",
        "",
        f"| boards | {' | '.join(DEFECT_CLASSES)} |",
        "|---" * (len(DEFECT_CLASSES) + 1) + "|",
    ]
    lines += [
        f"| {title} | "
        + " | ".join(
            f"{score.map50_by_class[name]:.3f}" if name in score.map50_by_class else "-" for name in DEFECT_CLASSES
        )
        + " |"
        for title, score in scores.items()
    ]
    return "\n".join([*lines, "", _CLOSING])
