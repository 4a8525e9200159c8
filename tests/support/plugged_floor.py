"""A line, a station and everything it is plugged into, in virtual time: any of it can be pulled in any scan.

The machine and the line's programme are the real ones. Camera, judges, disk and the station's own process are played
here, from what physically lies under the camera, so that what is known of a part does not come from the machine.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from lineside.client.clock import ManualClock
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.machine import (
    Acquire,
    Acquired,
    AcquisitionFailed,
    CameraBack,
    CameraTrouble,
    DeploymentNotReady,
    DeploymentReady,
    DiskBack,
    DiskFull,
    Dispose,
    Effect,
    EncoderRules,
    Happening,
    Judged,
    JudgeFailed,
    MachineRules,
    Recorded,
    RecordNotInspected,
    StationMachine,
)
from lineside.station.rig import Lane, RigLost, StationState
from lineside.station.rig.line import EncoderFault, EvenSpacing, LineSettings, PartTruth
from lineside.station.rig.records import Outputs
from lineside.station.rig.simulated import Cut, SimulatedRig
from lineside.station.rig.simulated_line import SimulatedLine
from rig_scene import start_clock

SCAN_S: Final = 0.01
SEEN_WITHIN_MM: Final = 25.0
RULES: Final = MachineRules(
    distance_mm=250.0,
    speed_mm_s=800.0,
    actuator_s=0.02,
    encoder=EncoderRules(0.1, max_step=400),
    ack_timeout_s=0.25,
    heartbeat_timeout_s=0.25,
    confirm_within_mm=100.0,
    stop_after_not_inspected=None,
    stop_after_equal_defects=None,
)


class Plug(StrEnum):
    """What can be pulled, each for a while and then put back."""

    CAMERA = "camera"
    SERVER = "server"
    ENGINE = "engine"
    DISK = "disk"
    DISK_HANGS = "disk hangs"
    CABLE = "cable"
    CABLE_UNHEARD = "cable, the last word arrived"
    STATION = "station"
    PLC = "plc"
    ENCODER = "encoder"
    SENSOR = "trigger sensor bounces"
    ACKNOWLEDGEMENT = "acknowledgements lost"
    HAND = "a hand takes a part"


@dataclass(slots=True)
class Entry:
    """What stands on the station's disk of one trigger.

    Attributes:
        acquisition_id: the PLC's.
        shows: number of the part on the picture, None without one.
        verdict: None while there is none.
        judged_s: when the verdict was on disk.
        lane: None while its fate is unknown.
        is_confirmed: whether a sensor saw it.
        was_refused: whether the disk did not take something of it.
    """

    acquisition_id: int
    shows: int | None = None
    verdict: Verdict | None = None
    judged_s: float = 0.0
    lane: Lane | None = None
    is_confirmed: bool = False
    was_refused: bool = False


class Floor:
    """One run.

    Args:
        seed: of everything that is drawn.
        parts: how many come.
        pulls_per_part: how often something is pulled.

    Attributes:
        book: what stands on the station's disk, in the order of the triggers.
        pulled: how often each plug was pulled.
        unrecorded: triggers that found no room on the disk.
        permits_shown: scans in which a permit stood at the outputs.
    """

    def __init__(self, seed: int, parts: int, *, pulls_per_part: float = 0.12) -> None:
        self.seed = seed
        self.parts = parts
        self.pulls_per_part = pulls_per_part
        self.book: list[Entry] = []
        self.pulled: Counter[Plug] = Counter()
        self.unrecorded = 0
        self.permits_shown = 0
        self.rng = random.Random(seed)  # noqa: S311 - what happens when
        self.clock: ManualClock = start_clock()
        self.line = SimulatedLine(
            LineSettings(
                parts=self.parts,
                speed_mm_s=RULES.speed_mm_s,
                mm_per_count=0.1,
                spacing=EvenSpacing(50.0, 100.0),
                gate_at_mm=RULES.distance_mm,
                gate_window_mm=15.0,
                confirm_at_mm=50.0,
                permit_age_s=1.0,
                scan_s=SCAN_S,
                heartbeat_timeout_s=0.25,
                ack_timeout_s=0.25,
                seed=self.seed,
            )
        )
        self.rig = SimulatedRig(self.line, clock=self.clock)
        self.out: dict[Plug, int] = {}
        self.is_good = [self.rng.random() < 0.75 for _ in range(self.parts + 1)]
        self._start_station()

    @property
    def passed(self) -> Mapping[int, PartTruth]:
        """What lies in the pass lane, by number."""
        return {part.number: part for part in self.line.truth.parts if part.lane is Lane.PASS}

    async def run(self, *, most_scans: int) -> None:
        """Let all parts come and go."""
        scans_per_part = 10
        for scan in range(most_scans):
            self.clock.advance(SCAN_S)
            if not self.line.is_empty and self.rng.random() < self.pulls_per_part / scans_per_part:
                self._pull(self.rng.choice(list(Plug)), scan)
            for plug in [plug for plug, until in self.out.items() if until <= scan]:
                self._put_back(plug)
            if Plug.STATION in self.out:
                self.line.advance(self.clock.monotonic())
                continue
            await self._scan(scan)
            if self.line.is_empty and not self.out and not self.machine_owes and not self.coming:
                return
        raise AssertionError(f"seed {self.seed}: {self.machine_owes} of {len(self.book)} parts have no fate yet")

    @property
    def machine_owes(self) -> set[int]:
        """Triggers of this life that the machine has not disposed of."""
        return set(self.mine) - self.ended

    def end(self) -> None:
        """The station's next start finishes what stands open on its disk."""
        self._recover()

    # ---- the station's process

    def _start_station(self) -> None:
        self.machine = StationMachine(RULES)
        self.coming: list[tuple[float, Happening | Callable[[], Happening]]] = [(0.0, DeploymentReady())]
        self.mine: dict[int, Entry] = {}
        self.ended: set[int] = set()
        self.written_s = 0.0
        self.knows_disk = self.knows_judges = self.knows_camera = True
        self.needs_reset = False

    def _recover(self) -> None:
        for entry in self.book:
            if entry.verdict is None:
                entry.verdict = Verdict.NOT_INSPECTED
            if entry.lane is None:
                entry.lane = Lane.PASS if entry.verdict is Verdict.OK else Lane.REJECT

    async def _scan(self, scan: int) -> None:
        now_s = self.clock.monotonic()
        if self.needs_reset and scan % 20 == 0:
            self.line.press_reset(for_s=0.1)
        try:
            inputs = await self.rig.read()
        except RigLost:
            inputs = None
        due = [what for at_s, what in self.coming if at_s <= now_s]
        self.coming = [(at_s, what) for at_s, what in self.coming if at_s > now_s]
        happenings = [what() if callable(what) else what for what in due]
        step = self.machine.step(now_s, inputs, [*self._news(), *happenings])
        for effect in step.effects:
            self._carry_out(effect, now_s)
        self._check(step.outputs)
        self.needs_reset = self.line.stopped_because is not None or step.outputs.state is StationState.ERROR
        if inputs is not None:
            with suppress(RigLost):
                await self.rig.write(step.outputs)

    def _check(self, outputs: Outputs) -> None:
        """Nothing stands at the outputs as a permit but an OK on disk, of a part that was pictured."""
        if not (outputs.results_valid and outputs.permit):
            return
        self.permits_shown += 1
        entry = self.mine[outputs.results_id]
        assert (entry.verdict, entry.shows is None) == (Verdict.OK, False)
        assert outputs.lane is Lane.PASS

    def _news(self) -> list[Happening]:
        """What the runtime notices by itself."""
        told: list[Happening] = []
        judges = not {Plug.SERVER, Plug.ENGINE} <= self.out.keys()
        if judges != self.knows_judges and self.rng.random() < 0.2:
            self.knows_judges = judges
            told.append(DeploymentReady() if judges else DeploymentNotReady("nobody can judge"))
        camera = Plug.CAMERA not in self.out
        if camera != self.knows_camera and self.rng.random() < 0.2:
            self.knows_camera = camera
            told.append(CameraBack("top") if camera else CameraTrouble("top", "unplugged"))
        if not self.knows_disk and Plug.DISK not in self.out:
            self.knows_disk = True
            told.append(DiskBack())
        return told

    def _carry_out(self, effect: Effect, now_s: float) -> None:
        match effect:
            case Acquire(acquisition_id):
                entry = self._triggered(acquisition_id)
                if entry is None:
                    return
                entry.shows = None if Plug.CAMERA in self.out else self.line.part_at_camera(within_mm=SEEN_WITHIN_MM)
                taken: Happening = (
                    AcquisitionFailed(acquisition_id, "no frame") if entry.shows is None else Acquired(acquisition_id)
                )
                self.coming.append((now_s + SCAN_S, taken))
                self.coming.append((self.written_s + self.rng.uniform(0.02, 0.35), partial(self._judged, entry)))
            case RecordNotInspected(acquisition_id):
                entry = self._triggered(acquisition_id)
                if entry is not None:
                    self.coming.append((self.written_s + SCAN_S, partial(self._judged, entry)))
            case Dispose(acquisition_id, lane, is_confirmed):
                assert acquisition_id in self.machine_owes, "what is disposed of was triggered, and once"
                self.ended.add(acquisition_id)
                entry = self.mine[acquisition_id]
                if self._write(entry):
                    entry.lane, entry.is_confirmed = lane, is_confirmed

    def _triggered(self, acquisition_id: int) -> Entry | None:
        """A line of its own in the book; None where the disk takes none."""
        assert acquisition_id not in self.machine_owes, "one part at a time under one number"
        entry = Entry(acquisition_id)
        self.mine[acquisition_id] = entry
        self.ended.discard(acquisition_id)
        if not self._write(entry):
            self.unrecorded += 1
            failed = JudgeFailed(acquisition_id, ReasonCode.STATION_FAULT, "the disk is full")
            self.coming.append((self.clock.monotonic(), failed))
            return None
        self.book.append(entry)
        slow_s = self.rng.uniform(0.1, 0.6) if Plug.DISK_HANGS in self.out else 0.0
        self.written_s = max(self.written_s, self.clock.monotonic() + slow_s)  # one after another
        self.coming.append((self.written_s, Recorded(acquisition_id)))
        return entry

    def _judged(self, entry: Entry) -> Happening:
        if entry.shows is None:
            verdict, code = Verdict.NOT_INSPECTED, ReasonCode.NO_FRAME
        elif {Plug.SERVER, Plug.ENGINE} <= self.out.keys():
            verdict, code = Verdict.NOT_INSPECTED, ReasonCode.NO_SERVER
        else:
            verdict, code = (Verdict.OK if self.is_good[entry.shows] else Verdict.NG), None
        if not self._write(entry):
            return JudgeFailed(entry.acquisition_id, ReasonCode.STATION_FAULT, "the disk is full")
        entry.verdict, entry.judged_s = verdict, self.clock.monotonic()
        return Judged(entry.acquisition_id, f"P{entry.acquisition_id}", verdict, code=code, is_nameless=True)

    def _write(self, entry: Entry) -> bool:
        """Put something on the disk; the first time that it fails the machine is told."""
        if Plug.DISK not in self.out:
            return True
        entry.was_refused = True
        if self.knows_disk:
            self.knows_disk = False
            self.coming.append((self.clock.monotonic(), DiskFull("no room")))
        return False

    # ---- the plugs

    def _pull(self, plug: Plug, scan: int) -> None:
        if plug in self.out:
            return
        self.pulled[plug] += 1
        line, rng = self.line, self.rng
        match plug:
            case Plug.CABLE | Plug.CABLE_UNHEARD:
                self.rig.cut(Cut.BEFORE if plug is Plug.CABLE else Cut.AFTER)
            case Plug.STATION:
                self._recover()
            case Plug.PLC:
                line.restart_programme(first_acquisition_id=rng.choice([1, rng.randrange(1, 60_000)]))
                return
            case Plug.ENCODER:
                line.plant_encoder_fault(rng.choice(list(EncoderFault)), for_s=0.1, jump_mm=rng.uniform(-400, 400))
                return
            case Plug.SENSOR:
                rng.choice([line.plant_double_triggers, line.plant_blind_triggers])(1)
                return
            case Plug.ACKNOWLEDGEMENT:
                rng.choice([line.lose_trigger_acknowledgements, line.lose_results_acknowledgements])(1)
                return
            case Plug.HAND:
                line.take_off_a_part()
                return
        self.out[plug] = scan + rng.choice([1, 3, 9, 16, 22, 40])

    def _put_back(self, plug: Plug) -> None:
        del self.out[plug]
        if plug in (Plug.CABLE, Plug.CABLE_UNHEARD) and not {Plug.CABLE, Plug.CABLE_UNHEARD} & self.out.keys():
            self.rig.mend()
        if plug is Plug.STATION:
            self._start_station()
