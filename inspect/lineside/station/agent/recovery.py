"""What the station does first and last: give every part that a run leaves behind a verdict and a fate.

Such a part had no permit when the station ended, or the PLC, hearing no heartbeat, let go of it: none of them is
permitted now. One that had no verdict is NOT_INSPECTED and rejected. Of one that was OK nobody here saw whether it was
past the gate already: it is written down as passed, not confirmed, and named in a report, so that no part that went on
is ever recorded as rejected.
"""

from dataclasses import dataclass
from datetime import datetime

from lineside.client.clock import Clock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.agent.identity import nameless
from lineside.station.rig import Lane
from lineside.station.spool import MOST_IN_EVIDENCE, DispositionRecord, ReportRecord, Spool, interrupted, listed


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found.

    Attributes:
        interrupted: parts without a verdict.
        unseen: ids of parts that were OK and whose fate nobody saw.
    """

    interrupted: int
    unseen: tuple[str, ...]


def recover(spool: Spool, *, clock: Clock, identifiers: IdentifierSource, why: str) -> Recovered:
    """Finish all unfinished parts; blocks for the disk.

    Args:
        spool: with nobody else writing.
        clock: the station's.
        identifiers: names the report.
        why: how it came to this, for the report.

    Raises:
        SpoolError: the disk does not take it: the station must not run.
    """
    now = clock.now()
    without_verdict = 0
    unseen: list[str] = []
    for part in spool.unfinished():
        verdict = part.verdict
        if verdict is None:
            without_verdict += 1
            name = nameless(part.id, code=ReasonCode.INTERRUPTED, message="the station stopped").part_id
            spool.record_inspection(interrupted(part, nameless=name, at=max(now, part.at)))
            verdict = Verdict.NOT_INSPECTED
        if part.has_disposition:
            continue
        lane = Lane.PASS if verdict is Verdict.OK else Lane.REJECT
        if lane is Lane.PASS:
            unseen.append(part.part_id or part.id)
        spool.record_disposition(DispositionRecord(part.id, lane, is_confirmed=False, at=max(now, part.at)))
    if unseen or without_verdict:
        spool.record_report(_report(str(identifiers.uuid7()), without_verdict, unseen, now, why=why))
    return Recovered(without_verdict, tuple(unseen))


def _report(report_id: str, without_verdict: int, unseen: list[str], now: datetime, *, why: str) -> ReportRecord:
    message = f"{why}: {without_verdict} parts had no verdict and are NOT_INSPECTED"
    if unseen:
        message += f"; {len(unseen)} were OK and nobody saw where they went: {listed(unseen)}"
    return ReportRecord(
        report_id,
        "internal",
        "alarm" if unseen else "warning",
        message,
        now,
        evidence={"without_verdict": without_verdict, "unseen": unseen[:MOST_IN_EVIDENCE]},
    )
