"""The gate report as a file: canonical JSON, schema "lineside.gate/1"."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from lineside.inspection.canonical_json import canonical_json, parse_canonical_json
from lineside.training.errors import NotAGateReport
from lineside.training.evaluation.outcomes import JudgedRelease, JudgingRecipe
from lineside.training.gate.criteria import Criterion, Outcome
from lineside.training.gate.pairs import Scope
from lineside.training.gate.report import GATE_SCHEMA, GateKind, GateReport, Overall, Override, ScopeResult

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, from_attributes=True)


class ReleaseEntry(_Section):
    """A release."""

    name: str
    version: str
    digest: Sha256


class RecipeEntry(_Section):
    """A recipe."""

    id: str
    version: int
    sha256: Sha256


class DataEntry(_Section):
    """The labelled data."""

    revision: str
    split: str
    escape_bank: Annotated[str | None, Field(description="Revision of the escape bank.")]
    sealed_looks: Annotated[int | None, Field(description="Looks at the sealed split, this one included.")]


class CriterionEntry(_Section):
    """One question with its answer."""

    id: str
    title: str
    outcome: Outcome
    blocks: Annotated[bool, Field(description="Whether it stands in the way of promotion.")]
    figure: float | None
    limit: float | None
    detail: str
    counts: dict[str, int]


class ScopeEntry(_Section):
    """One product on one line; null where the data names none."""

    product: str | None
    line: str | None
    criteria: tuple[CriterionEntry, ...]
    passed: Annotated[bool, Field(description="Nothing blocks here, nor among the criteria of every scope.")]


class OverrideEntry(_Section):
    """Who takes the responsibility, and why."""

    name: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]


class GateFile(_Section):
    """The whole document."""

    schema_name: Annotated[Literal["lineside.gate/1"], Field(alias="schema")]
    kind: GateKind
    candidate: ReleaseEntry
    live: ReleaseEntry | None
    candidate_recipe: RecipeEntry | None
    live_recipe: RecipeEntry | None
    data: DataEntry
    engine: str
    criteria: Annotated[tuple[CriterionEntry, ...], Field(description="Those that concern every scope.")]
    scopes: Annotated[tuple[ScopeEntry, ...], Field(min_length=1)]
    overall: Overall
    override: OverrideEntry | None
    policy: dict[str, Any]
    created_at: AwareDatetime


def gate_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the report, for whoever reads one."""
    schema = GateFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def report_bytes(report: GateReport) -> bytes:
    """The canonical JSON of a report: the same one is the same bytes."""
    passed = set(report.passed_scopes)
    content = {
        "schema": GATE_SCHEMA,
        "kind": report.kind.value,
        "candidate": _release(report.candidate),
        "live": None if report.live is None else _release(report.live),
        "candidate_recipe": _recipe(report.candidate_recipe),
        "live_recipe": _recipe(report.live_recipe),
        "data": {
            "revision": report.revision,
            "split": report.split,
            "escape_bank": report.escape_bank,
            "sealed_looks": report.sealed_looks,
        },
        "engine": report.engine,
        "criteria": [_criterion(criterion) for criterion in report.criteria],
        "scopes": [
            {
                "product": result.scope.product or None,
                "line": result.scope.line or None,
                "criteria": [_criterion(criterion) for criterion in result.criteria],
                "passed": result.scope in passed,
            }
            for result in report.scopes
        ],
        "overall": report.overall.value,
        "override": None
        if report.override is None
        else {"name": report.override.name, "reason": report.override.reason},
        "policy": dict(report.policy),
        "created_at": report.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    return canonical_json(content).encode()


def read_report(content: bytes, *, source: str) -> GateReport:
    """Read what `report_bytes` wrote; what it concludes must follow from its criteria.

    Raises:
        NotAGateReport: it is none of this schema, not in its canonical spelling, or contradicts itself.
    """
    try:
        value = parse_canonical_json(content)
        file = GateFile.model_validate_json(content)
        report = _from_file(file)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise NotAGateReport(f"{source}: {where}: {first['msg']} ({error.error_count()} problems)") from error
    except ValueError as error:
        raise NotAGateReport(f"{source}: {error}") from error
    if canonical_json(value).encode() != report_bytes(report):
        raise NotAGateReport(
            f"{source} contradicts itself: what it says of passing does not follow from its criteria; "
            "run the gate again"
        )
    return report


def _release(release: JudgedRelease) -> dict[str, Any]:
    return {"name": release.name, "version": release.version, "digest": release.digest}


def _recipe(recipe: JudgingRecipe | None) -> dict[str, Any] | None:
    return None if recipe is None else {"id": recipe.id, "version": recipe.version, "sha256": recipe.sha256}


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return {
        "id": criterion.id,
        "title": criterion.title,
        "outcome": criterion.outcome.value,
        "blocks": criterion.blocks,
        "figure": criterion.figure,
        "limit": criterion.limit,
        "detail": criterion.detail,
        "counts": dict(criterion.counts),
    }


def _from_file(file: GateFile) -> GateReport:
    return GateReport(
        kind=file.kind,
        candidate=JudgedRelease(**dict(file.candidate)),
        live=None if file.live is None else JudgedRelease(**dict(file.live)),
        candidate_recipe=None if file.candidate_recipe is None else JudgingRecipe(**dict(file.candidate_recipe)),
        live_recipe=None if file.live_recipe is None else JudgingRecipe(**dict(file.live_recipe)),
        revision=file.data.revision,
        split=file.data.split,
        escape_bank=file.data.escape_bank,
        engine=file.engine,
        criteria=tuple(Criterion(**dict(entry)) for entry in file.criteria),
        scopes=tuple(
            ScopeResult(
                Scope(entry.product or "", entry.line or ""),
                tuple(Criterion(**dict(criterion)) for criterion in entry.criteria),
            )
            for entry in file.scopes
        ),
        override=None if file.override is None else Override(file.override.name, file.override.reason),
        policy=file.policy,
        sealed_looks=file.data.sealed_looks,
        created_at=_utc(file.created_at),
    )


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
