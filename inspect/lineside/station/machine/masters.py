"""Master samples: known-defect parts that show whether the station still finds what it has to find.

While they are due, no production part is let in. All of them passed: the station opens. One missed: it stays shut, and
what went by since the last pass is in doubt.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lineside.station.machine.rules import MasterRules


@dataclass(frozen=True, slots=True)
class MasterOutcome:
    """What a shown master sample came to.

    Attributes:
        part_id: which.
        missing: classes that were to be found and were not; empty if it passed.
        are_all_passed: whether the station opens by it.
    """

    part_id: str
    missing: frozenset[str]
    are_all_passed: bool


class Masters:
    """Which master samples are to be shown, and which were found.

    Args:
        rules: which there are; None where none are shown.
    """

    def __init__(self, rules: MasterRules | None) -> None:
        self._rules = rules
        self._passed: set[str] = set()
        self._passed_s: float | None = None
        self.announced: str | None = None
        self._has_looked = False
        self._former_id: str | None = None
        self.due_because: str | None = None if rules is None else "the station was started"

    def is_master(self, part_id: str | None) -> bool:
        """Whether a part is a master sample."""
        return self._rules is not None and part_id is not None and part_id in self._rules.parts

    def announce(self, part_id: str) -> None:
        """A person lays a master on the line: the next part is it, whatever the PLC calls it.

        Raises:
            ValueError: there is no such master.
        """
        if not self.is_master(part_id):
            known = () if self._rules is None else sorted(self._rules.parts)
            raise ValueError(
                f"no master {part_id!r}; expected one of {', '.join(known) or 'none: the rules name none'}"
            )
        self.announced = part_id

    def take_announced(self) -> str | None:
        """The master that was announced for this part; only for this one."""
        part_id, self.announced = self.announced, None
        return part_id

    def expects(self, part_id: str | None) -> bool:
        """Whether the part that comes next is a master: it was announced, or the PLC names it before its trigger.

        What the PLC still shows of the part before, or showed already when it was first heard, names no next part.
        """
        return self.announced is not None or (self.is_master(part_id) and part_id != self._former_id)

    def look(self, part_id: str | None) -> None:
        """See what the PLC names in this scan."""
        if not self._has_looked:
            self._has_looked, self._former_id = True, part_id
        elif part_id != self._former_id:
            self._former_id = None

    def triggered(self, part_id: str | None) -> None:
        """A trigger came with this name: it is a former part's from now on."""
        self._former_id = part_id

    def forget(self) -> None:
        """The PLC was away: what it names first is nobody's."""
        self._has_looked = False

    def scan(self, now_s: float) -> None:
        """Time passes."""
        rules = self._rules
        if rules is None or rules.every_s is None or self._passed_s is None or self.due_because is not None:
            return
        if now_s - self._passed_s >= rules.every_s:
            self.ask_for(f"{rules.every_s:g} s have passed since the last time")

    def change_over(self) -> None:
        """Another product is made."""
        if self._rules is not None and self._rules.after_changeover:
            self.ask_for("another product is made")

    def ask_for(self, why: str) -> None:
        """Have all of them shown again."""
        if self._rules is not None:
            self.due_because = why
            self._passed.clear()

    def judged(self, part_id: str, found: Iterable[str], *, was_inspected: bool, now_s: float) -> MasterOutcome:
        """A master sample was judged.

        Args:
            part_id: which.
            found: classes of the defects that counted.
            was_inspected: whether it was looked at; what was not looked at was not found.
            now_s: monotonic.
        """
        if self._rules is None:
            raise ValueError(f"part {part_id!r} is no master sample: the rules name none")
        wanted = self._rules.parts[part_id]
        missing = wanted - (frozenset(found) if was_inspected else frozenset())
        if missing:
            self.ask_for(f"master {part_id!r} was missed")
            return MasterOutcome(part_id, missing, are_all_passed=False)
        self._passed.add(part_id)
        are_all_passed = self._passed >= set(self._rules.parts)
        if are_all_passed:
            self.due_because, self._passed_s = None, now_s
            self._passed.clear()
        return MasterOutcome(part_id, missing, are_all_passed)

    @property
    def last_pass_s(self) -> float | None:
        """When all of them were last found, monotonic."""
        return self._passed_s
