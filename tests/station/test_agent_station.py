"""The whole station in one process: real pictures, a real server, a simulated line; each part's lane is the truth."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, select

from cut_line import cut_line
from lineside.inspection.verdict import Verdict
from lineside.serving.ledger.tables import frames
from lineside.station.rig import Lane
from lineside.station.rig.line.truth import LineTruth
from lineside.station.spool.database import FILE_NAME
from lineside.station.spool.reconciliation import reconcile
from live_server import LiveServer
from running_station import running
from signing import TestKeys
from station_scene import SIMULATED, StationScene, deployed_server, picture_digests


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, keys: TestKeys) -> Iterator[LiveServer]:
    with deployed_server(tmp_path_factory.mktemp("station"), keys) as live:
        yield live


@pytest.fixture
def scene(server: LiveServer, keys: TestKeys, tmp_path: Path) -> StationScene:
    return StationScene(tmp_path, server, keys)


@dataclass(frozen=True)
class Followed:
    """One part in the station's book.

    Attributes:
        is_bad: what its picture at the server shows; None where it has none.
    """

    acquisition_id: int
    part_id: str
    verdict: Verdict
    judged_by: str
    lane: Lane
    is_bad: bool | None


def followed(scene: StationScene, is_bad: Sequence[bool]) -> list[Followed]:
    """Every part that the station wrote down, with the picture that the server has of it."""
    shows = dict(zip(picture_digests(scene.folder / "pictures", len(is_bad)), is_bad, strict=True))

    def pictures(connection: Connection) -> dict[str, bool]:
        rows = connection.execute(select(frames.c.inspection_id, frames.c.digest))
        return {str(inspection): shows[digest] for inspection, digest in rows if digest in shows}

    found = scene.server.services.ledger.read_blocking(pictures)
    with closing(sqlite3.connect(scene.folder / "spool" / FILE_NAME)) as connection:
        connection.row_factory = sqlite3.Row
        return [
            Followed(
                row["acquisition_id"],
                row["part_id"],
                Verdict(row["verdict"]),
                row["judged_by"],
                Lane(row["lane"]),
                found.get(row["inspection_id"] or row["id"]),
            )
            for row in connection.execute("SELECT * FROM parts ORDER BY sequence")
        ]


def check(scene: StationScene, truth: LineTruth, is_bad: Sequence[bool]) -> list[Followed]:
    """The truth of the line, the station's book and the server's agree, and no bad part passed."""
    book = followed(scene, is_bad)
    by_trigger = {part.acquisition_id: part for part in book}
    triggered = [part for part in truth.parts if part.acquisition_id is not None]
    assert truth.passed_without_permit == ()
    unseen = [part for part in triggered if part.acquisition_id not in by_trigger]  # on a host that was too busy
    assert {part.lane for part in unseen} <= {Lane.REJECT}
    assert len(unseen) <= truth.counts.triggers_unanswered
    assert len(book) == len(by_trigger) == len(triggered) - len(unseen)
    for part in triggered:
        if part in unseen:
            continue
        written = by_trigger[part.acquisition_id or 0]
        assert written.lane is part.lane
        assert (written.verdict is Verdict.NG) == (
            written.is_bad is True and written.verdict is not Verdict.NOT_INSPECTED
        )
        if part.lane is Lane.PASS:
            assert (written.verdict, written.is_bad) == (Verdict.OK, False)
    counts = reconcile(scene.folder / "spool")
    assert counts.is_even, counts
    assert counts.triggers == len(book)
    assert any(part.lane is Lane.PASS for part in triggered)
    return book


def test_each_part_goes_where_its_picture_says_and_all_books_agree(scene: StationScene) -> None:
    is_bad = scene.draw(14, bad_every=3)
    path = scene.write(rig=SIMULATED.format(parts=len(is_bad), ids="true"))

    async def work() -> LineTruth:
        async with running(path) as run:
            await run.until_all_is_told()
            assert run.station.failure is None
            return run.line.truth

    book = check(scene, asyncio.run(work()), is_bad)
    assert {part.judged_by for part in book if part.verdict is Verdict.OK} == {"server"}
    assert all(part.part_id.startswith("P0000") for part in book)


def test_with_the_server_away_the_station_judges_and_nothing_is_lost_or_counted_twice(scene: StationScene) -> None:
    is_bad = scene.draw(18, bad_every=4)

    async def work() -> LineTruth:
        async with cut_line(urlsplit(scene.server.url).port or 0) as cable:
            path = scene.write(
                rig=SIMULATED.format(parts=len(is_bad), ids="true"),  # which the order's own numbers outdo
                part_id="{from: mes}",
                url=f"http://127.0.0.1:{cable.port}",
            )
            async with running(path) as run:
                await run.until_left(4)
                cable.cut()
                await run.until_left(11)
                cable.mend()
                await run.until_all_is_told()
                assert run.station.failure is None
                return run.line.truth

    book = check(scene, asyncio.run(work()), is_bad)
    assert {part.judged_by for part in book} == {"server", "station"}
    assert any(part.judged_by == "station" and part.lane is Lane.PASS for part in book)


def test_without_leave_to_judge_itself_nothing_passes_while_the_server_is_away(scene: StationScene) -> None:
    is_bad = scene.draw(4, bad_every=100)

    async def work() -> LineTruth:
        path = scene.write(
            rig=SIMULATED.format(parts=len(is_bad), ids="false"),
            part_id="{from: mes}",
            judges_itself=False,
            url="http://127.0.0.1:9",
        )
        async with running(path) as run:
            await run.until_line_is_empty()
            return run.line.truth

    truth = asyncio.run(work())
    assert truth.lanes[Lane.PASS] == 0
    assert truth.counts.permits == 0


def test_a_camera_that_is_unplugged_costs_its_parts_and_no_more(scene: StationScene) -> None:
    is_bad = scene.draw(15, bad_every=5)
    pictures, away = scene.folder / "pictures", scene.folder / "unplugged"

    async def work() -> LineTruth:
        path = scene.write(
            rig=SIMULATED.format(parts=len(is_bad), ids="false"),
            part_id="{from: mes}",
            rules={"stop_after_not_inspected": 100},
        )
        async with running(path) as run:
            await run.until_left(3)
            pictures.rename(away)
            await run.until_left(8)
            away.rename(pictures)
            await run.until_all_is_told()
            assert run.station.failure is None
            return run.line.truth

    truth = asyncio.run(work())
    check(scene, truth, is_bad)
    assert truth.counts.parts_not_triggered > 0  # Ready was off
