"""What each step of a retraining was given and what it made: one small file a step, written whole or not at all.

A retraining that is called again takes a step's result from its file. Where the step would be given something else
now, or one of its files was changed, going on would mix two retrainings: that is refused.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lineside.client.file_lock import FileLock
from lineside.training.checkpoints import write_whole
from lineside.workflows.errors import RetrainingBusy, RetrainingChanged, RetrainingRefused
from lineside.workflows.retraining.progress import Step

SCHEMA = "lineside.retrain-step/1"
STATES_NAME = "steps"
_LOCK_NAME = ".lock"
_ORDER = tuple(Step)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """What a step made.

    Attributes:
        outputs: JSON values that later steps need.
        files: files below the folder that later steps read.
    """

    outputs: Json
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class StepState:
    """A step that is done.

    Attributes:
        step: which.
        inputs: JSON values that decided it.
        outputs: as `Made`.
        files: SHA-256 by path below the folder.
        finished_at: aware, UTC, ISO 8601.
        seconds: that it took in the call that ended it.
    """

    step: Step
    inputs: Json
    outputs: Json
    files: Mapping[str, str] = field(default_factory=dict)
    finished_at: str = ""
    seconds: float = 0.0


@contextmanager
def held(folder: Path) -> Iterator["StepStates"]:
    """The states below a folder, which nobody else may go on with meanwhile; a kill lets go of it.

    Raises:
        RetrainingBusy: another process works there.
        RetrainingRefused: it holds something else; a retraining clears and replaces what it finds.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / STATES_NAME).exists() and any(each.name != _LOCK_NAME for each in folder.iterdir()):
        raise RetrainingRefused(f"{folder} holds something else than a retraining; give a new folder")
    lock = FileLock(folder / _LOCK_NAME)
    if not lock.acquire(note="lineside retrain"):
        raise RetrainingBusy(f"another retraining works in {folder}; wait for it, or give another folder")
    try:
        yield StepStates(folder)
    finally:
        lock.release()


class StepStates:
    """The steps done in a folder.

    Args:
        folder: of the retraining.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, step: Step) -> StepState | None:
        """A step that is done; None if it is not.

        Raises:
            RetrainingChanged: its file is damaged.
        """
        path = self._path(step)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            record: dict[str, Any] = json.loads(content)
            if record.pop("schema") != SCHEMA:
                raise ValueError(f"another schema than {SCHEMA}")  # noqa: TRY301  # one message for all
            return StepState(**{**record, "step": Step(record["step"])})
        except (ValueError, KeyError, TypeError) as error:
            raise RetrainingChanged(f"{path} is no record of a step ({error}); start again in a new folder") from error

    def kept(self, step: Step, inputs: Json) -> StepState | None:
        """A step that is done and was given the same; None if it is yet to be done.

        Raises:
            RetrainingChanged: it was given something else, or one of its files is gone or was changed.
        """
        state = self.read(step)
        if state is None:
            return None
        given = _plain(inputs)
        if state.inputs != given:
            raise RetrainingChanged(_what_changed(step, state.inputs, given, self._folder))
        for name, digest in state.files.items():
            path = self._folder / name
            if not path.is_file() or digest_of_file(path) != digest:
                raise RetrainingChanged(
                    f"{path} is gone or was changed since the step {step.value!r} made it; start again in a new folder"
                )
        return state

    def write(self, step: Step, inputs: Json, made: Made, *, finished_at: datetime, seconds: float) -> StepState:
        """Write down that a step is done: after everything that it made.

        Raises:
            OSError: it cannot be written.
        """
        state = StepState(
            step=step,
            inputs=_plain(inputs),
            outputs=_plain(made.outputs),
            files=_digests(made.files, self._folder),
            finished_at=finished_at.isoformat(),
            seconds=round(seconds, 3),
        )
        document = {
            "schema": SCHEMA,
            "step": state.step.value,
            "inputs": state.inputs,
            "outputs": state.outputs,
            "files": state.files,
            "finished_at": state.finished_at,
            "seconds": state.seconds,
        }
        write_whole(self._path(step), (json.dumps(document, indent=2, allow_nan=False) + "\n").encode())
        return state

    def _path(self, step: Step) -> Path:
        return self._folder / STATES_NAME / f"{_ORDER.index(step) + 1:02d}-{step.value}.json"


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file, lowercase hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digests(files: Iterable[Path], folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): digest_of_file(path) for path in files}


def _plain(values: Json) -> dict[str, Any]:
    """As JSON gives it back: what was written and what is given are then compared alike."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(values), allow_nan=False))
    return plain


def _what_changed(step: Step, before: Json, now: Json, folder: Path) -> str:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    shown = "; ".join(f"{name} was {before.get(name)!r}, now {now.get(name)!r}" for name in names[:3])
    return (
        f"the step {step.value!r} in {folder} was done with something else: {shown}. "
        "Call it as before, or start again in a new folder"
    )


StepWork = Callable[[], Made]
"""Does a step."""
