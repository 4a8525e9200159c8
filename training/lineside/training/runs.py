"""A training run in its folder: from a dataset revision to a checkpoint, an ONNX model and the record of both.

The folder holds `run.json`, `metrics.csv`, `checkpoint.safetensors` and `model.onnx`; everything else is under `work/`.
A run that was killed goes on from its last whole epoch.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.datasets.augment import PROVENANCE_KEY, PhotometricVariation
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.release import InputKind
from lineside.training import ultralytics_adapter
from lineside.training.checkpoints import write_whole
from lineside.training.crops import CropPlan, CropSource, FrameCrops
from lineside.training.devices import choose_device, crop_threads, describe_machine
from lineside.training.errors import PlanRefused, RunRefused
from lineside.training.fitting import METRICS_NAME, Fit, Listener, ValidationFigures, fit
from lineside.training.frames import StoredFrames
from lineside.training.learning import Learner
from lineside.training.model_files import ModelOutput, write_model
from lineside.training.plan import Architecture, DeviceChoice, Orientation, TrainingPlan
from lineside.training.revision_frames import read_frames, refuse_leaks, require_trainable
from lineside.training.starting_points import StartingPoint, read_starting_point, starting_network
from lineside.training.ultralytics_adapter import Network
from lineside.training.validation import validate_network

SCHEMA = "lineside.run/1"
RUN_NAME = "run.json"
WORK_NAME = "work"

_CROPS_FOR_FIGURES = 256
_RESERVE_SECONDS = 30.0  # for the export
_SECONDS_A_VALIDATION_FRAME = 0.1  # of 640 px on two cores, yolo11n

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """All that decides a run; a resumed one takes them from its folder.

    Attributes:
        revision: id of the dataset revision.
        kind: what the network's channels are.
        start: as `read_starting_point` takes it.
        input_size_wh_px: of the exported model, multiples of 32.
        plan: of the training.
        crops: of the images.
        command: as typed.
        photometric: share of the crops that are shown in another light, sharpness or noise.
    """

    revision: str
    kind: InputKind
    start: str
    input_size_wh_px: tuple[int, int]
    plan: TrainingPlan
    crops: CropPlan
    command: str
    photometric: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.photometric <= 1:
            raise PlanRefused(f"a photometric share of {self.photometric}: expected 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "RunSettings":
        """Read what `to_json` gave.

        Raises:
            RunRefused: it is not that.
        """
        try:
            plan = {**record["plan"], "architecture": Architecture(record["plan"]["architecture"])}
            crops = {**record["crops"], "orientation": Orientation(record["crops"]["orientation"])}
            width, height = record["input_size_wh_px"]
            return cls(
                revision=record["revision"],
                kind=InputKind(record["kind"]),
                start=record["start"],
                input_size_wh_px=(width, height),
                plan=TrainingPlan(**plan),
                crops=CropPlan(**crops),
                command=record["command"],
                photometric=record.get("photometric", 0.0),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise RunRefused(f"the settings in {RUN_NAME} are not complete ({error!r}); start a new run") from error


@dataclass(frozen=True, slots=True)
class RunResult:
    """Where a run ended.

    Attributes:
        folder: of the run.
        best_epoch: whose weights were taken.
        epochs: done.
        ended_by: "epochs", "patience" or "time".
        validation: of the best epoch.
        seconds: of all parts.
    """

    folder: Path
    best_epoch: int
    epochs: int
    ended_by: str
    validation: ValidationFigures | None
    seconds: float


def start_run(settings: RunSettings, store: RevisionStore, folder: Path, *, listener: Listener, say: Say) -> RunResult:
    """Train from the beginning in a new folder.

    Raises:
        RunRefused: the folder holds something already.
        TrainingError: the data, the start or the device does not do.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RunRefused(f"{folder} is not empty; give a new folder, or --resume to go on with the run in it")
    return _run(settings, store, folder, listener=listener, say=say, is_resumed=False)


def resume_run(store: RevisionStore, folder: Path, *, listener: Listener, say: Say) -> RunResult:
    """Go on with a run from its last whole epoch, with its own settings.

    Raises:
        RunRefused: there is no run in the folder, or it is finished.
        DeviceMissing: it ran on a GPU and there is none here.
    """
    path = folder / RUN_NAME
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunRefused(f"{path} is missing or no JSON; there is no run to resume in {folder}") from error
    if record.get("schema") != SCHEMA or record.get("status") != "running":
        raise RunRefused(
            f"{path} has schema {record.get('schema')!r} and status {record.get('status')!r}; only a run of {SCHEMA!r} "
            "that is not finished can be resumed"
        )
    settings = RunSettings.from_json(record.get("settings", {}))
    choose_device(DeviceChoice(settings.plan.device))
    return _run(settings, store, folder, listener=listener, say=say, is_resumed=True)


