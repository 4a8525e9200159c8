"""What is left when the line is empty: each part's way through PLC, station and server, held against the truth."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineside.inspection.verdict import Verdict
from lineside.station.rig import Lane
from lineside.station.spool import Reconciliation

PERMIT = "permit"
"""What the PLC gives as its reason where a part may pass."""


@dataclass(frozen=True, slots=True)
class PartAccount:
    """One part on the belt.

    Attributes:
        part_id: as the PLC calls it.
        acquisition_id: of its trigger; None where it was not triggered.
        lane: where it physically went.
        why: the PLC's reason.
        verdict: as the station has it; None where it has none.
        judged_by: "server" or "station"; None without a verdict.
        reasons: why it was not inspected; empty where it was.
        booked_lane: where the station says it went; None where it does not know the part.
        defects: what is truly wrong with it; None where no picture of it was judged.
    """

    part_id: str
    acquisition_id: int | None
    lane: Lane
    why: str
    verdict: Verdict | None
    judged_by: str | None
    reasons: tuple[str, ...]
    booked_lane: Lane | None
    defects: tuple[str, ...] | None

    @property
    def is_escape(self) -> bool:
        """A bad part that was judged OK: what the detector missed."""
        return self.verdict is Verdict.OK and bool(self.defects)

    @property
    def is_false_call(self) -> bool:
        """A good part that was judged NG."""
        return self.verdict is Verdict.NG and self.defects == ()


@dataclass(frozen=True, slots=True)
class StationDemoSummary:
    """The whole account.

    Attributes:
        parts: that left the belt, in order.
        plc_triggers: that the PLC gave.
        reconciliation: of the station's spool with the server.
        reports: events that the station told the server, by kind.
        stops: why the line stopped, each time it did.
        outage_s: how long the server was away; None if it never was.
    """

    parts: Sequence[PartAccount]
    plc_triggers: int
    reconciliation: Reconciliation
    reports: Mapping[str, int]
    stops: Sequence[str]
    outage_s: float | None

    @property
    def judged_by(self) -> Mapping[str, int]:
        """Inspected parts, by who judged them."""
        found = Counter(part.judged_by for part in self.parts if part.verdict in (Verdict.OK, Verdict.NG))
        return {name: found[name] for name in ("server", "station")}

    @property
    def not_triggered(self) -> int:
        """Parts for which the station was not ready: the PLC did not ask it, and rejected them."""
        return sum(part.acquisition_id is None for part in self.parts)

    @property
    def not_inspected(self) -> Mapping[str, int]:
        """Parts that were not inspected, by reason."""
        return Counter(
            reason for part in self.parts if part.verdict is Verdict.NOT_INSPECTED for reason in part.reasons
        )

    @property
    def escapes(self) -> tuple[PartAccount, ...]:
        """Bad parts that were judged OK."""
        return tuple(part for part in self.parts if part.is_escape)

    @property
    def false_calls(self) -> tuple[PartAccount, ...]:
        """Good parts that were judged NG."""
        return tuple(part for part in self.parts if part.is_false_call)

    def in_lane(self, lane: Lane) -> Mapping[str, int]:
        """How many good and bad parts physically went there, and how many of which nobody has a picture."""
        found = Counter(
            "unseen" if part.defects is None else "bad" if part.defects else "good"
            for part in self.parts
            if part.lane is lane
        )
        return {name: found[name] for name in ("good", "bad", "unseen")}

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that does not add up, a line each; an escape of the detector is a fact and none of them."""
        return tuple(self._problems())

    def _problems(self) -> Iterator[str]:
        found = self.reconciliation
        counts = (
            found.triggers,
            found.verdicts,
            found.dispositions,
            found.verdicts_at_server,
            found.dispositions_at_server,
        )
        if len({self.plc_triggers, *counts}) > 1:
            triggers, verdicts, dispositions, *at_server = counts
            yield (
                f"{self.plc_triggers} triggers of the PLC, {triggers} of the station, {verdicts} verdicts, "
                f"{dispositions} dispositions; at the server {at_server[0]} and {at_server[1]}"
            )
        for gap in found.gaps:
            if gap.report_id is not None:
                yield f"{gap.kind.value}: report {gap.report_id}"
                continue
            yield f"{gap.kind.value}: part {gap.part_id or '-'}, acquisition {gap.acquisition_id or '-'}"
        for part in self.parts:
            yield from _problems_of(part)


def _problems_of(part: PartAccount) -> Iterator[str]:
    if part.lane is Lane.PASS and part.verdict is not Verdict.OK:
        yield f"part {part.part_id} passed, and its verdict is {part.verdict or 'missing'}"
    if part.lane is Lane.PASS and part.why != PERMIT:
        yield f"part {part.part_id} passed without a permit: {part.why}"
    if part.acquisition_id is not None and part.booked_lane is None:
        yield f"part {part.part_id} had trigger {part.acquisition_id}, and the station has no record of it"
    if part.booked_lane is not None and part.booked_lane is not part.lane:
        yield f"part {part.part_id} went to {part.lane}, and the station has it in {part.booked_lane}"
