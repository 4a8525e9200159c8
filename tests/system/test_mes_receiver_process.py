"""The line and the MES as programs of their own: what `lineside serve --delivery` tells `lineside mes receiver`."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from blob_detector import TinyRelease
from lineside.client import content_digest
from lineside.serving.security import Role
from lineside.workflows.ports import free_port
from lineside_process import LINESIDE, make_key, serving
from mes_line import SECRET
from plant import RECIPE, bad_board, good_board

pytestmark = pytest.mark.system

PATIENCE_S = 60.0


class ReceiverProcess:
    """`lineside mes receiver` in a folder; it comes back at the same port."""

    def __init__(self, folder: Path, *words: str, port: int, key: str) -> None:
        self._command = [*LINESIDE, "mes", "receiver", "--data", str(folder), "--port", str(port), *words]
        self._environment = {**os.environ, "LINESIDE_API_KEY": key}

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        with subprocess.Popen(
            [*self._command, "--json", "--ends-with-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            try:
                ready = json.loads(process.stdout.readline())
                url = ready["webhook_url"].removesuffix("/webhook")
                self.http = httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_S)
                assert self.http.get(ready["page_url"]).status_code == 303
                yield process
            finally:
                self.http.close()
                process.stdin.close()
                process.wait(PATIENCE_S)

    def board(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.http.get("/api/board").raise_for_status().json()
        return shown


def until(found: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < ends, what
        time.sleep(0.1)


def test_nothing_is_lost_or_doubled_when_the_mes_is_killed_and_orders_and_holds_go_both_ways(tmp_path: Path) -> None:
    TinyRelease().write(tmp_path / "releases" / "blobs")
    (tmp_path / "secret").write_text(SECRET)
    port = free_port()
    sink = {"name": "mes", "kind": "webhook", "url": f"http://127.0.0.1:{port}/webhook", "secret_files": ["secret"]}
    sink |= {"from": "beginning"}
    delivery = tmp_path / "delivery.yaml"
    delivery.write_text(json.dumps({"schema": "lineside.delivery/1", "sinks": [sink]}))
    options = (
        "--releases",
        str(tmp_path / "releases"),
        "--unsigned-releases",
        "--no-page",
        "--delivery",
        str(delivery),
    )
    with serving(tmp_path / "data", *options) as url:
        _, admin = make_key(tmp_path / "data", Role.ADMIN)
        _, mes = make_key(tmp_path / "data", Role.MES)
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {admin}"}, trust_env=False) as http:
            yaml = {"Content-Type": "application/yaml"}
            http.put("/v1/recipes/board", content=RECIPE.encode(), headers=yaml, timeout=60).raise_for_status()
            http.put("/v1/stations/aoi-1", json={"name": "aoi-1"}).raise_for_status()

            def judge(*numbers: int) -> None:
                for number in numbers:
                    body = bad_board(number) if number % 3 == 0 else good_board(number)
                    params = {"station": "aoi-1", "part_id": f"P-{number}"}
                    headers = {"Content-Type": "image/png", "Content-Digest": content_digest(body)}
                    http.post("/v1/inspections", params=params, content=body, headers=headers).raise_for_status()

            words = ("--server", url, "--secret-file", str(tmp_path / "secret"))
            receiver = ReceiverProcess(tmp_path / "mes", *words, port=port, key=mes)
            with receiver.running() as process:
                order = {"station": "aoi-1", "order_id": "JO-1", "product": "BRD", "lot": "L-1", "quantity": 6}
                receiver.http.post("/api/orders", json=order).raise_for_status()
                judge(1, 2, 3)
                until(lambda: receiver.board()["verdicts"] == {"OK": 2, "NG": 1}, "the first parts arrive")
                process.kill()
                process.wait()
            judge(4, 5, 6)
            with receiver.running():
                until(lambda: receiver.board()["verdicts"] == {"OK": 4, "NG": 2}, "the others arrive once it is back")
                receiver.http.post("/api/holds", json={"lot": "L-1", "reason": "shorts"}).raise_for_status()
                until(lambda: len(receiver.board()["holds"]) == 1, "the hold comes back from the line")
                board = receiver.board()
    assert sorted(each["part_id"] for each in board["results"]) == [f"P-{number}" for number in range(1, 7)]
    assert [each["part_id"] for each in board["failed"]] == ["P-6", "P-3"]
    assert board["orders"][0]["judged"] == {"OK": 4, "NG": 2}
    assert board["holds"][0]["state"] == "held"
