"""Parts as a station writes them down, for tests of its spool."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from lineside.client.clock import ManualClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.frames import MediaType
from lineside.inspection.inspector import EncodedFrame
from lineside.inspection.verdict import Reason, ReasonCode, Verdict
from lineside.station.rig import Lane
from lineside.station.spool import (
    AskedRecord,
    DispositionRecord,
    JudgedRecord,
    JudgedView,
    PartContext,
    ReportRecord,
    Spool,
    StationJudgement,
    TriggerRecord,
    UsedRecipe,
    UsedRelease,
)

START = datetime(2026, 11, 2, 6, tzinfo=UTC)
LANE_OF = {Verdict.OK: Lane.PASS, Verdict.NG: Lane.REJECT, Verdict.NOT_INSPECTED: Lane.REINSPECT}
_RELEASE = UsedRelease("blobs", "1.0.0", "ab" * 32)
_REASONS = {
    Verdict.OK: (),
    Verdict.NG: (Reason(ReasonCode.DEFECT_LIMIT, "1 x short; the recipe allows 0", "default"),),
    Verdict.NOT_INSPECTED: (Reason(ReasonCode.NO_SERVER, "the server is away"),),
}


def a_view(body: bytes, name: str = "default") -> JudgedView:
    """A picture as it is kept."""
    return JudgedView(EncodedFrame(body, MediaType.PNG, hashlib.sha256(body).hexdigest(), name), sequence=1, encoder=7)


def a_judgement(verdict: Verdict) -> StationJudgement:
    """A station's own verdict under the recipe and release of `plant`."""
    return StationJudgement(
        verdict,
        _REASONS[verdict],
        thresholds={"short": 0.25},
        recipe=UsedRecipe("board", 1),
        release=_RELEASE,
        engine="onnxruntime-fp32",
        context=PartContext("BRD", "L-1"),
    )


@dataclass
class Parts:
    """Makes parts one after another, each with its own identifiers."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    count: int = 0

    def __post_init__(self) -> None:
        """One source, so that identifiers rise."""
        self._ids = IdentifierSource(self.clock)

    def new_id(self) -> str:
        """A UUID."""
        return str(self._ids.uuid7())

    def trigger(self, part_id: str | None = None) -> TriggerRecord:
        """The next part at the camera."""
        self.count += 1
        return TriggerRecord(
            self.new_id(), self.count % 0xFFFF, 100 * self.count, self._at(), part_id or f"P-{self.count}"
        )

    def judged(
        self, trigger: TriggerRecord, verdict: Verdict, views: Mapping[str, JudgedView] = MappingProxyType({})
    ) -> JudgedRecord:
        """A station's verdict of it."""
        at = self._at()
        return JudgedRecord(trigger.id, trigger.part_id or "?", a_judgement(verdict), trigger.at, at, views)

    def disposed(self, trigger: TriggerRecord, lane: Lane = Lane.REJECT) -> DispositionRecord:
        """Where it went."""
        return DispositionRecord(trigger.id, lane, is_confirmed=True, at=self._at())

    def report(self, kind: str = "camera_lost") -> ReportRecord:
        """Something that was met."""
        return ReportRecord(self.new_id(), kind, "warning", "the cable is out", self._at())

    def asked(self, trigger: TriggerRecord, body: bytes) -> AskedRecord:
        """The server is about to be asked."""
        return AskedRecord(trigger.id, trigger.part_id or "?", {"default": hashlib.sha256(body).hexdigest()})

    def write(self, spool: Spool, verdict: Verdict, body: bytes, part_id: str | None = None) -> TriggerRecord:
        """A whole part of the station's own judging: trigger, verdict with one picture, fate."""
        trigger = self.trigger(part_id)
        spool.record_trigger(trigger)
        spool.record_inspection(self.judged(trigger, verdict, {"default": a_view(body)}))
        spool.record_disposition(self.disposed(trigger, LANE_OF[verdict]))
        return trigger

    def _at(self) -> datetime:
        self.clock.advance(0.01)
        return self.clock.now()