def _run(
    settings: RunSettings, store: RevisionStore, folder: Path, *, listener: Listener, say: Say, is_resumed: bool
) -> RunResult:
    plan = settings.plan
    revision = store.read(settings.revision)
    require_trainable(revision, settings.kind)
    point = read_starting_point(settings.start, kind=settings.kind, architecture=plan.architecture)
    if not is_resumed:
        refuse_leaks(revision, store, say=say)
    work = folder / WORK_NAME
    work.mkdir(parents=True, exist_ok=True)
    record = _record(settings, revision, point)
    write_whole(folder / RUN_NAME, _json({**record, "status": "running"}))
    say(f"reading revision {revision.id[:12]}")
    frames = read_frames(store, revision, settings.kind, work, say=say)
    light = PhotometricVariation(settings.photometric) if settings.photometric else None
    source = FrameCrops(frames.train, settings.kind, plan=settings.crops, augmentation=light)
    say(f"training on {len(frames.train)} frames, {len(source)} crops an epoch, on {plan.device}")
    with ultralytics_adapter.ultralytics_in(work):
        fitted = _learn(settings, source, point, revision.classes, frames.val, folder, listener, is_resumed=is_resumed)
        say("exporting")
        output = ModelOutput(plan, settings.kind, tuple(revision.classes), settings.input_size_wh_px)
        digests = write_model(fitted.weights, output, folder)
    frames.discard()
    best = fitted.reports[fitted.best_epoch - 1].validation
    outcome = {
        "status": "finished",
        **digests,
        "seconds": round(fitted.seconds, 1),
        "epochs_done": len(fitted.reports),
        "best_epoch": fitted.best_epoch,
        "ended_by": fitted.ended_by,
        "validation": None if best is None or math.isnan(best.map50) else asdict(best),
        "images": {
            "train": len(frames.train),
            "val": len(frames.val),
            "crops_an_epoch": len(source),
            "refused": list(frames.refused),
        },
    }
    write_whole(folder / RUN_NAME, _json({**record, **outcome}))
    return RunResult(folder, fitted.best_epoch, len(fitted.reports), fitted.ended_by, best, fitted.seconds)


def _learn(
    settings: RunSettings,
    source: CropSource,
    point: StartingPoint,
    classes: Sequence[str],
    val: StoredFrames,
    folder: Path,
    listener: Listener,
    *,
    is_resumed: bool,
) -> Fit:
    plan = settings.plan
    network = starting_network(
        point,
        architecture=plan.architecture,
        classes=classes,
        seed=plan.seed,
        epochs=plan.epochs,
        crops=_some_crops(source, plan.seed) if point.exported is not None else [],
    )
    learner = Learner(
        network,
        plan=plan,
        source=source,
        threads=crop_threads(plan.device),
        reserve_seconds=_RESERVE_SECONDS + len(val) * _SECONDS_A_VALIDATION_FRAME,
    )

    def validate(average: Network) -> ValidationFigures:
        return validate_network(
            average, val, kind=settings.kind, size_wh_px=settings.input_size_wh_px, device=plan.device
        )

    return fit(
        learner,
        plan=plan,
        folder=folder / WORK_NAME,
        metrics=folder / METRICS_NAME,
        validate=validate,
        listener=listener,
        is_resumed=is_resumed,
    )


def _some_crops(source: CropSource, seed: int) -> list[NDArray[np.uint8]]:
    """Training images to take the figures of normalisations from."""
    chosen = np.random.default_rng(seed).permutation(len(source))[:_CROPS_FOR_FIGURES]
    return [source.crop(int(index), epoch=0, is_settling=True).pixels for index in chosen]


def _record(settings: RunSettings, revision: Revision, point: StartingPoint) -> dict[str, Any]:
    plan = settings.plan
    catalogue = revision.catalogue
    return {
        "schema": SCHEMA,
        "command": settings.command,
        "kind": settings.kind.value,
        "architecture": plan.architecture.value,
        "classes": list(revision.classes),
        "catalogue": None if catalogue is None else {"id": catalogue.id, "version": catalogue.version},
        "dataset_revision": revision.id,
        "start": point.described,
        "parent": point.parent,
        "seed": plan.seed,
        "epochs": plan.epochs,
        "batch": plan.batch,
        "image_px": plan.image_px,
        "input_size_wh_px": list(settings.input_size_wh_px),
        "augmentation": {
            "crops": asdict(settings.crops),
            "photometric": settings.photometric,
            "dataset": revision.provenance.get(PROVENANCE_KEY),
        },
        "device": plan.device,
        "machine": describe_machine(plan.device),
        "versions": {"python": sys.version.split()[0], **ultralytics_adapter.versions()},
        "settings": settings.to_json(),
    }


def _json(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, indent=2, allow_nan=False) + "\n").encode()
