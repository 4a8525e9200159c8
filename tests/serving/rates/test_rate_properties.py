"""Whatever is inspected, reviewed, superseded, seeded, cut off and started again: the cells are a full count."""

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import Connection

from cut_off_ledger import CutOff
from lineside.inspection.verdict import Verdict
from lineside.serving.clock import ManualClock
from lineside.serving.errors import ReviewUnfit
from lineside.serving.known_parts import KnownPartIn, Truth
from lineside.serving.ledger import Ledger, LedgerUnavailable
from lineside.serving.ledger.rate_tables import CLASS_COUNTS, PART_COUNTS
from lineside.serving.rates.cells import CLASS_KEY, DAY, HOUR, KEY, QUARTER, TIERS, Tier, count_classes, count_parts
from lineside.serving.rates.projector import RateProjector
from lineside.serving.reviews.schemas import ReviewBox, ReviewKind, ReviewOut, ReviewSource
from rate_ledger import Part, Told, stored_cells, write_known_part, write_part, write_review

START = datetime(2026, 3, 28, 21, 7, tzinfo=UTC)
PART_IDS = tuple(f"P-{number}" for number in range(6))
minutes = st.integers(0, 60 * 30)


class RatesMachine(RuleBasedStateMachine):
    """A ledger with its cells, beside a plain list of what was written."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.clock = ManualClock(START)
        self.ledger = Ledger.open(url, plant=f"plant-{uuid.uuid4().hex}", clock=self.clock)
        self.told = Told()
        self.reviews: dict[str, list[ReviewOut]] = {}

    def teardown(self) -> None:
        try:
            self.compare()
        finally:
            self.ledger.close()

    @rule(
        station=st.sampled_from(["aoi-1", "aoi-2"]),
        part_id=st.sampled_from(PART_IDS),
        verdict=st.sampled_from(Verdict),
        after_min=minutes,
        lot=st.sampled_from(["L1", "L2", None]),
        classes=st.lists(st.sampled_from(["open", "short"]), max_size=3),
        is_drawn=st.booleans(),
    )
    def inspect(
        self,
        *,
        station: str,
        part_id: str,
        verdict: Verdict,
        after_min: int,
        lot: str | None,
        classes: list[str],
        is_drawn: bool,
    ) -> None:
        attempts = [
            part.attempt for part in self.told.parts.values() if (part.station, part.part_id) == (station, part_id)
        ]
        part = Part(
            part_id,
            verdict,
            START + timedelta(minutes=after_min),  # in any order: stations hand in what they judged alone
            station=station,
            attempt=max(attempts, default=0) + 1,
            lot=lot,
            classes=tuple(classes) if verdict is not Verdict.NOT_INSPECTED else (),
            drawn=is_drawn,
            probability=0.5,
        )
        self.told.parts[write_part(self.ledger, part)] = part

    @precondition(lambda self: self.told.parts)
    @rule(
        data=st.data(),
        kind=st.sampled_from(ReviewKind),
        source=st.sampled_from(ReviewSource),
        is_blind=st.booleans(),
        reviewer=st.sampled_from(["Kim", "Lee"]),
        supersedes=st.booleans(),
        names=st.lists(st.sampled_from(["open", "short"]), min_size=1, max_size=2),
    )
    def review(
        self,
        *,
        data: st.DataObject,
        kind: ReviewKind,
        source: ReviewSource,
        is_blind: bool,
        reviewer: str,
        supersedes: bool,
        names: list[str],
    ) -> None:
        inspection_id = data.draw(st.sampled_from(sorted(self.told.parts)))
        earlier = self.reviews.setdefault(inspection_id, [])
        replaced = {each.supersedes for each in earlier}
        open_ones = [each.id for each in earlier if each.id not in replaced]
        if kind is ReviewKind.WITHDRAWN and not (supersedes and open_ones):
            return  # there is nothing to take back
        boxes = (
            [ReviewBox(class_name=name, box_xyxy_px=(1, 1, 5 + n, 5)) for n, name in enumerate(names)]
            if kind in {ReviewKind.CORRECTED, ReviewKind.ESCAPE}
            else []
        )
        try:
            earlier.append(
                write_review(
                    self.ledger,
                    inspection_id,
                    kind,
                    source=source,
                    blind=is_blind,
                    reviewer=reviewer,
                    boxes=tuple(boxes),
                    supersedes=open_ones[-1] if supersedes and open_ones else None,
                )
            )
        except ReviewUnfit:
            return

    @rule(
        part_id=st.sampled_from(PART_IDS),
        truth=st.sampled_from(Truth),
        until_min=st.none() | minutes,
    )
    def seed(self, part_id: str, truth: Truth, until_min: int | None) -> None:
        until = None if until_min is None else START + timedelta(minutes=until_min)
        known = KnownPartIn(truth=truth, valid_until=until)
        write_known_part(self.ledger, part_id, known)
        self.told.known[part_id] = known

    @rule()
    def follow(self) -> None:
        asyncio.run(RateProjector(self.ledger, clock=self.clock).step())

    @rule(writes=st.integers(0, 4))
    def be_cut_off(self, writes: int) -> None:
        cut = CutOff(self.ledger, writes=writes)
        try:
            asyncio.run(RateProjector(cut, clock=self.clock).settle())  # type: ignore[arg-type]  # the same methods
        except LedgerUnavailable:
            return

    @rule(writes=st.integers(0, 6))
    def be_cut_off_while_counting_anew(self, writes: int) -> None:
        cut = CutOff(self.ledger, writes=writes)
        projector = RateProjector(cut, clock=self.clock)  # type: ignore[arg-type]  # the same methods
        try:
            asyncio.run(projector.request_rebuild())
            asyncio.run(projector.step())
        except LedgerUnavailable:
            return

    @rule()
    def compare(self) -> None:
        position = asyncio.run(RateProjector(self.ledger, clock=self.clock).settle())
        assert (position.sequence, position.rebuilding) == (self.ledger.last_sequence, False)
        self.ledger.read_blocking(self._compare)

    def _compare(self, connection: Connection) -> None:
        plant = self.ledger.plant
        for table, rescan in ((QUARTER.cells, count_parts), (QUARTER.class_cells, count_classes)):
            whole = [dict(row) for row in connection.execute(rescan(plant)).mappings()]
            assert stored_cells(connection, table, plant) == sorted(
                whole, key=lambda row: [str(value) for value in row.values()]
            )
        for tier in (HOUR, DAY):
            assert _by_key(connection, tier, plant) == _added_up(connection, tier, plant)
        expected = self.told.cells(connection, plant)
        found: dict[tuple[Any, ...], Counter[str]] = {}
        for row in stored_cells(connection, QUARTER.cells, plant):
            key = tuple(row[name] for name in ("station", "start", "verdict", "lane", "probability", "lot"))
            found[key] = Counter({name: row[name] for name in PART_COUNTS})
        assert {key: +counts for key, counts in found.items()} == {key: +counts for key, counts in expected.items()}


def _by_key(connection: Connection, tier: Tier, plant: str) -> dict[tuple[Any, ...], tuple[int, ...]]:
    return {
        tuple(row[name] for name in key): tuple(row[name] for name in counts)
        for table, key, counts in ((tier.cells, KEY, PART_COUNTS), (tier.class_cells, CLASS_KEY, CLASS_COUNTS))
        for row in stored_cells(connection, table, plant)
    }


def _added_up(connection: Connection, tier: Tier, plant: str) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """The cells of a tier from the quarters, in plain Python."""
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for table, names, counts in (
        (QUARTER.cells, KEY, PART_COUNTS),
        (QUARTER.class_cells, CLASS_KEY, CLASS_COUNTS),
    ):
        for row in stored_cells(connection, table, plant):
            key = tuple(tier.floor(row[name]) if name == "start" else row[name] for name in names)
            cell = sums.setdefault(key, Counter(dict.fromkeys(counts, 0)))
            for name in counts:
                cell[name] += row[name]
    return {key: tuple(cell.values()) for key, cell in sums.items()}


def test_the_cells_are_a_full_count_whatever_happens(ledger_url: str) -> None:
    run_state_machine_as_test(
        lambda: RatesMachine(ledger_url),  # type: ignore[arg-type]  # a factory is what it asks for
        settings=settings(
            max_examples=10 if "sqlite" in ledger_url else 4,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_a_cell_starts_where_its_tier_says_on_both_sides_of_a_change_of_clocks(tier: Tier) -> None:
    for instant in (START, datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, 59, 59, tzinfo=UTC)):
        start = tier.floor(instant)
        assert start <= instant < start + tier.length
        assert tier.starts_at(start)
