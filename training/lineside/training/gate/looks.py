"""Every look at sealed parts is written down before it happens.

A sealed set is worth what nobody has learnt from it. Each look teaches a little, so the log says how many there were:
who looked, when, at which release. It lies in the registry, one file a look, and nothing here changes or removes one:

```
<registry>/looks/<sealed set>/<number>-<random>.json
```
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import fsspec  # type: ignore[import-untyped]  # it ships no types
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from lineside.datasets.labelled import LabelledImage
from lineside.datasets.revisions.atomic_files import AtomicFiles
from lineside.inspection.canonical_json import canonical_json
from lineside.training.errors import GateRefused

LOOK_SCHEMA = "lineside.look/1"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody had a release judged on sealed parts.

    Attributes:
        number: of this look at the set, counted from 1.
        name: who looked.
        at: when, aware.
        sealed_set: which parts, see `sealed_set_digest`.
        revision: the dataset revision they were read from.
        releases: digests of the releases that were judged.
    """

    number: int
    name: str
    at: datetime
    sealed_set: str
    revision: str
    releases: tuple[str, ...]


class _LookFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_name: Annotated[Literal["lineside.look/1"], Field(alias="schema")]
    number: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1)]
    at: AwareDatetime
    sealed_set: Sha256
    revision: Sha256
    releases: tuple[Sha256, ...]


def sealed_set_digest(images: Iterable[LabelledImage]) -> str:
    """Names a sealed set by its pictures: a new revision with the same sealed parts does not start a new count."""
    digests = sorted({image.image.sha256 for image in images})
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


class LookLog:
    """The looks kept in a registry."""

    def __init__(self, registry_url: str) -> None:
        """Name the registry; nothing is made or connected until something is read or written.

        Args:
            registry_url: a folder, or what fsspec takes.
        """
        filesystem, root = fsspec.core.url_to_fs(registry_url)
        self._files = AtomicFiles(filesystem, root.rstrip("/"))

    def record(
        self, images: Sequence[LabelledImage], *, name: str, revision: str, releases: Sequence[str], now: datetime
    ) -> Look:
        """Write down a look that is about to happen; returns once it is on disk.

        Args:
            images: the sealed parts' images.
            name: who looks.
            revision: id of the revision.
            releases: digests of what is to be judged.
            now: aware.

        Raises:
            GateRefused: nobody gave a name, or the log holds what is no look.
            StoreUnwritable: the registry refused; then nobody may look.
        """
        if not name.strip():
            raise GateRefused("a look at the sealed split needs the name of who looks; give --sealed NAME")
        sealed_set = sealed_set_digest(images)
        before = self.looks_at(sealed_set)
        number = 1 + max((look.number for look in before), default=0)
        look = Look(number, name.strip(), now.astimezone(UTC), sealed_set, revision, tuple(releases))
        self._files.write(f"looks/{sealed_set}/{number:06d}-{uuid.uuid4().hex}.json", _look_bytes(look))
        return look

    def looks_at(self, sealed_set: str) -> tuple[Look, ...]:
        """Every look at a sealed set, in the order in which they were written down.

        Two that were written at the same moment may share a number; both are there.

        Raises:
            GateRefused: a file of the log is no look: somebody changed it.
        """
        names = [name for name in self._files.names(f"looks/{sealed_set}") if name.endswith(".json")]
        return tuple(self._read(f"looks/{sealed_set}/{name}") for name in names)

    def _read(self, path: str) -> Look:
        content = self._files.read(path)
        try:
            file = _LookFile.model_validate_json(content or b"")
        except ValidationError as error:
            raise GateRefused(
                f"{path} in the registry is no record of a look at sealed parts; restore it: what was looked at cannot "
                "be counted without it"
            ) from error
        return Look(file.number, file.name, file.at, file.sealed_set, file.revision, file.releases)


def _look_bytes(look: Look) -> bytes:
    content = {
        "schema": LOOK_SCHEMA,
        "number": look.number,
        "name": look.name,
        "at": look.at.isoformat().replace("+00:00", "Z"),
        "sealed_set": look.sealed_set,
        "revision": look.revision,
        "releases": list(look.releases),
    }
    text = canonical_json(content)
    _LookFile.model_validate(json.loads(text))  # what was written can be read, or is refused here
    return text.encode()
