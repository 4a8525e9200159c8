"""Two ways to cut a web into parts: every so many millimetres, or at a trigger."""

import math
from collections import deque

from lineside.inspection.strips.parts import WebPart


def part_id_of(roll: str, number: int) -> str:
    """The id of a part of a roll.

    >>> part_id_of("R17", 42)
    'R17-000042'
    """
    return f"{roll}-{number:06d}"


class PitchSegmenter:
    """Parts of one length, one behind the other.

    Args:
        roll: names the parts.
        pitch_mm: length of a part.
        first_mm: where the first begins; what lies before it belongs to no part.
    """

    def __init__(self, *, roll: str, pitch_mm: float, first_mm: float = 0.0) -> None:
        if not (math.isfinite(pitch_mm) and pitch_mm > 0 and math.isfinite(first_mm)):
            raise ValueError(f"parts of {pitch_mm} mm from {first_mm} mm on; expected a finite pitch above 0")
        self._roll = roll
        self._pitch_mm = pitch_mm
        self._first_mm = first_mm
        self._number = 0

    def advance(self, through_mm: float) -> tuple[WebPart, ...]:
        """The parts that ended at or before a place; each once."""
        ended = []
        while self._edge_mm(self._number + 1) <= through_mm:
            ended.append(self._part(self._edge_mm(self._number + 1)))
        return tuple(ended)

    def finish(self, end_mm: float) -> tuple[WebPart, ...]:
        """The same at the roll's end; a rest is a part that is not whole."""
        ended = self.advance(end_mm)
        if self._edge_mm(self._number) >= end_mm:
            return ended
        return (*ended, self._part(end_mm, trouble=f"the roll ended at {end_mm:.6g} mm, within the part"))

    def _edge_mm(self, number: int) -> float:
        """Where part `number` ends and the next begins; multiplied, not added up, so that no error grows."""
        return self._first_mm + number * self._pitch_mm

    def _part(self, to_mm: float, *, trouble: str | None = None) -> WebPart:
        from_mm = self._edge_mm(self._number)
        self._number += 1
        return WebPart(part_id_of(self._roll, self._number), self._number, from_mm, to_mm, trouble)


class TriggerSegmenter:
    """Parts that begin at a trigger (a printed mark, a hole, a PLC's signal) and end at the next.

    A trigger too near to the last is a false one and ignored, but the part that it fell into is not whole. A trigger
    that does not come ends the part at its nominal length, again as not whole, and the next begins there.

    Args:
        roll: names the parts.
        nominal_mm: from trigger to trigger.
        tolerance_mm: most deviation, less than half of the nominal length.
    """

    def __init__(self, *, roll: str, nominal_mm: float, tolerance_mm: float) -> None:
        if not 0 < tolerance_mm < nominal_mm / 2 < math.inf:
            raise ValueError(
                f"parts of {nominal_mm} mm, {tolerance_mm} mm more or less; expected a finite length and a tolerance "
                "above 0 and below half of it"
            )
        self._roll = roll
        self._nominal_mm = nominal_mm
        self._tolerance_mm = tolerance_mm
        self._triggers: deque[float] = deque()
        self._begin_mm: float | None = None
        self._trouble: str | None = None
        self._number = 0

    def trigger(self, at_mm: float) -> None:
        """A part begins at a place.

        Raises:
            ValueError: it is no place, or lies before the last trigger.
        """
        if not math.isfinite(at_mm) or (self._triggers and at_mm < self._triggers[-1]):
            raise ValueError(f"a trigger at {at_mm} mm; expected a place behind the last one")
        self._triggers.append(at_mm)

    def advance(self, through_mm: float) -> tuple[WebPart, ...]:
        """The parts that ended at or before a place, of which every trigger before it was told; each once."""
        ended = []
        while self._triggers and self._triggers[0] <= through_mm:
            at_mm = self._triggers.popleft()
            ended += self._missing_before(at_mm)
            if self._begin_mm is None:
                self._begin_mm = at_mm
            elif at_mm < self._begin_mm + self._nominal_mm - self._tolerance_mm:
                self._trouble = f"a trigger came {at_mm - self._begin_mm:.6g} mm behind the one before, and was ignored"
            else:
                ended.append(self._end(at_mm))
        return (*ended, *self._missing_before(through_mm))

    def finish(self, end_mm: float) -> tuple[WebPart, ...]:
        """The same at the roll's end; a rest is a part that is not whole."""
        ended = self.advance(end_mm)
        if self._begin_mm is None or self._begin_mm >= end_mm:
            return ended
        self._trouble = f"the roll ended at {end_mm:.6g} mm, within the part"
        return (*ended, self._end(end_mm))

    def _missing_before(self, place_mm: float) -> list[WebPart]:
        """Parts whose end came and went without a trigger, seen from a place behind."""
        ended = []
        while self._begin_mm is not None and self._begin_mm + self._nominal_mm + self._tolerance_mm < place_mm:
            self._trouble = f"no trigger came within {self._nominal_mm + self._tolerance_mm:.6g} mm"
            ended.append(self._end(self._begin_mm + self._nominal_mm))
        return ended

    def _end(self, to_mm: float) -> WebPart:
        self._number += 1
        begin_mm = to_mm if self._begin_mm is None else self._begin_mm
        part = WebPart(part_id_of(self._roll, self._number), self._number, begin_mm, to_mm, self._trouble)
        self._begin_mm, self._trouble = to_mm, None
        return part
