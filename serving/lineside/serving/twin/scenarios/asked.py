"""What is asked of a station's model, without a word of HTTP, and how the ledger turns it into a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from lineside.serving.errors import ScenarioRefused
from lineside.serving.twin.line_model import Change, Costs
from lineside.serving.twin.scenarios.answering import Question
from lineside.serving.twin.scenarios.measuring import MeasuredLine, arrivals_of, measure_line, observed
from lineside.serving.twin.scenarios.seen import SeenAttempt, attempts_between

FEWEST_CHECKED = 30
"""Parts of the last period; what fewer show, any model reproduces."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that could be done.

    Attributes:
        change: to the line.
        product: whose measured inputs hold then; None for those of the question.
    """

    change: Change
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A what-if question about a station.

    Attributes:
        station: which.
        product: only parts of it; None for all.
        learn_from: aware UTC; inputs are measured from then on.
        period_from: the last period begins, and what the check learns from ends.
        period_to: the last period ends.
        stations: that look at parts now; None for as many as were ever busy at once.
        rework_places: that work at once now; None for as many as come.
        handling_s: that a part occupies a station beside the time to its verdict.
        late_after_s: None if no part is ever late.
        options: by name.
        costs: of outcomes.
        draws: of the inputs.
        replications: runs of each draw.
        confidence: of the intervals.
        seed: of all chances.
        is_simulated: parts of a simulated line, or of a real one.
    """

    station: str
    product: str | None
    learn_from: datetime
    period_from: datetime
    period_to: datetime
    stations: int | None
    rework_places: int | None
    handling_s: float
    late_after_s: float | None
    options: Mapping[str, Option]
    costs: Costs
    draws: int
    replications: int
    confidence: float
    seed: int
    is_simulated: bool


def question_of(connection: Connection, plant: str, asked: Asked) -> Question:
    """Measure everything that the question needs.

    Raises:
        ScenarioRefused: the ledger cannot carry it; says how many parts are missing.
    """
    read = partial(
        attempts_between,
        connection,
        plant,
        asked.station,
        start=asked.learn_from,
        end=asked.period_to,
        is_simulated=asked.is_simulated,
    )
    attempts = read(product=asked.product)
    arrivals_s = arrivals_of(attempts, start=asked.period_from, end=asked.period_to)
    if len(arrivals_s) < FEWEST_CHECKED:
        raise ScenarioRefused(
            f"{len(arrivals_s)} parts came to station {asked.station!r} in the last period, from "
            f"{asked.period_from:%Y-%m-%d %H:%M} to {asked.period_to:%Y-%m-%d %H:%M} UTC; a model is checked on at "
            f"least {FEWEST_CHECKED}: ask of a longer period, or of one in which the line ran"
        )
    products = {option.product for option in asked.options.values() if option.product not in {None, asked.product}}
    by_product = {product: _whole(read(product=product), asked) for product in products}
    return Question(
        learned=_measured(attempts, asked, end=asked.period_from),
        whole=_whole(attempts, asked),
        others={
            name: by_product[option.product] for name, option in asked.options.items() if option.product in products
        },
        arrivals_s=arrivals_s,
        span_s=(asked.period_to - asked.period_from).total_seconds(),
        observed=observed(attempts, start=asked.period_from, end=asked.period_to, handling_s=asked.handling_s),
        changes={name: option.change for name, option in asked.options.items()},
        costs=asked.costs,
        late_after_s=asked.late_after_s,
        draws=asked.draws,
        replications=asked.replications,
        confidence=asked.confidence,
        seed=asked.seed,
    )


def _whole(attempts: Sequence[SeenAttempt], asked: Asked) -> MeasuredLine:
    return _measured(attempts, asked, end=asked.period_to)


def _measured(attempts: Sequence[SeenAttempt], asked: Asked, *, end: datetime) -> MeasuredLine:
    return measure_line(
        attempts,
        start=asked.learn_from,
        end=end,
        known_until=asked.period_to,
        stations=asked.stations,
        rework_places=asked.rework_places,
        handling_s=asked.handling_s,
    )
