"""What humans say of inspections."""

from lineside.serving.reviews.schemas import (
    ReviewBox,
    ReviewIn,
    ReviewKind,
    ReviewOut,
    ReviewRecorded,
    ReviewSource,
    ReviewStanding,
)
from lineside.serving.reviews.standing import standing_of

__all__ = [
    "ReviewBox",
    "ReviewIn",
    "ReviewKind",
    "ReviewOut",
    "ReviewRecorded",
    "ReviewSource",
    "ReviewStanding",
    "standing_of",
]
