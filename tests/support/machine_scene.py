"""A machine with a PLC that does as it is told: what the machine's tests turn, scan by scan."""

from dataclasses import dataclass, field, replace

from lineside.inspection.verdict import Verdict
from lineside.station.machine import (
    Acquire,
    Acquired,
    DefectPlace,
    DeploymentReady,
    Dispose,
    Effect,
    EncoderRules,
    Happening,
    Judged,
    MachineRules,
    Recorded,
    RecordNotInspected,
    Report,
    StationMachine,
)
from lineside.station.rig.records import Confirmation, Inputs, Lane, Outputs

SCAN_S = 0.01

RULES = MachineRules(
    distance_mm=100.0,
    speed_mm_s=100.0,
    actuator_s=0.1,
    encoder=EncoderRules(mm_per_count=1.0, max_step=50),
    most_in_flight=8,
    ack_timeout_s=0.05,
    heartbeat_timeout_s=0.1,
    stop_after_not_inspected=None,
    stop_after_equal_defects=None,
)
"""A part is too late after 90 counts; the belt moves only where a test moves it."""


@dataclass
class MachineScene:
    """The machine, its inputs, and all that it said.

    Attributes:
        rules: by which it acts.
        is_ready: whether it is brought to Ready at the start.
        is_written: whether triggers find their way to the disk.
        shown: (id, permit) of every result, once for each time that it stood anew.
        outputs: of the last scan.
    """

    rules: MachineRules = RULES
    is_ready: bool = True
    is_written: bool = True
    now_s: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    shown: list[tuple[int, bool]] = field(default_factory=list)
    outputs: Outputs = field(init=False)
    _is_valid: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Begin, as Ready as the rules let it be."""
        self.machine = StationMachine(self.rules)
        self.inputs = Inputs(
            online=True,
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
        if self.is_ready:
            self.scan(DeploymentReady())
            self.scan(scans=3)

    def scan(
        self, *happenings: Happening, scans: int = 1, has_link: bool = True, confirmed: Lane | None = None
    ) -> Outputs:
        """Scan, with the happenings in the first of the scans; `confirmed`: the last trigger's part was seen there."""
        waiting = happenings
        for _ in range(scans):
            self.now_s += SCAN_S
            self.inputs = replace(
                self.inputs,
                heartbeat=(self.inputs.heartbeat + 1) & 0xFFFF,
                confirmed=() if confirmed is None else (Confirmation(self.inputs.trigger_id, confirmed),),
            )
            step = self.machine.step(self.now_s, self.inputs if has_link else None, waiting)
            waiting = ()
            self.effects += step.effects
            triggered = [each for each in step.effects if isinstance(each, Acquire | RecordNotInspected)]
            if triggered and self.is_written:  # the disk takes no time here
                written = [Recorded(each.acquisition_id) for each in triggered]
                step = self.machine.step(self.now_s, self.inputs if has_link else None, written)
                self.effects += step.effects
            was_valid, self._is_valid = self._is_valid, step.outputs.results_valid
            self.outputs = step.outputs
            self.states.append(step.outputs.state.value)
            if step.outputs.results_valid and not was_valid:
                self.shown.append((step.outputs.results_id, step.outputs.permit))
        return self.outputs

    def set(self, **words: object) -> Outputs:
        """Change inputs and scan."""
        self.inputs = replace(self.inputs, **words)  # type: ignore[arg-type]  # by name, from the test
        return self.scan()

    def trigger(self, number: int, *, part_id: str | None = None, step: int = 10) -> None:
        """Four phases of a trigger, `step` counts after the last input."""
        self.set(trigger=True, trigger_id=number, part_id=part_id, encoder=self.inputs.encoder + step)
        self.set(trigger=False)

    def judge(
        self, number: int, verdict: Verdict = Verdict.OK, *, part_id: str = "P-1", places: tuple[DefectPlace, ...] = ()
    ) -> None:
        """The runtime's usual way."""
        self.scan(Acquired(number))
        self.scan(Judged(number, part_id, verdict, places=places))

    def take(self) -> tuple[int, bool] | None:
        """Take the result that stands; gives its id and permit, None if none stands."""
        out = self.outputs
        if not out.results_valid:
            return None
        taken = (out.results_id, out.permit)
        self.set(results_ack=True, results_ack_id=out.results_id)
        self.set(results_ack=False)
        return taken

    def move(self, counts: int) -> None:
        """Move the belt, no faster than it may."""
        while counts > 0:
            self.set(encoder=self.inputs.encoder + min(counts, 40))
            counts -= 40

    def kinds(self) -> list[str]:
        """Of all reports, in order, without those on the link."""
        return [each.kind for each in self.effects if isinstance(each, Report) and not each.kind.startswith("rig_")]

    def of(self, kind: type[Acquire] | type[RecordNotInspected] | type[Dispose]) -> list[int]:
        """The acquisition ids of all effects of a kind."""
        return [each.acquisition_id for each in self.effects if isinstance(each, kind)]

    def fates(self) -> list[tuple[int, Lane, bool]]:
        """All dispositions."""
        return [
            (each.acquisition_id, each.lane, each.is_confirmed) for each in self.effects if isinstance(each, Dispose)
        ]
