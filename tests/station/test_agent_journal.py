"""Records on disk: a full spool is told once, and told again when it has room."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineside.client.clock import SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.agent.journal import Journal
from lineside.station.agent.recovery import recover
from lineside.station.agent.workers import Workers
from lineside.station.spool import (
    AnsweredRecord,
    AskedRecord,
    ReportRecord,
    Spool,
    SpoolFull,
    SpoolLimits,
    TriggerRecord,
)

CLOCK = SystemClock()
IDENTIFIERS = IdentifierSource(CLOCK)
NOW = datetime.now(UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path, station="aoi-1", limits=SpoolLimits(max_records=1)) as opened:
        yield opened


def a_report() -> ReportRecord:
    return ReportRecord(str(IDENTIFIERS.uuid7()), "internal", "info", "something", NOW)


def test_a_full_spool_is_told_once_and_told_again_when_it_has_room(spool: Spool) -> None:
    told: list[str] = []

    async def work() -> None:
        with Workers() as workers:
            journal = Journal(spool, workers, on_full=told.append, on_back=lambda: told.append("back"))
            await journal.reported(a_report())
            for _ in range(2):
                with pytest.raises(SpoolFull):
                    await journal.reported(a_report())
            assert journal.trouble is not None
            first = spool.outbox.first()
            assert first is not None
            spool.outbox.settle(first, inspection_id=None)
            await journal.reported(a_report())
            assert journal.trouble is None

    asyncio.run(work())
    assert [word == "back" for word in told] == [False, True]


def test_what_a_run_left_behind_gets_a_verdict_and_a_fate(tmp_path: Path) -> None:
    """One part without a verdict, one that was OK and whose fate nobody saw."""
    first, second = (str(IDENTIFIERS.uuid7()) for _ in range(2))
    with Spool(tmp_path, station="aoi-1") as spool:
        spool.record_trigger(TriggerRecord(first, 1, 10, NOW))
        spool.record_trigger(TriggerRecord(second, 2, 20, NOW, "P-2"))
        spool.record_asked(AskedRecord(second, "P-2", {"default": "0" * 64}))
        spool.record_answered(AnsweredRecord(second, "P-2", str(IDENTIFIERS.uuid7()), Verdict.OK, NOW))
        found = recover(spool, clock=CLOCK, identifiers=IDENTIFIERS, why="a test")
        assert (found.interrupted, found.unseen) == (1, ("P-2",))
        assert spool.unfinished() == ()
        waiting = []
        while (record := spool.outbox.first()) is not None:
            waiting.append((record.kind.value, dict(record.body)))
            spool.outbox.settle(record, inspection_id=record.id)
        assert recover(spool, clock=CLOCK, identifiers=IDENTIFIERS, why="a test").interrupted == 0
    judged = next(body for kind, body in waiting if kind == "inspection")
    assert (judged["verdict"], judged["reasons"][0]["code"]) == ("NOT_INSPECTED", ReasonCode.INTERRUPTED.value)
    kinds = {body["kind"] for kind, body in waiting if kind == "disposition"}
    assert kinds == {"rejected", "passed"}
