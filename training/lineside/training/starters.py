"""The command that makes a starter release: generate boards, train, export, judge, write.

    python -m lineside.training.starters --kind reference --seed 1 --out runs/pcb-reference

It trains on synthetic boards alone. With `--real-boards` the model is also judged on the real boards of a DeepPCB
folder: on the three groups that the generator was tuned on, and apart from them on all others.
"""

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineside.datasets.formats import deeppcb_groups, read_deeppcb
from lineside.datasets.synthetic import DEFECT_CLASSES, Board, BoardDesign, LayoutFamily, Look, Sample
from lineside.inspection.detector import Detector
from lineside.inspection.errors import LinesideError
from lineside.inspection.release import InputKind
from lineside.training import model_card, ultralytics_adapter
from lineside.training.canaries import choose_canaries
from lineside.training.devices import crop_threads, describe_machine
from lineside.training.evaluation import (
    LabelledPicture,
    Scores,
    judge_pairs,
    model_under_test,
    protocol_curve,
    score_images,
)
from lineside.training.fitting import METRICS_NAME, fit
from lineside.training.learning import Learner
from lineside.training.model_files import MODEL_NAME, ModelOutput, write_model
from lineside.training.plan import Device, TrainingPlan
from lineside.training.release_folder import CanaryPicture, ReleaseContents, write_release
from lineside.training.starting_points import SCRATCH_START, starting_network
from lineside.training.training_data import BOARDS_PER_SEED, TrainingImages, write_training_images

INPUT_SIZE_WH_PX = (640, 640)
TUNING_GROUPS = ("00041", "13000", "20085")
"""The only real boards that were looked at while the generator was made."""

_UNSEEN_BOARDS = 150  # of each look
_THRESHOLD_BOARDS = 60  # of each look, none of the unseen ones
_F_SLACK = 0.005
_LOG_FILE = "training.json"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StarterPlan:
    """What the command was asked for.

    Attributes:
        kind: single-image or reference-image model.
        seed: of boards, weights and order.
        boards: synthetic boards to train on, four crops each.
        epochs: passes over them.
        batch: crops per step.
        device: where to train.
        machine: its kind, for the card.
        command: as typed, for the card.
        version: of the release.
    """

    kind: InputKind
    seed: int
    boards: int
    epochs: int
    batch: int
    device: Device
    machine: str
    command: str
    version: str = "1.0.0"

    @property
    def name(self) -> str:
        """Name of the release."""
        return f"pcb-{self.kind.value}"


def train_starter(plan: StarterPlan, run_folder: Path, *, say: Say) -> None:
    """Generate, train and export; leaves `model.onnx` and `training.json` in the run folder."""
    started = time.monotonic()
    say(f"generating {plan.boards} synthetic boards")
    source = write_training_images(TrainingImages(plan.kind, plan.boards, seed=plan.seed), run_folder / "data")
    generated = time.monotonic()
    say(f"training for {plan.epochs} epochs on {plan.device}")
    training = TrainingPlan(epochs=plan.epochs, batch=plan.batch, seed=plan.seed, device=plan.device)
    classes = tuple(str(name) for name in DEFECT_CLASSES)
    with ultralytics_adapter.ultralytics_in(run_folder):
        network = starting_network(
            SCRATCH_START, architecture=training.architecture, classes=classes, seed=plan.seed, epochs=plan.epochs
        )
        learner = Learner(network, plan=training, source=source, threads=crop_threads(plan.device))
        fitted = fit(learner, plan=training, folder=run_folder, metrics=run_folder / METRICS_NAME)
        output = ModelOutput(training, plan.kind, classes, INPUT_SIZE_WH_PX)
        write_model(fitted.weights, output, run_folder)
    record = {
        "command": plan.command,
        "seed": plan.seed,
        "seconds": round(time.monotonic() - started),
        "generation_seconds": round(generated - started),
        "machine": plan.machine,
        "versions": ultralytics_adapter.versions(),
        "architecture": training.architecture,
        "epochs": training.epochs,
        "batch": training.batch,
        "image_px": training.image_px,
        "data": f"{plan.boards} synthetic boards of lineside.datasets.synthetic ({4 * plan.boards} crops of "
        f"{training.image_px} px), no real image",
    }
    (run_folder / _LOG_FILE).write_text(json.dumps(record, indent=2), "utf-8")


