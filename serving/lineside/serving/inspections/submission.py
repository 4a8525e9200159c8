"""What a station hands in, and what it gets back, without HTTP."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lineside.inspection.frames import MediaType, RawGeometry


class Cause(StrEnum):
    """Why an attempt was made."""

    FIRST = "first"
    RETEST = "retest"
    AFTER_REWORK = "after_rework"


@dataclass(frozen=True, slots=True)
class Submission:
    """One view of one attempt, without its body.

    Attributes:
        station: station that took the frame.
        part_id: the inspected unit.
        media_type: encoding of the body.
        view: the view of the recipe that this is.
        attempt: 1 for the first judging of the part at this station.
        cause: why the attempt was made; "first" exactly when `attempt` is 1.
        parent_id: the panel or carrier that the part belongs to.
        lot: lot as the station knows it; None to take the station's order.
        sequence: the camera's frame counter.
        captured_at: aware UTC instant of exposure.
        encoder: encoder count at the trigger.
        raw: geometry of a raw body.
    """

    station: str
    part_id: str
    media_type: MediaType
    view: str = "default"
    attempt: int = 1
    cause: Cause = Cause.FIRST
    parent_id: str | None = None
    lot: str | None = None
    sequence: int | None = None
    captured_at: datetime | None = None
    encoder: int | None = None
    raw: RawGeometry | None = None

    def __post_init__(self) -> None:
        """Refuse an attempt whose number and cause contradict each other, or a raw body without geometry."""
        if self.attempt < 1:
            raise ValueError(f"attempt {self.attempt}: attempts count from 1")
        if (self.attempt == 1) != (self.cause is Cause.FIRST):
            raise ValueError(
                f"attempt {self.attempt} with cause {self.cause.value!r}: attempt 1 has the cause 'first', "
                "a later one 'retest' or 'after_rework'"
            )
        if (self.media_type is MediaType.RAW) != (self.raw is not None):
            raise ValueError("width, height and pixel_format belong to raw bodies, and a raw body needs them")

    def request_digest(self, body_digest: str) -> str:
        """Lowercase hex SHA-256 over everything that makes this request what it is.

        Two requests with one idempotency key must agree in it.
        """
        fields = asdict(self) | {"body": body_digest}
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the station gets: a verdict (status 200) or the news that views are missing (202).

    Attributes:
        status: HTTP status that fits.
        body: the JSON body, as stored for replays.
        replayed: whether this answer was given before.
    """

    status: int
    body: Mapping[str, Any]
    replayed: bool = False
