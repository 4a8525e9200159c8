"""Few ids, slow judges, a PLC that begins to count anew: a permit is for the part that earned it, and for no other."""

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from lineside.inspection.verdict import Verdict
from lineside.station.machine import Acquire, Acquired, Dispose, Happening, Judged, RecordNotInspected
from lineside.station.rig.line.permits import PermitTable
from lineside.station.rig.records import Lane
from machine_scene import RULES, MachineScene

REACH_COUNTS = 90
IDS = st.integers(1, 3)
"""So few that each comes again while judges still look at its former parts."""


class ReusedIds(RuleBasedStateMachine):
    """Parts are counted here as nobody else counts them: by the effects that begin them."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = MachineScene(replace(RULES, most_in_flight=3))
        self.heard = 0
        self.parts = 0
        self.under_way: dict[int, int] = {}
        self.id_of: dict[int, int] = {}
        self.encoder_of: dict[int, int] = {}
        self.unanswered: list[int] = []
        self.is_noted: set[int] = set()
        self.earned: set[int] = set()
        self.barred: set[int] = set()
        self.shown: int | None = None
        self.taken: set[int] = set()

    def scan(self, *happenings: Happening, has_link: bool = True) -> None:
        if not has_link or self.scene.inputs.bypass:
            self.barred |= set(self.under_way.values())
        self.scene.scan(*happenings, has_link=has_link)
        for effect in self.scene.effects[self.heard :]:
            if isinstance(effect, Acquire | RecordNotInspected):
                assert effect.acquisition_id not in self.under_way
                self.parts += 1
                self.under_way[effect.acquisition_id] = self.parts
                self.id_of[self.parts], self.encoder_of[self.parts] = effect.acquisition_id, effect.encoder
                self.unanswered.append(self.parts)
                if isinstance(effect, RecordNotInspected):
                    self.is_noted.add(self.parts)
            elif isinstance(effect, Dispose):
                del self.under_way[effect.acquisition_id]  # one that is not under way fails here
        self.heard = len(self.scene.effects)
        out = self.scene.outputs
        self.shown = None
        if out.permit:
            self.shown = self.under_way[out.results_id]
            assert out.results_valid
            assert out.lane is Lane.PASS
            assert has_link
            assert self.shown in self.earned - self.barred - self.is_noted - self.taken
            assert self.scene.inputs.encoder - self.encoder_of[self.shown] <= REACH_COUNTS

    def set(self, **words: object) -> None:
        self.scene.inputs = replace(self.scene.inputs, **words)  # type: ignore[arg-type]  # by name
        self.scan()

    @rule(number=IDS)
    def part_comes(self, number: int) -> None:
        self.set(trigger=True, trigger_id=number, encoder=self.scene.inputs.encoder + 5)
        self.set(trigger=False)

    @rule()
    def trigger_stands_over_a_cut(self) -> None:
        self.set(trigger=True)
        self.scan(has_link=False)
        self.scan()
        self.set(trigger=False)

    @rule()
    def pictures_are_taken(self) -> None:
        self.scan(*(Acquired(self.id_of[part]) for part in self.unanswered if part not in self.is_noted))

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data(), is_ok=st.sampled_from([True, True, False]))
    def one_is_judged(self, data: st.DataObject, *, is_ok: bool) -> None:
        part = data.draw(st.sampled_from(self.unanswered))
        self.unanswered.remove(part)
        verdict = Verdict.OK if is_ok and part not in self.is_noted else Verdict.NOT_INSPECTED
        if verdict is Verdict.OK:
            self.earned.add(part)
        self.scan(Acquired(self.id_of[part]), Judged(self.id_of[part], f"P-{part}", verdict))

    @rule()
    def result_is_taken(self) -> None:
        if self.shown is not None:
            self.taken.add(self.shown)
        out = self.scene.outputs
        self.set(results_ack=out.results_valid, results_ack_id=out.results_id)
        self.set(results_ack=False)

    @precondition(lambda self: self.shown is not None)
    @rule()
    def result_is_taken_just_as_its_id_is_given_to_another_part(self) -> None:
        number = self.scene.outputs.results_id
        table = PermitTable(age_s=1.0, has_reinspect_lane=True)
        table.expect(number)
        table.put(number, permit=True, lane=Lane.PASS, now_s=0.0)
        self.taken.add(self.shown or 0)
        encoder = self.scene.inputs.encoder + 5
        self.set(trigger=True, trigger_id=number, results_ack=True, results_ack_id=number, encoder=encoder)
        self.set(trigger=False, results_ack=False)
        for _ in range(4):
            out = self.scene.outputs
            if out.results_valid:
                table.put(out.results_id, permit=out.permit, lane=out.lane, now_s=0.0)
            self.result_is_taken()
        assert table.take(number, now_s=0.0)[0] is Lane.REJECT

    @rule(counts=st.integers(1, 45))
    def belt_moves(self, counts: int) -> None:
        self.set(encoder=self.scene.inputs.encoder + counts)

    @rule()
    def plc_restarts(self) -> None:
        self.scan(has_link=False)
        self.set(encoder=0)

    @rule()
    def bypass_for_a_moment(self) -> None:
        self.set(bypass=True)
        self.set(bypass=False)

    def teardown(self) -> None:
        """Though no judge answers any more, every part that was triggered ends."""
        self.set(trigger=False)
        for _ in range(40):
            self.belt_moves(20)
            self.result_is_taken()
        assert self.under_way == {}


TestReusedIds = ReusedIds.TestCase
TestReusedIds.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
