"""Parts of a simulated line, written into the ledger of a running app as its verdicts are."""

import math
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from lineside.inspection.verdict import Verdict
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.clock import ManualClock
from lineside.serving.inspections.schemas import FrameOut, InspectionOut, MeasuresOut, RecipeOut, ReleaseOut
from lineside.serving.inspections.submission import Cause
from lineside.serving.ledger import Ledger, Transaction
from plant import Plant, open_plant

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

SHORT_PERIODS: Mapping[str, Any] = MappingProxyType(
    {
        "drift_reference_parts": 400,
        "drift_window_parts": 400,
        "drift_look_parts": 100,
        "drift_risk_per_look": 0.01,
    }
)
"""Settings under which the watch needs few parts."""


@dataclass(frozen=True)
class Line:
    """What the simulated line is like.

    Attributes:
        good: mean score of good parts, in log odds.
        defective: of defective ones.
        share: of defective parts.
        light: mean gray level.
        sharpness: of the pictures.
        release: that judges.
        judged_by: the server or the station.
        attempt: number of the attempt.
        not_inspected: whether no part could be judged.
    """

    good: float = -4.0
    defective: float = 1.6
    share: float = 0.05
    light: float = 120.0
    sharpness: float = 0.3
    release: str = "d" * 64
    judged_by: Literal["server", "station"] = "server"
    attempt: int = 1
    not_inspected: bool = False


@dataclass
class DriftingPlant:
    """A running app whose watch is called by the test.

    Attributes:
        plant: the app.
        clock: its clock; each part takes a second.
        parts: that were written so far.
    """

    plant: Plant
    clock: ManualClock
    parts: int = 0

    def run(self, count: int, line: Line = Line()) -> None:
        """Write the verdicts of some parts, and let the watch catch up."""
        write_parts(self.plant.services.ledger, line_bodies(count, line, first=self.parts + 1))
        self.parts += count
        self.clock.set_now(START + timedelta(seconds=self.parts))
        self.catch_up()

    def catch_up(self) -> None:
        """Let the watch take what is durable."""
        self.plant.http.portal.call(self.plant.services.drift.catch_up)  # type: ignore[attr-defined]  # TestClient's loop

    def drift(self, **query: str) -> dict[str, Any]:
        """`GET /v1/drift`."""
        answer = self.plant.http.get("/v1/drift", params=query, headers=self.plant.headers())
        found: dict[str, Any] = answer.json()
        return found

    def state(self) -> dict[str, Any]:
        """The one station's."""
        (item,) = self.drift()["items"]
        found: dict[str, Any] = item
        return found


def write_parts(ledger: Ledger, bodies: Sequence[Mapping[str, Any]]) -> None:
    """Append verdicts to the ledger's events, in one write."""

    def write(transaction: Transaction) -> None:
        for body in bodies:
            at = datetime.fromisoformat(body["judged_at"])
            transaction.append_event("inspection.v1", station="aoi-1", occurred_at=at, data=body)

    ledger.write_blocking(write)


def line_bodies(count: int, line: Line, *, first: int) -> list[dict[str, Any]]:
    """The answers of some parts, numbered from `first` on; part n comes n seconds after `START`."""
    random = np.random.default_rng(1000 + first)
    return [_body(number, line, random) for number in range(first, first + count)]


def _body(number: int, line: Line, random: np.random.Generator) -> dict[str, Any]:
    is_defective = bool(random.random() < line.share)
    logit = random.normal(line.defective if is_defective else line.good, 1.0)
    score = float(f"{1 / (1 + math.exp(-logit)):.6g}")
    verdict = Verdict.NG if score >= 0.25 else Verdict.OK
    at = START + timedelta(seconds=number)
    answer = InspectionOut(
        id=str(uuid.UUID(int=number)),
        plant="plant-1",
        station="aoi-1",
        part_id=f"p-{number}",
        attempt=line.attempt,
        cause=Cause.FIRST if line.attempt == 1 else Cause.RETEST,
        parent_id=None,
        product="BRD",
        lot=None,
        order_id=None,
        verdict=Verdict.NOT_INSPECTED if line.not_inspected else verdict,
        reasons=(),
        defects=(),
        audit=False,
        audit_probability=0.0,
        confirmation=False,
        confirmation_probability=0.0,
        recipe=RecipeOut(id="board", version=1, digest="e" * 64),
        release=ReleaseOut(name="blobs", version="1.0.0", digest=line.release),
        engine="onnxruntime-fp32",
        thresholds={"short": 0.25, "open": 0.4},
        threshold_status=ThresholdStatus.UNCERTIFIED,
        judged_by=line.judged_by,
        is_simulated=True,
        opened_at=at,
        judged_at=at,
        deadline_ms=500.0,
        timings_ms={},
        frames=(
            FrameOut(
                view="default",
                digest="f" * 64,
                kept=False,
                measures=MeasuresOut(
                    mean=round(float(random.normal(line.light, 2.0)), 3),
                    std=round(float(random.normal(30.0, 1.0)), 3),
                    black_share=0.1,
                    white_share=0.01,
                    sharpness=round(float(random.normal(line.sharpness, 0.01)), 5),
                    shift_x_px=None,
                    shift_y_px=None,
                    registration_residual=None,
                    peak_score=None if line.not_inspected else score,
                ),
            ),
        ),
    )
    body: dict[str, Any] = answer.model_dump(mode="json")
    return body


def watched_plant(folder: Path, clock: ManualClock) -> AbstractContextManager[Plant]:
    """An app whose reference takes 400 parts, and which looks every 100."""
    return open_plant(folder, clock=clock, **SHORT_PERIODS)
