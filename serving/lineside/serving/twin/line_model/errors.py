"""What no line can be, by name.

```
LinesideError
└── ImpossibleLine (ValueError)   a number that no line can have: a negative time, a share above 1, NaN
    ├── UnstableLine              parts come faster than a place can take them: its queue has no end
    └── RunTooLarge               more simulated parts than this program may spend time and memory on
```
"""

from lineside.inspection.errors import LinesideError


class ImpossibleLine(LinesideError, ValueError):
    """A number that no line can have."""


class UnstableLine(ImpossibleLine):
    """Parts come faster than a place takes them.

    Attributes:
        where: "inspection" or "rework".
        utilisation: work that comes per unit of time, by what the places can do; 1 or more.
    """

    def __init__(self, where: str, *, utilisation: float, places: int) -> None:
        """Say where, and by how much."""
        super().__init__(
            f"{where} is asked for {utilisation:.3g} times what its {places} place{'s' * (places != 1)} can do; "
            "expected below 1: a queue that only grows has no waiting time. Give more places, a slower pace or shorter "
            "times"
        )
        self.where = where
        self.utilisation = utilisation


class RunTooLarge(ImpossibleLine):
    """More simulated parts than allowed."""
