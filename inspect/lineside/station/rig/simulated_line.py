"""A conveyor with its PLC: what stands on the other side of every rig, as a PLC's programme would do it.

Parts come on a belt, past the trigger sensor and the camera, to a gate whose rest position is *reject*, and past a
sensor in each lane. The programme assigns acquisition ids, does both handshakes, keeps permits by id with an age
limit, watches the station's heartbeat and its own encoder, and opens the gate for exactly the part that a good permit
names: one whose count puts it, and no other, at the gate. Everything else is rejected.

Time is injected, so that the same seed and the same outputs give the same line.
"""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from lineside.station.rig.encoder_count import signed_32
from lineside.station.rig.line.belt import Belt, EncoderFault, EncoderLimits, EncoderWatch
from lineside.station.rig.line.handshakes import ResultHandshake, TriggerEnd, TriggerHandshake
from lineside.station.rig.line.heartbeat import HeartbeatWatch
from lineside.station.rig.line.permits import PermitTable
from lineside.station.rig.line.settings import LineSettings
from lineside.station.rig.line.tracking import AtGate, ShiftRegister
from lineside.station.rig.line.truth import LineCounts, LineTruth, PartTruth, Why
from lineside.station.rig.records import Confirmation, Inputs, Lane, Outputs


@dataclass(slots=True)
class _Part:
    """A part on the belt."""

    number: int
    part_id: str | None
    position_mm: float  # the belt's when the part was at the trigger sensor
    seen_s: float
    acquisition_id: int | None = None
    ruled: Lane = Lane.REJECT
    lane: Lane = Lane.REJECT


