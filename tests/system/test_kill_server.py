"""kill -9 of the whole server under load: every verdict that a station was told is in the ledger once, as told."""

from pathlib import Path

import pytest
from benchmarks.exactly_once import CLIENTS, audit, post_parts
from benchmarks.server import Line

from blob_detector import TinyRelease
from hostile_inputs import good_jpeg
from plant import RECIPE

pytestmark = pytest.mark.system

PARTS = 300
KILLS = 2


def test_two_kills_in_the_middle_lose_and_double_no_verdict(tmp_path: Path) -> None:
    """Clients send again, with the same idempotency keys, what the crash left unanswered."""
    TinyRelease().write(tmp_path / "releases" / "blobs")
    options = ("--releases", str(tmp_path / "releases"), "--unsigned-releases", "--no-page")
    line = Line.prepare(tmp_path / "line", options=options)
    with line.server:
        line.enrol(CLIENTS, recipe=RECIPE.replace("id: board", "id: bench-board", 1))
        told = post_parts(line, [good_jpeg(seed) for seed in range(20)], parts=PARTS, kills=KILLS)
    found = audit(line.data_dir, told)
    assert told.refused == {}
    assert (found.told, found.rows) == (PARTS, PARTS)
    assert (found.lost, found.twice, found.different, found.untold) == (0, 0, 0, 0)
    assert found.chain_is_intact
    assert told.retries > 0  # the kills hit somebody, or they showed nothing
