"""When the line is to stop by itself: nobody looks any more, or one fault makes every part bad."""

import math
from collections.abc import Sequence

from lineside.inspection.verdict import Verdict
from lineside.station.machine.happenings import DefectPlace
from lineside.station.machine.rules import MachineRules


class StopRules:
    """Counts in a row.

    Args:
        rules: how many are too many.
    """

    def __init__(self, rules: MachineRules) -> None:
        self._rules = rules
        self._not_inspected = 0
        self._runs: tuple[tuple[DefectPlace, int], ...] = ()

    def note(self, verdict: Verdict, places: Sequence[DefectPlace]) -> str | None:
        """Count a part; why the line is to stop, None if it is not."""
        if verdict is Verdict.NOT_INSPECTED:
            self._not_inspected += 1
            limit = self._rules.stop_after_not_inspected
            if limit is not None and self._not_inspected >= limit:
                return f"{self._not_inspected} parts in a row were not inspected"
            return None  # it says nothing of its defects: a run of equal ones goes on behind it
        self._not_inspected = 0
        self._runs = tuple((place, 1 + self._run_at(place)) for place in places)
        limit = self._rules.stop_after_equal_defects
        worst = max(self._runs, key=lambda run: run[1], default=None)
        if limit is None or worst is None or worst[1] < limit:
            return None
        place, length = worst
        across, down = place.centre_px
        return (
            f"{length} parts in a row have {place.class_name!r} at one place of view {place.view!r} "
            f"({across:.0f}, {down:.0f} px)"
        )

    def forget(self) -> None:
        """Begin anew: somebody looked."""
        self._not_inspected, self._runs = 0, ()

    def _run_at(self, place: DefectPlace) -> int:
        return max((length for other, length in self._runs if self._is_same(place, other)), default=0)

    def _is_same(self, one: DefectPlace, other: DefectPlace) -> bool:
        return (one.view, one.class_name) == (other.view, other.class_name) and math.dist(
            one.centre_px, other.centre_px
        ) <= self._rules.equal_within_px
