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
from lineside.station.web.records import RegionOutcome, WebEvent

JUDGED_WITH_NAME: Final = "judged-with.json"
REGIONS_NAME: Final = "regions.jsonl"
EVENTS_NAME: Final = "events.jsonl"
ROLL_MAP_NAME: Final = "roll-map.json"
CUT_LIST_NAME: Final = "cut-list.csv"


@dataclass(frozen=True, slots=True)
class RollFiles:
    """The files of one roll.

    Attributes:
        folder: where they are; made if it is not there.
    """

    folder: Path

    def begin(self, judged_with: Mapping[str, Any]) -> None:
        """Make the folder, say what judges, and begin the files anew.

        Args:
            judged_with: release, deployment, recipe and engine.

        Raises:
            OSError: it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
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
