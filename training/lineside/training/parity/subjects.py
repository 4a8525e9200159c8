"""What is compared: a training run with its checkpoint, or a release with what it was made from."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.model_graph import read_model_graph
from lineside.inspection.release import INT8_MODEL_NAME, MODEL_NAME, Release
from lineside.training.checkpoints import load_checkpoint
from lineside.training.errors import ParityRefused
from lineside.training.evaluation import read_subject
from lineside.training.export.checks import read_metadata
from lineside.training.parity.frames import DEFAULT_SPLITS, revision_frames
from lineside.training.parity.limits import ParityLimits
from lineside.training.parity.measuring import ModelFiles, measure_parity, require_measurable
from lineside.training.parity.report import ParityReport
from lineside.training.plan import Architecture
from lineside.training.restoring import network_of_checkpoint, network_of_model
from lineside.training.torch_engine import TorchEngine
from lineside.training.ultralytics_adapter import ultralytics_in

CHECKPOINT_NAME = "checkpoint.safetensors"
MOST_FRAMES = 300
"""Their pixels are kept in memory, 1.2 MB each at 640x640, and each takes every engine once."""

_ULTRALYTICS_NAME = re.compile(r"(?i)\byolo(\d+[nsmlx])\b")


@dataclass(frozen=True, slots=True, eq=False)
class ParitySubject:
    """A model with its files.

    Attributes:
        release: as serving has it.
        files: its ONNX files.
        checkpoint: of the network that it was exported from; None where there is only the model itself.
    """

    release: Release
    files: ModelFiles
    checkpoint: Path | None = None


def read_parity_subject(folder: Path, *, checkpoint: Path | None = None) -> ParitySubject:
    """The model in the folder of a run or release.

    Args:
        folder: of a finished run, whose own checkpoint is taken, or of a release.
        checkpoint: safetensors file to compare with instead.

    Raises:
        NothingToEvaluate: the folder holds neither a release nor a finished run.
        ReleaseError: its model may not be loaded.
    """
    release = read_subject(folder)
    model = (folder / MODEL_NAME).read_bytes()
    int8_path = folder / INT8_MODEL_NAME
    int8_model = int8_path.read_bytes() if int8_path.is_file() else None
    if int8_model is not None and release.int8_model is None:
        release = replace(release, int8_model=read_model_graph(int8_model).served_model)
    own = folder / CHECKPOINT_NAME
    return ParitySubject(release, ModelFiles(model, int8_model), checkpoint or (own if own.is_file() else None))


@contextmanager
def trained_network(subject: ParitySubject) -> Iterator[tuple[TorchEngine, str]]:
    """The trained network as an engine, and what it is in words.

    From the checkpoint if there is one: then the figures show the whole way from training to the line. Otherwise it is
    rebuilt from the weights in the ONNX file: then they show all but the rounding of these.

    Raises:
        CheckpointRefused: the checkpoint is none, or of another architecture.
        ParityRefused: checkpoint and model are of other classes, or nothing says of which architecture the model is.
        ExtraMissing: torch or ultralytics is not installed.
    """
    release = subject.release
    with TemporaryDirectory(prefix="lineside-parity-") as work, ultralytics_in(Path(work)):
        if subject.checkpoint is not None:
            checkpoint = load_checkpoint(subject.checkpoint)
            if (checkpoint.classes, checkpoint.kind) != (release.classes, release.input_kind):
                raise ParityRefused(
                    f"{subject.checkpoint} is a {checkpoint.kind.value} network of the classes {checkpoint.classes}, "
                    f"the model a {release.input_kind.value} one of {release.classes}; give the checkpoint it was "
                    "exported from"
                )
            yield TorchEngine(network_of_checkpoint(checkpoint)), "the float32 network of its checkpoint"
            return
        network = network_of_model(
            subject.files.model, architecture=architecture_of(subject.files.model), classes=release.classes
        )
        yield TorchEngine(network), "the float32 network rebuilt from the weights in its ONNX file"


def architecture_of(model: bytes) -> Architecture:
    """Of which architecture an exported model is, by its metadata.

    Raises:
        ParityRefused: the metadata names none.
    """
    metadata = read_metadata(model)
    named = metadata.get("architecture", "")
    in_description = _ULTRALYTICS_NAME.search(metadata.get("description", ""))
    if not named and in_description is not None:
        named = f"yolo{in_description[1]}".lower()
    try:
        return Architecture(named)
    except ValueError as error:
        raise ParityRefused(
            f"the model's metadata names the architecture {named!r}, expected one of "
            f"{', '.join(each.value for each in Architecture)}; give its checkpoint"
        ) from error


def compare_engines(
    subject: ParitySubject,
    *,
    store: RevisionStore,
    revision: Revision,
    splits: Sequence[Split] = DEFAULT_SPLITS,
    threads: int,
    engines: Sequence[str] | None = None,
    most_frames: int = MOST_FRAMES,
    limits: ParityLimits | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ParityReport:
    """Compare the engines of this host with the trained network on frames of a revision.

    Args:
        subject: the model.
        store: holds the pictures.
        revision: of which.
        splits: which of its images.
        threads: cores to use.
        engines: names of those to measure; None for all that this host and model can run.
        most_frames: spread evenly if there are more.
        limits: the default ones if None.
        on_progress: told how many judgements are done, and of how many.

    Raises:
        ParityRefused: there are no such frames, or checkpoint, classes or engines do not fit.
    """
    release = subject.release
    frames = revision_frames(
        store, revision, splits=splits, kind=release.input_kind, classes=release.classes, most=most_frames
    )
    data: dict[str, Any] = {"revision": revision.id, "splits": [split.value for split in splits]}
    require_measurable(release, frames, engines)
    with trained_network(subject) as (network, described):
        return measure_parity(
            release,
            subject.files,
            network,
            frames,
            data=data,
            network_described=described,
            threads=threads,
            engines=engines,
            limits=limits,
            on_progress=on_progress,
        )
