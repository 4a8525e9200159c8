"""What a run starts from: random weights, a checkpoint, or a release's exported model."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.release import MODEL_NAME, InputKind, read_release, starter_release_folder
from lineside.training.checkpoints import Checkpoint, load_checkpoint
from lineside.training.errors import CheckpointRefused
from lineside.training.learning import torch_seed
from lineside.training.plan import SCRATCH, Architecture
from lineside.training.ultralytics_adapter import Network, build_network
from lineside.training.unfolding import folded_weights, unfold

STARTER_PREFIX = "starter:"
_CLASS_BRANCHES = (".cv3.", ".one2one_cv3.")


@dataclass(frozen=True, slots=True, eq=False)
class StartingPoint:
    """Weights to start from; all None for random ones.

    Attributes:
        described: as the command had it.
        parent: the release's digest or the checkpoint's SHA-256; None from scratch.
        kind: of the parent's channels.
        classes: of the parent.
        checkpoint: where the parent is one.
        exported: the parent's weights with folded normalisations, where it is a release.
    """

    described: str
    parent: str | None = None
    kind: InputKind | None = None
    classes: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None
    exported: dict[str, NDArray[np.float32]] | None = None


SCRATCH_START = StartingPoint("scratch")
"""Random weights."""


def read_starting_point(given: str, *, kind: InputKind, architecture: Architecture) -> StartingPoint:
    """Find what `--from` names and check that it fits.

    Args:
        given: "scratch", "none", "starter:NAME", a release folder, or a safetensors file.
        kind: of the network to be trained.
        architecture: of the network to be trained.

    Raises:
        CheckpointRefused: it is not there, is a pickle, or is of another kind or architecture.
        ReleaseUnverified: the release folder is damaged.
    """
    if given in SCRATCH:
        return SCRATCH_START
    if given.startswith(STARTER_PREFIX):
        point = _from_release(given, starter_release_folder(given.removeprefix(STARTER_PREFIX)))
    elif Path(given).is_dir():
        point = _from_release(given, Path(given))
    else:
        point = _from_checkpoint(given, architecture)
    if point.kind is not kind:
        raise CheckpointRefused(
            f"{given} is of kind {point.kind}, the network to be trained of kind {kind}: their channels mean something "
            "else; give a parent of the same kind"
        )
    return point


def starting_network(
    point: StartingPoint,
    *,
    architecture: Architecture,
    classes: Sequence[str],
    seed: int,
    epochs: int,
    crops: Sequence[NDArray[np.uint8]] = (),
) -> Network:
    """A network that starts from a point; use it within `ultralytics_adapter.ultralytics_in`.

    Classes that the parent has too keep their weights, whatever their order; the others start random.

    Args:
        point: of `read_starting_point`.
        architecture: of the network.
        classes: names in the order of the class ids.
        seed: of random weights.
        epochs: see `build_network`.
        crops: uint8 (side, side, 3) training images, a few hundred: an exported parent's normalisations come from them.

    Raises:
        CheckpointRefused: the parent's weights have other names or shapes.
    """
    with torch_seed(seed):
        network = build_network(architecture, classes, epochs=epochs)
    if point.checkpoint is None and point.exported is None:
        return network
    fresh = {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}
    if point.exported is not None:
        parent = build_network(architecture, point.classes, epochs=epochs)
        unfold(parent, point.exported, pixels=crops)
        weights: dict[str, Any] = {name: value.detach().numpy() for name, value in parent.state_dict().items()}
    else:
        weights = dict(point.checkpoint.weights) if point.checkpoint is not None else {}
    _load(
        network, _for_classes(weights, fresh, parent_classes=point.classes, classes=classes), described=point.described
    )
    network.train()
    return network


def _from_release(given: str, folder: Path) -> StartingPoint:
    release = read_release(folder)
    return StartingPoint(
        given,
        parent=release.digest,
        kind=release.input_kind,
        classes=release.classes,
        exported=folded_weights((folder / MODEL_NAME).read_bytes()),
    )


def _from_checkpoint(given: str, architecture: Architecture) -> StartingPoint:
    path = Path(given)
    if not path.is_file():
        raise CheckpointRefused(
            f"{given}: no such release folder or checkpoint; expected scratch, starter:NAME, a release folder or a "
            "safetensors file"
        )
    checkpoint = load_checkpoint(path)
    if checkpoint.architecture is not architecture:
        raise CheckpointRefused(
            f"{given} is a {checkpoint.architecture}, the network to be trained a {architecture}; give --model "
            f"{checkpoint.architecture}"
        )
    return StartingPoint(
        given,
        parent=hashlib.sha256(path.read_bytes()).hexdigest(),
        kind=checkpoint.kind,
        classes=checkpoint.classes,
        checkpoint=checkpoint,
    )


def _for_classes(
    weights: dict[str, Any], fresh: dict[str, Any], *, parent_classes: Sequence[str], classes: Sequence[str]
) -> dict[str, Any]:
    """Rearrange the last layers of the class branches: one row a class."""
    if tuple(parent_classes) == tuple(classes):
        return weights
    rows = [(index, parent_classes.index(name)) for index, name in enumerate(classes) if name in parent_classes]
    result = dict(weights)
    for name, initial in fresh.items():
        of_parent = weights.get(name)
        # The branch's layer 2 is its last one; earlier ones may have as many rows as there are classes by chance.
        is_last = any(branch in name for branch in _CLASS_BRANCHES) and name.rsplit(".", 2)[-2] == "2"
        if not is_last or of_parent is None:
            continue
        rearranged = initial.copy()
        for to, came_from in rows:
            rearranged[to] = of_parent[came_from]
        result[name] = rearranged
    return result


def _load(network: Network, weights: dict[str, Any], *, described: str) -> None:
    import torch

    expected = network.state_dict()
    wanted = {name for name, value in expected.items() if value.dtype.is_floating_point}
    missing = sorted(wanted - set(weights))
    misshapen = sorted(
        name for name in wanted & set(weights) if tuple(weights[name].shape) != tuple(expected[name].shape)
    )
    if missing or misshapen:
        raise CheckpointRefused(
            f"the weights of {described} do not fit the network: {len(missing)} are missing, {len(misshapen)} have "
            f"another shape (first: {(missing or misshapen)[0]}); give the architecture that they are of with --model"
        )
    tensors = {name: torch.from_numpy(np.array(weights[name])) for name in wanted}
    network.load_state_dict(tensors, strict=False)
