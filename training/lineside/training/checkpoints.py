"""Checkpoints: a network's weights by name with what they mean, as safetensors and never as a pickle.

Unpickling runs whatever the file says; safetensors holds numbers only. Files of the training framework (`.pt`) are
therefore refused by their very name and content.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.release import InputKind
from lineside.training.errors import CheckpointRefused, ExtraMissing
from lineside.training.plan import Architecture

SCHEMA = "lineside.checkpoint/1"
_ZIP_START, _PICKLE_START = b"PK\x03\x04", b"\x80"
_HEADER_START = 8


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The averaged weights of a training run.

    Attributes:
        architecture: of the network.
        classes: names in the order of the class ids.
        kind: what the network's channels are.
        image_px: side of the crops that it was trained on.
        weights: float32 arrays by their names in the network.
    """

    architecture: Architecture
    classes: tuple[str, ...]
    kind: InputKind
    image_px: int
    weights: Mapping[str, NDArray[np.float32]]

    def __post_init__(self) -> None:
        """Refuse weights that are not finite and classes that are none."""
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise CheckpointRefused(f"the classes {list(self.classes)} are none, or one name stands twice")
        broken = [name for name, values in self.weights.items() if not np.isfinite(values).all()]
        if broken or not self.weights:
            raise CheckpointRefused(f"weights that are not finite: {broken[:3] or 'there are none'}; train again")


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> str:
    """Write a checkpoint: whole, or not at all.

    Returns:
        The file's SHA-256, lowercase hex. The same checkpoint gives the same bytes.
    """
    try:
        from safetensors.numpy import save
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}; install the training extra: pip install 'lineside[training]'") from error
    facts = {
        "schema": SCHEMA,
        "architecture": checkpoint.architecture.value,
        "classes": json.dumps(list(checkpoint.classes), ensure_ascii=False),
        "kind": checkpoint.kind.value,
        "image_px": str(checkpoint.image_px),
    }
    content = _in_order(save({name: np.ascontiguousarray(v) for name, v in checkpoint.weights.items()}, facts))
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointRefused: it cannot be read, is a pickle, is damaged, or says not what its weights mean.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}; install the training extra: pip install 'lineside[training]'") from error
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER_START + 1)
    except OSError as error:
        raise CheckpointRefused(f"{path} cannot be read: {error.strerror}") from error
    # A safetensors file starts with the length of its header, which may look like anything, and then the header.
    is_safetensors = start[_HEADER_START:] == b"{"
    if path.suffix == ".pt" or (not is_safetensors and start.startswith((_ZIP_START, _PICKLE_START))):
        raise CheckpointRefused(
            f"{path} is a pickle of PyTorch (.pt): opening one runs whatever code it holds, so none is opened. Give a "
            "safetensors checkpoint of `lineside train`, a release folder, or convert it on a machine that you can lose"
        )
    try:
        with safe_open(path, framework="numpy") as opened:
            facts = opened.metadata() or {}
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # it is no mapping
    except SafetensorError as error:
        raise CheckpointRefused(f"{path} is no safetensors file, or not all of one: {error}") from error
    if facts.get("schema") != SCHEMA:
        raise CheckpointRefused(
            f"{path} has schema {facts.get('schema')!r}, expected {SCHEMA!r}; give a checkpoint of `lineside train`"
        )
    try:
        return Checkpoint(
            Architecture(facts["architecture"]),
            tuple(str(name) for name in json.loads(facts["classes"])),
            InputKind(facts["kind"]),
            int(facts["image_px"]),
            weights,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointRefused(f"{path} does not say what its weights mean: {error!r}; train again") from error


def _in_order(content: bytes) -> bytes:
    """The same safetensors file with its header's keys sorted: the library writes the metadata in random order."""
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the numbers after it stay aligned
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen half written, also after a kill or a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # a full disk needs the room
        beside.unlink(missing_ok=True)
        raise
    beside.replace(path)
