"""Releases change while real clients post over real HTTP: every part gets one verdict, from one whole release."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lineside.client import pack_release
from live_server import LiveServer, live_server
from odd_releases import Workshop, version
from plant import RECIPE, bad_board, content_digest, good_board
from signing import TestKeys

CLIENTS = 4
SWAPS = 8


class Poster:
    """One client in a closed loop; each good and bad part in turn."""

    def __init__(self, server: LiveServer, name: str, stop: threading.Event) -> None:
        self.server = server
        self.name = name
        self.stop = stop
        self.wrong: list[str] = []
        self.digests: set[str] = set()
        self.parts = 0

    def run(self) -> None:
        headers = {**self.server.authorization(), "Content-Type": "image/png"}
        seeds = itertools.count(10_000 * int(self.name[-1]))  # no two frames alike: the camera would count as frozen
        with httpx.Client(base_url=self.server.url, timeout=60.0, trust_env=False) as http:
            while not self.stop.is_set():
                board, expected = (bad_board, "NG") if self.parts % 2 else (good_board, "OK")
                body = board(next(seeds))
                part_id = f"{self.name}-{self.parts}"
                answer = http.post(
                    "/v1/inspections",
                    params={"station": "aoi-1", "part_id": part_id},
                    content=body,
                    headers={**headers, "Content-Digest": content_digest(body)},
                )
                self.parts += 1
                if answer.status_code != 200 or answer.json()["verdict"] != expected:
                    self.wrong.append(f"{part_id}: {answer.status_code} {answer.text[:200]}")
                else:
                    self.digests.add(answer.json()["release"]["digest"])


@pytest.mark.system
def test_no_part_is_lost_or_misjudged_while_releases_change(tmp_path: Path, workshop: Workshop, keys: TestKeys) -> None:
    folders = [workshop.write(version(f"2.{number}.0")) for number in range(2)]
    trust = keys.write_trust(tmp_path / "trust.json")
    signed = Workshop(tmp_path / "releases", keys)
    signed.write(version("1.0.0")).rename(tmp_path / "releases" / "blobs")
    with live_server(tmp_path, trust_file=trust) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}, digest_required=False).raise_for_status()
        for folder in folders:
            package = pack_release(folder)
            server.http.put(
                f"/v1/releases/{package.digest}",
                content=package.content,
                headers={**server.authorization(), "Content-Type": "application/zip"},
            ).raise_for_status()
        stop = threading.Event()
        posters = [Poster(server, f"client-{number}", stop) for number in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            running = [pool.submit(poster.run) for poster in posters]
            try:
                for serial in range(1, SWAPS + 1):
                    answer = server.deploy(keys.deploy_release(folders[serial % 2], serial=serial))
                    assert answer.status_code == 200, answer.text
                withdrawn = server.http.delete(
                    f"/v1/deployments/{answer.json()['deployment']['id']}",
                    params={"reason": "a test"},
                    headers=server.authorization(),
                )
                assert withdrawn.json()["standing"] == "withdrawn"
            finally:
                stop.set()
            for each in running:
                each.result()
        assert [fault for poster in posters for fault in poster.wrong] == []
        digests = set().union(*(poster.digests for poster in posters))
        assert {pack_release(folder).digest for folder in folders} <= digests
        answered = sum(poster.parts for poster in posters)
        rows = sum(len(server.attempts_of(f"{poster.name}-{n}")) for poster in posters for n in range(poster.parts))
        assert rows == answered
        assert len(server.services.releases.all_loaded()) == 1, "every other release was freed"
