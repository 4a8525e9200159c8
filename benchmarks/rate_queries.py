# ruff: noqa: S608 - the statements are put together from this file's own constants
"""How long the page's questions about defect rates take over ten million inspections, on both databases.

The inspections, their reviews and their defects are written by SQL in bulk; their events are not (the cells are counted
from the inspections). The cells are counted by the server itself when it starts, as after an upgrade, and asked as
`GET /v1/rates` asks them: once for the counts alone, and once with every estimate that the answer shows.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count as numbers_from
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select, text

from benchmarks.ledger import local_postgresql
from benchmarks.options import Options
from benchmarks.report import Report, Table, milliseconds
from lineside.serving.clock import ManualClock, SystemClock
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.tables import inspections, stations
from lineside.serving.rates.answers import RateQuestion
from lineside.serving.rates.cells import TIERS, Tier
from lineside.serving.rates.schemas import CalendarIn
from lineside.serving.rates.service import Bucket, By
from lineside.serving.rates.windows import RateFilter
from lineside.serving.services import Services, open_services
from lineside.serving.settings import Settings

_PLANT = "plant-1"
_STATIONS = 20
_DAYS = 60
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_LAST = _FIRST + timedelta(days=_DAYS)
_ANSWER_NOTE = (
    "answer: whole, with every estimate and interval; those of unchanged counts are remembered from the rounds before;"
    " anew: every estimate worked out again, a tenth as often; aim: p99 < 100 ms"
)
_NEEDED_INDEXES = {"ix_inspections_station_opened_at", "ix_inspections_verdict_judged_at"}

# Counts that look random enough: the remainder of a product with a prime.
_NG = "(n * 7919) % 1009 < 19"
_NOT_INSPECTED = "(n * 7919) % 1009 = 1000"
_AUDIT = "(n * 6007) % 101 < 3"
_REVIEWED = "(n * 4001) % 103 < 98"
_TRUE = "(n * 3001) % 2 = 0"

_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)",
    "postgresql": "WITH numbers(n) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)))",
}
_OPENED_AT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%f000Z', :epoch + (n - :first) * :step, 'unixepoch')",
    "postgresql": "to_timestamp(:epoch + (n - :first) * :step)",
}
_ID = {"sqlite": "printf('%036d', n)", "postgresql": "lpad(n::text, 36, '0')"}
_DAY_NUMBER = "CAST(floor((n - :first) * :step / 86400) AS INTEGER)"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question of the page."""

    name: str
    wanted: RateFilter
    by: By | None = None
    bucket: str | None = None


def _questions() -> tuple[_Asked, ...]:
    end = _LAST - timedelta(hours=5, minutes=20)
    month = RateFilter(start=end - timedelta(days=30), end=end)
    return (
        _Asked(
            "one station, this production day", RateFilter(start=end - timedelta(hours=9), end=end, station="aoi-07")
        ),
        _Asked(
            "one station, 24 h by hour",
            RateFilter(start=end - timedelta(hours=24), end=end, station="aoi-07"),
            bucket="hour",
        ),
        _Asked("one line, 30 days by shift", RateFilter(start=month.start, end=end, line="line-2"), bucket="shift"),
        _Asked("plant, 30 days by production day", month, bucket="day"),
        _Asked("plant, 30 days, each station", month, By.STATION),
        _Asked("plant, 30 days, each product", month, By.PRODUCT),
        _Asked("plant, 30 days, each class", month, By.CLASS),
        _Asked("plant, all 60 days, each release", RateFilter(start=_FIRST, end=end), By.DEPLOYMENT),
        _Asked("one station, 30 days, each lot", RateFilter(start=month.start, end=end, station="aoi-07"), By.LOT),
        _Asked(
            "one class, 30 days by production day",
            RateFilter(start=month.start, end=end, class_name="open"),
            bucket="day",
        ),
    )


def measure(options: Options) -> Report:
    """Fill both databases, have the cells counted, and ask."""
    parts = options.some(10_000_000, 200_000)
    rounds = options.some(100, 5)
    figures: dict[str, Any] = {"inspections": parts, "rounds": rounds, "databases": {}}
    for name, database in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        with database(options.folder) as url:
            options.say(f"{name}: writing {parts} inspections")
            written_s = _fill(url, parts)
            options.say(f"{name}: written in {written_s:.0f} s; counting the cells")
            figures["databases"][name] = {
                "written_s": written_s,
                **asyncio.run(_measure(url, options.folder / name, rounds=rounds, say=options.say)),
            }
    return Report(tuple(_tables(figures)), figures)


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    path = folder / "ledger.sqlite"
    try:
        yield f"sqlite:///{path}"
    finally:
        for file in folder.glob("ledger.sqlite*"):
            file.unlink()


