"""What-if questions: taken, answered one after another in a process of their own, and kept with their answers."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from lineside.inspection.errors import LinesideError
from lineside.serving.clock import Clock
from lineside.serving.errors import ScenarioRefused
from lineside.serving.idempotency import RequestKey, answered_once
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.settings import Settings
from lineside.serving.stations import StationDirectory
from lineside.serving.twin.line_model import Change, Costs, ImpossibleLine
from lineside.serving.twin.scenarios import store
from lineside.serving.twin.scenarios.asked import Asked, Option
from lineside.serving.twin.scenarios.errors import ScenarioAborted
from lineside.serving.twin.scenarios.proposing import Proposing
from lineside.serving.twin.scenarios.schemas import (
    CauseOut,
    OptionIn,
    ScenarioIn,
    ScenarioOut,
    ScenarioState,
    ScenarioSummary,
    as_json,
)
from lineside.serving.twin.scenarios.wording import result_of
from lineside.serving.twin.scenarios.worker import Answering, answer_in_process

_log = structlog.get_logger(__name__)

_TRY_AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a request that is sent again the same one.

    Attributes:
        key: as the client sent it.
        caller: identifier of its API key.
    """

    key: RequestKey
    caller: str


class ScenarioService:
    """Answers what-if questions about the plant's stations.

    Args:
        settings: where the ledger is, and whether its line is a simulated one.
        clock: what "now" is.
        ledger: what is read, and where answers are kept.
        stations: that can be asked of.
        proposing: puts what is shown to be cheaper before a person.
        answering: measures and simulates.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        stations: StationDirectory,
        proposing: Proposing,
        answering: Answering = answer_in_process,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._stations = stations
        self._proposing = proposing
        self._answering = answering
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.create_task(self._run_forever())

    async def stop(self) -> None:
        """End; a question that is being answered is asked again at the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def ask(
        self, asked: ScenarioIn, *, by: str, cause: CauseOut | None = None, once: Once | None = None
    ) -> ScenarioOut:
        """Take a question; it is answered when those before it are.

        Args:
            asked: the question.
            by: who asks.
            cause: the alarm that does; the same alarm asks once.
            once: the request's idempotency key.

        Raises:
            IdempotencyConflict: the key stands for another question.
            UnknownStation: there is none of that name.
            ImpossibleLine: a number that no line can have.
            Shed: too many questions wait.
        """
        self._stations.get(asked.station)
        fixed = asked if asked.to is not None else asked.model_copy(update={"to": self._clock.now()})
        self._as_asked(fixed)

        def write(transaction: Transaction) -> Mapping[str, Any]:
            return answered_once(
                transaction,
                None if once is None else once.key,
                caller="" if once is None else once.caller,
                request_body=as_json(asked),
                inspection_id=None,
                act=lambda: as_json(store.add(transaction, fixed, cause=cause, by=by)),
            )

        scenario = ScenarioOut.model_validate(await self._ledger.write(write))
        self._asked.set()
        return scenario

    async def get(self, scenario_id: str) -> ScenarioOut:
        """One question and how far it is.

        Raises:
            UnknownScenario: there is none.
        """
        return await self._ledger.read(partial(store.find, plant=self._ledger.plant, scenario_id=scenario_id))

    async def newest(
        self, *, station: str | None, state: ScenarioState | None, limit: int
    ) -> Sequence[ScenarioSummary]:
        """Questions, newest first."""
        return await self._ledger.read(
            partial(store.newest, plant=self._ledger.plant, station=station, state=state, limit=limit)
        )

    async def last_asked_by_alarm(self, station: str) -> ScenarioSummary | None:
        """The newest question that an alarm of a station asked."""
        return await self._ledger.read(partial(store.last_asked_by_alarm, plant=self._ledger.plant, station=station))

    async def _run_forever(self) -> None:
        """Answer what waits, the oldest first."""
        is_resumed = False
        while True:
            try:
                if not is_resumed:
                    await self._ledger.write(store.requeue_running)
                    is_resumed = True
                self._asked.clear()
                while (scenario := await self._ledger.write(store.begin_next)) is not None:
                    await self._answer(scenario)
                await self._asked.wait()
            except LinesideError as error:  # the ledger is away for a moment
                _log.warning("scenarios_wait", reason=str(error))
                is_resumed = False  # what could not be ended is asked again
                await asyncio.sleep(_TRY_AGAIN_S)

    async def _answer(self, scenario: ScenarioOut) -> None:
        end = partial(store.end, scenario_id=scenario.id)
        try:
            asked = self._as_asked(scenario.question)
            found = await self._answering(asked, ledger_url=self._settings.ledger_url, plant=self._ledger.plant)
            result = result_of(found, asked)
            proposals: tuple[str, ...] = ()
            if scenario.question.propose:
                proposals = await self._proposing.propose(scenario, result, by=scenario.requested_by)
        except (ScenarioRefused, ImpossibleLine) as error:
            await self._ledger.write(partial(end, state=ScenarioState.REFUSED, why=str(error)))
            return
        except ScenarioAborted as error:
            await self._ledger.write(partial(end, state=ScenarioState.FAILED, why=str(error)))
            return
        except Exception as error:  # noqa: BLE001 - a fault of the model must not end the answering of others
            _log.error("scenario_failed", scenario=scenario.id, exc_info=error)
            why = f"the server failed on it ({type(error).__name__}); its log says why"
            await self._ledger.write(partial(end, state=ScenarioState.FAILED, why=why))
            return
        await self._ledger.write(partial(end, state=ScenarioState.DONE, result=result, proposals=proposals))

    def _as_asked(self, question: ScenarioIn) -> Asked:
        period_to = self._clock.now() if question.to is None else question.to
        period_from = period_to - timedelta(hours=question.period_hours)
        return Asked(
            station=question.station,
            product=question.product,
            learn_from=period_from - timedelta(hours=question.learn_hours),
            period_from=period_from,
            period_to=period_to,
            stations=question.stations,
            rework_places=question.rework_places,
            handling_s=question.handling_s,
            late_after_s=question.late_after_s,
            options={option.name: _option(option) for option in question.options},
            costs=Costs(**question.costs.model_dump()),
            draws=question.draws,
            replications=question.replications,
            confidence=question.confidence,
            seed=question.seed,
            is_simulated=self._settings.is_simulated,
        )


def _option(option: OptionIn) -> Option:
    change = Change(
        threshold=option.threshold,
        stations=option.stations,
        rework_places=option.rework_places,
        pace=option.pace,
    )
    return Option(change, None if option.order is None else option.order.product)
