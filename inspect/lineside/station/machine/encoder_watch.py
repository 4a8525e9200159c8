"""Is the encoder to be believed? Parts are where it says; one that errs would give a part another one's lane."""

from lineside.station.machine.rules import EncoderRules


class EncoderWatch:
    """Looks at the count of every scan and of every trigger.

    Args:
        rules: how it behaves while all is well; None where there is none.
    """

    def __init__(self, rules: EncoderRules | None) -> None:
        self._rules = rules
        self._last: int | None = None
        self._highest: int | None = None
        self._last_trigger: int | None = None
        self._moved_s: float | None = None

    def scan(self, count: int, *, now_s: float, should_move: bool) -> str | None:
        """What is wrong with the count of this scan; None if nothing is.

        Args:
            count: of this scan.
            now_s: monotonic.
            should_move: whether the line runs and parts are on their way.
        """
        if self._rules is None:
            return None
        last, self._last = self._last, count
        if count != last or not should_move or self._moved_s is None:
            self._moved_s = now_s
        if last is None or self._highest is None:
            self._highest = count
            return None
        if count - last > self._rules.max_step:
            return f"the encoder jumped by {count - last} counts in one scan; expected at most {self._rules.max_step}"
        if self._highest - count > self._rules.max_back:
            return (
                f"the encoder runs backwards: {count} after {self._highest}; expected at most "
                f"{self._rules.max_back} counts back"
            )
        self._highest = max(self._highest, count)
        stuck_s = self._rules.stuck_s
        if stuck_s is not None and now_s - self._moved_s > stuck_s:
            return f"the encoder stands at {count} for {stuck_s:g} s while parts are on their way and the line runs"
        return None

    def trigger(self, count: int) -> str | None:
        """What is wrong with the count of a trigger; None if nothing is."""
        if self._rules is None:
            return None
        last, self._last_trigger = self._last_trigger, count
        if last is not None and count - last < self._rules.min_between_parts:
            return (
                f"the encoder stands: {count - last} counts between two parts, expected at least "
                f"{self._rules.min_between_parts}"
            )
        return None

    def forget(self) -> None:
        """Begin anew: after a reset, or a PLC that was away."""
        self._last = self._highest = self._last_trigger = None
        self._moved_s = None