@contextmanager
def _postgresql(_folder: Path) -> Iterator[str]:
    with local_postgresql() as url:
        yield url


def _fill(url: str, parts: int) -> float:
    """Write the inspections in bulk; returns the seconds that it took."""
    began_s = time.perf_counter()
    with Ledger.open(url, plant=_PLANT, clock=SystemClock()) as ledger:
        dialect = "postgresql" if url.startswith("postgres") else "sqlite"
        ledger.write_blocking(_drop_indexes)
        each = parts // _STATIONS
        for number in range(_STATIONS):
            asked = {
                "first": number * each + 1,
                "last": (number + 1) * each,
                "epoch": _FIRST.timestamp(),
                "step": _DAYS * 86400.0 / each,
                "station": f"aoi-{number:02}",
                "product": f"product-{number % 4}",
            }

            def write(transaction: Transaction, asked: Mapping[str, Any] = asked) -> None:
                for statement in _statements(dialect):
                    used = {name: value for name, value in asked.items() if f":{name}" in statement}
                    transaction.connection.execute(text(statement), used)

            ledger.write_blocking(write)
        ledger.write_blocking(_add_stations)
        ledger.write_blocking(_add_indexes)
    return time.perf_counter() - began_s


def _drop_indexes(transaction: Transaction) -> None:
    """Bulk writing with them takes hours; those that the server asks are made afterwards."""
    for index in inspections.indexes:
        index.drop(transaction.connection)


def _add_indexes(transaction: Transaction) -> None:
    for index in inspections.indexes:
        if index.name in _NEEDED_INDEXES:
            index.create(transaction.connection)
    transaction.connection.execute(text("ANALYZE"))


def _statements(dialect: str) -> Iterator[str]:
    numbers, opened_at, id_ = _NUMBERS[dialect], _OPENED_AT[dialect], _ID[dialect]
    verdict = f"CASE WHEN {_NG} THEN 'NG' WHEN {_NOT_INSPECTED} THEN 'NOT_INSPECTED' ELSE 'OK' END"
    is_ok = f"NOT ({_NG}) AND NOT ({_NOT_INSPECTED})"
    with_numbers = f"{numbers} " if dialect == "postgresql" else ""
    head = "" if dialect == "postgresql" else f"{numbers} "
    yield (
        f"{head}INSERT INTO inspections (id, plant, station, part_id, attempt, cause, lot, product, recipe_id,"
        " recipe_version, release_digest, judged_by, verdict, reasons, thresholds, timings, audit, audit_probability,"
        " confirmation, confirmation_probability, is_simulated, opened_at, judged_at) "
        f"{with_numbers}SELECT {id_}, '{_PLANT}', :station, 'P' || n, 1, 'first', 'L' || {_DAY_NUMBER}, :product,"
        f" 'board', 1, 'release-' || ({_DAY_NUMBER} / 20), 'server', {verdict}, '[]', '{{}}', '{{}}',"
        f" ({is_ok} AND {_AUDIT}), 0.03, ({_NG}), 1.0, false, {opened_at}, {opened_at} FROM numbers"
    )
    said = f"CASE WHEN {_NG} THEN (CASE WHEN {_TRUE} THEN 'confirmed' ELSE 'false_call' END) ELSE 'confirmed' END"
    true = f"CASE WHEN {_NG} AND {_TRUE} THEN 1 ELSE 0 END"
    yield (
        f"{head}INSERT INTO standings (inspection_id, standing, audited, true_defects, said_defective, said_good,"
        f" blind_right, blind_wrong) {with_numbers}SELECT {id_}, {said}, NOT ({_NG}), {true}, {true}, 1 - {true}, 0, 0"
        f" FROM numbers WHERE {_REVIEWED} AND (({_NG}) OR ({is_ok} AND {_AUDIT}))"
    )
    name = "CASE WHEN (n * 2003) % 3 = 0 THEN 'open' ELSE 'short' END"
    yield (
        f"{head}INSERT INTO defects (inspection_id, ordinal, view, class_name, confidence, x1_px, y1_px, x2_px, y2_px,"
        f" size_definition, severity) {with_numbers}SELECT {id_}, 0, 'default', {name}, 0.9, 1, 1, 9, 9, 'length',"
        f" 'critical' FROM numbers WHERE {_NG}"
    )
    yield (
        f"{head}INSERT INTO standing_classes (inspection_id, class_name, defects) {with_numbers}SELECT {id_}, {name}, 1"
        f" FROM numbers WHERE {_REVIEWED} AND ({_NG}) AND {_TRUE}"
    )


