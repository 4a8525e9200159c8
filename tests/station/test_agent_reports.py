"""What the station's reports say of the moment in which they were made, whenever the server hears of them."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from lineside.client.clock import SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.verdict import ReasonCode
from lineside.serving.station_reports import StationReportIn
from lineside.station.agent.effects import Effects, report_of
from lineside.station.agent.flow import Outcome, PartFlow
from lineside.station.agent.journal import Journal
from lineside.station.agent.making import Making
from lineside.station.agent.supervision import Tasks
from lineside.station.agent.workers import Workers
from lineside.station.machine import Report, Severity
from lineside.station.spool import PartContext, Spool, StationJudgement

LOTS = {"L-1": 1, "L-2": 5000}


class LongShift(Journal):
    """The journal of a station that made three thousand parts of two lots since its last masters."""

    async def in_doubt(self) -> Mapping[str | None, tuple[str, ...]]:
        """What they are."""
        return {lot: tuple(str(UUID(int=number)) for number in range(at, at + 1500)) for lot, at in LOTS.items()}


def waiting_lots(spool: Spool) -> Iterator[str | None]:
    while (waiting := spool.outbox.first()) is not None:
        yield waiting.body["lot"]
        spool.outbox.settle(waiting)


async def missed_master(folder: Path) -> list[dict[str, Any]]:
    """Miss a master; gives the reports that wait for the server."""
    clock, deaths, told = SystemClock(), list[BaseException](), list[dict[str, Any]]()
    with Workers() as workers, Spool(folder, station="aoi-1", clock=clock) as spool:
        tasks = Tasks(on_death=lambda _, error: deaths.append(error))
        effects = Effects(
            object.__new__(PartFlow),  # no part comes
            journal=LongShift(spool, workers, on_full=lambda _: None, on_back=lambda: None),
            tasks=tasks,
            identifiers=IdentifierSource(clock),
            clock=clock,
            making=lambda: Making(PartContext("BRD-A", "L-3", None)),
            on_record=lambda: None,
        )
        effects.carry_out(Report("master_missed", Severity.ALARM, "short not found", evidence={"missing": ["short"]}))
        assert await tasks.settle(within_s=10)
        while (waiting := spool.outbox.first()) is not None:
            told.append(dict(waiting.body))
            spool.outbox.settle(waiting)
    assert deaths == []
    return told


def test_a_missed_master_puts_every_lot_in_doubt_that_was_made_since_the_last_pass(tmp_path: Path) -> None:
    """Not the lot of now: masters are shown when the next begins. Each report is one that the server takes."""
    told = asyncio.run(missed_master(tmp_path))
    assert [report["lot"] for report in told] == list(LOTS)
    for report in told:
        evidence = StationReportIn.model_validate_json(json.dumps(report)).evidence
        assert evidence is not None
        assert (evidence["missing"], evidence["number_since_last_pass"]) == (["short"], 1500)
        assert evidence["first_since_last_pass"] == str(UUID(int=LOTS[report["lot"]]))
        assert evidence["inspections_since_last_pass"][-1] == str(UUID(int=LOTS[report["lot"]] + 1499))


async def report_while_making(folder: Path, lots: list[str]) -> list[str | None]:
    """Turn the bypass key once in each lot; gives the lots of the reports that wait for the server."""
    clock, making, deaths = SystemClock(), Making(), list[BaseException]()
    with Workers() as workers, Spool(folder, station="aoi-1", clock=clock) as spool:
        tasks = Tasks(on_death=lambda _, error: deaths.append(error))
        effects = Effects(
            object.__new__(PartFlow),  # no part comes
            journal=Journal(spool, workers, on_full=lambda _: None, on_back=lambda: None),
            tasks=tasks,
            identifiers=IdentifierSource(clock),
            clock=clock,
            making=lambda: making,
            on_record=lambda: None,
        )
        for lot in lots:
            making = Making(PartContext("BRD-A", lot, None))
            effects.carry_out(Report("bypass_on", Severity.WARNING, "the key is turned"))
            making = Making(PartContext("BRD-A", "the next lot", None))
            assert await tasks.settle(within_s=10)
        assert deaths == []
        return list(waiting_lots(spool))


def test_a_report_names_the_lot_in_which_it_was_made(tmp_path: Path) -> None:
    """Else a bypass of one lot, told after an outage, would hold the next lot and let its own go."""
    assert asyncio.run(report_while_making(tmp_path, ["L-1", "L-2"])) == ["L-1", "L-2"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ReasonCode.CODE_UNREAD, "code_unread"),
        (ReasonCode.CODE_DUPLICATE, "code_duplicate"),
        (ReasonCode.NO_SERVER, None),
    ],
)
def test_a_part_without_a_name_of_its_own_is_an_event(code: ReasonCode, kind: str | None) -> None:
    found = StationJudgement.not_inspected(code, "as it was")
    outcome = Outcome("id", 7, "unidentified.1", found.verdict, code.value, "as it was", found, is_nameless=True)
    report = report_of(outcome)
    assert (report and (report.kind, report.acquisition_id)) == (kind and (kind, 7))
