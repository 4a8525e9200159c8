"""The manifest file of a release: its schema at the edge, unknown keys refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lineside.inspection.canonical_json import parse_json
from lineside.inspection.errors import ReleaseUnverified
from lineside.inspection.heads import Head
from lineside.inspection.release.record import InputKind

SCHEMA = "lineside.release/1"
MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.sig.json"
"""Lies beside the manifest of a signed release."""

MODEL_NAME = "model.onnx"
INT8_MODEL_NAME = "model.int8.onnx"
"""The quantised model, in a release that has one."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$")]
"""Names a folder of the registry, so it is no path."""

ClassName = Annotated[str, Field(min_length=1, max_length=64)]
Threshold = Annotated[float, Field(gt=0, le=1)]
RelativePath = Annotated[str, Field(max_length=200)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Coordinate = Annotated[float, Field(ge=0, le=1_000_000)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileEntry(_Section):
    """What a file of the release must be."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0)]


class InputSection(_Section):
    """The model's input."""

    kind: InputKind
    size_wh_px: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class CatalogueSection(_Section):
    """The defect catalogue that the classes come from."""

    id: Name
    version: Annotated[int, Field(ge=1)]


class CanaryDefectEntry(_Section):
    """A defect to find."""

    class_name: Annotated[ClassName, Field(alias="class")]
    box_xyxy_px: tuple[Coordinate, Coordinate, Coordinate, Coordinate]


class CanaryEntry(_Section):
    """A canary frame by the paths of its images."""

    frame: RelativePath
    reference: RelativePath | None = None
    expected: Annotated[tuple[CanaryDefectEntry, ...], Field(min_length=1)]


class EngineParityEntry(BaseModel):
    """How far an engine lies from the trained network; beside the verdict it holds the figures."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    is_offered: bool


class ParitySection(BaseModel):
    """What was measured of each engine, and within which limits; empty where nothing was."""

    model_config = ConfigDict(extra="allow", frozen=True)

    engines: dict[str, EngineParityEntry] = Field(default_factory=dict)
    limits: dict[str, Any] = Field(default_factory=dict)


class Manifest(_Section):
    """The whole manifest."""

    schema_name: Annotated[Literal["lineside.release/1"], Field(alias="schema")]
    name: Name
    version: Version
    task: Literal["detect"]
    input: InputSection
    head: Head
    classes: Annotated[tuple[ClassName, ...], Field(min_length=1)]
    catalogue: CatalogueSection
    thresholds: dict[ClassName, Threshold]
    files: dict[RelativePath, FileEntry]
    canary: Annotated[tuple[CanaryEntry, ...], Field(min_length=1)]
    metrics: dict[str, Any]
    training: dict[str, Any]
    parity: ParitySection
    dataset_revision: str | None
    parent: str | None
    checkpoint_sha256: Sha256 | None = None
    licence: Annotated[str, Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _parts_fit(self) -> "Manifest":
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes {list(self.classes)} name one twice")
        if set(self.thresholds) != set(self.classes):
            raise ValueError(
                f"thresholds {sorted(self.thresholds)} are not those of the classes {sorted(self.classes)}"
            )
        needed = {MODEL_NAME}
        for entry in self.canary:
            needed.update(path for path in (entry.frame, entry.reference) if path is not None)
            has_reference = entry.reference is not None
            if has_reference != (self.input.kind is InputKind.REFERENCE):
                raise ValueError(f"canary frame {entry.frame!r} does not fit input kind {self.input.kind.value!r}")
            strangers = {defect.class_name for defect in entry.expected} - set(self.classes)
            if strangers:
                raise ValueError(f"canary frame {entry.frame!r} expects unknown classes {sorted(strangers)}")
        if not needed <= set(self.files):
            raise ValueError(f"files lack {sorted(needed - set(self.files))}")
        return self


def manifest_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the manifest, for whoever writes one."""
    schema = Manifest.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def parse_manifest(text: bytes, *, source: str) -> Manifest:
    """Read a manifest.

    Args:
        text: UTF-8 JSON.
        source: the file, for messages.

    Raises:
        ReleaseUnverified: it is no manifest of this schema; the message names the key.
    """
    try:
        parse_json(text)
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the manifest"
        raise ReleaseUnverified(f"{source}: {where}: {first['msg']} ({error.error_count()} problems)") from error
    except ValueError as error:
        raise ReleaseUnverified(f"{source} is no JSON manifest: {error}") from error