def _add_stations(transaction: Transaction) -> None:
    transaction.connection.execute(
        insert(stations),
        [
            {
                "plant": _PLANT,
                "id": f"aoi-{number:02}",
                "name": f"AOI {number}",
                "line": f"line-{number // 5}",
                "digest_required": True,
                "settings": {"raw_geometry": None, "expected_geometry": None, "pending": None},
                "updated_at": _FIRST,
            }
            for number in range(_STATIONS)
        ],
    )


async def _measure(url: str, folder: Path, *, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    settings = Settings(data_dir=folder, database_url=url, plant=_PLANT)
    began_s = time.perf_counter()
    async with open_services(settings, ManualClock(_LAST)) as services:
        await services.rate_projector.settle()
        counted_s = time.perf_counter() - began_s
        say(f"counted in {counted_s:.0f} s")
        shifts = [
            {"name": "early", "start": "06:00", "end": "14:00"},
            {"name": "late", "start": "14:00", "end": "22:00"},
            {"name": "night", "start": "22:00", "end": "06:00"},
        ]
        calendar = CalendarIn.model_validate({"time_zone": "Asia/Seoul", "day_start": "06:00", "shifts": shifts})
        await services.calendar.put(calendar, changed_by="benchmark")
        cells = {tier.name: await services.ledger.read(partial(_number_of_cells, tier)) for tier in TIERS}
        asked = [await _time(services, each, rounds) for each in _questions()]
    return {"counted_s": counted_s, "cells": cells, "questions": asked}


def _number_of_cells(tier: Tier, connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(tier.cells)).scalar_one()


async def _time(services: Services, asked: _Asked, rounds: int) -> dict[str, Any]:
    bucket = None if asked.bucket is None else Bucket.parse(asked.bucket)
    question = RateQuestion(asked.wanted, by=asked.by, bucket=bucket)

    async def count() -> object:
        if asked.by is not None:
            return await services.rates.groups(asked.wanted, asked.by)
        if bucket is not None:
            return await services.rates.series(asked.wanted, bucket)
        return await services.rates.window(asked.wanted)

    number = numbers_from(1)

    def anew() -> RateQuestion:
        """The question as nobody has asked it yet: no estimate is remembered at such a confidence."""
        return replace(question, confidence=0.95 + next(number) * 1e-9)

    answer = await services.rate_answers.answer(question)
    return {
        "question": asked.name,
        "inspected": answer.total.inspected,
        "windows": len(answer.groups) + len(answer.series) + 1,
        "counts": await _percentiles(count, rounds),
        "answer": await _percentiles(lambda: services.rate_answers.answer(question), rounds),
        "anew": await _percentiles(lambda: services.rate_answers.answer(anew()), max(rounds // 10, 1)),
    }


async def _percentiles(ask: Callable[[], Awaitable[object]], rounds: int) -> dict[str, float]:
    taken_ms = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        await ask()
        taken_ms.append((time.perf_counter() - began_s) * 1000.0)
    p50, p99 = np.percentile(taken_ms, [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99), "max_ms": max(taken_ms)}


def _tables(figures: Mapping[str, Any]) -> Iterator[Table]:
    for name, found in figures["databases"].items():
        yield Table(
            f"Defect rates over {figures['inspections']} inspections, {name}: milliseconds",
            ("question", "windows", "counts p50", "counts p99", "answer p50", "answer p99", "anew p50", "anew p99"),
            [
                (
                    each["question"],
                    str(each["windows"]),
                    milliseconds(each["counts"]["p50_ms"]),
                    milliseconds(each["counts"]["p99_ms"]),
                    milliseconds(each["answer"]["p50_ms"]),
                    milliseconds(each["answer"]["p99_ms"]),
                    milliseconds(each["anew"]["p50_ms"]),
                    milliseconds(each["anew"]["p99_ms"]),
                )
                for each in found["questions"]
            ],
            notes=(_counting_note(figures["rounds"], found), _ANSWER_NOTE),
        )


def _counting_note(rounds: int, found: Mapping[str, Any]) -> str:
    cells = ", ".join(f"{count} by {tier}" for tier, count in found["cells"].items())
    return f"{rounds} times each; cells: {cells}; counted from the inspections in {found['counted_s']:.0f} s at start"
