"""The release to beat: which one it is, where it lies, and what training goes on from."""

import asyncio
import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineside.client import LinesideClient
from lineside.inspection.release import (
    MANIFEST_NAME,
    InputKind,
    Manifest,
    parse_manifest,
    read_release,
    starter_release_folder,
)
from lineside.training.checkpoints import load_checkpoint, write_whole
from lineside.training.errors import ReleaseUnknown
from lineside.training.plan import Architecture
from lineside.training.registry import Registry
from lineside.training.registry.releases import starter_reference
from lineside.training.starting_points import STARTER_PREFIX
from lineside.workflows.errors import RetrainingRefused
from lineside.workflows.retraining.plan import LiveGiven, LiveOnServer

CHECKPOINT_NAME = "start.safetensors"
START_NAME = "start"
_DEFAULT_CROP_PX = 320
_PLAIN_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class LiveName:
    """Which release it is.

    Attributes:
        name: of the model line.
        version: of the release.
        digest: lowercase hex SHA-256 of its manifest.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class LiveRelease:
    """The release to beat, at hand.

    Attributes:
        name: which it is.
        given: as `LiveGiven` takes it, to find the same one again.
        folder: where it lies on this machine.
        manifest: what it says of itself.
        checkpoint: bytes that training goes on from; None where only the exported model is left.
    """

    name: LiveName
    given: str
    folder: Path
    manifest: Manifest
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True)
class Start:
    """What training goes on from.

    Attributes:
        given: as `lineside train --from` takes it.
        described: for people.
        parent: digest of the release or SHA-256 of the checkpoint.
        architecture: of the network.
        kind: what its channels are.
        image_px: side of the crops that it was trained on.
        input_size_wh_px: of the exported model.
    """

    given: str
    described: str
    parent: str
    architecture: Architecture
    kind: InputKind
    image_px: int
    input_size_wh_px: tuple[int, int]


@contextmanager
def live_release(asked: LiveOnServer | LiveGiven, registry: Registry) -> Iterator[LiveRelease]:
    """The release to beat.

    Raises:
        ClientError: the server cannot be reached, or refuses.
        RetrainingRefused: the server names none or several, or the release is not at hand.
        ReleaseUnverified: it is damaged.
    """
    with ExitStack() as stack:
        given = asked.release if isinstance(asked, LiveGiven) else _said_by_server(asked, registry)
        folder = stack.enter_context(_folder(given, registry))
        release = read_release(folder)
        manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes(), source=str(folder / MANIFEST_NAME))
        sha256 = manifest.checkpoint_sha256
        yield LiveRelease(
            LiveName(release.name, release.version, release.digest),
            given,
            folder,
            manifest,
            None if sha256 is None else registry.checkpoint(sha256),
        )


def starting_point(live: LiveRelease, folder: Path) -> Start:
    """What to train from: the release's checkpoint where the registry has it, else its exported model.

    Args:
        live: the release.
        folder: gets a copy of it, so that a training that goes on finds it where it was.

    Raises:
        RetrainingRefused: the release does not say of which network it is.
        CheckpointRefused: the checkpoint is damaged.
    """
    said = live.manifest.training
    size = live.manifest.input.size_wh_px
    if live.checkpoint is not None:
        path = folder / CHECKPOINT_NAME
        write_whole(path, live.checkpoint)
        checkpoint = load_checkpoint(path)
        parent = hashlib.sha256(live.checkpoint).hexdigest()
        described = f"the checkpoint of {live.name.name} {live.name.version}"
        return Start(str(path), described, parent, checkpoint.architecture, checkpoint.kind, checkpoint.image_px, size)
    try:
        architecture = Architecture(str(said.get("architecture", "")).removesuffix(".yaml"))
    except ValueError as error:
        raise RetrainingRefused(
            f"release {live.name.name} {live.name.version} has no checkpoint in the registry and does not say of which "
            f"network it is ({said.get('architecture')!r}); train it by hand with `lineside train --from`"
        ) from error
    given = live.given
    if not given.startswith(STARTER_PREFIX):
        copied = shutil.copytree(live.folder, folder / START_NAME, dirs_exist_ok=True)
        given = str(copied)
    crop_px = said.get("image_px")
    side = crop_px if isinstance(crop_px, int) else _DEFAULT_CROP_PX
    described = f"the model of {live.name.name} {live.name.version}"
    return Start(given, described, live.name.digest, architecture, live.manifest.input.kind, side, size)


def next_version(name: str, taken: Iterable[str]) -> str:
    """The version after the highest: 1.4.0 after 1.3.2.

    Args:
        name: of the model line, for the message.
        taken: versions that there are.

    Raises:
        RetrainingRefused: none of them is three numbers, so that nobody knows which is next.
    """
    known = [tuple(int(part) for part in found.groups()) for each in taken if (found := _PLAIN_VERSION.fullmatch(each))]
    if not known:
        raise RetrainingRefused(f"no version of {name} is three numbers such as 1.2.0; say the next one with --version")
    major, minor, _ = max(known)
    return f"{major}.{minor + 1}.0"


@contextmanager
def _folder(given: str, registry: Registry) -> Iterator[Path]:
    name, at, version = given.partition("@")
    if given.startswith(STARTER_PREFIX):
        yield starter_release_folder(given.removeprefix(STARTER_PREFIX))
    elif at and not Path(given).exists():
        with registry.folder(name, version) as folder:
            yield folder
    elif (Path(given) / MANIFEST_NAME).is_file():
        yield Path(given)
    else:
        raise RetrainingRefused(
            f"{given!r} is no release to beat; expected starter:NAME, NAME@VERSION of the registry, or a release folder"
        )


def _said_by_server(asked: LiveOnServer, registry: Registry) -> str:
    """What the server says is live, as `LiveGiven` takes it."""
    release_name, live = the_one_live(asyncio.run(_in_force(asked)), asked)
    if live is None:
        raise RetrainingRefused(
            f"no deployment says what is live: {release_name} is the release that the server came with, and none of "
            "this package; name it with --against"
        )
    if live == _starter(release_name):
        return f"{STARTER_PREFIX}{release_name}"
    try:
        found = registry.find(live.name, live.version)
    except ReleaseUnknown:
        found = None
    if found is None or found.digest != live.digest:
        raise RetrainingRefused(
            f"live is {live.name} {live.version} ({live.digest[:12]}), which the registry {registry.storage.url} does "
            "not hold; give the registry that it was promoted from"
        )
    return f"{live.name}@{live.version}"


async def _in_force(asked: LiveOnServer) -> Sequence[Mapping[str, Any]]:
    async with LinesideClient(asked.server.url, asked.server.api_key) as client:
        return await client.in_force()


def the_one_live(in_force: Sequence[Mapping[str, Any]], asked: LiveOnServer) -> tuple[str, LiveName | None]:
    """The one release that judges what was asked for.

    Args:
        in_force: as `/v1/deployments/in-force` lists it.
        asked: which of it.

    Returns:
        Name of the model line, and the release; None for one that the server came with and this package did not.

    Raises:
        RetrainingRefused: there is none, or several.
    """
    chosen: dict[tuple[str, LiveName | None], None] = {}
    for item in in_force:
        if (
            asked.release_name in (None, item["release_name"])
            and asked.line in (None, item["line"])
            and asked.product in (None, item["product"])
        ):
            live = item["live"]
            name = str(item["release_name"])
            chosen[name, _starter(name) if live is None else LiveName(**live)] = None
    if not chosen:
        known = sorted({f"{item['product']} on {item['line']} ({item['release_name']})" for item in in_force})
        raise RetrainingRefused(
            f"the server judges nothing of what was asked for; it judges: {', '.join(known) or 'nothing'}. "
            "Say another --product, --line or --name"
        )
    if len(chosen) > 1:
        names = sorted(f"{name} {live.version if live else 'as the server came with it'}" for name, live in chosen)
        raise RetrainingRefused(
            f"several releases are live: {', '.join(names)}; say which is to be retrained with --product, --line or "
            "--name"
        )
    [(release_name, live_name)] = chosen
    return release_name, live_name


def _starter(name: str) -> LiveName | None:
    """The release of this name that comes with the package: what judges before any deployment."""
    found = starter_reference(name)
    return None if found is None else LiveName(found.name, found.version, found.digest)
