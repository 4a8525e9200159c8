"""The evaluation as a file: `evaluation.json`, schema "lineside.evaluation/1"."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import canonical_json
from lineside.inspection.verdict import Verdict
from lineside.training.errors import NotAnEvaluation
from lineside.training.evaluation.outcomes import (
    DefectOutcome,
    Evaluation,
    JudgedRelease,
    JudgingRecipe,
    Latency,
    PartOutcome,
)

Share = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, from_attributes=True)


class ReleaseSection(_Section):
    """The release that was judged."""

    name: str
    version: str
    digest: Sha256


class RecipeSection(_Section):
    """The recipe whose rules made the verdicts."""

    id: str
    version: int
    sha256: Sha256


class LatencySection(_Section):
    """Milliseconds of one part alone; parts per second with as many at once as the engine takes."""

    p50: Milliseconds
    p95: Milliseconds
    p99: Milliseconds
    parts: Annotated[int, Field(ge=1)]
    parts_per_s: Annotated[float, Field(ge=0)]
    machine: str


class DefectEntry(_Section):
    """What became of one labelled defect."""

    class_name: str
    box_xyxy_px: tuple[float, float, float, float]
    size_px: Annotated[float, Field(gt=0)]
    size_mm: Annotated[float, Field(gt=0)] | None
    is_found: bool
    is_right_class: bool
    confidence: Share
    view: str


class PartEntry(_Section):
    """What became of one labelled part."""

    part_id: str
    group: str
    product: str | None
    line: str | None
    is_defective: bool
    verdict: Verdict
    defects: tuple[DefectEntry, ...]
    false_calls: Annotated[int, Field(ge=0)]
    image_digests: tuple[Sha256, ...]


class EvaluationFile(_Section):
    """The whole document."""

    schema_name: Annotated[Literal["lineside.evaluation/1"], Field(alias="schema")] = "lineside.evaluation/1"
    release: ReleaseSection
    revision: Annotated[str, Field(description="id of the dataset revision")]
    splits: tuple[str, ...]
    engine: str
    recipe: RecipeSection | None
    truth: Literal["labels", "recipe"]
    thresholds: dict[str, Share]
    parts: tuple[PartEntry, ...]
    figures: dict[str, Any]
    latency_ms: LatencySection | None


def evaluation_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document, for whoever reads one."""
    schema = EvaluationFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def evaluation_text(evaluation: Evaluation) -> str:
    """The canonical JSON of an evaluation: the same one is the same text, byte for byte."""
    content = EvaluationFile.model_validate(evaluation)
    return canonical_json(content.model_dump(mode="json", by_alias=True))


def read_evaluation(text: str | bytes, *, source: str) -> Evaluation:
    """Read what `evaluation_text` wrote.

    Raises:
        NotAnEvaluation: it is no document of this schema, or contradicts itself; the message names the key.
    """
    try:
        content = EvaluationFile.model_validate_json(text)
        return _from_file(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise NotAnEvaluation(f"{source}: {where}: {first['msg']} ({error.error_count()} problems)") from error
    except ValueError as error:
        raise NotAnEvaluation(f"{source}: {error}") from error


def _from_file(content: EvaluationFile) -> Evaluation:
    return Evaluation(
        release=JudgedRelease(**dict(content.release)),
        revision=content.revision,
        splits=content.splits,
        engine=content.engine,
        recipe=None if content.recipe is None else JudgingRecipe(**dict(content.recipe)),
        truth=content.truth,
        thresholds=content.thresholds,
        parts=tuple(
            PartOutcome(**{**dict(part), "defects": tuple(DefectOutcome(**dict(defect)) for defect in part.defects)})
            for part in content.parts
        ),
        figures=content.figures,
        latency_ms=None if content.latency_ms is None else Latency(**dict(content.latency_ms)),
    )
