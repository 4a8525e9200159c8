"""Carrying out what the machine asks for: each effect is begun at once, and its end comes back as a happening."""

import math
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import structlog

from lineside.client import InspectionAnswer
from lineside.client.clock import Clock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.agent.flow import Outcome, PartFlow, Trigger
from lineside.station.agent.journal import Journal
from lineside.station.agent.making import Making
from lineside.station.agent.supervision import Tasks
from lineside.station.agent.unwritten import Unwritten
from lineside.station.machine import (
    Acquire,
    DefectPlace,
    Dispose,
    Effect,
    Judged,
    RecordNotInspected,
    Report,
    Severity,
)
from lineside.station.spool import DispositionRecord, RecordContradicts, ReportRecord, SpoolError

_LONGEST_WAIT_S: Final = 60.0
"""For a verdict, where only the encoder tells when it is late: a line may stand for hours."""
_MOST_REMEMBERED: Final = 4096
_MOST_NAMED: Final = 1000
"""Inspections in a report's evidence, of which the server takes 64 KiB: 40 bytes each."""
_LEVELS: Final = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ALARM: "error"}
_log = structlog.get_logger("lineside.station")


class Effects:
    """Begins what the machine asks for.

    Args:
        flow: takes parts from trigger to verdict.
        journal: where fates and reports are written down.
        tasks: keeps what was begun.
        identifiers: names records.
        clock: the station's.
        making: what is being made now: a report is about its lot, also if the server hears of it after the next began.
        on_record: told when something was written that the server should have.
    """

    def __init__(
        self,
        flow: PartFlow,
        *,
        journal: Journal,
        tasks: Tasks,
        identifiers: IdentifierSource,
        clock: Clock,
        making: Callable[[], Making],
        on_record: Callable[[], None],
    ) -> None:
        self._flow = flow
        self._journal = journal
        self._tasks = tasks
        self._identifiers = identifiers
        self._clock = clock
        self._making = making
        self._on_record = on_record
        self._attempts: OrderedDict[int, str] = OrderedDict()
        self._unwritten = Unwritten(journal, clock=clock)

    def carry_out(self, effect: Effect, since_s: float = -math.inf) -> None:
        """Begin an effect; returns at once.

        Args:
            effect: what is to be done.
            since_s: monotonic; a trigger that the effect is about was not there before.
        """
        match effect:
            case Acquire():
                now_s = self._clock.monotonic()
                until_s = effect.until_s if math.isfinite(effect.until_s) else now_s + _LONGEST_WAIT_S
                trigger = Trigger(
                    self._new_attempt(effect.acquisition_id),
                    effect.acquisition_id,
                    effect.encoder,
                    effect.part_id,
                    since_s,
                    now_s,
                    until_s,
                )
                self._tasks.start(
                    f"part of trigger {effect.acquisition_id}", self._follow(trigger, self._flow.follow(trigger))
                )
            case RecordNotInspected():
                now_s = self._clock.monotonic()
                trigger = Trigger(
                    self._new_attempt(effect.acquisition_id),
                    effect.acquisition_id,
                    effect.encoder,
                    effect.part_id,
                    since_s,
                    now_s,
                    now_s,
                )
                self._tasks.start(
                    f"part of trigger {effect.acquisition_id}",
                    self._follow(trigger, self._flow.note(trigger, code=effect.code, message=effect.message)),
                )
            case Dispose():
                # whose fate it is stands now: by the time the task runs, its number may be the next part's
                attempt_id = self._attempts.get(effect.acquisition_id)
                self._tasks.start(f"fate of trigger {effect.acquisition_id}", self._dispose(effect, attempt_id))
            case Report():
                attempt_id = None if effect.acquisition_id is None else self._attempts.get(effect.acquisition_id)
                self._tasks.start(
                    f"report {effect.kind}", self._report(effect, attempt_id, lot=self._making().context.lot)
                )

    def disk_is_back(self) -> None:
        """What it did not take is written now."""
        self._tasks.start("what the disk did not take", self._write_again())

    def part_of(self, acquisition_id: int) -> str | None:
        """The record of the part that had this trigger last."""
        return self._attempts.get(acquisition_id)

    def _new_attempt(self, acquisition_id: int) -> str:
        attempt_id = str(self._identifiers.uuid7())
        self._attempts.pop(acquisition_id, None)
        self._attempts[acquisition_id] = attempt_id
        while len(self._attempts) > _MOST_REMEMBERED:
            self._attempts.popitem(last=False)
        return attempt_id

    async def _follow(self, trigger: Trigger, work: Coroutine[Any, Any, bool]) -> None:
        if not await work:
            self._unwritten.keep_unjudged(trigger.id)
            if self._journal.trouble is None:  # it was the record, not the disk: no DiskBack comes
                await self._write_again()

    async def _write_again(self) -> None:
        await self._unwritten.write()
        self._on_record()

    async def _dispose(self, effect: Dispose, attempt_id: str | None) -> None:
        if attempt_id is None:
            _log.error("fate_of_unknown_part", acquisition_id=effect.acquisition_id)
            return
        record = DispositionRecord(attempt_id, effect.lane, effect.is_confirmed, self._clock.now())
        try:
            await self._journal.disposed(record)
        except RecordContradicts as error:
            _log.error("fate_not_recorded", why=str(error))  # its trigger found no room on the disk either
        except SpoolError as error:
            _log.error("fate_not_recorded", why=str(error))
            self._unwritten.keep_fate(record)
        self._on_record()

    async def _report(self, effect: Report, attempt_id: str | None, *, lot: str | None) -> None:
        getattr(_log, _LEVELS[effect.severity])(
            effect.kind, message=effect.message, acquisition_id=effect.acquisition_id
        )
        try:
            if effect.kind == "master_passed" and attempt_id is not None:
                await self._journal.all_well(attempt_id)
            in_doubt = await self._journal.in_doubt() if effect.kind == "master_missed" else {}
            for doubtful, inspections in (in_doubt or {lot: ()}).items():
                await self._journal.reported(self._record(effect, lot=doubtful, inspections=inspections))
        except SpoolError as error:
            _log.error("report_not_recorded", kind=effect.kind, why=str(error))
        self._on_record()

    def _record(self, effect: Report, *, lot: str | None, inspections: Sequence[str]) -> ReportRecord:
        """A report about one lot; the inspections of it that are in doubt are its evidence, the newest by name."""
        evidence = dict(effect.evidence)
        if inspections:
            evidence |= {
                "inspections_since_last_pass": list(inspections[-_MOST_NAMED:]),
                "first_since_last_pass": inspections[0],
                "number_since_last_pass": len(inspections),
            }
        return ReportRecord(
            str(self._identifiers.uuid7()),
            effect.kind,
            effect.severity.value,
            effect.message,
            self._clock.now(),
            acquisition_id=effect.acquisition_id,
            lot=lot,
            evidence=evidence or None,
        )


