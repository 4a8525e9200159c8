"""A plant whose parts are written down by the test, and whose watch of rates and states is called by it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.clock import ManualClock
from lineside.serving.inspections.schemas import ReasonOut
from lineside.serving.ledger import Ledger
from lineside.serving.security import Role
from lineside.serving.signals.service import SignalService
from plant import RECIPE, Plant, open_plant
from rate_ledger import Part, write_part

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@dataclass
class SignalScene:
    """A plant, its clock, and parts.

    Attributes:
        plant: the app; its own watch of rates and states is stopped.
        clock: its clock.
        watch: the one that the test calls.
    """

    plant: Plant
    clock: ManualClock
    watch: SignalService
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def ledger(self) -> Ledger:
        """The plant's."""
        return self.plant.services.ledger

    def judge(
        self,
        verdict: Verdict,
        number: int = 1,
        *,
        reason: ReasonCode | None = None,
        every_s: float = 1.0,
        at: datetime | None = None,
        **said: Any,
    ) -> list[str]:
        """Write so many parts down, one after the other; their inspections.

        Args:
            verdict: of each.
            number: of parts.
            reason: why they are not OK.
            every_s: between two parts; the clock goes on by it.
            at: when they were opened; by default now.
            **said: further fields of `Part`.
        """
        found = []
        for _ in range(number):
            opened_at = self.clock.now() if at is None else at
            part = Part(f"P-{next(self._numbers)}", verdict, opened_at, **said)
            reasons = () if reason is None else (ReasonOut(code=reason, message=f"it was {reason.value}", view=None),)
            found.append(write_part(self.ledger, part, reasons=reasons))
            if at is None:
                self.clock.advance(every_s)
        return found

    def settle(self, watch: SignalService | None = None) -> None:
        """Have the cells counted, and everything told that is due."""
        self.run(self.plant.services.rate_projector.settle)
        self.run((watch or self.watch).settle)

    def run(self, task: Any) -> Any:
        """Run a task on the app's loop."""
        return self.plant.http.portal.call(task)  # type: ignore[attr-defined]  # TestClient's

    def told(self, event_type: str) -> list[dict[str, Any]]:
        """The data of every event of a type, once everything due is told."""
        self.settle()
        return self.plant.events(event_type)

    def get(self, path: str, **asked: Any) -> dict[str, Any]:
        """What a person of quality is answered."""
        answer = self.plant.http.get(path, params=asked, headers=self.plant.headers(Role.QUALITY))
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What an administrator is answered."""
        answer = self.plant.http.post(path, json=body or {}, headers=self.plant.headers(Role.ADMIN))
        if answer.status_code >= 300:
            raise RuntimeError(f"{path} was refused: {answer.text}")
        found: dict[str, Any] = answer.json()
        return found

    def states(self) -> list[str]:
        """The states told of the station, in order."""
        return [each["state"] for each in self.told("station_state.v1")]


def watch_of(plant: Plant, *, ledger: Ledger | None = None) -> SignalService:
    """A watch of a plant's own parts; on another ledger if one is given."""
    services = plant.services
    return SignalService(
        settings=services.settings,
        clock=services.clock,
        ledger=ledger or services.ledger,
        stations=services.stations,
        recipes=services.recipes,
        why_not_judged=services.inspections.why_not_judged,
        rates=services.rates,
        answers=services.rate_answers,
        charts=services.charts,
        holds=services.holds,
        proposals=services.proposals,
        metrics=services.metrics,
    )


@contextmanager
def open_scene(folder: Path, *, holds: str = "", **settings: Any) -> Iterator[SignalScene]:
    """A plant that begins at `START`, seen by a watch that has begun.

    Args:
        folder: of data and releases.
        holds: the recipe's rules, a YAML list; empty for none.
        **settings: further fields of `Settings`.
    """
    clock = ManualClock(START)
    recipe = RECIPE + (f"holds: {holds}\n" if holds else "")
    with open_plant(folder, recipe=recipe, clock=clock, **settings) as plant:
        own = plant.services.signals
        own.stop()
        scene = SignalScene(plant, clock, watch_of(plant))
        scene.settle(own)  # behind its last step
        scene.settle()
        yield scene


def hours(number: float) -> timedelta:
    """A span."""
    return timedelta(hours=number)
