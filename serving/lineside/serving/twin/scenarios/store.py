"""Reading and writing what-if questions in the ledger."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from lineside.serving.errors import Shed, UnknownScenario
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.scenario_tables import scenarios
from lineside.serving.twin.scenarios.schemas import (
    CauseOut,
    ResultOut,
    ScenarioIn,
    ScenarioOut,
    ScenarioState,
    ScenarioSummary,
    as_json,
)

MOST_WAITING = 8
"""Questions that wait; each takes up to some minutes."""

_RETRY_AFTER_S = 60

_SUMMARY = [column for column in scenarios.c if column.name not in {"question", "result"}]
"""A list reads no answers, which are by far the longest part of a question."""


def add(transaction: Transaction, asked: ScenarioIn, *, cause: CauseOut | None, by: str) -> ScenarioOut:
    """Write a question down; the same alarm asks once.

    Raises:
        Shed: too many wait.
    """
    connection = transaction.connection
    if cause is not None:
        standing = _of_cause(connection, transaction.plant, asked.station, cause)
        if standing is not None:
            return standing
    waiting = connection.execute(
        select(func.count())
        .select_from(scenarios)
        .where(
            scenarios.c.plant == transaction.plant,
            scenarios.c.state.in_((ScenarioState.QUEUED.value, ScenarioState.RUNNING.value)),
        )
    ).scalar_one()
    if waiting >= MOST_WAITING:
        raise Shed(
            f"{waiting} what-if questions wait; expected at most {MOST_WAITING}: ask again when some have ended",
            retry_after_s=_RETRY_AFTER_S,
        )
    scenario_id = transaction.new_id()
    connection.execute(
        insert(scenarios).values(
            id=scenario_id,
            plant=transaction.plant,
            station=asked.station,
            state=ScenarioState.QUEUED.value,
            question=as_json(asked),
            cause=None if cause is None else as_json(cause),
            requested_by=by,
            requested_at=transaction.now(),
            proposals=[],
        )
    )
    return find(connection, transaction.plant, scenario_id)


def begin_next(transaction: Transaction) -> ScenarioOut | None:
    """Take the oldest question that waits; None if none does."""
    row = transaction.connection.execute(
        select(scenarios)
        .where(scenarios.c.plant == transaction.plant, scenarios.c.state == ScenarioState.QUEUED.value)
        .order_by(scenarios.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    transaction.connection.execute(
        update(scenarios).where(scenarios.c.id == row.id).values(state=ScenarioState.RUNNING.value)
    )
    return find(transaction.connection, transaction.plant, row.id)


def end(
    transaction: Transaction,
    scenario_id: str,
    state: ScenarioState,
    *,
    result: ResultOut | None = None,
    why: str | None = None,
    proposals: Sequence[str] = (),
) -> None:
    """Write the answer down, or why there is none."""
    transaction.connection.execute(
        update(scenarios)
        .where(scenarios.c.plant == transaction.plant, scenarios.c.id == scenario_id)
        .values(
            state=state.value,
            ended_at=transaction.now(),
            result=None if result is None else as_json(result),
            why=why,
            proposals=list(proposals),
        )
    )


def requeue_running(transaction: Transaction) -> None:
    """What was being answered when the server stopped waits again."""
    transaction.connection.execute(
        update(scenarios)
        .where(scenarios.c.plant == transaction.plant, scenarios.c.state == ScenarioState.RUNNING.value)
        .values(state=ScenarioState.QUEUED.value)
    )


def find(connection: Connection, plant: str, scenario_id: str) -> ScenarioOut:
    """One question.

    Raises:
        UnknownScenario: there is none.
    """
    row = connection.execute(
        select(scenarios).where(scenarios.c.plant == plant, scenarios.c.id == scenario_id)
    ).one_or_none()
    if row is None:
        raise UnknownScenario(f"no what-if question {scenario_id!r}; GET /v1/twin/scenarios lists them")
    return _out(row)


def newest(
    connection: Connection, plant: str, *, station: str | None, state: ScenarioState | None, limit: int
) -> Sequence[ScenarioSummary]:
    """Questions, newest first."""
    query = select(*_SUMMARY).where(scenarios.c.plant == plant)
    if station is not None:
        query = query.where(scenarios.c.station == station)
    if state is not None:
        query = query.where(scenarios.c.state == state.value)
    rows = connection.execute(query.order_by(scenarios.c.id.desc()).limit(limit))
    return [ScenarioSummary(**_summary(row)) for row in rows]


def last_asked_by_alarm(connection: Connection, plant: str, station: str) -> ScenarioSummary | None:
    """The newest question that an alarm of a station asked."""
    row = connection.execute(
        select(*_SUMMARY)
        .where(scenarios.c.plant == plant, scenarios.c.station == station, scenarios.c.cause.is_not(None))
        .order_by(scenarios.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else ScenarioSummary(**_summary(row))


def _of_cause(connection: Connection, plant: str, station: str, cause: CauseOut) -> ScenarioOut | None:
    row = connection.execute(
        select(scenarios)
        .where(scenarios.c.plant == plant, scenarios.c.station == station, scenarios.c.cause == as_json(cause))
        .limit(1)
    ).one_or_none()
    return None if row is None else _out(row)


def _summary(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "station": row.station,
        "state": ScenarioState(row.state),
        "cause": None if row.cause is None else CauseOut.model_validate(row.cause),
        "requested_by": row.requested_by,
        "requested_at": row.requested_at,
        "ended_at": row.ended_at,
        "why": row.why,
        "proposals": tuple(row.proposals),
    }


def _out(row: Row[Any]) -> ScenarioOut:
    return ScenarioOut(
        **_summary(row),
        question=ScenarioIn.model_validate(row.question),
        result=None if row.result is None else ResultOut.model_validate(row.result),
    )
