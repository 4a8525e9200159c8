"""The detector's calls of a capability study, taken from the inspections of parts that were imaged anew."""

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.client import LinesideClient
from lineside.serving.errors import StudyRefused
from lineside.serving.studies.capability_files import StudyKind, read_key, read_sheet
from lineside.statistics.agreement import Call

_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class FilledSheet:
    """A sheet with the detector's calls in it.

    Attributes:
        text: the sheet, in CSV.
        filled: how many cells were filled.
        not_inspected: attempts that gave no call and were left out.
    """

    text: str
    filled: int
    not_inspected: int


def fill_detector_calls(
    sheet: str,
    key: str,
    *,
    server: str,
    api_key: str,
    since: datetime | None = None,
    sheet_source: str = "sheet",
    key_source: str = "key",
) -> FilledSheet:
    """Fill the detector's empty cells from what a server recorded.

    A trial is an attempt that was judged OK or NG at the station that the key names as detector: the first trial is
    the earliest. Attempts that were not inspected are no calls; they are counted, and the part has to be imaged again.

    Args:
        sheet: the sheet's text, with rows of the detector.
        key: the key's text.
        server: its address.
        api_key: of a role that reads inspections.
        since: aware instant at which the study began; attempts before are left out.
        sheet_source: the sheet's name, for messages.
        key_source: the key's name.

    Raises:
        StudyUnreadable: what is odd in a file, with line and column.
        StudyRefused: the study has no detector or measures sizes, or a part has more or fewer attempts than trials.
        ClientError: the server refused, or was not there.
    """
    hidden = read_key(key, source=key_source)
    table = read_sheet(sheet, hidden, source=sheet_source)
    if hidden.detector is None or hidden.kind is not StudyKind.ATTRIBUTE:
        raise StudyRefused(
            f"{key_source}: expected '# kind: attribute' and '# detector: STATION' above the columns; calls can only "
            "be filled in for the inspection system"
        )
    rows = [row for row in table.rows if row.cells["appraiser"] == hidden.detector and not row.cells["call"]]
    if not rows:
        raise StudyRefused(f"{sheet_source}: no row of {hidden.detector} with an empty call; nothing to fill in")
    trials = max(row.count("trial") for row in table.rows)
    wanted = list(dict.fromkeys(hidden.parts[row.cells["code"]] for row in rows))
    attempts = asyncio.run(_attempts(server, api_key, hidden.detector, wanted, since))
    calls = {part: _calls(part, attempts[part], trials) for part in wanted}
    written = io.StringIO(newline="")
    written.writelines(f"# {name}: {value}\n" for name, value in table.facts.items())
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        cells = dict(row.cells)
        if cells["appraiser"] == hidden.detector and not cells["call"]:
            cells["call"] = calls[hidden.parts[cells["code"]]][row.count("trial") - 1].value
        writer.writerow(cells[column] for column in table.columns)
    missed = sum(verdict not in set(Call) for verdicts in attempts.values() for verdict in verdicts)
    return FilledSheet(written.getvalue(), len(rows), missed)


async def _attempts(
    server: str, api_key: str, station: str, parts: Sequence[str], since: datetime | None
) -> Mapping[str, Sequence[str]]:
    """The verdicts of each part's judged attempts, the earliest first."""
    from_then = {} if since is None else {"from": since.isoformat()}
    found: dict[str, Sequence[str]] = {}
    async with LinesideClient(server, api_key, timeout_s=_PATIENCE_S) as client:
        for part in parts:
            judged = [
                (int(each["attempt"]), str(each["verdict"]))
                async for each in client.inspections(station=station, part_id=part, **from_then)
                if each["verdict"] is not None
            ]
            found[part] = [verdict for _, verdict in sorted(judged)]
    return found


def _calls(part: str, verdicts: Sequence[str], trials: int) -> list[Call]:
    calls = [Call(verdict) for verdict in verdicts if verdict in set(Call)]
    if len(calls) != trials:
        what = "image it again, as another attempt" if len(calls) < trials else "say with --since when the study began"
        raise StudyRefused(
            f"part {part} was judged OK or NG {len(calls)} times ({len(verdicts) - len(calls)} times not inspected); "
            f"expected {trials}, one per trial: {what}"
        )
    return calls
