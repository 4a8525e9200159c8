"""The station's machine: one step a scan, pure, without a clock of its own."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.machine.condition import Condition
from lineside.station.machine.effects import Acquire, Dispose, Effect, RecordNotInspected, Report, Severity
from lineside.station.machine.encoder_watch import EncoderWatch
from lineside.station.machine.happenings import Acquired, AcquisitionFailed, Happening, Judged, JudgeFailed, Recorded
from lineside.station.machine.masters import Masters
from lineside.station.machine.parts import Reach, Stage, TrackedPart
from lineside.station.machine.result_handshake import ResultHandshake
from lineside.station.machine.rules import MachineRules
from lineside.station.machine.states import TAKES_TRIGGERS, next_state
from lineside.station.machine.stop_rules import StopRules
from lineside.station.machine.trigger_handshake import NewTrigger, TriggerHandshake
from lineside.station.machine.trigger_writes import TriggerWrites
from lineside.station.rig.records import MAX_WORD, Confirmation, Inputs, Lane, Outputs, StationState

_SILENT: Final = Inputs(
    online=False,
    trigger=False,
    trigger_id=0,
    encoder=0,
    part_id=None,
    results_ack=False,
    results_ack_id=0,
    confirmed=(),
    bypass=False,
    reset=False,
    heartbeat=0,
    stopped=False,
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one scan came to.

    Attributes:
        outputs: for the PLC.
        effects: for the runtime, in order.
    """

    outputs: Outputs
    effects: tuple[Effect, ...]


