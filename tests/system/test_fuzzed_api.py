"""The API's own description, played back at it with wrong and right requests by schemathesis: never a 5xx."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.serving.ledger import verify_chain
from live_server import LiveServer, live_server
from plant import RECIPE, good_board

pytestmark = pytest.mark.system

EXAMPLES_PER_ROUTE = 15
SEED = 20261122


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("plant")) as server:
        assert server.put_recipe("board", RECIPE).status_code == 200
        assert server.put_station("aoi-1", recipe={"id": "board", "version": 1}).status_code == 200
        yield server


def test_no_request_that_the_description_leads_to_makes_the_server_fail(server: LiveServer, tmp_path: Path) -> None:
    header = f"Authorization: {server.authorization()['Authorization']}"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("--header", header),
            *("--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing"),
            *("--exclude-path", "/v1/events"),  # never ends; its own tests read it
            *("--exclude-path", "/v1/releases/{digest}"),  # it makes no zip files; test_release_uploads.py does
            # the very handlers of /aas/submodels/..., with one more identifier before them
            *("--exclude-path-regex", r"^/aas/shells/\{shell_id\}/submodels/"),
            *("--max-examples", str(EXAMPLES_PER_ROUTE), "--seed", str(SEED), "--no-shrink"),
            *("--request-timeout", "20", "--suppress-health-check", "all", "--warnings", "off"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    sent = re.search(r"(\d+) generated", done.stdout)
    assert sent is not None
    assert int(sent[1]) > 500  # it did send something
    answer = server.post(good_board(1), "after-the-storm", headers=server.authorization())
    assert answer.status_code == 200
    assert answer.json()["verdict"] == "OK"
    assert verify_chain(server.services.ledger).is_intact