def publish_starter(plan: StarterPlan, run_folder: Path, release_folder: Path, *, real: Path | None, say: Say) -> None:
    """Judge the exported model and write the release folder."""
    model = (run_folder / MODEL_NAME).read_bytes()
    training = json.loads((run_folder / _LOG_FILE).read_text("utf-8"))
    detector = model_under_test(model, name=plan.name, kind=plan.kind, threads=os.cpu_count() or 1)
    say("choosing canary frames")
    canaries = choose_canaries(detector, seed=plan.seed)
    scores: dict[str, Scores] = {}

    threshold = default_threshold(detector, plan.seed)
    say(f"default threshold {threshold:g}")

    def judge(title: str, pairs: Iterator[LabelledPicture]) -> None:
        say(f"judging {title}")
        scores[title] = score_images(judge_pairs(detector, pairs), detector.release.classes, confidence=threshold)
        say(f"  mAP50 {scores[title].map50}, DeepPCB F {scores[title].protocol_f}")

    for look in Look:
        judge(f"unseen synthetic boards, {look.value}", unseen_boards(plan.seed, look))
    if real is not None:
        headline = [group for group in deeppcb_groups(real) if group not in TUNING_GROUPS]
        judge("DeepPCB, tuning groups", read_deeppcb(real, groups=TUNING_GROUPS))
        judge("DeepPCB, headline groups", read_deeppcb(real, groups=headline))
    detector.close()
    release = write_release(
        release_folder,
        ReleaseContents(
            name=plan.name,
            version=plan.version,
            kind=plan.kind,
            model=model,
            thresholds={str(name): threshold for name in DEFECT_CLASSES},
            canaries=[CanaryPicture.of_sample(sample, plan.kind) for sample in canaries],
            metrics=_metrics(scores),
            training=training,
            card=model_card.render(plan.name, plan.version, plan.kind, training, scores),
            licence_text=ultralytics_adapter.licence_text(),
        ),
    )
    say(f"wrote {release.name} {release.version} to {release_folder}, digest {release.digest}")


def default_threshold(detector: Detector, seed: int) -> float:
    """The lowest confidence whose F is near the highest, on synthetic boards set aside for this; uncertified."""
    boards = [
        board
        for look in Look
        for board in judge_pairs(detector, unseen_boards(seed, look, boards=_THRESHOLD_BOARDS, first=_UNSEEN_BOARDS))
    ]
    return max(0.05, round(protocol_curve(boards).best_confidence(slack=_F_SLACK), 2))


def unseen_boards(seed: int, look: Look, *, boards: int = _UNSEEN_BOARDS, first: int = 0) -> Iterator[Sample]:
    """Boards that a run with this seed does not train on, with 0 to 9 defects each as real ones have."""
    families = tuple(LayoutFamily)
    for index in range(first, first + boards):
        board_seed = seed * BOARDS_PER_SEED + BOARDS_PER_SEED // 2 + index
        design = BoardDesign(families[index % len(families)], board_seed)
        yield Board(design).sample(look=look, defects=index % 10, seed=board_seed)


def _metrics(scores: Mapping[str, Scores]) -> dict[str, Any]:
    return {title: score.as_record() for title, score in scores.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lineside.training.starters",
        description="Train a starter release on synthetic boards, judge it, and write its release folder.",
    )
    parser.add_argument("--kind", type=InputKind, choices=list(InputKind), required=True, help="the model's input")
    parser.add_argument("--out", type=Path, required=True, help="gets run/ (data, logs) and release/")
    parser.add_argument("--seed", type=int, default=1, help="of boards, weights and order (default: 1)")
    parser.add_argument("--boards", type=int, default=3000, help="synthetic boards to train on (default: 3000)")
    parser.add_argument("--epochs", type=int, default=4, help="passes over them (default: 4)")
    parser.add_argument("--batch", type=int, default=32, help="crops per step (default: 32)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where to train (default: cpu)")
    parser.add_argument("--real-boards", type=Path, help="a DeepPCB folder (holds trainval.txt) to judge on as well")
    parser.add_argument("--machine", default=describe_machine("cpu"), help="its kind, for the model card")
    parser.add_argument("--reuse", action="store_true", help="judge and write again what --out has trained already")
    return parser


def _command(options: argparse.Namespace) -> str:
    """What to type for the same training again, defaults spelt out."""
    names = ("kind", "seed", "boards", "epochs", "batch", "device", "out")
    words = [word for name in names for word in (f"--{name}", str(getattr(options, name)))]
    return shlex.join(["python", "-m", "lineside.training.starters", *words])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    plan = StarterPlan(
        kind=options.kind,
        seed=options.seed,
        boards=options.boards,
        epochs=options.epochs,
        batch=options.batch,
        device=options.device,
        machine=options.machine,
        command=_command(options),
    )

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        if not options.reuse:
            train_starter(plan, options.out / "run", say=say)
        publish_starter(plan, options.out / "run", options.out / "release", real=options.real_boards, say=say)
    except (LinesideError, ValueError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
