"""What Label Studio asks of an ML backend, and how the answer is read."""

from collections.abc import Mapping
from typing import Any

import httpx

from label_state import Desk
from lineside.serving.security import Role


def ask(desk: Desk, *task_ids: str, **more: Any) -> httpx.Response:
    """POST /predict as Label Studio sends it."""
    tasks = [
        {"id": number, "data": {"vid": each, "image": "/data/upload/1/a.png"}} for number, each in enumerate(task_ids)
    ]
    body = {"tasks": tasks, "project": "2.1700000000", "label_config": "<View/>", "params": {"login": None}, **more}
    return desk.plant.http.post("/label-studio/predict", json=body, auth=password(desk))


def results(desk: Desk, *task_ids: str) -> list[Any]:
    answer = ask(desk, *task_ids)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["results"]
    return found


def password(desk: Desk, role: Role = Role.LABEL_STUDIO) -> tuple[str, str]:
    return "whoever", desk.plant.keys[role]


def regions(result: Mapping[str, Any]) -> list[tuple[str, float, float, float, float]]:
    """Class and percent of each box."""
    return [
        (value["rectanglelabels"][0], value["x"], value["y"], value["width"], value["height"])
        for value in (region["value"] for region in result["result"] if region["type"] == "rectanglelabels")
    ]


def verdict(result: Mapping[str, Any]) -> str:
    (choice,) = (region["value"]["choices"][0] for region in result["result"] if region["type"] == "choices")
    return str(choice)