class StationMachine:
    """Decides everything that a station does. A new one knows of no part: nothing of before a restart gets a permit.

    Args:
        rules: by which it acts.
    """

    def __init__(self, rules: MachineRules) -> None:
        self._rules = rules
        self._reach = Reach(rules)
        self._condition = Condition(rules)
        self._trigger = TriggerHandshake(timeout_s=rules.ack_timeout_s)
        self._writes = TriggerWrites(timeout_s=rules.ack_timeout_s)
        self._results = ResultHandshake(timeout_s=rules.ack_timeout_s)
        self._state = StationState.PREOPERATIONAL
        self._encoder = EncoderWatch(rules.encoder)
        self._stops = StopRules(rules)
        self._masters = Masters(rules.masters)
        self._parts: dict[int, TrackedPart] = {}
        self._owed: Counter[int] = Counter()  # answers that the runtime owes, by acquisition id
        self._effects: list[Effect] = []
        self._heartbeat = 0
        self._has_missed = False
        self._is_overrun = False
        self._encoder_count = 0

    def step(self, now_s: float, inputs: Inputs | None, happenings: Sequence[Happening]) -> Step:
        """Decide for one scan.

        Args:
            now_s: monotonic seconds.
            inputs: what the PLC says; None while it cannot be reached.
            happenings: since the last step, in order.

        Returns:
            The outputs and what is to be done. Every trigger ends in exactly one `Dispose`.
        """
        self._effects = []
        seen = inputs or _SILENT
        for report in self._condition.scan(inputs, now_s=now_s):
            self._effects.append(report)
        if self._condition.wants_forgetting:
            self._forget_the_plc(now_s)
        if self._condition.was_reset:
            self._stops.forget()
            self._encoder.forget()
        if inputs is not None and self._condition.has_link:
            self._masters.look(seen.part_id)
            self._hear_results(seen, now_s)
            self._look_at_encoder(seen, now_s)
        self._masters.scan(now_s)
        for happening in happenings:
            self._hear(happening, now_s)
        self._effects += self._condition.look_at_disk(self._writes.trouble(now_s))
        if inputs is not None and self._condition.has_link:
            self._look_at_trigger(seen, now_s)
            if self._trigger.taken_id is not None and self._writes.has(self._trigger.taken_id):
                self._trigger.acknowledge(now_s)
        self._let_permits_run_out(now_s)
        if seen.bypass:
            for part in self._parts.values():
                part.was_bypassed = True
        if inputs is not None and self._condition.has_link:
            for confirmation in seen.confirmed:
                self._confirmed(confirmation)
        self._end_unseen(now_s)
        self._watch_backlog()
        if inputs is not None and self._condition.has_link:
            self._results.show(self._waiting(), now_s=now_s)
        self._state = next_state(self._state, self._wanted_state(seen))
        self._heartbeat = self._heartbeat % MAX_WORD + 1
        return Step(self._outputs(seen), tuple(self._effects))

    # ---- what comes in

    def _hear(self, happening: Happening, now_s: float) -> None:
        match happening:
            case Recorded(acquisition_id):
                self._writes.written(acquisition_id, now_s=now_s)
            case Acquired(acquisition_id):
                part = self._parts.get(acquisition_id)
                if part is not None and part.stage is Stage.ACQUIRING:
                    part.stage, part.has_pictures = Stage.JUDGING, True
            case AcquisitionFailed(acquisition_id):
                part = self._parts.get(acquisition_id)
                if part is not None and part.stage is Stage.ACQUIRING:
                    part.stage = Stage.JUDGING  # its record follows as a verdict, like any other's
            case Judged():
                if self._is_owed(happening.acquisition_id):
                    self._judged(happening, now_s)
            case JudgeFailed(acquisition_id, _, message):
                if self._is_owed(acquisition_id):
                    self._judge_failed(acquisition_id, message, now_s)
            case _:
                self._effects += self._condition.hear(happening, self._masters)

    def _is_owed(self, acquisition_id: int) -> bool:
        """Take an answer off the account; one that nobody asked for is none."""
        if self._owed[acquisition_id] == 0:
            return False
        self._owed[acquisition_id] -= 1
        return True

    def _judge_failed(self, acquisition_id: int, message: str, now_s: float) -> None:
        self._writes.failed(acquisition_id, now_s=now_s)
        part = self._undecided(acquisition_id)
        if part is not None:
            self._report("internal", Severity.WARNING, message, acquisition_id)
            self._decide(part, Verdict.NOT_INSPECTED, now_s)

    def _judged(self, judged: Judged, now_s: float) -> None:
        part = self._parts.get(judged.acquisition_id)
        if part is None or part.stage in (Stage.DECIDED, Stage.TOLD):
            return  # too late or lost: its record says so, and its lane stands
        if judged.verdict is Verdict.OK and not part.has_pictures:
            self._report("internal", Severity.ALARM, "a part is OK of which there is no picture", part.acquisition_id)
            self._decide(part, Verdict.NOT_INSPECTED, now_s)
            return
        if part.was_announced:
            self._master_judged(part, part.part_id or judged.part_id, judged, now_s)
            return
        if part.part_id is not None and part.part_id != judged.part_id and not judged.is_nameless:
            message = f"a verdict on part {judged.part_id!r} came for the acquisition of part {part.part_id!r}"
            self._report("wrong_part", Severity.ALARM, message, judged.acquisition_id)
            self._decide(part, Verdict.NOT_INSPECTED, now_s)
            return
        if part.is_master and part.part_id is not None:
            self._master_judged(part, part.part_id, judged, now_s)  # also if its record had to name it otherwise
            return
        part.part_id = judged.part_id
        part.is_master = self._masters.is_master(judged.part_id)
        if part.is_master:
            self._master_judged(part, judged.part_id, judged, now_s)
            return
        if self._masters.due_because is not None and judged.verdict is Verdict.OK:
            self._decide(part, Verdict.NOT_INSPECTED, now_s, counts=False)
            return
        if self._reach.is_late(part, now_s=now_s, encoder=self._encoder_count):
            self._late(part)
            self._decide(part, Verdict.NOT_INSPECTED, now_s)
            return
        self._decide(part, judged.verdict, now_s, judged=judged)

    def _master_judged(self, part: TrackedPart, part_id: str, judged: Judged, now_s: float) -> None:
        since_s = self._masters.last_pass_s
        outcome = self._masters.judged(
            part_id,
            [place.class_name for place in judged.places],
            was_inspected=judged.verdict is not Verdict.NOT_INSPECTED,
            now_s=now_s,
        )
        part.decide(Lane.REJECT, now_s=now_s)  # a known-defect part passes under no verdict
        if outcome.missing:
            self._report(
                "master_missed",
                Severity.ALARM,
                f"master sample {part_id!r}: {', '.join(sorted(outcome.missing))} not found",
                part.acquisition_id,
                missing=sorted(outcome.missing),
                seconds_since_last_pass=None if since_s is None else round(now_s - since_s, 3),
            )
            for other in self._parts.values():
                other.bar()
        elif outcome.are_all_passed:
            self._report("master_passed", Severity.INFO, "all master samples were found", part.acquisition_id)

    def _look_at_encoder(self, inputs: Inputs, now_s: float) -> None:
        should_move = bool(self._parts) and not inputs.stopped and not self._condition.stops_line
        wrong = self._encoder.scan(inputs.encoder, now_s=now_s, should_move=should_move)
        self._encoder_count = inputs.encoder
        if wrong is not None:
            self._encoder_erred(wrong, now_s)

    def _encoder_erred(self, wrong: str, now_s: float) -> None:
        self._encoder.forget()
        self._effects += self._condition.fail("encoder", wrong)
        self._lose_all(now_s)

    # ---- triggers

    def _look_at_trigger(self, inputs: Inputs, now_s: float) -> None:
        self._has_missed = self._has_missed and inputs.trigger
        for found in self._trigger.scan(inputs, now_s=now_s, in_flight=frozenset(self._parts)):
            if isinstance(found, NewTrigger):
                self._triggered(found, inputs, now_s)
                continue
            self._report("handshake", Severity.WARNING, found.message, found.acquisition_id)
            for doubtful in found.in_doubt & self._parts.keys():
                self._parts[doubtful].revoke(now_s=now_s)

    def _triggered(self, trigger: NewTrigger, inputs: Inputs, now_s: float) -> None:
        acquisition_id = trigger.acquisition_id
        announced = self._masters.take_announced()
        self._masters.triggered(inputs.part_id)
        wrong = self._encoder.trigger(inputs.encoder)
        part = TrackedPart(
            acquisition_id,
            inputs.encoder,
            now_s,
            announced or inputs.part_id,
            is_master=announced is not None or self._masters.is_master(inputs.part_id),
            was_announced=announced is not None,
        )
        is_acquiring = any(other.stage is Stage.ACQUIRING for other in self._parts.values())
        is_full = len(self._parts) >= self._rules.most_in_flight
        self._parts[acquisition_id] = part
        self._writes.begin(acquisition_id, is_first=self._owed[acquisition_id] == 0, now_s=now_s)
        if wrong is not None:
            self._encoder_erred(wrong, now_s)
        refusal = self._condition.refusal or self._doubt(trigger)
        if refusal is not None:
            self._not_acquired(part, *refusal, now_s)
        elif is_acquiring or is_full:
            why = "the camera is still busy" if is_acquiring else f"{len(self._parts) - 1} parts are on their way"
            self._report("trigger_while_busy", Severity.WARNING, f"a trigger came while {why}", acquisition_id)
            self._not_acquired(part, ReasonCode.NO_FRAME, f"the trigger came while {why}", now_s)
        elif self._masters.due_because is not None and part.part_id is not None and not part.is_master:
            because = f"master samples are due: {self._masters.due_because}"
            self._not_acquired(part, ReasonCode.STATION_FAULT, because, now_s, counts=False)
        else:
            until_s = self._reach.until_s(now_s)
            self._owed[acquisition_id] += 1
            self._effects.append(Acquire(acquisition_id, inputs.encoder, part.part_id, until_s, part.is_master))

    def _doubt(self, trigger: NewTrigger) -> tuple[ReasonCode, str] | None:
        """Why it cannot be told which part a picture taken now, or a verdict given later, would be of."""
        if trigger.is_stale:
            return ReasonCode.NO_FRAME, "the trigger stood already when the PLC was heard (again): its part may be gone"
        if self._owed[trigger.acquisition_id] > 0:
            return (
                ReasonCode.STATION_FAULT,
                f"an earlier part of acquisition id {trigger.acquisition_id} has no verdict yet",
            )
        return None

    def _not_acquired(
        self, part: TrackedPart, code: ReasonCode, message: str, now_s: float, *, counts: bool = True
    ) -> None:
        self._has_missed = True
        record = RecordNotInspected(part.acquisition_id, part.encoder, part.part_id, code, message)
        self._effects.append(record)
        self._owed[part.acquisition_id] += 1
        if code is not ReasonCode.BYPASSED:
            self._report("trigger_missed", Severity.WARNING, message, part.acquisition_id)
        self._decide(part, Verdict.NOT_INSPECTED, now_s, counts=counts and code is not ReasonCode.BYPASSED)

    # ---- lanes and results

    def _decide(
        self,
        part: TrackedPart,
        verdict: Verdict,
        now_s: float,
        *,
        judged: Judged | None = None,
        counts: bool = True,
    ) -> None:
        lane = {Verdict.OK: Lane.PASS, Verdict.NG: Lane.REJECT}.get(verdict, Lane.REINSPECT)
        if lane is Lane.PASS and judged is not None and judged.is_audit and self._rules.set_aside_audit:
            lane = Lane.REINSPECT
        if lane is Lane.PASS and not self._condition.may_permit:
            lane = Lane.REINSPECT
        part.decide(lane, now_s=now_s)
        if not counts:
            return
        why = self._stops.note(verdict, () if judged is None else judged.places)
        if why is not None:
            self._effects += self._condition.stop(why)

    def _let_permits_run_out(self, now_s: float) -> None:
        for part in self._parts.values():
            if part.stage is Stage.TOLD or not self._reach.is_late(part, now_s=now_s, encoder=self._encoder_count):
                continue
            if part.stage is not Stage.DECIDED:
                self._late(part)
                self._decide(part, Verdict.NOT_INSPECTED, now_s)
            elif part.may_pass:
                self._late(part)
                part.lose_permit()
        if not self._condition.may_permit:
            for part in self._parts.values():
                part.bar()

    def _late(self, part: TrackedPart) -> None:
        message = "the part passed the last place for a permit before the PLC had one"
        self._report("late", Severity.WARNING, message, part.acquisition_id)

    def _waiting(self) -> list[TrackedPart]:
        return [part for part in self._parts.values() if part.stage is Stage.DECIDED]

    def _watch_backlog(self) -> None:
        """Results that the PLC does not take: at the limit no further part is let in, beyond it the plant is told."""
        waiting = len(self._waiting())
        if waiting > self._rules.results_buffered and not self._is_overrun:
            self._report("handshake", Severity.WARNING, f"{waiting} results wait for the PLC", None)
        self._is_overrun = waiting > self._rules.results_buffered

    def _hear_results(self, inputs: Inputs, now_s: float) -> None:
        taken, odd = self._results.hear(inputs, is_anyone_waiting=bool(self._waiting()), now_s=now_s)
        if odd is not None:
            self._report("handshake", Severity.WARNING, odd.message, odd.acquisition_id)
        if taken is not None:
            taken.stage = Stage.TOLD  # it ends behind the look at the trigger, which may be of the same id

    def _confirmed(self, confirmation: Confirmation) -> None:
        part = self._parts.get(confirmation.acquisition_id)
        if part is None:
            return  # of before a restart, or seen twice: whose it was is written down already, or cannot be known
        passed_unearned = confirmation.lane is Lane.PASS and part.likely_lane is not Lane.PASS
        if passed_unearned and not part.was_bypassed:  # bypassed: its lot is held already, by `bypass_on`
            message = f"a part without a permit was seen in the lane of passed parts; its lane is {part.lane.value}"
            self._report("wrong_lane", Severity.ALARM, message, part.acquisition_id)
            self._effects += self._condition.stop("a part passed without a permit")
        self._dispose(part, confirmation.lane, is_confirmed=True)

    def _end_unseen(self, now_s: float) -> None:
        for part in list(self._parts.values()):
            if part.stage is not Stage.TOLD and not self._is_given_up(part, now_s):
                continue
            if self._rules.confirm_within_mm is None:
                self._dispose_unseen(part)
            elif self._reach.is_unseen(part, now_s=now_s, encoder=self._encoder_count):
                if part.likely_lane is Lane.REJECT and self._condition.has_link and part.untracked_s is None:
                    message = "no sensor saw the rejected part behind the gate"
                    self._report("unconfirmed_reject", Severity.ALARM, message, part.acquisition_id)
                    self._effects += self._condition.stop("a reject was not confirmed")
                self._dispose_unseen(part)

    def _dispose_unseen(self, part: TrackedPart) -> None:
        if part.was_permit_shown and not part.was_taken:
            message = "a permit stood and was not acknowledged, and nobody saw where its part went: taken as passed"
            self._report("handshake", Severity.ALARM, message, part.acquisition_id)
        self._dispose(part, part.likely_lane, is_confirmed=False)

    def _is_given_up(self, part: TrackedPart, now_s: float) -> bool:
        """Whether the PLC will not take a result any more: it is away, or the part is past the gate."""
        if part.stage is not Stage.DECIDED or part.may_pass:
            return False
        if not self._condition.has_link:
            return True
        is_past = self._reach.is_late(part, now_s=now_s, encoder=self._encoder_count)
        return is_past and now_s - part.decided_s > self._rules.ack_timeout_s

    def _dispose(self, part: TrackedPart, lane: Lane, *, is_confirmed: bool) -> None:
        self._results.withdraw(part)
        del self._parts[part.acquisition_id]
        if part.stage in (Stage.ACQUIRING, Stage.JUDGING):
            part.stage = Stage.TOLD
        self._effects.append(Dispose(part.acquisition_id, lane, is_confirmed))

    # ---- when nothing counts any more

    def _forget_the_plc(self, now_s: float) -> None:
        self._trigger.forget()
        self._masters.forget()
        self._results.forget()
        self._encoder.forget()
        self._lose_all(now_s)

    def _lose_all(self, now_s: float) -> None:
        """Where the parts are cannot be told any more: none of them gets a permit."""
        for part in self._parts.values():
            if part.untracked_s is None:
                part.untracked_s = now_s
            if part.stage in (Stage.ACQUIRING, Stage.JUDGING):
                part.decide(Lane.REINSPECT, now_s=now_s)
            part.bar()

    def _undecided(self, acquisition_id: int) -> TrackedPart | None:
        part = self._parts.get(acquisition_id)
        return part if part is not None and part.stage in (Stage.ACQUIRING, Stage.JUDGING) else None

    def _report(
        self, kind: str, severity: Severity, message: str, acquisition_id: int | None, **evidence: object
    ) -> None:
        self._effects.append(Report(kind, severity, message, acquisition_id, evidence))

    # ---- what goes out

    def _wanted_state(self, inputs: Inputs) -> StationState:
        waits_for_masters = self._masters.due_because is not None and not self._masters.expects(inputs.part_id)
        return self._condition.state(
            masters_due=waits_for_masters,
            in_flight=len(self._parts),
            most_in_flight=self._rules.most_in_flight,
        )

    def _outputs(self, inputs: Inputs) -> Outputs:
        shown = self._results.shown
        is_acquiring = any(part.stage is Stage.ACQUIRING for part in self._parts.values())
        has_room = len(self._parts) < self._rules.most_in_flight and len(self._waiting()) < self._rules.results_buffered
        is_busy = any(part.stage in (Stage.ACQUIRING, Stage.JUDGING) for part in self._parts.values())
        takes = self._state in TAKES_TRIGGERS and self._wanted_state(inputs) in TAKES_TRIGGERS
        return Outputs(
            state=self._state,
            ready=takes and not is_acquiring and has_room and not self._writes.are_under_way,
            trigger_ack=self._trigger.ack_id != 0,
            trigger_ack_id=self._trigger.ack_id,
            busy=is_busy,
            results_valid=shown is not None,
            results_id=0 if shown is None else shown.acquisition_id,
            permit=shown is not None and shown.may_pass,
            lane=Lane.REINSPECT if shown is None else shown.lane,
            heartbeat=self._heartbeat,
            stop_line=self._condition.stops_line,
            missed_acquisition=self._has_missed,
            alarm=self._condition.alarm,
        )
