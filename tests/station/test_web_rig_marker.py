"""A PLC as marker: a permit only for OK, only for that region, and never after the station has gone."""

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import pytest

from lineside.inspection.verdict import Judgement, Reason, ReasonCode, Verdict
from lineside.station.rig.errors import RigLost
from lineside.station.rig.records import Inputs, Outputs
from lineside.station.web import MarkerFailed, RegionOutcome, RigMarker

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class ObedientPlc:
    """Acknowledges each result in the next scan, and takes the acknowledgement back when the result is gone.

    Attributes:
        is_deaf: it takes no result.
        lost_reads: so many first reads get no answer.
        stale_reads: in so many first reads an earlier session's acknowledgement of a result with id 1 still stands.
    """

    is_deaf: bool = False
    lost_reads: int = 0
    stale_reads: int = 0
    heard: list[Outputs] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to release."""

    async def write(self, outputs: Outputs) -> None:
        self.heard.append(outputs)

    async def read(self) -> Inputs:
        if self.lost_reads:
            self.lost_reads -= 1
            raise RigLost("no answer")
        last = self.heard[-1]
        is_stale, self.stale_reads = self.stale_reads > 0, max(0, self.stale_reads - 1)
        is_acked = is_stale or (last.results_valid and not self.is_deaf)
        return Inputs(
            online=True,
            trigger=False,
            trigger_id=0,
            encoder=0,
            part_id=None,
            results_ack=is_acked,
            results_ack_id=1 if is_stale else last.results_id if is_acked else 0,
            confirmed=(),
            bypass=False,
            reset=False,
            heartbeat=len(self.heard) & 0xFFFF,
            stopped=False,
        )


def _outcome(number: int, verdict: Verdict) -> RegionOutcome:
    reasons = () if verdict is Verdict.OK else (Reason(ReasonCode.LATE, "too late"),)
    judgement = Judgement(verdict, reasons, (), {})
    return RegionOutcome(f"ROLL-1-{number:06d}", number, 0.0, 50.0, judgement, (), None, NOW, 0.5)


def _told(plc: ObedientPlc, *outcomes: RegionOutcome, ack_timeout_s: float = 5.0) -> None:
    async def telling() -> None:
        async with RigMarker(plc, ack_timeout_s=ack_timeout_s, scan_s=0.0) as marker:
            for outcome in outcomes:
                await marker.region(outcome, ())

    asyncio.run(telling())


def test_each_region_has_its_result_and_only_an_ok_has_a_permit() -> None:
    plc = ObedientPlc()
    _told(plc, *(_outcome(number, verdict) for number, verdict in enumerate(Verdict, 1)))
    results = {(each.results_id, each.permit, each.lane.value) for each in plc.heard if each.results_valid}
    assert results == {(1, True, "pass"), (2, False, "reject"), (3, False, "reinspect")}
    assert not any(each.permit for each in plc.heard if not each.results_valid)


def test_the_heartbeat_changes_with_every_scan_and_the_last_word_is_no_permit() -> None:
    plc = ObedientPlc()
    _told(plc, _outcome(65_536, Verdict.OK))
    beats = [each.heartbeat for each in plc.heard[:-1]]
    assert all(one != other for one, other in itertools.pairwise(beats))
    assert {each.results_id for each in plc.heard if each.results_valid} == {1}, "ids have 16 bits, 0 is none"
    assert (plc.heard[-1].permit, plc.heard[-1].state.value) == (False, "halted")


def test_a_connection_that_comes_back_in_time_costs_nothing() -> None:
    plc = ObedientPlc(lost_reads=5)
    _told(plc, _outcome(1, Verdict.OK))
    assert any(each.permit for each in plc.heard)


def test_a_plc_that_does_not_take_the_result_ends_the_run() -> None:
    with pytest.raises(MarkerFailed, match="stop the web"):
        _told(ObedientPlc(is_deaf=True), _outcome(1, Verdict.OK), ack_timeout_s=0.05)


def test_what_was_acknowledged_in_an_earlier_session_is_no_acknowledgement() -> None:
    with pytest.raises(MarkerFailed, match="stop the web"):
        _told(ObedientPlc(is_deaf=True, stale_reads=3), _outcome(1, Verdict.OK), ack_timeout_s=0.05)
