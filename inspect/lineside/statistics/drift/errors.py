"""What the drift statistics refuse, where the condition needs a name.

ValueError
├── NonFiniteMeasure     a score or a picture's measure is NaN or infinite
└── TooFewParts          see lineside.statistics.errors
"""


class NonFiniteMeasure(ValueError):
    """A score or a picture's measure is no finite number: it would count as neither high nor low."""

    def __init__(self, name: str, *, position: int, value: float) -> None:
        """Say which."""
        super().__init__(
            f"{name} number {position} is {value}; expected a finite number. Leave out a part that was not measured: "
            "a part without a score is no part with the score 0"
        )
        self.position = position
