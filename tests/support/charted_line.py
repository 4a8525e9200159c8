"""A line whose hours are known: how many parts were good, called, and confirmed, hour by hour."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from lineside.serving.clock import ManualClock
from lineside.serving.security import Role
from plant import Plant, bad_board, good_board, open_plant

BEGIN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Hour:
    """What happens in an hour, good parts first.

    Attributes:
        good: parts that pass.
        confirmed: called parts that a person confirms.
        overturned: called parts that a person says are good.
        unsettled: called parts that nobody looks at.
    """

    good: int = 6
    confirmed: int = 0
    overturned: int = 0
    unsettled: int = 0


@dataclass
class ChartedLine:
    """A plant with a clock that is moved on as its hours are played.

    Attributes:
        plant: the app.
        clock: its clock.
        unsettled: inspections that nobody has reviewed, oldest first.
    """

    plant: Plant
    clock: ManualClock
    unsettled: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def play(self, hours: Sequence[Hour], *, station: str = "aoi-1") -> None:
        """Play hours one after the other, from the next full hour on; ends with the last one's end."""
        for hour in hours:
            began = self.clock.now()
            parts: list[tuple[Callable[[int], bytes], str | None]] = [(good_board, None)] * hour.good
            parts += [(bad_board, "confirmed")] * hour.confirmed
            parts += [(bad_board, "false_call")] * hour.overturned
            parts += [(bad_board, "")] * hour.unsettled
            for board, said in parts:
                number = next(self._numbers)
                # each hour's parts well within it
                self.clock.advance(40 * 60 / max(len(parts), 1))
                answer = self.plant.post(
                    board(number), part_id=f"P{number:04d}", station=station, role=Role.ADMIN
                ).json()
                if said:
                    self.review(answer["id"], said)
                elif said == "":
                    self.unsettled.append(answer["id"])
            self.clock.advance((began + HOUR - self.clock.now()).total_seconds())

    def review(self, inspection: str, kind: str) -> None:
        """Say what a part is."""
        body = {"kind": kind, "source": "operator", "reviewer": "Kim", "at": self.clock.now().isoformat()}
        answer = self.plant.http.post(
            f"/v1/inspections/{inspection}/reviews", json=body, headers=self.plant.headers(Role.QUALITY)
        )
        if answer.status_code != 200:
            raise RuntimeError(f"the review was refused: {answer.text}")

    def settle(self) -> None:
        """Wait until the rate cells hold everything."""
        self.plant.http.portal.call(self.plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's

    def get(self, path: str, **asked: Any) -> dict[str, Any]:
        """What a viewer is answered."""
        self.settle()
        answer = self.plant.http.get(path, params=asked, headers=self.plant.headers(Role.VIEWER))
        if answer.status_code != 200:
            raise RuntimeError(f"{path} was refused: {answer.text}")
        body: dict[str, Any] = answer.json()
        return body

    def chart(self, kind: str, **asked: Any) -> dict[str, Any]:
        """The one chart of a kind from the line's first hour on."""
        asked = {"from": BEGIN.isoformat(), "station": "aoi-1", **asked}
        (chart,) = self.get(f"/v1/charts/{kind}", **asked)["charts"]
        found: dict[str, Any] = chart
        return found


@contextmanager
def open_charted_line(folder: Path) -> Iterator[ChartedLine]:
    """A plant that begins at `BEGIN`."""
    clock = ManualClock(BEGIN)
    with open_plant(folder, clock=clock) as plant:
        yield ChartedLine(plant, clock)
