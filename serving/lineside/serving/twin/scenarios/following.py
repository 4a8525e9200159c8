"""The ways of parts: attempt after attempt, and what became of those that did not pass."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lineside.inspection.verdict import Verdict
from lineside.serving.dispositions.schemas import DispositionKind
from lineside.serving.inspections.submission import Cause
from lineside.serving.twin.scenarios.seen import SeenAttempt


def ways_of(attempts: Sequence[SeenAttempt], part_ids: set[str]) -> list[list[SeenAttempt]]:
    """Each part's attempts in order."""
    ways: dict[str, list[SeenAttempt]] = {}
    for seen in attempts:
        if seen.part_id in part_ids:
            ways.setdefault(seen.part_id, []).append(seen)
    return [sorted(way, key=lambda seen: seen.attempt) for way in ways.values()]


def first_judged(way: Sequence[SeenAttempt]) -> SeenAttempt | None:
    """The first attempt that was judged; None if none was."""
    return next((seen for seen in way if seen.verdict in (Verdict.OK, Verdict.NG)), None)


class Following:
    """What became of flagged and unjudged parts, as far as it is known.

    Attributes:
        rework_from: when parts went to rework, aware; of those that came again.
        rework_until: when they came again.
        retest_s: until flagged parts that nobody worked on were there again.
        unjudged: attempts without a judgement of which it is known what came then.
        unjudged_again: of those, looked at again.
        unjudged_again_s: until they were there again.
        judged_after_rework: parts judged after rework.
        passed_rework: of those.
        judged_after_retest: flagged parts judged again that nobody worked on.
        passed_retest: of those.
    """

    def __init__(self, ways: Sequence[Sequence[SeenAttempt]], known_until: datetime, handling: timedelta) -> None:
        """Follow parts.

        Args:
            ways: of each part its attempts, in order.
            known_until: aware; up to when the ledger was read.
            handling: that a part stays at the station after its verdict.
        """
        self.rework_from: list[datetime] = []
        self.rework_until: list[datetime] = []
        self.retest_s: list[float] = []
        self.unjudged_again_s: list[float] = []
        self.unjudged = self.unjudged_again = 0
        self.judged_after_rework = self.passed_rework = 0
        self.judged_after_retest = self.passed_retest = 0
        self._fates = {"rework": 0, "retest": 0, "scrap": 0, "rest": 0}
        waiting: list[tuple[SeenAttempt, float]] = []
        longest_s = 0.0
        for way in ways:
            for seen, after in zip(way, (*way[1:], None), strict=True):
                if seen.judged_at is None:
                    continue
                if after is None:
                    waiting.append((seen, (known_until - seen.judged_at).total_seconds()))
                    continue
                left_at = min(seen.judged_at + handling, after.opened_at)
                took_s = max(0.0, (after.opened_at - left_at).total_seconds())
                longest_s = max(longest_s, took_s)
                self._came_again(seen, after, left_at, took_s)
        for seen, since_s in waiting:  # what has not come again after the longest time that any took will not
            self._did_not_come_again(seen, is_decided=since_s > longest_s)

    @property
    def fates(self) -> tuple[int, int, int, int]:
        """Reworked, retested, scrapped at once, the rest."""
        return self._fates["rework"], self._fates["retest"], self._fates["scrap"], self._fates["rest"]

    def _came_again(self, seen: SeenAttempt, after: SeenAttempt, left_at: datetime, took_s: float) -> None:
        if seen.verdict is Verdict.NOT_INSPECTED:
            self.unjudged += 1
            self.unjudged_again += 1
            self.unjudged_again_s.append(took_s)
            return
        if seen.verdict is not Verdict.NG:
            return  # a passed part that was looked at again: no loop of the line
        is_judged, is_passed = after.verdict in (Verdict.OK, Verdict.NG), after.verdict is Verdict.OK
        if after.cause is Cause.AFTER_REWORK:
            self._fates["rework"] += 1
            self.rework_from.append(left_at)
            self.rework_until.append(after.opened_at)
            self.judged_after_rework += is_judged
            self.passed_rework += is_passed
        else:
            self._fates["retest"] += 1
            self.retest_s.append(took_s)
            self.judged_after_retest += is_judged
            self.passed_retest += is_passed

    def _did_not_come_again(self, seen: SeenAttempt, *, is_decided: bool) -> None:
        if seen.verdict is Verdict.NOT_INSPECTED:
            self.unjudged += is_decided
        if seen.verdict is not Verdict.NG:
            return
        if DispositionKind.SCRAPPED in seen.dispositions:
            self._fates["scrap"] += 1
        elif DispositionKind.REWORKED in seen.dispositions:
            self._fates["rework"] += 1  # it is still there
        elif is_decided or seen.dispositions:
            self._fates["rest"] += 1
