"""A lot is judged again with the release of a deployment, over real HTTP, and every difference is named."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from blob_detector import Blob, TinyRelease
from lineside.client import NothingThere, RequestRefused, pack_release
from lineside.serving.security import Role
from lineside.workflows.errors import ReplayRefused
from lineside.workflows.replay_report import Replay
from lineside.workflows.replaying import ReplayTask, replay_lot
from live_server import LiveServer, live_server
from odd_releases import Workshop, version, without_short
from plant import RECIPE, bad_board, board_png, good_board
from signing import TestKeys

UNAUDITED = RECIPE + "audit: {share: 0.0}\n"  # a draw would keep an image by chance
KEEPING = UNAUDITED + "retention: {ok_share: 1.0}\n"
KEEPING_LESS = UNAUDITED.replace("version: 1\nproduct", "version: 2\nproduct", 1) + "retention: {ok_share: 0.0}\n"


@dataclass(frozen=True)
class Judged:
    """A server with a lot of five parts, and deployments of releases that differ."""

    server: LiveServer
    deployments: dict[str, str]

    def replay(self, deployment: str, *, lot: str = "L1", role: Role = Role.QUALITY) -> Replay:
        """The lot judged again."""
        return replay_lot(
            ReplayTask(
                server=self.server.url,
                api_key=self.server.keys[role],
                deployment=self.deployments.get(deployment, deployment),
                lot=lot,
            )
        )


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    folder = tmp_path_factory.mktemp("replay")
    keys = TestKeys()
    workshop = Workshop(folder / "workshop", keys)
    base = TinyRelease()
    keys.sign_release(base.write(folder / "releases" / base.name))
    trust = keys.write_trust(folder / "trust.json")
    with live_server(folder, trust_file=trust) as server:
        assert server.put_recipe("board", KEEPING).status_code < 300
        assert server.put_station("aoi-1", recipe={"id": "board", "version": 1}).status_code < 300
        deployments = {}
        releases = {"same": version("2.0.0"), "worse": without_short("3.0.0")}
        for serial, (name, release) in enumerate(releases.items(), start=1):
            written = workshop.write(release)
            package = pack_release(written)
            answer = server.http.put(
                f"/v1/releases/{package.digest}",
                content=package.content,
                headers={**server.authorization(), "Content-Type": "application/zip"},
            )
            assert answer.status_code == 200, answer.text
            deployed = server.deploy(keys.deploy_release(written, serial=serial, lines=("another-line",)))
            assert deployed.status_code == 200, deployed.text
            deployments[name] = deployed.json()["deployment"]["id"]
        bodies = {
            "P-1": good_board(1),
            "P-2": bad_board(2),
            "P-3": board_png(Blob(0, 40, 40), seed=3),
            "P-4": board_png(Blob(1, 64, 48), Blob(0, 40, 40), seed=4),
        }
        for part, body in bodies.items():
            assert server.post(body, part, said={"lot": "L1"}).status_code == 200
        again = server.post(good_board(5), "P-2", said={"lot": "L1", "attempt": 2, "cause": "after_rework"})
        assert again.status_code == 200
        override = {"override_name": "Kim", "override_reason": "a test"}
        stored = server.http.put(
            "/v1/recipes/board",
            params=override,
            content=KEEPING_LESS.encode(),
            headers={**server.authorization(), "Content-Type": "application/yaml"},
        )
        assert stored.status_code < 300, stored.text
        assert server.put_station("aoi-1", recipe={"id": "board", "version": 2}).status_code < 300
        assert server.post(good_board(6), "P-5", said={"lot": "L1"}).json()["frames"][0]["kept"] is False
        yield Judged(server, deployments)


def test_the_same_model_changes_nothing_and_what_was_not_kept_is_named(judged: Judged) -> None:
    found = judged.replay("same")
    totals = found.totals()
    assert (totals["parts"], totals["attempts"], totals["replayed"]) == (5, 6, 5)
    assert (totals["verdict_changes"], totals["defects_change"]) == (0, 0)
    assert totals["left_out"] == {"not_kept": 1}
    assert [(left.of.part_id, left.views) for left in found.left_out] == [("P-5", ("default",))]
    for each in found.replayed:
        assert each.old == each.new, "to the last digit: the same weights, recipe and frames"


def test_a_release_that_finds_less_would_have_passed_what_only_it_misses(judged: Judged) -> None:
    found = judged.replay("worse")
    by_part = {(each.of.part_id, each.of.attempt): each for each in found.replayed}
    assert (by_part["P-2", 1].old.verdict, by_part["P-2", 1].new.verdict) == ("NG", "OK")
    assert not by_part["P-4", 1].verdict_changes
    assert by_part["P-4", 1].defects_change
    assert not by_part["P-3", 1].defects_change
    totals = found.totals()
    assert totals["verdicts"] == {"NG -> NG": 2, "NG -> OK": 1, "OK -> OK": 2}
    assert (totals["verdict_changes"], totals["defects_change"]) == (1, 2)
    assert sum(totals["defects_old"].values()) == 4
    assert "short" not in totals["defects_new"]
    assert sum(totals["defects_new"].values()) == 2


def test_twice_the_same_lot_is_the_same_report_byte_for_byte(judged: Judged) -> None:
    first, again = (judged.replay("worse").to_json() for _ in range(2))
    assert first == again
    assert json.loads(first)["schema"] == "lineside.replay/1"


def test_nothing_is_written_to_the_server(judged: Judged) -> None:
    before = judged.server.event_count()
    judged.replay("worse")
    assert judged.server.event_count() == before


def test_what_cannot_be_judged_again_is_refused_by_name(judged: Judged) -> None:
    with pytest.raises(NothingThere):
        judged.replay("00000000-0000-7000-8000-000000000000")
    with pytest.raises(ReplayRefused, match="lot 'gone' has no inspection"):
        judged.replay("same", lot="gone")
    for role in (Role.STATION, Role.MES, Role.VIEWER):
        with pytest.raises(RequestRefused):
            judged.replay("same", role=role)


def test_a_release_comes_back_as_it_was_handed_in(judged: Judged) -> None:
    server = judged.server
    deployed = server.http.get(f"/v1/deployments/{judged.deployments['worse']}", headers=server.authorization())
    digest = deployed.json()["deployment"]["release"]["digest"]
    answers = [
        server.http.get(f"/v1/releases/{digest}/package", headers=server.authorization(Role.MLOPS)) for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    again = server.http.put(
        f"/v1/releases/{digest}",
        content=answers[0].content,
        headers={**server.authorization(), "Content-Type": "application/zip"},
    )
    assert again.status_code == 200
    assert server.http.get(f"/v1/releases/{'0' * 64}/package", headers=server.authorization()).status_code == 404


@pytest.mark.system
def test_the_command_shows_what_changes_and_writes_the_report(judged: Judged, tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "lineside.cli", "twin", "replay", "--server", judged.server.url),
            *("--deployment", judged.deployments["worse"], "--lot", "L1", "--out", str(tmp_path / "report.json")),
        ],
        env={**os.environ, "LINESIDE_API_KEY": judged.server.keys[Role.QUALITY]},
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert (tmp_path / "report.json").read_bytes() == judged.replay("worse").to_json().encode()
    assert "aoi-1\tP-2\t1\tNG\tOK\t1\t0" in ran.stdout.decode()
    assert "not judged again: P-5 attempt 1 at aoi-1: not_kept (default)" in ran.stderr.decode()
