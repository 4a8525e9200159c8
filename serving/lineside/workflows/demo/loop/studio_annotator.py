"""The scripted person at Label Studio: opens each task that nobody has read, and submits what it says of the part.

It speaks the API as the labelling page does, and knows a part by the line that a task shows beside the picture.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from lineside.datasets.labelled import LabelledBox
from lineside.datasets.labelling import PredictedBox, Token, prediction_json
from lineside.workflows.demo.loop.annotator import Annotator
from lineside.workflows.errors import LineFailed

_PATIENCE_S = 60.0
_TASKS_A_PAGE = 100
_SECONDS_A_TASK = 20.0
"""What each reading is said to have taken: a person's time is not simulated."""


@dataclass(frozen=True, slots=True)
class TruthOfPart:
    """What the line knows of a part.

    Attributes:
        boxes: its defects; none for a good part.
        size_wh_px: of its picture.
        is_film: its defects are of the new look.
    """

    boxes: tuple[LabelledBox, ...]
    size_wh_px: tuple[int, int]
    is_film: bool = False


@dataclass(frozen=True, slots=True)
class Labelled:
    """What the person did.

    Attributes:
        parts: that were read.
        defective: of these, truly.
        films: of these, with the new look.
        wrong: readings that were wrong.
    """

    parts: int
    defective: int
    films: int
    wrong: int


def label_waiting_tasks(
    url: str, token: Token, *, project_id: int, truth: Mapping[str, TruthOfPart], annotator: Annotator
) -> Labelled:
    """Read every task of a project that has no annotation yet.

    Args:
        url: of Label Studio.
        token: a legacy token of the person.
        project_id: Label Studio's.
        truth: by part id.
        annotator: says what of each part.

    Raises:
        LineFailed: a task shows a part that the line never made.
        httpx.HTTPError: Label Studio refuses, or cannot be reached.
    """
    read: list[TruthOfPart] = []
    wrong = 0
    with httpx.Client(
        base_url=url, headers={"Authorization": f"Token {token.secret}"}, timeout=_PATIENCE_S, trust_env=False
    ) as http:
        for task in list(_waiting(http, project_id)):
            part_id = str(task["data"].get("part"))
            if part_id not in truth:
                raise LineFailed(f"task {task['id']} of {url} shows part {part_id!r}, which this line never made")
            part = truth[part_id]
            said = annotator.read(part_id, part.boxes, size_wh_px=part.size_wh_px)
            boxes = [PredictedBox(box.class_name, 1.0, box.box_xyxy_px) for box in said.boxes]
            answer = http.post(
                f"/api/tasks/{task['id']}/annotations/",
                json={
                    "result": prediction_json(boxes, "person", part.size_wh_px)["result"],
                    "lead_time": _SECONDS_A_TASK,
                    "was_cancelled": False,
                },
            )
            answer.raise_for_status()
            read.append(part)
            wrong += said.slip is not None
    return Labelled(
        parts=len(read),
        defective=sum(bool(part.boxes) for part in read),
        films=sum(part.is_film for part in read),
        wrong=wrong,
    )


def _waiting(http: httpx.Client, project_id: int) -> Iterator[dict[str, Any]]:
    """Tasks without an annotation, by id."""
    page = 1
    while True:
        answer = http.get(
            "/api/tasks",
            params={"project": project_id, "fields": "all", "page": page, "page_size": _TASKS_A_PAGE},
        )
        if answer.status_code == httpx.codes.NOT_FOUND:  # a page past the end
            return
        answer.raise_for_status()
        tasks = answer.json()["tasks"]
        yield from (task for task in tasks if not task.get("annotations"))
        if len(tasks) < _TASKS_A_PAGE:
            return
        page += 1
