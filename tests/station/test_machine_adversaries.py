"""Whatever a PLC and a runtime do: no permit without an inspected OK of that part in time, and no part forgotten."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.machine import (
    Acquire,
    Acquired,
    AcquisitionFailed,
    CameraBack,
    CameraTrouble,
    Changeover,
    DefectPlace,
    DeploymentNotReady,
    DeploymentReady,
    DiskBack,
    DiskFull,
    Dispose,
    EncoderRules,
    Happening,
    Judged,
    JudgeFailed,
    MachineRules,
    MasterRules,
    Recorded,
    RecordNotInspected,
    StationMachine,
)
from lineside.station.rig.records import Confirmation, Inputs, Lane, Outputs

SCAN_S = 0.01
REACH_COUNTS = 30
IDS = st.integers(1, 6)
MASTER = "M-1"


class Adversary(RuleBasedStateMachine):
    """A PLC that errs and a runtime that is slow, wrong or silent."""

    @initialize(
        with_encoder=st.booleans(),
        with_sensor=st.booleans(),
        with_masters=st.booleans(),
        most=st.sampled_from([1, 3, 64]),
    )
    def begin(self, with_encoder: bool, with_sensor: bool, with_masters: bool, most: int) -> None:  # noqa: FBT001 - drawn
        self.obeyed = MachineRules(
            distance_mm=REACH_COUNTS + 5.0,
            speed_mm_s=100.0,
            actuator_s=0.05,
            encoder=EncoderRules(mm_per_count=1.0, max_step=50, min_between_parts=0) if with_encoder else None,
            most_in_flight=most,
            ack_timeout_s=0.05,
            heartbeat_timeout_s=0.1,
            confirm_within_mm=10.0 if with_sensor else None,
            stop_after_not_inspected=4,
            stop_after_equal_defects=3,
            masters=MasterRules({MASTER: frozenset({"open"})}) if with_masters else None,
        )
        self.start()

    def start(self) -> None:
        self.machine = StationMachine(self.obeyed)
        self.now_s, self.count, self.plc_beat = 0.0, 0, 1
        self.inputs: dict[str, Any] = {
            "online": True,
            "trigger": False,
            "trigger_id": 0,
            "part_id": None,
            "results_ack": False,
            "results_ack_id": 0,
            "bypass": False,
            "reset": False,
            "stopped": False,
        }
        self.waiting: list[Happening] = [DeploymentReady()]
        self.open: dict[int, Acquire | RecordNotInspected] = {}
        self.taken_s: dict[int, tuple[float, int]] = {}
        self.ok: dict[int, bool] = {}
        self.disposed: dict[int, int] = {}
        self.triggers: dict[int, int] = {}
        self.answered: set[int] = set()
        self.is_disk_slow = False
        self.unwritten: list[tuple[int, int]] = []
        self.on_disk: dict[int, int] = {}
        self.unanswered: int | None = None
        self.given_up: set[int] = set()
        self.bypassed_since: set[int] = set()
        self.outputs: Outputs | None = None

    # ---- one scan, and what has to hold in it

    def scan(
        self, *, steps: int = 1, confirmed: tuple[Confirmation, ...] = (), link: bool = True, beats: bool = True
    ) -> None:
        for _ in range(steps):
            self.now_s += SCAN_S
            if beats:
                self.plc_beat = self.plc_beat % 9 + 1
            inputs = (
                Inputs(encoder=self.count, heartbeat=self.plc_beat, confirmed=confirmed, **self.inputs)
                if link
                else None
            )
            happenings, self.waiting = self.waiting, []
            standing = self.inputs["trigger_id"] if self.inputs["trigger"] else None
            if link and self.unanswered not in (None, standing):
                self.given_up.add(self.unanswered)
                self.unanswered = None
            step = self.machine.step(self.now_s, inputs, happenings)
            if self.inputs["bypass"] and link:
                self.bypassed_since |= set(self.open)
            for effect in step.effects:
                if isinstance(effect, Acquire | RecordNotInspected):
                    assert effect.acquisition_id not in self.open, "one part at a time under one number"
                    self.open[effect.acquisition_id] = effect
                    self.taken_s[effect.acquisition_id] = (self.now_s, effect.encoder)
                    self.unanswered = effect.acquisition_id
                    self.given_up.discard(effect.acquisition_id)
                    self.ok.pop(effect.acquisition_id, None)
                    self.answered.discard(effect.acquisition_id)
                    self.bypassed_since.discard(effect.acquisition_id)
                    self.triggers[effect.acquisition_id] = self.triggers.get(effect.acquisition_id, 0) + 1
                    self.unwritten.append((effect.acquisition_id, self.triggers[effect.acquisition_id]))
                elif isinstance(effect, Dispose):
                    assert effect.acquisition_id in self.open, "what is disposed of was triggered, and once"
                    del self.open[effect.acquisition_id]
                    self.disposed[effect.acquisition_id] = self.disposed.get(effect.acquisition_id, 0) + 1
            before, self.outputs = self.outputs, step.outputs
            assert before is None or before.heartbeat != step.outputs.heartbeat
            self.check_permit(link=link)
            acked = step.outputs.trigger_ack_id
            if acked != 0:
                assert self.on_disk.get(acked) == self.triggers[acked], "what is acknowledged is on disk"
                self.unanswered = None if acked == self.unanswered else self.unanswered
            if not self.is_disk_slow:
                self.write()

    def write(self) -> None:
        """What waits for the disk is on it, in order; the machine hears of it in its next scan."""
        for number, attempt in self.unwritten:
            self.on_disk[number] = attempt
            self.waiting.append(Recorded(number))
        self.unwritten = []

    def check_permit(self, *, link: bool) -> None:
        out = self.outputs
        assert out is not None
        if not (out.results_valid and out.permit):
            assert out.lane is not Lane.PASS or not out.results_valid
            return
        number = out.results_id
        assert link, "while the PLC is away nothing is permitted"
        assert self.ok.get(number), "only what was judged OK gets a permit"
        assert isinstance(self.open[number], Acquire)
        assert not self.inputs["bypass"]
        assert number not in self.bypassed_since
        assert number not in self.given_up, "the PLC was never told that it was taken"
        assert self.inputs["online"]
        triggered_s, encoder = self.taken_s[number]
        if self.obeyed.encoder is not None:
            assert self.count - encoder <= REACH_COUNTS
        else:
            assert self.now_s - triggered_s <= self.obeyed.reach_s + 1e-9
        assert out.lane is Lane.PASS

    # ---- the PLC

    @rule(number=IDS, named=st.sampled_from([None, "P-1", "P-2", MASTER]), waits=st.booleans())
    def trigger(self, number: int, named: str | None, waits: bool = True) -> None:  # noqa: FBT001, FBT002 - drawn
        self.inputs |= {"trigger": True, "trigger_id": number, "part_id": named}
        self.scan(steps=2 if waits else 1)

    @rule()
    def drop_trigger(self) -> None:
        self.inputs["trigger"] = False
        self.scan()

    @rule(number=IDS)
    def change_number_under_a_standing_trigger(self, number: int) -> None:
        self.inputs["trigger_id"] = number
        self.scan()

    @rule(own=st.booleans(), number=IDS)
    def acknowledge(self, own: bool, number: int) -> None:  # noqa: FBT001 - drawn
        shown = self.outputs.results_id if self.outputs is not None and own else number
        self.inputs |= {"results_ack": True, "results_ack_id": shown}
        self.scan()

    @rule()
    def drop_acknowledgement(self) -> None:
        self.inputs["results_ack"] = False
        self.scan()

    @rule(number=IDS, lane=st.sampled_from(list(Lane)))
    def confirm(self, number: int, lane: Lane) -> None:
        self.scan(confirmed=(Confirmation(number, lane),))

    @rule(key=st.sampled_from(["bypass", "reset", "online"]))
    def turn(self, key: str) -> None:
        self.inputs[key] = not self.inputs[key]
        self.scan()

    @rule(counts=st.sampled_from([1, 5, 20, 49, 60, 10_000, -3, -40]))
    def move(self, counts: int) -> None:
        self.count += counts
        self.scan()

    @rule(scans=st.integers(1, 15))
    def wait(self, scans: int) -> None:
        self.scan(steps=scans)

    @rule(scans=st.integers(1, 15))
    def heartbeat_stands(self, scans: int) -> None:
        self.scan(steps=scans, beats=False)

    @rule(scans=st.integers(1, 3))
    def cable_cut(self, scans: int) -> None:
        self.scan(steps=scans, link=False)

    @rule(
        number=IDS,
        named=st.sampled_from([None, "P-1", "P-2", MASTER]),
        judged_as=st.sampled_from([None, "P-1"]),
        is_disk_slow=st.sampled_from([False, False, True]),
    )
    def good_part(self, number: int, named: str | None, judged_as: str | None, is_disk_slow: bool) -> None:  # noqa: FBT001 - drawn
        """The usual way, with all in order before it, so that what comes after it meets parts with permits.

        On a slow disk the PLC gives up the trigger.
        """
        self.inputs |= {"trigger": False, "results_ack": False, "bypass": False, "online": True, "reset": False}
        self.is_disk_slow = False
        self.waiting += [CameraBack("top"), DiskBack(), DeploymentReady()]
        self.scan(steps=2)
        self.inputs["reset"] = True
        self.scan()
        self.inputs["reset"] = False
        if self.obeyed.masters is not None and 6 not in self.open:
            self.trigger(6, MASTER)
            self.waiting.append(Acquired(6))
            self.drop_trigger()
            if isinstance(self.open.get(6), Acquire):
                self.answer(6, MASTER, Verdict.NG, is_audit=False)
        self.scan(steps=2)
        self.is_disk_slow = is_disk_slow
        self.trigger(number, named)
        self.waiting.append(Acquired(number))
        self.drop_trigger()
        if isinstance(self.open.get(number), Acquire):
            self.answer(number, judged_as or self.open[number].part_id or "P-7", Verdict.OK, is_audit=False)

    # ---- the runtime

    @rule(number=IDS)
    def acquired(self, number: int) -> None:
        self.waiting.append(Acquired(number))

    @rule(number=IDS)
    def acquisition_failed(self, number: int) -> None:
        self.waiting.append(AcquisitionFailed(number, "the camera is silent"))

    @precondition(lambda self: any(isinstance(each, Acquire) for each in self.open.values()))
    @rule(
        data=st.data(),
        verdict=st.sampled_from(list(Verdict)),
        is_audit=st.booleans(),
        of_another=st.booleans(),
    )
    def judged(self, data: Any, verdict: Verdict, is_audit: bool, of_another: bool) -> None:  # noqa: FBT001 - drawn
        number = data.draw(st.sampled_from([n for n, each in self.open.items() if isinstance(each, Acquire)]))
        part_id = "P-9" if of_another else self.open[number].part_id or "P-7"
        self.answer(number, part_id, verdict, is_audit=is_audit)

    def answer(self, number: int, part_id: str, verdict: Verdict, *, is_audit: bool) -> None:
        named = self.open[number].part_id
        places = (DefectPlace("top", "open", (5.0, 5.0)),) if verdict is Verdict.NG else ()
        self.write()  # a verdict follows its trigger
        self.waiting.append(Judged(number, part_id, verdict, is_audit=is_audit, places=places))
        if number not in self.answered:  # a second answer changes nothing
            is_master = MASTER in (part_id, named) and self.obeyed.masters is not None
            self.ok[number] = verdict is Verdict.OK and named in (None, part_id) and not is_master
        self.answered.add(number)
        self.scan()

    @rule(number=IDS, verdict=st.sampled_from(list(Verdict)))
    def judged_out_of_nowhere(self, number: int, verdict: Verdict) -> None:
        if number not in self.open:
            self.waiting.append(Judged(number, "P-1", verdict))
            self.scan()

    @rule(number=IDS)
    def judge_failed(self, number: int) -> None:
        """Also because the disk did not even take its trigger."""
        refused = next((each for each in self.unwritten if each[0] == number), None)
        if refused is not None:
            self.unwritten.remove(refused)
        self.waiting.append(JudgeFailed(number, ReasonCode.NO_SERVER, "nobody answered"))
        self.answered.add(number)
        self.scan()

    @rule(is_slow=st.booleans())
    def disk(self, is_slow: bool) -> None:  # noqa: FBT001 - drawn
        self.is_disk_slow = is_slow
        self.scan()

    @rule(
        news=st.sampled_from(
            [
                CameraTrouble("top", "unplugged"),
                CameraBack("top"),
                DiskFull("no room"),
                DiskBack(),
                DeploymentReady(),
                DeploymentNotReady("the kit does not verify"),
                Changeover("B"),
            ]
        )
    )
    def surroundings(self, news: Happening) -> None:
        self.waiting.append(news)
        self.scan()

    @rule()
    def restart(self) -> None:
        """What was in flight before is known no more, and never permitted."""
        kept = dict(self.inputs)
        beat, count = self.plc_beat, self.count
        self.start()
        self.inputs |= kept
        self.plc_beat, self.count = beat, count
        self.scan()

    @invariant()
    def few_are_on_their_way(self) -> None:
        if hasattr(self, "open"):
            assert len(self.open) <= 6

    def teardown(self) -> None:
        """Let all that can end, end: every part that was triggered is disposed of."""
        if not hasattr(self, "machine"):
            return
        self.inputs |= {"trigger": False, "results_ack": False, "online": True}
        self.is_disk_slow = False
        for _ in range(60):
            self.count += 5
            self.inputs["results_ack"] = bool(self.outputs is not None and self.outputs.results_valid)
            self.inputs["results_ack_id"] = 0 if self.outputs is None else self.outputs.results_id
            self.scan()
        assert not self.open, f"parts {sorted(self.open)} were forgotten"
        for number, times in self.triggers.items():
            assert self.disposed.get(number, 0) == times


TestAdversary = Adversary.TestCase
TestAdversary.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)
