"""The JSON of what-if questions and their answers."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.serving.fields import Instant, Name
from lineside.serving.stations import OrderIn
from lineside.serving.twin.line_model import Measure, Standing


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Cost = Annotated[float, Field(ge=0, le=1e9)]
Places = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class CostsIn(_Shape):
    """What each thing costs, all in one currency."""

    escape: Cost = Field(default=0.0, description="A defective part that passed.")
    false_call: Cost = Field(default=0.0, description="A good part that was flagged, each time.")
    rework: Cost = Field(default=0.0, description="Of a part, each time.")
    scrap: Cost = Field(default=0.0, description="A part that is lost: scrapped or rejected.")
    late: Cost = Field(default=0.0, description="A part that was longer in the system than `late_after_s`.")

    @model_validator(mode="after")
    def _something_costs(self) -> Self:
        if not any((self.escape, self.false_call, self.rework, self.scrap, self.late)):
            raise ValueError("nothing costs anything, so no option is better than another: give at least one cost")
        return self


class OptionIn(_Shape):
    """One thing that could be done; it changes at least one."""

    name: Name
    threshold: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="The confidence from which a part is flagged."
    )
    stations: Places | None = Field(default=None, description="Stations that look at parts of the one queue.")
    rework_places: Places | None = Field(default=None, description="Parts that can be in rework at once.")
    pace: Annotated[float, Field(ge=0.01, le=100)] | None = Field(
        default=None, description="So many times as fast as parts came."
    )
    order: OrderIn | None = Field(default=None, description="Run this order: parts are like those of its product.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if all(value is None for value in (self.threshold, self.stations, self.rework_places, self.pace, self.order)):
            raise ValueError(f"option {self.name!r} changes nothing; the line as it is needs no option")
        return self


class QuestionIn(_Shape):
    """What is asked of a model, wherever it is asked."""

    product: Name | None = Field(default=None, description="Only parts of it.")
    period_hours: Annotated[float, Field(ge=0.01, le=168)] = Field(
        default=8.0, description="The last period: the model must reproduce it, and options are run on its arrivals."
    )
    learn_hours: Annotated[float, Field(ge=0.01, le=744)] = Field(
        default=24.0, description="Before the last period; what the model learns from to be checked."
    )
    stations: Places | None = Field(
        default=None, description="Stations at the one queue now; by default as many as were ever busy at once."
    )
    rework_places: Places | None = Field(default=None, description="Places of rework now; by default as many as come.")
    handling_s: Seconds = Field(
        default=0.0,
        description="How long a part occupies a station beside the time from its first view to its verdict.",
    )
    late_after_s: Annotated[float, Field(gt=0, le=604_800)] | None = Field(
        default=None, description="Time in the system from which a part is late."
    )
    costs: CostsIn
    options: Annotated[tuple[OptionIn, ...], Field(min_length=1, max_length=12)]
    draws: Annotated[int, Field(ge=5, le=200)] = Field(
        default=20, description="Draws of what the measured inputs may be in truth."
    )
    replications: Annotated[int, Field(ge=2, le=50)] = Field(default=2, description="Runs of each draw.")
    confidence: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = Field(
        default=1, description="The same seed and ledger give the same answer."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [option.name for option in self.options]
        if len(set(names)) != len(names):
            raise ValueError(f"options {names} name one twice")
        if self.costs.late > 0 and self.late_after_s is None:
            raise ValueError("a late part costs something, and nothing says when a part is late: give late_after_s")
        return self


class ScenarioIn(QuestionIn):
    """A what-if question about a station."""

    station: Name
    to: Instant | None = Field(default=None, description="The last period's end; by default now.")
    propose: bool = Field(
        default=False, description="Propose the cheapest option to a person where it is shown to be cheaper."
    )


class EstimateOut(_Shape):
    """A figure with its interval."""

    mean: float
    lower: float
    upper: float
    simulation_error: float = Field(description="Half the width of the interval that more runs would narrow.")


class CheckOut(_Shape):
    """One measure of the last period, held against runs of it."""

    measure: Measure
    observed: float
    expected: float
    lower: float
    upper: float
    is_reproduced: bool


class OptionOut(_Shape):
    """What came of an option, against the line as it is."""

    name: str
    rank: int | None = Field(description="1 is the cheapest; null where it was not run.")
    standing: Standing
    why_not_run: str | None
    measures: Mapping[Measure, EstimateOut]
    differences: Mapping[Measure, EstimateOut] = Field(
        description="To the line as it is, on the same parts; of each measure the intervals hold for all options "
        "together."
    )
    inspection_load: float = Field(description="Utilisation of the stations.")
    rework_load: float = Field(description="Utilisation of the places of rework; 0 where they are as many as come.")


class RefusedOption(_Shape):
    """An option that the ledger cannot carry."""

    name: str
    reason: str


class CurvePointOut(_Shape):
    """What a threshold finds, by the parts that people read."""

    threshold: float
    recall: float
    recall_lower: float
    recall_upper: float
    false_call: float
    false_call_lower: float
    false_call_upper: float


class InputsOut(_Shape):
    """What the model was given, as measured from the ledger."""

    parts: int
    hours: float
    parts_per_hour: float
    ng_rate: float | None
    ng_over_dispersion: float = Field(description="Variance between stretches of time by that of chance; at least 1.")
    inspection_mean_s: float
    stations: int
    most_inspected_at_once: int
    not_inspected_share: float | None
    reworked: int = Field(description="Flagged parts, each time.")
    retested: int
    scrapped: int
    rejected: int
    rework_mean_s: float | None
    rework_places: int | None
    most_reworked_at_once: int
    passed_after_rework: float | None
    flagged_read: int = Field(description="Flagged parts drawn at random and read by people.")
    flagged_defective: int
    audited: int = Field(description="Passed parts drawn at random and read by people.")
    escapes: int
    threshold: float | None = Field(description="Null where classes or times have several.")
    releases: int
    inspection_load: float
    rework_load: float


class ResultOut(_Shape):
    """The answer."""

    is_reproduced: bool = Field(description="Whether the model reproduces the last period; only then it ranks options.")
    message: str
    learned_from: datetime
    period_from: datetime
    period_to: datetime
    checks: tuple[CheckOut, ...]
    as_is: Mapping[Measure, EstimateOut] | None = Field(description="Of the line as it is; null where nothing ranks.")
    options: tuple[OptionOut, ...] = Field(description="The cheapest first; empty where nothing ranks.")
    refused: tuple[RefusedOption, ...]
    curve: tuple[CurvePointOut, ...]
    inputs: InputsOut
    runs: int
    confidence: float
    assumptions: tuple[str, ...]


class CauseOut(_Shape):
    """The alarm that asked."""

    event_type: str
    sequence: int
    event_id: str
    message: str


class ScenarioState(StrEnum):
    """How far a question is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    """The ledger cannot carry it, or no such line can be; `why` says so."""

    FAILED = "failed"
    """The server failed on it, or ended meanwhile; ask again."""


class ScenarioSummary(_Shape):
    """A question and how far it is."""

    id: str
    station: str
    state: ScenarioState
    cause: CauseOut | None = Field(description="Null where a person asked.")
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None
    why: str | None
    proposals: tuple[str, ...] = Field(description="Changes that came of it and wait for a person, by id.")


class ScenarioOut(ScenarioSummary):
    """A question with its answer."""

    question: ScenarioIn
    result: ResultOut | None


class ScenarioList(_Shape):
    """Questions, newest first."""

    items: tuple[ScenarioSummary, ...]


def as_json(model: BaseModel) -> dict[str, Any]:
    """The model as the ledger keeps it."""
    return model.model_dump(mode="json", by_alias=True)
