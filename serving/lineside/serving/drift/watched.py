"""What the watch holds in memory of one station's parts: its reference, the batches since, and a batch that fills."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lineside.serving.drift.schemas import AlarmOut, FindingOut, LookOut, WatchedOut
from lineside.serving.drift.scope import SeenPart
from lineside.serving.drift.store import ReferenceRow, StoredBatch
from lineside.serving.drift.wording import message_of
from lineside.statistics.drift import BATCH_PARTS, Batch, Look, Reference, WatchLimits, look
from lineside.statistics.drift.levels import LEAST_BATCHES
from lineside.statistics.errors import TooFewParts

MOST_BATCHES = 400
"""That a look takes beside the reference: 20,000 parts, more than any window that the settings allow."""


@dataclass(slots=True, eq=False)
class Watched:
    """Parts of one scope. Not for several threads at once.

    Attributes:
        row: the reference period as it stands in the ledger, or will with the next write.
        reference: what later parts are held against; None while it is being taken.
        taken: the reference's batches, while it is being taken.
        since: the batches since, at most `MOST_BATCHES`.
        filling: the parts of the next batch.
        last_sequence: of the last part that is in a batch or in `filling`.
        parts_to_look: parts since the last look.
        looked_at: when that was, or when the reference was frozen.
        has_alarm: whether an alarm is open.
        is_new: whether the ledger has no row of it yet.
    """

    row: ReferenceRow
    reference: Reference | None = None
    taken: list[StoredBatch] = field(default_factory=list)
    since: deque[StoredBatch] = field(default_factory=lambda: deque(maxlen=MOST_BATCHES))
    filling: list[SeenPart] = field(default_factory=list)
    last_sequence: int = 0
    parts_to_look: int = 0
    looked_at: datetime | None = None
    has_alarm: bool = False
    is_new: bool = True

    def add(self, part: SeenPart) -> tuple[StoredBatch, tuple[SeenPart, ...]] | None:
        """Take a part; gives the batch that it completes, with its parts."""
        if part.sequence <= self.last_sequence:
            return None
        self.last_sequence = part.sequence
        self.filling.append(part)
        if len(self.filling) < BATCH_PARTS:
            return None
        parts, self.filling = tuple(self.filling), []
        stored = StoredBatch(
            self.row.batches,
            part.sequence,
            parts[0].at,
            part.at,
            Batch.of([seen.part for seen in parts]),
        )
        self.row = replace(self.row, batches=self.row.batches + 1, seen_at=part.at)
        if self.reference is None:
            self.taken.append(stored)
        else:
            self.since.append(stored)
            self.parts_to_look += stored.batch.size
        return stored, parts

    def freeze(self, *, wanted_parts: int) -> bool:
        """Make the reference, if enough parts are there; whether it was made."""
        wanted = max(LEAST_BATCHES, -(-wanted_parts // BATCH_PARTS))
        if self.reference is not None or len(self.taken) < wanted:
            return False
        self.taken = self.taken[-wanted:]  # in bounded memory, however long hardly a part was inspected
        try:
            self.reference = Reference.of([stored.batch for stored in self.taken], threshold=self.row.threshold)
        except TooFewParts:  # hardly a part of them was inspected: the period moves on
            return False
        last = self.taken[-1]
        self.row = replace(
            self.row, frozen_at=last.last_at, frozen_batches=self.row.batches, since_batch=self.row.batches
        )
        self.looked_at = last.last_at
        self.taken = []
        return True

    def restart(self) -> None:
        """Hold only later parts against the reference: what was wrong is mended."""
        self.since.clear()
        self.filling.clear()
        self.parts_to_look = 0
        self.looked_at = self.row.seen_at
        self.has_alarm = False
        self.row = replace(self.row, since_batch=self.row.batches, look=None)

    def is_due(self, *, look_parts: int, look_s: float) -> bool:
        """Whether enough parts or time have passed since the last look."""
        if self.reference is None or self.parts_to_look == 0 or self.looked_at is None:
            return False
        waited_s = (self.row.seen_at - self.looked_at).total_seconds()
        return self.parts_to_look >= look_parts or waited_s >= look_s

    def look(self, limits: WatchLimits) -> LookOut:
        """Hold the parts since against the reference; the row then has what was found.

        Raises:
            TooFewParts: none of them has a score.
        """
        if self.reference is None:
            raise TooFewParts("a look (reference periods)", needed=1, found=0)
        stored = list(self.since)
        self.parts_to_look = 0
        self.looked_at = self.row.seen_at
        found = look(self.reference, [one.batch for one in stored], limits=limits)
        result = _look_out(found, stored, at=self.row.seen_at)
        self.row = replace(self.row, look=result)
        return result

    def watched(self) -> WatchedOut:
        """Whose parts they are, as JSON."""
        return watched_out(self.row)

    def alarm(self, alarm_id: str, result: LookOut, *, now: datetime, limits: WatchLimits) -> AlarmOut | None:
        """The alarm to raise for a look; None if nothing changed, or one is open."""
        changed = tuple(finding for finding in result.findings if finding.has_changed)
        if not changed or self.has_alarm:
            return None
        since = min(finding.since for finding in changed if finding.since is not None)
        message = (
            f"drift at station {self.row.scope.station!r} since about {since:%Y-%m-%d %H:%M} UTC: "
            f"{'; '.join(finding.message for finding in changed)}"
        )
        return AlarmOut(
            id=alarm_id,
            state="raised",
            watched=self.watched(),
            raised_at=now,
            since=since,
            message=message,
            findings=changed,
            risk_per_look=limits.risk_per_look,
        )


def watched_out(row: ReferenceRow) -> WatchedOut:
    """Whose reference period it is, as JSON."""
    scope = row.scope
    return WatchedOut(
        reference_id=row.id,
        line=scope.line,
        station=scope.station,
        product=scope.product,
        recipe_id=scope.recipe_id,
        recipe_version=scope.recipe_version,
        release_name=scope.release_name,
        release_version=scope.release_version,
        release_digest=scope.release_digest,
        engine=scope.engine,
    )


def _look_out(found: Look, stored: Sequence[StoredBatch], *, at: datetime) -> LookOut:
    return LookOut(
        at=at,
        parts=found.parts,
        findings=tuple(
            FindingOut(
                signal=finding.signal,
                detail=finding.detail,
                before=finding.before,
                after=finding.after,
                parts_before=finding.counts[0],
                parts_after=finding.counts[1],
                p_value=finding.p_value,
                has_changed=finding.has_changed,
                since=None if finding.since_batch is None else stored[finding.since_batch].first_at,
                message=message_of(finding),
            )
            for finding in found.findings
        ),
        untested=found.untested,
    )
