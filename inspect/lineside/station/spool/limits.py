"""How much a spool may hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Bounds that hold whatever the server does.

    Attributes:
        max_bytes: of pictures that wait, all together.
        max_records: that wait; a part whose trigger was taken may always be finished.
        keep_parts: settled parts that are remembered for reconciliation one by one; older ones are only counted.
    """

    max_bytes: int = 20 * 2**30
    max_records: int = 1_000_000
    keep_parts: int = 10_000

    def __post_init__(self) -> None:
        """Refuse bounds that hold nothing."""
        if self.max_bytes < 1 or self.max_records < 1 or self.keep_parts < 0:
            raise ValueError(
                f"a spool of {self.max_bytes} bytes, {self.max_records} records and {self.keep_parts} settled parts "
                "holds nothing; give at least one byte and one record"
            )
