"""The client and the command line at the review place."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lineside.cli import app
from lineside.client import Contradicted, LinesideClient
from lineside.serving.security import Role
from live_server import LiveServer, live_server
from plant import RECIPE, bad_board


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[LiveServer]:
    with live_server(tmp_path, verification_second_share=0.0) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield server


def use(server: LiveServer, act: Callable[[LinesideClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with LinesideClient(server.url, server.keys[Role.QUALITY]) as client:
            return await act(client)

    return asyncio.run(run())


def test_a_program_reads_a_part_takes_it_back_and_asks_how_well_people_read(desk: LiveServer) -> None:
    desk.post(bad_board(1), "P-1").raise_for_status()

    async def work(client: LinesideClient) -> None:
        assert (await client.verification())["waiting"]["flagged"] == 1
        part = await client.claim_part(reader="Kim")
        assert part is not None
        said = await client.read_part(part["id"], kind="confirmed", disposition="scrapped")
        assert said["review"]["standing"] == "confirmed"
        assert await client.claim_part(reader="Kim") is None
        again = await client.take_reading_back(part["id"])
        assert again is not None
        assert again["inspection_id"] == part["inspection_id"]
        await client.release_part(again["id"])
        with pytest.raises(Contradicted):
            await client.read_part(again["id"], kind="confirmed")
        other = await client.claim_part(reader="Lee", station="aoi-1")
        assert other is not None
        box = {"view": "default", "class_name": "open", "box_xyxy_px": [10, 10, 30, 30]}
        await client.read_part(other["id"], kind="corrected", boxes=[box])
        figures = await client.reviewers(confidence=0.9)
        assert [(each["reader"][-3:], each["readings"]) for each in figures["items"]] == [("Kim", 0), ("Lee", 1)]

    use(desk, work)
    command = ["labels", "reviewers", "--server", desk.url, "--api-key", desk.keys[Role.QUALITY]]
    printed = CliRunner().invoke(app, [*command, "--json"])
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.stdout)["total"]["readings"] == 1
    table = CliRunner().invoke(app, command).stdout.splitlines()
    assert [line.split("\t")[:3] for line in table] == [
        ["test quality / Kim", "0", "-"],
        ["test quality / Lee", "1", "-"],
        ["all", "1", "-"],
    ]
