"""Every look at sealed parts is written down before it happens.

A sealed set is worth what nobody has learnt from it. Each look teaches a little, so the log says how many there were:
who looked, when, at which release. It lies in the registry, one numbered file a look, and nothing here changes or
removes one; a gap in the numbers shows that somebody did:

```
<registry>/looks/<sealed set>/<number>.json
```
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from lineside.datasets.labelled import LabelledImage
from lineside.inspection.canonical_json import canonical_json
from lineside.training.errors import GateRefused
from lineside.training.registry.storage import Storage

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
        self._storage = Storage(registry_url)

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
        number = len(self.looks_at(sealed_set)) + 1
        while True:
            look = Look(number, name.strip(), now.astimezone(UTC), sealed_set, revision, tuple(releases))
            if self._storage.create(_path(sealed_set, number), _look_bytes(look)):
                return look
            number += 1  # somebody else looked at this very moment

    def looks_at(self, sealed_set: str) -> tuple[Look, ...]:
        """Every look at a sealed set, in the order in which they were written down.

        Raises:
            GateRefused: a file of the log is missing or is no look: somebody changed it.
        """
        names = self._storage.names(f"looks/{sealed_set}")
        return tuple(self._read(_path(sealed_set, number)) for number in range(1, len(names) + 1))

    def _read(self, path: str) -> Look:
        content = self._storage.read(path)
        try:
            file = _LookFile.model_validate_json(content or b"")
        except ValidationError as error:
            raise GateRefused(
                f"{path} in the registry is no record of a look at sealed parts; restore it: what was looked at cannot "
                "be counted without it"
            ) from error
        return Look(file.number, file.name, file.at, file.sealed_set, file.revision, file.releases)


def _path(sealed_set: str, number: int) -> str:
    return f"looks/{sealed_set}/{number:06d}.json"


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
