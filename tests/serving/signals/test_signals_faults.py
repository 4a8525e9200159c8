"""Whatever the watch is cut off in, and however often: nothing is told twice, and nothing is missed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cut_off_ledger import CutOff
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.ledger import LedgerUnavailable
from lineside.serving.reviews.schemas import ReviewKind
from lineside.serving.security import Role
from rate_ledger import write_review
from signal_scene import START, SignalScene, open_scene, watch_of

OK, NG, NOT_INSPECTED = Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED

RULES = (
    "[{when: rate_above, limit: 0.3, min_parts: 8, do: order, of: lot}, {when: image_alarm}, "
    "{when: chart_signal, do: order, of: lot}, {when: escape_confirmed, of: lot}]"
)

MOST_CUTS = 200
"""One write goes well before each: far more than an example has to write."""

TOLD = {
    "rate.v1": ("station", "product", "start", "revision"),
    "station_state.v1": ("station", "state", "previous", "since"),
    "image_alarm.v1": ("station", "state", "in_a_row", "unfit", "parts", "reasons"),
    "chart_signal.v1": ("baseline", "stations", "message"),
    "hold.v1": ("station", "lot", "state", "reason"),
    "proposal.v1": ("state",),
}
"""What is compared of each: everything but names that are drawn anew each time."""


@dataclass(frozen=True)
class Pair:
    """Two plants to which the same happens.

    Attributes:
        whole: its watch is never cut off.
        cut: its watch is cut off again and again.
    """

    whole: SignalScene
    cut: SignalScene

    @property
    def both(self) -> tuple[SignalScene, SignalScene]:
        return self.whole, self.cut


def open_calm(folder: Path) -> Any:
    return open_scene(folder, holds=RULES, image_alarm_in_a_row=3, image_alarm_window_parts=20)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both with a chart frozen over some calm hours."""
    with (
        open_calm(tmp_path_factory.mktemp("whole")) as whole,
        open_calm(tmp_path_factory.mktemp("cut")) as cut,
    ):
        for scene in (whole, cut):
            for number in range(4):
                scene.judge(NG, 1 + number % 2)
                scene.judge(OK, 10)
                scene.clock.advance((START + (number + 1) * timedelta(hours=1) - scene.clock.now()).total_seconds())
            scene.settle()
            baseline = {
                "kind": "p",
                "counted": "detector",
                "scope": {"station": "aoi-1"},
                "start": START.isoformat(),
                "end": scene.clock.now().isoformat(),
                "reason": "calm hours",
            }
            scene.plant.http.put(
                "/v1/chart-baselines/calm", json=baseline, headers=scene.plant.headers(Role.QUALITY)
            ).raise_for_status()
        yield Pair(whole, cut)


def cut_off(scene: SignalScene, *, after_writes: int) -> bool:
    """Have a new watch tell what is due until a write is cut off; whether it came to that."""
    scene.run(scene.plant.services.rate_projector.settle)
    ledger: Any = CutOff(scene.ledger, writes=after_writes)
    try:
        scene.run(watch_of(scene.plant, ledger=ledger).settle)
    except LedgerUnavailable:
        return True
    return False


def told(scene: SignalScene) -> dict[str, list[Any]]:
    """What was told of each kind, in order."""
    found: dict[str, list[Any]] = {}
    for event_type, names in TOLD.items():
        found[event_type] = [{name: data[name] for name in names} for data in scene.plant.events(event_type)]
    for shown, data in zip(found["rate.v1"], scene.plant.events("rate.v1"), strict=True):
        shown |= {name: data["figures"][name] for name in ("inspected", "flagged", "not_inspected", "rate")}
    for shown, data in zip(found["proposal.v1"], scene.plant.events("proposal.v1"), strict=True):
        shown |= {name: data["proposal"][name] for name in ("change", "reason")}
    return found


@dataclass(frozen=True)
class Stretch:
    """Parts of one kind, and the cuts in telling them.

    Attributes:
        verdict: of each.
        reason: why they are not OK.
        number: of parts.
        is_late: whether they are handed in three hours late.
        escapes: whether people find the passed ones defective.
        seconds: until the next ones.
        cuts: how many writes the watch gets through each time.
    """

    verdict: Verdict
    reason: ReasonCode | None
    number: int
    is_late: bool
    escapes: bool
    seconds: int
    cuts: tuple[int, ...]

    def happen(self, scene: SignalScene, lot: str) -> None:
        """Let it happen at a plant."""
        at = scene.clock.now() - timedelta(hours=3) if self.is_late else None
        found = scene.judge(self.verdict, self.number, reason=self.reason, lot=lot, at=at)
        if self.escapes and self.verdict is OK:
            write_review(scene.ledger, found[0], ReviewKind.ESCAPE)


stretches = st.builds(
    Stretch,
    verdict=st.just(OK),
    reason=st.none(),
    number=st.integers(1, 12),
    is_late=st.booleans(),
    escapes=st.booleans(),
    seconds=st.sampled_from([1, 400, 4000]),
    cuts=st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple),
).flatmap(
    lambda stretch: st.sampled_from([(OK, None), (NG, None), (NOT_INSPECTED, ReasonCode.UNHEALTHY)]).map(
        lambda found: Stretch(
            found[0],
            found[1],
            stretch.number,
            stretch.is_late,
            stretch.escapes,
            stretch.seconds,
            stretch.cuts,
        )
    )
)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(stretches, min_size=2, max_size=4))
def test_a_watch_that_is_cut_off_tells_what_one_tells_that_is_not(pair: Pair, plan: list[Stretch]) -> None:
    """Each example goes on where the one before ended, with a lot of its own."""
    lot = f"L-{pair.whole.clock.monotonic():.0f}"
    for stretch in plan:
        for scene in pair.both:
            stretch.happen(scene, lot)
        for writes in stretch.cuts:
            cut_off(pair.cut, after_writes=writes)
        for scene in pair.both:
            scene.settle(watch_of(scene.plant))
            scene.clock.advance(stretch.seconds)
    for scene in pair.both:
        scene.clock.advance(3 * 3600)
    for _ in range(MOST_CUTS):
        if not cut_off(pair.cut, after_writes=1):
            break
    else:
        pytest.fail(f"after {MOST_CUTS} cuts the watch has still not told everything")
    pair.whole.settle(watch_of(pair.whole.plant))
    assert told(pair.cut) == told(pair.whole)


def test_everything_was_told_at_least_once(pair: Pair) -> None:
    """Else the comparison above would say nothing of it."""
    assert [event_type for event_type, found in told(pair.whole).items() if not found] == []
