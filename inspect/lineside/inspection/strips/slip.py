"""Whether the encoder still turns with the web: marks of a known distance tell."""

from dataclasses import dataclass

from lineside.inspection.strips.lines import LineFault, LineFaultKind


@dataclass(frozen=True, slots=True)
class SlipRule:
    """How far encoder and web may disagree about marks of a known distance (a print repeat, a splice, a gauge wheel).

    Attributes:
        mark_distance_mm: between neighbouring marks.
        tolerance_mm: most deviation of the encoder's figure.
    """

    mark_distance_mm: float
    tolerance_mm: float

    def __post_init__(self) -> None:
        """Refuse a rule that no encoder, or any, could satisfy."""
        if not 0 < self.tolerance_mm < self.mark_distance_mm / 2:
            raise ValueError(
                f"a slip tolerance of {self.tolerance_mm} mm between marks {self.mark_distance_mm} mm apart; expected "
                "more than 0 and less than half the distance"
            )

    def slip_mm(self, first_mm: float, second_mm: float) -> float | None:
        """How far the encoder is off between two marks that passed one after the other.

        A mark that was not read leaves a multiple of the distance: the nearest whole number of repeats counts.

        Args:
            first_mm: where the encoder placed the first.
            second_mm: where it placed the second.

        Returns:
            The deviation, positive where the encoder counted too much; None while it is tolerated.
        """
        apart_mm = second_mm - first_mm
        repeats = max(1, round(apart_mm / self.mark_distance_mm))
        slip_mm = apart_mm - repeats * self.mark_distance_mm
        return slip_mm if abs(slip_mm) > self.tolerance_mm else None


class SlipWatch:
    """Holds each mark of the web to the one before it.

    Args:
        rule: what they may differ by.
    """

    def __init__(self, rule: SlipRule) -> None:
        self._rule = rule
        self._last: tuple[float, int] | None = None

    def mark(self, at_mm: float, *, line: int) -> LineFault | None:
        """Take in a mark that has passed.

        Args:
            at_mm: where the encoder places it, behind the one before.
            line: the line of the web that shows it.

        Returns:
            The stretch between both marks if the encoder slipped on it; where on it, nobody knows.

        Raises:
            ValueError: it lies before the last one.
        """
        before, self._last = self._last, (at_mm, line)
        if before is None:
            return None
        from_mm, first_line = before
        if at_mm < from_mm:
            raise ValueError(f"a mark at {at_mm} mm came after one at {from_mm} mm; expected them in order")
        slip_mm = self._rule.slip_mm(from_mm, at_mm)
        if slip_mm is None:
            return None
        message = (
            f"by the encoder two marks lie {at_mm - from_mm:.6g} mm apart, {abs(slip_mm):.3g} mm too "
            f"{'much' if slip_mm > 0 else 'little'}; expected a multiple of {self._rule.mark_distance_mm:g} mm: check "
            "the encoder's wheel"
        )
        return LineFault(LineFaultKind.SLIP, first_line, line, from_mm, at_mm, message)
