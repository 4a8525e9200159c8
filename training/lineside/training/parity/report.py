"""What was measured of each engine: the record, its file, and the section of a release's manifest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.training.errors import ParityRefused

SCHEMA = "lineside.parity/1"
PARITY_NAME = "parity.json"


@dataclass(frozen=True, slots=True)
class EngineParity:
    """One engine against the trained network. Shares are of 1; differences are the engine's less the network's.

    Attributes:
        frames: compared.
        defects: labelled in them.
        matched: detections that both have; see `BoxDifferences` for this and what follows.
        crossed: of these, on different sides of their threshold.
        unmatched: detections that only one of them has.
        mean_box_difference_px: of matched boxes.
        max_box_difference_px: of matched boxes.
        mean_score_difference: of matched boxes.
        max_score_difference: of matched boxes.
        map50_95: the engine's, with the serving detector's decoding; None without labelled defects.
        delta_map50_95: likewise.
        recall: the engine's, at the thresholds.
        delta_recall: likewise.
        is_offered: within the limits.
        limit: the limits that it was held against, by name.
        reason: why it is not offered; empty if it is.
    """

    frames: int
    defects: int
    matched: int
    crossed: int
    unmatched: int
    mean_box_difference_px: float
    max_box_difference_px: float
    mean_score_difference: float
    max_score_difference: float
    map50_95: float | None
    delta_map50_95: float | None
    recall: float | None
    delta_recall: float | None
    is_offered: bool
    limit: Mapping[str, float]
    reason: str

    def as_record(self) -> dict[str, Any]:
        """JSON values, figures rounded to six digits."""
        record = asdict(self) | {"limit": dict(self.limit)}
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in record.items()}


@dataclass(frozen=True, slots=True)
class ParityReport:
    """All engines of one model.

    Attributes:
        release: name and version of what was measured.
        model_sha256: of its ONNX file, lowercase hex.
        int8_model_sha256: of its int8 file; None if it has none.
        network: what the engines were compared with, in words.
        data: which frames, in words or as revision and splits.
        thresholds: confidence by class name.
        limits: by name, see `ParityLimits`.
        network_map50_95: of the trained network; None without labelled defects.
        network_recall: of the trained network at the thresholds.
        engines: by name.
        unavailable: engines that this host cannot run, with the reason.
        machine: the processor.
        versions: of torch and the engines' libraries.
    """

    release: str
    model_sha256: str
    int8_model_sha256: str | None
    network: str
    data: Mapping[str, Any]
    thresholds: Mapping[str, float]
    limits: Mapping[str, float]
    network_map50_95: float | None
    network_recall: float | None
    engines: Mapping[str, EngineParity]
    unavailable: Mapping[str, str]
    machine: str
    versions: Mapping[str, str]

    @property
    def offered(self) -> tuple[str, ...]:
        """Names of the engines within their limits."""
        return tuple(name for name, engine in self.engines.items() if engine.is_offered)

    def section(self) -> dict[str, Any]:
        """The manifest's `parity`: JSON values."""
        document = self.as_document()
        del document["schema"]
        return document

    def as_document(self) -> dict[str, Any]:
        """The file's content: JSON values."""
        document = asdict(self)
        for key in ("network_map50_95", "network_recall"):
            document[key] = None if document[key] is None else round(document[key], 6)
        engines = {name: engine.as_record() for name, engine in self.engines.items()}
        return {"schema": SCHEMA, **document, "engines": engines}

    def to_json(self) -> str:
        """The text of `parity.json`."""
        return json.dumps(self.as_document(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str = PARITY_NAME) -> "ParityReport":
        """Read what `to_json` wrote.

        Raises:
            ParityRefused: it is no document of this schema; the message names the key.
        """
        try:
            content = _Document.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the document"
            raise ParityRefused(f"{source}: {where}: {first['msg']} ({error.error_count()} problems)") from error
        fields = dict(content)
        del fields["schema_name"]
        engines = {name: EngineParity(**dict(entry)) for name, entry in content.engines.items()}
        return cls(**(fields | {"engines": engines}))

    def require_model(self, model: bytes, *, source: str) -> None:
        """Refuse figures that were measured of another model.

        Raises:
            ParityRefused: the model's digest is another one.
        """
        found = hashlib.sha256(model).hexdigest()
        if found != self.model_sha256:
            raise ParityRefused(
                f"the parity figures are of a model with SHA-256 {self.model_sha256[:12]}, {source} has "
                f"{found[:12]}; measure again with `lineside parity`"
            )


_Share = Annotated[float, Field(ge=0, le=1)]
_Delta = Annotated[float, Field(ge=-1, le=1)]
_Count = Annotated[int, Field(ge=0)]
_Distance = Annotated[float, Field(ge=0)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Engine(_Section):
    frames: _Count
    defects: _Count
    matched: _Count
    crossed: _Count
    unmatched: _Count
    mean_box_difference_px: _Distance
    max_box_difference_px: _Distance
    mean_score_difference: _Distance
    max_score_difference: _Distance
    map50_95: _Share | None
    delta_map50_95: _Delta | None
    recall: _Share | None
    delta_recall: _Delta | None
    is_offered: bool
    limit: dict[str, int | float]
    reason: str


class _Document(_Section):
    schema_name: Annotated[Literal["lineside.parity/1"], Field(alias="schema")]
    release: str
    model_sha256: _Sha256
    int8_model_sha256: _Sha256 | None
    network: str
    data: dict[str, Any]
    thresholds: dict[str, _Share]
    limits: dict[str, int | float]
    network_map50_95: _Share | None
    network_recall: _Share | None
    engines: dict[str, _Engine]
    unavailable: dict[str, str]
    machine: str
    versions: dict[str, str]
