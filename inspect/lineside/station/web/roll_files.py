"""What a roll leaves on disk: regions and events as they come, the roll map and the cut list at its end.

Regions and events are lines of JSON, on disk before anybody acts on them: what was decided before a crash can be read
after it.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lineside.inspection.strips import RollMap
from lineside.station.web.errors import WebFileRefused
from lineside.station.web.records import RegionOutcome, WebEvent

JUDGED_WITH_NAME: Final = "judged-with.json"
REGIONS_NAME: Final = "regions.jsonl"
EVENTS_NAME: Final = "events.jsonl"
ROLL_MAP_NAME: Final = "roll-map.json"
CUT_LIST_NAME: Final = "cut-list.csv"

_MADE_AT_THE_END: Final = (ROLL_MAP_NAME, CUT_LIST_NAME, "roll-map.png")


@dataclass(frozen=True, slots=True)
class RollFiles:
    """The files of one roll.

    Attributes:
        folder: where they are; made if it is not there.
    """

    folder: Path

    def begin(self, judged_with: Mapping[str, Any]) -> None:
        """Make the folder, say what judges, and begin the files anew; those of another roll are gone then.

        Args:
            judged_with: roll, release, deployment, recipe and engine.

        Raises:
            WebFileRefused: regions of this roll stand here already. Judged twice, a region would have two records, and
                the permit of the first run would stand for what the second has not looked at yet.
            OSError: it cannot be written.
        """
        if self._holds(judged_with["roll"]):
            raise WebFileRefused(
                f"{self.folder} already holds regions of roll {judged_with['roll']!r}: a roll is judged once. Give "
                "this one another name (`roll`), or move the folder away if it is to be judged again"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in _MADE_AT_THE_END:
            (self.folder / name).unlink(missing_ok=True)
        (self.folder / JUDGED_WITH_NAME).write_text(
            json.dumps(judged_with, ensure_ascii=False, indent=2) + "\n", "utf-8"
        )
        for name in (REGIONS_NAME, EVENTS_NAME):
            (self.folder / name).write_text("", "utf-8")

    async def region(self, outcome: RegionOutcome) -> None:
        """Append a region.

        Raises:
            OSError: it cannot be written.
        """
        await asyncio.to_thread(_append, self.folder / REGIONS_NAME, outcome.as_document())

    async def event(self, event: WebEvent) -> None:
        """Append an event.

        Raises:
            OSError: it cannot be written.
        """
        await asyncio.to_thread(_append, self.folder / EVENTS_NAME, event.as_document())

    def _holds(self, roll: str) -> bool:
        """Whether a region of a roll was written here; also where nobody can tell of which roll it is."""
        try:
            if not (self.folder / REGIONS_NAME).stat().st_size:
                return False
            judged_with = json.loads((self.folder / JUDGED_WITH_NAME).read_bytes())
        except FileNotFoundError:
            return False
        except ValueError:  # torn by a crash
            return True
        return bool(judged_with["roll"] == roll)

    def finish(self, roll_map: RollMap) -> None:
        """Write the roll map and the cut list.

        Raises:
            OSError: they cannot be written.
        """
        (self.folder / ROLL_MAP_NAME).write_text(roll_map.to_json(), "utf-8")
        (self.folder / CUT_LIST_NAME).write_text(roll_map.cut_list_csv(), "utf-8")


def _append(path: Path, document: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