class SimulatedLine:
    """The line. `advance` moves it on, `take` is the cable from the station, `inputs` the cable to it.

    Args:
        settings: how it is built.
        start_s: what the clock says now.
    """

    def __init__(self, settings: LineSettings, *, start_s: float = 0.0) -> None:
        self.settings = settings
        self.confirmations: list[Confirmation] = []
        """All that the lanes' sensors have seen, oldest first."""
        self._start_s = start_s
        self._scans = 0
        self._rng = random.Random(settings.seed)  # noqa: S311 - distances of simulated parts
        self._belt = Belt(speed_mm_s=settings.speed_mm_s, mm_per_count=settings.mm_per_count)
        self._encoder_watch = EncoderWatch(
            EncoderLimits(
                fastest_mm_s=settings.speed_mm_s,
                mm_per_count=settings.mm_per_count,
                stuck_s=settings.gate_window_mm / settings.speed_mm_s,
            ),
            count=0,
        )
        self._encoder_errs = False
        self._heartbeat = HeartbeatWatch(timeout_s=settings.heartbeat_timeout_s)
        self._permits = PermitTable(age_s=settings.permit_age_s, has_reinspect_lane=settings.has_reinspect_lane)
        self._trigger = TriggerHandshake(first_id=settings.first_acquisition_id, timeout_s=settings.ack_timeout_s)
        self._result = ResultHandshake()
        self._station: Outputs | None = None
        self._counts = LineCounts()
        self._left: list[PartTruth] = []
        self._before_gate: deque[_Part] = deque()
        self._after_gate: deque[_Part] = deque()
        self._register = ShiftRegister(
            gate_counts=settings.gate_at_mm / settings.mm_per_count,
            window_counts=settings.gate_window_mm / settings.mm_per_count,
        )
        self._by_acquisition: dict[int, tuple[int, str | None]] = {}
        self._part_id: str | None = None
        self._fed = 0
        self._next_part_mm = self._distance_to_next()
        self._is_stopped = False
        self._own_fault: str | None = None
        self._reset_until_s = start_s
        self._bypass = False
        self._double_triggers = 0
        self._phantom_count: int | None = None
        self._blind_triggers = 0
        self._broken_sensors: set[Lane] = set()
        self._jammed: Lane | None = None

    # What the cable carries.

    def take(self, outputs: Outputs) -> None:
        """What the station says; the programme sees it in its next scan."""
        self._station = outputs

    def inputs(self, *, confirmed_from: int | None = None) -> Inputs:
        """What the PLC says.

        Args:
            confirmed_from: how many of `confirmations` were told before; without it none are told.
        """
        return Inputs(
            online=self._own_fault is None,
            trigger=self._trigger.trigger,
            trigger_id=self._trigger.trigger_id,
            encoder=signed_32(self._belt.count),
            part_id=self._part_id,
            results_ack=self._result.results_ack,
            results_ack_id=self._result.results_ack_id,
            confirmed=() if confirmed_from is None else tuple(self.confirmations[confirmed_from:]),
            bypass=self._bypass,
            reset=self.now_s < self._reset_until_s,
            heartbeat=self._scans & 0xFFFF,
            stopped=self._is_stopped,
        )

    # Time and truth.

    @property
    def now_s(self) -> float:
        """How far it has come."""
        return self._start_s + self._scans * self.settings.scan_s

    def advance(self, to_s: float) -> None:
        """Scan until the clock says `to_s`; a moment that has passed changes nothing."""
        due = int((to_s - self._start_s) / self.settings.scan_s + 1e-6)
        while self._scans < due:
            self._scan()

    @property
    def truth(self) -> LineTruth:
        """What has happened so far."""
        return LineTruth(tuple(self._left), self._counts)

    def parts_that_left(self, *, since: int) -> tuple[PartTruth, ...]:
        """The parts that have left the gate, without the first so many of them."""
        return tuple(self._left[since:])

    @property
    def parts_on_the_belt(self) -> int:
        """Those that have not reached the gate."""
        return len(self._before_gate)

    @property
    def is_empty(self) -> bool:
        """Whether all its parts have come and have left the last sensor."""
        is_fed = self.settings.parts is not None and self._fed >= self.settings.parts
        return is_fed and not self._before_gate and not self._after_gate

    @property
    def stopped_because(self) -> str | None:
        """Why it stands, None while it runs."""
        return (self._own_fault or "the station") if self._is_stopped else None

    def part_of(self, acquisition_id: int) -> tuple[int, str | None] | None:
        """Number and identifier of the part that last had this id; None for a phantom's."""
        return self._by_acquisition.get(acquisition_id)

    def part_at_camera(self, *, within_mm: float) -> int | None:
        """Number of the part that a picture taken now shows, None for an empty belt.

        Args:
            within_mm: how far behind the trigger sensor the camera still sees a part.
        """
        if not self._before_gate:
            return None
        last = self._before_gate[-1]
        return last.number if self._belt.position_mm - last.position_mm <= within_mm else None

    # What people do at the line.

    def press_reset(self, *, for_s: float = 0.5) -> None:
        """Hold the reset button; the line starts when nothing wants it stopped."""
        self._own_fault = None
        self._reset_until_s = self.now_s + for_s

    def turn_bypass_key(self, *, on: bool) -> None:
        """With the bypass on everything passes, and the station is told."""
        self._bypass = on

    def stop(self, reason: str) -> None:
        """A fault of the line's own."""
        self._own_fault = reason

    def take_off_a_part(self) -> None:
        """A hand takes away the part that is next at the gate."""
        if self._before_gate:
            self._before_gate.popleft()

    # What is planted.

    def plant_encoder_fault(self, fault: EncoderFault, *, for_s: float = 0.2, jump_mm: float = 500.0) -> None:
        """Have the encoder fail; see `Belt.plant`."""
        self._belt.plant(fault, for_s=for_s, jump_mm=jump_mm)

    def plant_double_triggers(self, number: int = 1) -> None:
        """The sensor bounces at the next so many parts: each gets a second trigger with an id of its own."""
        self._double_triggers = number

    def plant_blind_triggers(self, number: int = 1) -> None:
        """The next so many parts are triggered whether the station is ready or not."""
        self._blind_triggers = number

    def lose_trigger_acknowledgements(self, number: int = 1) -> None:
        """The next so many acknowledgements of the station do not reach the programme."""
        self._trigger.lose_acknowledgements(number)

    def lose_results_acknowledgements(self, number: int = 1) -> None:
        """The next so many acknowledgements of results do not get out."""
        self._result.lose_acknowledgements(number)

    def restart_programme(self, *, first_acquisition_id: int = 1) -> None:
        """The PLC was without power for a moment: the parts lie where they lay, and it knows none of them any more.

        Args:
            first_acquisition_id: from which it counts anew; a PLC that keeps nothing gives numbers twice.
        """
        settings = self.settings
        self._station = None
        self._heartbeat = HeartbeatWatch(timeout_s=settings.heartbeat_timeout_s)
        self._permits = PermitTable(age_s=settings.permit_age_s, has_reinspect_lane=settings.has_reinspect_lane)
        self._trigger = TriggerHandshake(first_id=first_acquisition_id, timeout_s=settings.ack_timeout_s)
        self._result = ResultHandshake()
        self._register = ShiftRegister(
            gate_counts=settings.gate_at_mm / settings.mm_per_count,
            window_counts=settings.gate_window_mm / settings.mm_per_count,
        )
        self._phantom_count = None
        self._by_acquisition.clear()
        for part in (*self._before_gate, *self._after_gate):
            part.acquisition_id = None

    def break_confirm_sensor(self, lane: Lane) -> None:
        """The sensor of a lane sees nothing any more."""
        self._broken_sensors.add(lane)

    def mend_confirm_sensor(self, lane: Lane) -> None:
        """It sees again."""
        self._broken_sensors.discard(lane)

    def jam_gate(self, lane: Lane | None) -> None:
        """The gate stays where it is, whatever the programme wants; None frees it."""
        self._jammed = lane

    # The programme.

    def _scan(self) -> None:
        self._scans += 1
        now_s = self.now_s
        self._belt.advance(self.settings.scan_s)
        self._check_encoder()
        station = self._check_heartbeat(now_s)
        self._run_or_stand(station)
        if station is not None:
            self._do_handshakes(station, now_s)
        self._parts_at_gate(now_s)
        self._parts_at_trigger(station, now_s)
        self._parts_at_confirm_sensors()

    def _check_encoder(self) -> None:
        fault = self._encoder_watch.check(self._belt.count, dt_s=self.settings.scan_s, should_run=self._belt.is_running)
        if fault is not None:
            self._counts.encoder_faults += not self._encoder_errs
            self._forget(self._register.lose())
        self._encoder_errs = fault is not None

    def _check_heartbeat(self, now_s: float) -> Outputs | None:
        """The station's outputs while it lives; nothing it said before counts when it does not."""
        was_alive = self._heartbeat.is_alive
        if self._heartbeat.scan(None if self._station is None else self._station.heartbeat, now_s):
            return self._station
        if was_alive:
            self._counts.heartbeats_lost += 1
            self._permits.void_all()
            self._result.restart()
            if self._trigger.abandon(now_s):
                self._counts.triggers_unanswered += 1
        return None

    def _run_or_stand(self, station: Outputs | None) -> None:
        wants_stop = self._own_fault is not None or (station is not None and station.stop_line)
        if wants_stop:
            self._counts.stops += not self._is_stopped
            self._is_stopped = True
        elif self.now_s < self._reset_until_s:
            self._is_stopped = False
        self._belt.is_running = not self._is_stopped

    def _do_handshakes(self, station: Outputs, now_s: float) -> None:
        end = self._trigger.scan(station, now_s)
        if end is TriggerEnd.ACKNOWLEDGED:
            self._counts.triggers_acknowledged += 1
        elif end is TriggerEnd.UNANSWERED:
            self._counts.triggers_unanswered += 1
            self._permits.forget(self._trigger.trigger_id)
        if self._phantom_count is not None and self._trigger.is_free:
            self._register.enter(self._phantom_count, self._raise_trigger(now_s))
            self._phantom_count = None
            self._counts.phantom_triggers += 1
        if self._result.scan(station):
            self._counts.results += 1
            is_taken = self._permits.put(station.results_id, permit=station.permit, lane=station.lane, now_s=now_s)
            self._counts.results_refused += not is_taken
            self._counts.permits += is_taken and station.permit
        if station.results_valid and not station.permit:
            self._permits.withdraw(station.results_id)

    def _raise_trigger(self, now_s: float) -> int:
        acquisition_id = self._trigger.begin(now_s)
        self._counts.triggers += 1
        self._permits.expect(acquisition_id)
        self._by_acquisition.pop(acquisition_id, None)
        return acquisition_id

    def _parts_at_trigger(self, station: Outputs | None, now_s: float) -> None:
        limit = self.settings.parts
        while self._belt.position_mm >= self._next_part_mm and (limit is None or self._fed < limit):
            self._fed += 1
            part = _Part(self._fed, self.settings.part_ids(self._fed), self._next_part_mm, now_s)
            if self._may_trigger(station):
                part.acquisition_id = self._raise_trigger(now_s)
                self._part_id = part.part_id
                self._by_acquisition[part.acquisition_id] = (part.number, part.part_id)
                if self._double_triggers > 0:
                    self._double_triggers -= 1
                    self._phantom_count = self._belt.count
            else:
                self._counts.parts_not_triggered += 1
            self._register.enter(self._belt.count, part.acquisition_id)
            self._before_gate.append(part)
            self._next_part_mm += self._distance_to_next()

    def _may_trigger(self, station: Outputs | None) -> bool:
        if station is None or not self._trigger.is_free or self._phantom_count is not None:
            return False
        if self._blind_triggers > 0:
            self._blind_triggers -= 1
            return True
        return station.ready or self._bypass or not self.settings.wants_ready  # bypassed parts are to be on record

    def _parts_at_gate(self, now_s: float) -> None:
        while (
            self._before_gate and self._belt.position_mm >= self._before_gate[0].position_mm + self.settings.gate_at_mm
        ):
            part = self._before_gate.popleft()
            part.ruled, why = self._rule(now_s)
            if self._bypass:
                part.ruled, why = Lane.PASS, Why.BYPASS
            part.lane = part.ruled
            if self._jammed is not None and self._jammed is not part.ruled:
                part.lane, why = self._jammed, Why.GATE_JAMMED
            self._left.append(
                PartTruth(
                    part.number,
                    part.part_id,
                    part.acquisition_id,
                    part.lane,
                    why,
                    part.ruled,
                    part.seen_s,
                    now_s,
                )
            )
            self._after_gate.append(part)

    def _rule(self, now_s: float) -> tuple[Lane, Why]:
        """Where the part that the gate's sensor sees goes: the programme knows it by its count alone."""
        found, gone = self._register.at_gate(self._belt.count)
        self._forget(gone)
        match found:
            case AtGate.LOST:
                return (Lane.REJECT, Why.VOIDED)
            case AtGate.UNTRACKED:
                return (Lane.REJECT, Why.UNTRACKED)
            case AtGate.NOT_TRIGGERED:
                return (Lane.REJECT, Why.NOT_TRIGGERED)
            case _:
                return self._permits.take(found, now_s=now_s)

    def _forget(self, acquisition_ids: Iterable[int]) -> None:
        for acquisition_id in acquisition_ids:
            self._permits.forget(acquisition_id)

    def _parts_at_confirm_sensors(self) -> None:
        at_mm = self.settings.gate_at_mm + self.settings.confirm_at_mm
        while self._after_gate and self._belt.position_mm >= self._after_gate[0].position_mm + at_mm:
            part = self._after_gate.popleft()
            if part.acquisition_id is not None and part.lane not in self._broken_sensors:
                self.confirmations.append(Confirmation(part.acquisition_id, part.lane))
                self._counts.confirmations += 1

    def _distance_to_next(self) -> float:
        return self.settings.spacing.next_mm(self._fed + 1, self._rng)
