"""The station's machine and the line's programme, hand in hand: what one records is what physically happened."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from lineside.inspection.verdict import Verdict
from lineside.station.machine import (
    Acquire,
    Acquired,
    DeploymentReady,
    Dispose,
    EncoderRules,
    Happening,
    Judged,
    MachineRules,
    Recorded,
    RecordNotInspected,
    Report,
    StationMachine,
)
from lineside.station.rig import Lane, RigLost, StationState
from lineside.station.rig.line import EncoderFault, EvenSpacing, LineSettings, Why
from lineside.station.rig.simulated import Cut, SimulatedRig
from lineside.station.rig.simulated_line import SimulatedLine
from rig_scene import SCAN_S, start_clock

GATE_MM, CONFIRM_MM, MM_PER_COUNT, SPEED_MM_S = 300.0, 60.0, 0.1, 500.0


def rules() -> MachineRules:
    return MachineRules(
        distance_mm=GATE_MM,
        speed_mm_s=SPEED_MM_S,
        actuator_s=0.02,
        encoder=EncoderRules(MM_PER_COUNT, max_step=400),
        ack_timeout_s=0.2,
        heartbeat_timeout_s=0.2,
        confirm_within_mm=2 * CONFIRM_MM,
        stop_after_not_inspected=None,
        stop_after_equal_defects=None,
    )


@dataclass
class Floor:
    """A line, a station that judges after a while, and somebody who presses reset when it stands."""

    line: SimulatedLine
    seed: int
    ok: set[str] = field(default_factory=set)
    disposed: list[Dispose] = field(default_factory=list)
    acquired: list[int] = field(default_factory=list)
    not_acquired: set[int] = field(default_factory=set)
    reports: Counter[str] = field(default_factory=Counter)

    async def run(self, *, faults: int, most_scans: int) -> None:
        rng = random.Random(self.seed)  # noqa: S311 - what happens when
        clock = start_clock()
        machine = StationMachine(rules())
        rig = SimulatedRig(self.line, clock=clock)
        coming: list[tuple[float, Happening]] = [(0.0, DeploymentReady())]
        planned = {rng.randrange(most_scans // 2): self._fault(rng, rig) for _ in range(faults)}
        needs_reset = False
        for scan in range(most_scans):
            clock.advance(SCAN_S)
            now_s = clock.monotonic()
            if scan in planned:
                planned[scan]()
            if scan % 200 == 199:
                rig.mend()
            if needs_reset and scan % 100 == 0:
                self.line.press_reset()
            try:
                inputs = await rig.read()
            except RigLost:
                inputs = None
            due = [happening for at_s, happening in coming if at_s <= now_s]
            coming = [(at_s, happening) for at_s, happening in coming if at_s > now_s]
            step = machine.step(now_s, inputs, due)
            for effect in step.effects:
                match effect:
                    case Acquire(acquisition_id, _, part_id):
                        self.acquired.append(acquisition_id)
                        coming.append((now_s, Recorded(acquisition_id)))
                        coming.append((now_s + 0.01, Acquired(acquisition_id)))
                        coming.append((now_s + rng.uniform(0.02, 0.5), self._verdict(acquisition_id, part_id, rng)))
                    case RecordNotInspected(acquisition_id):
                        self.not_acquired.add(acquisition_id)
                        coming.append((now_s, Recorded(acquisition_id)))
                    case Dispose():
                        self.disposed.append(effect)
                    case Report(kind):
                        self.reports[kind] += 1
            needs_reset = self.line.stopped_because is not None or step.outputs.state is StationState.ERROR
            with suppress(RigLost):
                await rig.write(step.outputs)
            if self.line.is_empty and len(self.disposed) >= self.triggered and not coming:
                return
        raise AssertionError(f"seed {self.seed}: {self.triggered} triggers, {len(self.disposed)} disposed of")

    @property
    def triggered(self) -> int:
        return len(set(self.acquired) | self.not_acquired)

    def _verdict(self, acquisition_id: int, part_id: str | None, rng: random.Random) -> Judged:
        verdict = rng.choice([Verdict.OK, Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED])
        if verdict is Verdict.OK:
            self.ok.add(str(part_id))
        return Judged(acquisition_id, str(part_id), verdict)

    def _fault(self, rng: random.Random, rig: SimulatedRig) -> Callable[[], None]:
        line = self.line
        return rng.choice(
            [
                lambda: rig.cut(Cut.BEFORE),
                lambda: rig.cut(Cut.AFTER),
                lambda: line.plant_encoder_fault(EncoderFault.JUMP, jump_mm=rng.uniform(-400, 400)),
                lambda: line.plant_encoder_fault(EncoderFault.STUCK, for_s=0.2),
                lambda: line.plant_encoder_fault(EncoderFault.BACKWARD, for_s=0.1),
                lambda: line.plant_double_triggers(1),
                lambda: line.plant_blind_triggers(2),
                lambda: line.lose_trigger_acknowledgements(1),
                lambda: line.lose_results_acknowledgements(1),
                line.take_off_a_part,
                lambda: line.stop("the drive"),
            ]
        )


def floor(seed: int, *, parts: int) -> Floor:
    settings = LineSettings(
        parts=parts,
        speed_mm_s=SPEED_MM_S,
        mm_per_count=MM_PER_COUNT,
        spacing=EvenSpacing(60.0, 150.0),
        gate_at_mm=GATE_MM,
        confirm_at_mm=CONFIRM_MM,
        permit_age_s=2.0,
        seed=seed,
    )
    return Floor(SimulatedLine(settings), seed)


def test_without_faults_every_part_goes_where_its_verdict_in_time_sends_it() -> None:
    scene = floor(1, parts=60)
    asyncio.run(scene.run(faults=0, most_scans=5000))
    truth = scene.line.truth
    assert truth.passed_without_permit == ()
    assert {part.part_id for part in truth.parts if part.lane is Lane.PASS} <= scene.ok
    assert truth.counts.triggers == len(scene.disposed) == 60
    assert {(one.acquisition_id, one.lane) for one in scene.disposed} == {
        (part.acquisition_id, part.lane) for part in truth.parts
    }
    assert truth.counts.stops == 0
    assert truth.reasons[Why.PERMIT] > 10


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_unplugged_no_part_passes_but_an_inspected_ok_one_and_each_trigger_ends_once(seed: int) -> None:
    scene = floor(seed, parts=120)
    asyncio.run(scene.run(faults=12, most_scans=20_000))
    truth = scene.line.truth
    assert truth.passed_without_permit == ()
    assert {part.part_id for part in truth.parts if part.lane is Lane.PASS} <= scene.ok
    assert max(Counter(one.acquisition_id for one in scene.disposed).values()) == 1
    went = {part.acquisition_id: part.lane for part in truth.parts}
    for one in scene.disposed:
        if one.is_confirmed:
            assert one.lane is went[one.acquisition_id]
