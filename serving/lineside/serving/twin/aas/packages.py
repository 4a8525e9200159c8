"""One state of the twin, as the API shows it and as files: JSON, and AASX (IDTA 01005).

The same state gives the same bytes: order and times come from the state, never from the clock.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from basyx.aas.adapter.aasx import AASXWriter, DictSupplementaryFileContainer
from basyx.aas.adapter.json import AASToJsonEncoder
from basyx.aas.model.provider import DictIdentifiableStore
from pyecma376_2.core_properties import OPCCoreProperties

Json = Mapping[str, Any]

_ENVIRONMENT_PART: Final = "/aasx/lineside.json"
"""As JSON: the library's XML is of metamodel 3.1 since its version 2.2, and the tests of 3.0 refuse its namespace."""

_NO_EVENT_YET: Final = datetime(1980, 1, 1, tzinfo=UTC)  # the earliest that a zip file can say
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_CONTENT_TYPES: Final = "[Content_Types].xml"


@dataclass(frozen=True, slots=True)
class Attachment:
    """The content of a File element."""

    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TwinState:
    """Everything that the twin says as of one event of the ledger. Nobody changes it once it is made.

    Attributes:
        sequence: of the event.
        counted_to: the event up to which rates are counted.
        as_of: when the event was written down; None before the first.
        shells: JSON of the metamodel, by identifier.
        submodels: likewise.
        concepts: concept descriptions, likewise.
        attachments: by the path in their File elements.
        store: the same as objects of the library.
    """

    sequence: int
    counted_to: int
    as_of: datetime | None
    shells: Sequence[Json]
    submodels: Sequence[Json]
    concepts: Sequence[Json]
    attachments: Mapping[str, Attachment]
    store: DictIdentifiableStore[Any] = field(repr=False)


def state_of(
    store: DictIdentifiableStore[Any],
    attachments: Mapping[str, Attachment],
    *,
    sequence: int,
    counted_to: int,
    as_of: datetime | None,
) -> TwinState:
    """The state of what was built."""
    found: dict[str, list[Json]] = {"AssetAdministrationShell": [], "Submodel": [], "ConceptDescription": []}
    for each in sorted(store, key=lambda identifiable: str(identifiable.id)):
        written: dict[str, Any] = json.loads(json.dumps(each, cls=AASToJsonEncoder))
        if "submodels" in written:  # the library keeps references as a set
            written["submodels"].sort(key=lambda reference: str(reference["keys"][0]["value"]))
        found[written["modelType"]].append(written)
    return TwinState(
        sequence=sequence,
        counted_to=counted_to,
        as_of=as_of,
        shells=tuple(found["AssetAdministrationShell"]),
        submodels=tuple(found["Submodel"]),
        concepts=tuple(found["ConceptDescription"]),
        attachments=dict(attachments),
        store=store,
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a state's objects are wanted.

    Attributes:
        shells: as JSON, by identifier.
        submodels: likewise.
        concepts: likewise; none if they are not wanted.
    """

    shells: Sequence[Json]
    submodels: Sequence[Json]
    concepts: Sequence[Json]


def environment_json(chosen: Selection) -> dict[str, Any]:
    """An environment as the metamodel's JSON has it: lists that would be empty are left out."""
    lists = {
        "assetAdministrationShells": chosen.shells,
        "submodels": chosen.submodels,
        "conceptDescriptions": chosen.concepts,
    }
    return {name: list(items) for name, items in lists.items() if items}


def environment_aasx(state: TwinState, chosen: Selection) -> bytes:
    """An AASX package: the environment as JSON, and the content of its File elements."""
    objects: DictIdentifiableStore[Any] = DictIdentifiableStore()
    for written in (*chosen.shells, *chosen.submodels, *chosen.concepts):
        objects.add(state.store.get_item(written["id"]))
    files = DictSupplementaryFileContainer()  # type: ignore[no-untyped-call]  # the library says nothing
    for path, attachment in sorted(state.attachments.items()):
        files.add_file(path, io.BytesIO(attachment.content), attachment.content_type)
    packed = io.BytesIO()
    with AASXWriter(packed) as writer:
        writer.write_all_aas_objects(_ENVIRONMENT_PART, objects, files, write_json=True)
        properties = OPCCoreProperties()  # type: ignore[no-untyped-call]  # the library says nothing
        properties.creator = "Lineside"
        properties.created = properties.modified = state.as_of or _NO_EVENT_YET
        writer.write_core_properties(properties)
    return _same_each_time(packed, json.dumps(environment_json(chosen), ensure_ascii=False).encode())


def _same_each_time(packed: io.BytesIO, environment: bytes) -> bytes:
    """The package with its parts in order and without the times at which they were written.

    The environment is written anew: the library keeps a shell's references in a set, so that their order changes.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda name: (name != _CONTENT_TYPES, name)):
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, environment if f"/{name}" == _ENVIRONMENT_PART else source.read(name))
    return out.getvalue()
