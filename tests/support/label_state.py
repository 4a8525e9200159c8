"""A plant with a labelling project: picks, tasks and states as the labelling programs hand them in."""

import itertools
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from lineside.serving.ledger.tables import events
from lineside.serving.security import Role
from plant import RECIPE, SIZE_WH_PX, Plant, bad_board, good_board, open_plant

PROJECT = "boards"
KEEP_ALL = RECIPE + "retention: {ok_share: 1.0}\naudit: {share: 0.0}\n"
AUDIT_ALL = RECIPE + "audit: {share: 1.0}\n"
CLASSES = ("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole")
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MODEL_BOX = {"class_name": "short", "box_xyxy_px": [64.0, 48.0, 80.0, 64.0]}
"""About where the blob detector sees the blob of a bad board; `Desk.model_boxes` has it exactly."""

Tiles = Sequence[Sequence[int] | None]
"""Windows of the frame in its pixels; None is the whole of it."""


@dataclass
class Desk:
    """What the queue, the push and the pull say to the server, as short calls."""

    plant: Plant
    project: str = PROJECT
    _seeds: Iterator[int] = field(default_factory=lambda: itertools.count(5000))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _ticks: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, path: str, *, role: Role = Role.MLOPS, **options: Any) -> httpx.Response:
        """Any call."""
        return self.plant.http.request(method, path, headers=self.plant.headers(role), **options)

    def done(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """A call that must succeed."""
        answer = self.call(method, path, **options)
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        body: dict[str, Any] = answer.json()
        return body

    def put_project(self, **changes: Any) -> dict[str, Any]:
        """Make or change the project."""
        return self.done("PUT", f"/v1/label-projects/{self.project}", json=changes)

    def get_project(self) -> dict[str, Any]:
        """How the project stands."""
        return self.done("GET", f"/v1/label-projects/{self.project}")

    def inspect(self, part_id: str, *, bad: bool = False, **said: Any) -> str:
        """Have one part judged; gives its inspection."""
        board = bad_board if bad else good_board
        answer = self.plant.post(board(next(self._seeds)), part_id=part_id, **said)
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
        return str(answer.json()["id"])

    def pick(self, *inspection_ids: str, reason: str = "random", **fields: Any) -> list[dict[str, Any]]:
        """Pick inspections."""
        items = [{"inspection_id": each, "reason": reason, **fields} for each in inspection_ids]
        made: list[dict[str, Any]] = self.done(
            "POST", "/v1/label-picks", json={"project": self.project, "seed": 7, "items": items}
        )["items"]
        return made

    def plan(
        self, pick_id: str, *, tiles: Sequence[Sequence[int] | None] = (None,), view: str = "default"
    ) -> list[str]:
        """Make the tasks of a pick; gives their ids."""
        items = [self.task(pick_id, tile, view=view) for tile in tiles]
        self.done("POST", "/v1/label-tasks", json={"project": self.project, "items": items})
        return [item["id"] for item in items]

    def task(self, pick_id: str, tile: Sequence[int] | None = None, *, view: str = "default") -> dict[str, Any]:
        """A task as the push would make it."""
        return {
            "id": str(uuid.uuid5(uuid.UUID(pick_id), f"{view} {tile}")),
            "pick_id": pick_id,
            "view": view,
            "tile_xyxy_px": tile,
            "frame_size_wh_px": list(SIZE_WH_PX),
        }

    def push(self, *task_ids: str) -> dict[str, int]:
        """Say that tasks are in Label Studio; gives their numbers there."""
        numbers = {task_id: next(self._numbers) for task_id in task_ids}
        items = [{"id": task_id, "label_studio_task_id": number} for task_id, number in numbers.items()]
        self.done("POST", "/v1/label-tasks/pushed", json={"project": self.project, "items": items})
        return numbers

    def pushed_part(
        self,
        part_id: str,
        *,
        bad: bool = False,
        reason: str = "random",
        tiles: Sequence[Sequence[int] | None] = (None,),
    ) -> "LabelledPart":
        """A part that was judged, picked and pushed."""
        inspection_id = self.inspect(part_id, bad=bad)
        (made,) = self.pick(inspection_id, reason=reason)
        task_ids = self.plan(made["id"], tiles=tiles)
        return LabelledPart(self, inspection_id, made["id"], task_ids, self.push(*task_ids))

    def send(self, *states: dict[str, Any], role: Role = Role.MLOPS) -> list[dict[str, Any]]:
        """Hand states in."""
        body = {"project": self.project, "items": list(states)}
        items: list[dict[str, Any]] = self.done("POST", "/v1/label-tasks/states", json=body, role=role)["items"]
        return items

    def later(self) -> str:
        """An instant of Label Studio's, later than every one before."""
        return (START + timedelta(seconds=next(self._ticks))).isoformat()

    def reviews(self, inspection_id: str) -> list[dict[str, Any]]:
        """All reviews of an inspection, oldest first."""
        items: list[dict[str, Any]] = self.done("GET", f"/v1/inspections/{inspection_id}/reviews")["items"]
        return items

    def standing(self, inspection_id: str) -> str:
        """Where an inspection stands."""
        return str(self.done("GET", f"/v1/inspections/{inspection_id}/reviews")["standing"])

    def get_pick(self, pick_id: str) -> dict[str, Any]:
        """One pick."""
        return self.done("GET", f"/v1/label-picks/{pick_id}")

    def picks(self, **asked: Any) -> list[dict[str, Any]]:
        """All picks of a question, page after page."""
        return self.pages("/v1/label-picks", {"project": self.project, **asked})

    def candidates(self, **asked: Any) -> list[dict[str, Any]]:
        """All candidates of a question, page after page."""
        return self.pages("/v1/label-candidates", {"project": self.project, **asked})

    def attention(self, **asked: Any) -> list[dict[str, Any]]:
        """What needs a person."""
        return self.pages("/v1/label-attention", {"project": self.project, **asked})

    def pages(self, path: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """All items of a question, page after page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.done("GET", path, params={**asked, **({"cursor": cursor} if cursor else {})})
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def last_sequence(self) -> int:
        """The last event of the plant's log, but for what its watch tells of the stations meanwhile."""
        ledger, column = self.plant.services.ledger, events.c
        newest = select(func.max(column.sequence)).where(
            column.plant == ledger.plant, column.type != "station_state.v1"
        )
        found: int = ledger.read_blocking(lambda connection: connection.execute(newest).scalar_one())
        return found


@dataclass
class LabelledPart:
    """One picked part and its tasks."""

    desk: Desk
    inspection_id: str
    pick_id: str
    task_ids: list[str]
    numbers: dict[str, int]

    def state(
        self,
        *boxes: dict[str, Any],
        task: int = 0,
        reviewer: str = "Kim",
        at: str | None = None,
        read: bool = True,
        attention: Sequence[dict[str, str]] = (),
        comment: str | None = None,
        lead_time_s: float | None = 30.0,
    ) -> dict[str, Any]:
        """What Label Studio says of one of its tasks; `read=False` where nobody says anything that counts."""
        at = at or self.desk.later()
        annotation = {"id": 1, "updated_at": at, "annotator": reviewer, "lead_time_s": lead_time_s}
        reading = {
            "reviewer": reviewer,
            "at": at,
            "is_defective": bool(boxes),
            "boxes": list(boxes),
            "comment": comment,
            "minutes": 0.5,
        }
        task_id = self.task_ids[task]
        return {
            "id": task_id,
            "label_studio_task_id": self.numbers[task_id],
            "updated_at": at,
            "annotations": [annotation] if read or attention else [],
            "reading": reading if read else None,
            "attention": list(attention),
        }

    def send(self, *boxes: dict[str, Any], **said: Any) -> dict[str, Any]:
        """Hand one state in."""
        return self.desk.send(self.state(*boxes, **said))[0]

    @property
    def pick(self) -> dict[str, Any]:
        """The pick as the server has it."""
        return self.desk.get_pick(self.pick_id)

    @property
    def reviews(self) -> list[dict[str, Any]]:
        """The reviews of its inspection."""
        return self.desk.reviews(self.inspection_id)

    @property
    def standing(self) -> str:
        """Where its inspection stands."""
        return self.desk.standing(self.inspection_id)

    def model_boxes(self) -> list[dict[str, Any]]:
        """The defects as the model found them, as boxes that somebody accepts."""
        return [{"class_name": each["class_name"], "box_xyxy_px": each["box_xyxy_px"]} for each in self.pick["defects"]]


@contextmanager
def open_desk(folder: Path, *, recipe: str = KEEP_ALL, **settings: Any) -> Iterator[Desk]:
    """A plant with the labelling project `boards`, that keeps every image and audits none."""
    with open_plant(folder, recipe=recipe, **settings) as plant:
        desk = Desk(plant)
        desk.put_project(classes=list(CLASSES), catalogue={"id": "pcb", "version": 1})
        yield desk
