"""Why no probability of detection can be given.

```
ValueError
└── PodRefused
    ├── TooFewTargets           fewer defects of known size than a curve needs
    ├── SeveralTargetsPerPart   two targets on one part are not independent
    ├── NoOverlap               every hit is larger than every miss, or there are only hits or only misses
    ├── SizeDoesNotHelp         larger defects are not found more often
    └── ProductionSizes         the sizes came as the line made them, not by design
```
"""


class PodRefused(ValueError):
    """The study cannot carry a probability of detection."""


class TooFewTargets(PodRefused):
    """There are fewer defects of known size than a curve needs.

    Args:
        needed: how many there must be.
        found: how many there are.
    """

    def __init__(self, *, needed: int, found: int) -> None:
        super().__init__(
            f"the study has {found} targets; expected at least {needed}, one defect of measured size on each part: "
            f"add {needed - found}"
        )
        self.needed = needed
        self.found = found


class SeveralTargetsPerPart(PodRefused):
    """Two targets are on one part: they share its light, its pose and its surface, so they are not independent.

    Args:
        parts: the parts that carry more than one.
    """

    def __init__(self, parts: tuple[str, ...]) -> None:
        named = ", ".join(parts[:5]) + (f" and {len(parts) - 5} more" if len(parts) > 5 else "")
        super().__init__(f"more than one target on part {named}; expected one per part: keep one, drawn by lot")
        self.parts = parts


class NoOverlap(PodRefused):
    """No size range holds both hits and misses, so nothing says how steep the curve is."""


class SizeDoesNotHelp(PodRefused):
    """Larger defects are not found more often than smaller ones."""


class ProductionSizes(PodRefused):
    """The sizes came as the line made them: which small defects are among them was decided by what was found."""