def as_judged(outcome: Outcome) -> Judged:
    """A part's record in the machine's words."""
    found = outcome.found
    places = tuple(
        DefectPlace(
            defect.view,
            defect.class_name,
            (
                (defect.box_xyxy_px[0] + defect.box_xyxy_px[2]) / 2,
                (defect.box_xyxy_px[1] + defect.box_xyxy_px[3]) / 2,
            ),
        )
        for defect in found.defects
    )
    return Judged(
        outcome.acquisition_id,
        outcome.master or outcome.part_id,
        outcome.verdict,
        code=_code(outcome),
        is_audit=isinstance(found, InspectionAnswer) and found.audit,
        is_nameless=outcome.is_nameless,
        places=places,
    )


def report_of(outcome: Outcome) -> Report | None:
    """What the plant is told of a part that has no name, or got no answer of its own; None for all others."""
    if outcome.is_wrong_answer:
        return Report("wrong_part", Severity.ALARM, outcome.message, outcome.acquisition_id)
    if outcome.code in (ReasonCode.CODE_UNREAD.value, ReasonCode.CODE_DUPLICATE.value):
        return Report(outcome.code, Severity.WARNING, outcome.message, outcome.acquisition_id)
    return None


def _code(outcome: Outcome) -> ReasonCode | None:
    """Why a part was not inspected; a newer server may know reasons that we do not."""
    if outcome.verdict is not Verdict.NOT_INSPECTED:
        return None
    known = {code.value for code in ReasonCode}
    return ReasonCode(outcome.code) if outcome.code in known else ReasonCode.STATION_FAULT
