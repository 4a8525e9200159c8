"""What a web's runs leave on disk: nothing stays open, and nothing that goes wrong beside the lines stays unseen."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from in_a_loop import in_a_loop
from lineside.client import LinesideClient
from lineside.inspection.verdict import Judgement, Verdict
from lineside.station.spool import (
    PartContext,
    Spool,
    SpoolBroken,
    SpoolInUse,
    UsedRecipe,
    UsedRelease,
    booked_parts,
)
from lineside.station.web import RegionOutcome
from lineside.station.web.region_spool import JudgedWith, RegionSpool
from spooled_parts import Parts, a_view

USING = JudgedWith(UsedRecipe("web", 1), UsedRelease("blobs", "1.0.0", "ab" * 32), "engine", "web", PartContext())


def _spool(folder: Path, parts: Parts) -> Spool:
    return Spool(folder, station="web-1", clock=parts.clock)


def _regions(spool: Spool, parts: Parts, answer: httpx.MockTransport) -> RegionSpool:
    return RegionSpool(spool, LinesideClient("http://web.test", "key", transport=answer), USING, parts.clock)


def _away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("away", request=request)


def _broken(request: httpx.Request) -> httpx.Response:
    raise ZeroDivisionError("a fault of the program")


def _is_free(folder: Path, parts: Parts) -> bool:
    try:
        _spool(folder, parts).close()
    except SpoolInUse:
        return False
    return True


@in_a_loop
async def test_regions_of_a_killed_run_are_closed_and_none_is_assumed_to_have_passed(tmp_path: Path) -> None:
    parts = Parts()
    with _spool(tmp_path, parts) as killed:
        for verdict in (None, Verdict.OK, Verdict.NG):
            trigger = parts.trigger()
            killed.record_trigger(trigger)
            if verdict is not None:
                killed.record_inspection(parts.judged(trigger, verdict, {"default": a_view(b"web")}))
    async with _regions(_spool(tmp_path, parts), parts, httpx.MockTransport(_away)) as opened:
        assert opened.spool.unfinished() == ()
    fates = [(part.verdict, part.lane and part.lane.value) for part in booked_parts(tmp_path)]
    assert fates == [
        (Verdict.NOT_INSPECTED, "reinspect"),
        (Verdict.OK, "reinspect"),
        (Verdict.NG, "reject"),
    ]
    with closing(sqlite3.connect(tmp_path / "spool.sqlite3")) as connection:
        [(report,)] = connection.execute("SELECT body FROM queue WHERE kind = 'report'").fetchall()
    assert "of 3 regions nobody saw where they went, 1 of them without a verdict" in report


@in_a_loop
async def test_a_forwarding_that_fails_ends_the_roll_and_leaves_nothing_open(tmp_path: Path) -> None:
    parts = Parts()
    outcome = RegionOutcome(
        "ROLL-1-000001", 1, 0.0, 50.0, Judgement(Verdict.OK, (), (), {}), (), None, parts.clock.now(), 0.5
    )
    with _spool(tmp_path, parts) as earlier:
        earlier.record_report(parts.report())
    refused: list[str] = []

    async def judge() -> None:
        async with _regions(_spool(tmp_path, parts), parts, httpx.MockTransport(_broken)) as regions:
            for _ in range(100):  # the forwarding comes upon it within a few
                refused.append(outcome.part_id)
                await regions.region(outcome, None)
                refused.clear()

    with pytest.raises(ZeroDivisionError):
        await judge()
    assert refused == [outcome.part_id]
    assert _is_free(tmp_path, parts)


@in_a_loop
async def test_a_disk_that_takes_nothing_lets_no_roll_begin_and_leaves_nothing_open(tmp_path: Path) -> None:
    parts = Parts()
    with _spool(tmp_path, parts) as killed:
        killed.record_trigger(parts.trigger())
    spool = _spool(tmp_path, parts)
    regions = _regions(spool, parts, httpx.MockTransport(_away))
    spool.close()
    with pytest.raises(SpoolBroken):
        await regions.__aenter__()
    assert _is_free(tmp_path, parts)
