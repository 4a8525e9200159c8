"""The client's labelling calls, over real HTTP: all pages, any number of items, and every call may come again."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from label_state import KEEP_ALL
from lineside.client import Contradicted, LinesideClient, NothingThere
from lineside.client.label_calls import MOST_ITEMS, requests_of_whole_picks
from lineside.serving.security import Role
from live_server import LiveServer, live_server
from plant import good_board

AT = "2026-03-01T08:00:00+00:00"


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that keeps every image."""
    with live_server(tmp_path_factory.mktemp("labels")) as live:
        live.put_recipe("board", KEEP_ALL).raise_for_status()
        live.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield live


def task_of(pick_id: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.UUID(pick_id), "default")),
        "pick_id": pick_id,
        "view": "default",
        "tile_xyxy_px": None,
        "frame_size_wh_px": [160, 160],
    }


def state_of(task_id: str, number: int) -> dict[str, Any]:
    return {
        "id": task_id,
        "label_studio_task_id": number,
        "updated_at": AT,
        "annotations": [{"id": number, "updated_at": AT, "annotator": "Kim", "lead_time_s": 6.0}],
        "reading": {"reviewer": "Kim", "at": AT, "is_defective": False, "boxes": [], "minutes": 0.1},
    }


def test_parts_go_round_the_whole_loop_by_the_clients_calls(keeping: LiveServer) -> None:
    async def go_round() -> None:
        async with LinesideClient(keeping.url, keeping.keys[Role.MLOPS]) as client:
            made = await client.put_label_project("boards", classes=["open"], label_studio_project_id=3)
            assert (await client.label_project("boards"))["classes"] == ["open"] == made["classes"]
            lease = await client.lease_label_project("boards", holder="one", purpose="push", seconds=60)
            assert lease["purpose"] == "push"
            with pytest.raises(Contradicted, match="one works on labelling project 'boards'"):
                await client.lease_label_project("boards", holder="two", purpose="pull", seconds=60)
            await client.end_label_lease("boards", holder="one")
            found = [each async for each in client.label_candidates("boards", limit=2)]
            assert [each["part_id"] for each in found] == [f"P-{number}" for number in range(5)]
            wanted = [{"inspection_id": each["inspection_id"], "reason": "random"} for each in found]
            picks = await client.put_label_picks("boards", wanted, seed=1)
            assert [each["is_new"] for each in await client.put_label_picks("boards", wanted, seed=1)] == [False] * 5
            tasks = [task_of(each["id"]) for each in picks]
            await client.put_label_tasks("boards", tasks)
            numbers = {task["id"]: number for number, task in enumerate(tasks, start=1)}
            unpushed = [each["id"] async for each in client.label_tasks("boards", pushed=False, limit=2)]
            assert sorted(unpushed) == sorted(numbers)
            pushed = [{"id": task_id, "label_studio_task_id": number} for task_id, number in numbers.items()]
            await client.mark_label_tasks_pushed("boards", pushed)
            assert [each async for each in client.label_tasks("boards", pushed=False)] == []
            # More than one request takes; of one task given twice the second is no news.
            states = [state_of(task_id, number) for task_id, number in numbers.items()] * (MOST_ITEMS // 5 + 1)
            answers = await client.put_label_task_states("boards", states)
            assert [each["outcome"] for each in answers] == ["applied"] * 5 + ["unchanged"] * MOST_ITEMS
            labelled = [each async for each in client.label_picks("boards", state="labelled", limit=2)]
            assert [each["id"] for each in labelled] == [each["id"] for each in picks]
            changed = [each["id"] async for each in client.label_picks("boards", after_change=0, limit=3)]
            assert changed == [each["id"] for each in picks]
            (entry,) = await client.put_label_attention("boards", [{"code": "not_uploaded", "message": "no space"}])
            assert [each["id"] async for each in client.label_attention("boards")] == [entry["id"]]
            await client.settle_label_attention(entry["id"], by="Kim", note="made room")
            assert [each async for each in client.label_attention("boards")] == []
            gone = await client.withdraw_label_pick(picks[0]["id"], by="Kim", reason="a trial part")
            assert (await client.label_pick(picks[0]["id"]))["state"] == "withdrawn" == gone["state"]
            assert [each["name"] for each in await client.label_projects()] == ["boards"]
            with pytest.raises(NothingThere, match="no labelling project 'none'"):
                await client.label_project("none")

    for number in range(5):
        answer = keeping.post(good_board(300 + number), f"P-{number}", headers=keeping.authorization())
        assert answer.status_code == 200, answer.text
    asyncio.run(go_round())


def test_nothing_to_say_asks_nothing(keeping: LiveServer) -> None:
    async def say_nothing() -> None:
        async with LinesideClient(keeping.url, "no key") as client:
            assert await client.put_label_picks("boards", [], seed=1) == []
            assert await client.put_label_tasks("boards", []) == []
            assert await client.put_label_task_states("boards", []) == []

    asyncio.run(say_nothing())


def test_a_picks_tasks_are_never_parted_into_two_requests() -> None:
    """The server takes the tasks of a pick only together."""
    tasks = [{"id": f"{pick} {tile}", "pick_id": pick} for tile in range(3) for pick in range(300)]
    requests = requests_of_whole_picks(tasks)
    assert all(len(each) <= MOST_ITEMS for each in requests)
    assert sum(len(each) for each in requests) == len(tasks)
    homes = [{task["pick_id"] for task in each} for each in requests]
    assert sum(len(each) for each in homes) == 300
