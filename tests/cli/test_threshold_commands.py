"""`lineside threshold` as a quality engineer types it: plan, certify, put, see the verdicts change, end."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from blob_detector import BLOB_CLASSES, Blob, TinyRelease
from labelled_blobs import BlobImage, write_blob_revision
from lineside.cli.threshold import MethodName, SamplingName
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.release import Sampling
from lineside.serving.security import Role
from lineside.statistics.thresholds import ThresholdMethod
from live_server import LiveServer, live_server
from odd_releases import Workshop
from plant import RECIPE, bad_board
from signing import TestKeys

Lineside = Callable[..., Any]
ALL = tuple(Blob(index, 8 + 24 * index, 64) for index in range(len(BLOB_CLASSES)))


@dataclass(frozen=True)
class Shop:
    """A server, a calibration revision, and the words that the commands need.

    Attributes:
        server: judges with the release.
        reach: how commands reach it.
        certify: words of `threshold certify` without the miss rate.
        out: where the certificates go.
    """

    server: LiveServer
    reach: tuple[str, ...]
    certify: tuple[object, ...]
    out: Path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LINESIDE_KEY_PASSPHRASE", raising=False)
    keys = TestKeys()
    (tmp_path / "deploy.pem").write_bytes(keys.deploy.to_pem(None))
    (tmp_path / "deploy.pem").chmod(0o600)
    (tmp_path / "releases").mkdir()
    Workshop(tmp_path / "releases", keys).write(TinyRelease()).rename(tmp_path / "releases/blobs")
    images = [BlobImage(f"p{at}", drawn=ALL, split=Split.CALIBRATION) for at in range(29)]
    revision = write_blob_revision(RevisionStore(str(tmp_path / "store")), images).id
    trust = keys.write_trust(tmp_path / "trust.json")
    words = (
        *("threshold", "certify", tmp_path / "releases/blobs", "--data", f"{revision[:12]}:calibration"),
        *("--store", tmp_path / "store", "--line", "line-1", "--sampled", "random", "--declared-by", "Kim"),
        *("--key", tmp_path / "deploy.pem", "--trust", trust, "--out", tmp_path / "out"),
        *("--engine", "onnxruntime-fp32"),
    )
    with live_server(tmp_path, trust_file=trust) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        reach = ("--server", server.url, "--api-key", server.keys[Role.MLOPS])
        yield Shop(server, reach, words, tmp_path / "out")


def test_from_a_sample_to_certified_verdicts_and_back(shop: Shop, lineside: Lineside) -> None:
    before = shop.server.post(bad_board(1), "before").json()
    assert before["threshold_status"] == "uncertified"
    ran = lineside(*shop.certify, "--miss-rate", "0.1")
    assert ran.code == 0, ran.err
    assert "open: threshold 0.9" in ran.err
    assert "misses at most 0.1 at 0.95; 0 of 29 parts of 29 groups missed" in ran.err
    assert len([line for line in ran.out.splitlines() if line.endswith(".json")]) == len(BLOB_CLASSES)
    stored = lineside("threshold", "put", shop.out, *shop.reach)
    assert stored.code == 0, stored.err
    assert shop.server.post(bad_board(2), "after").json()["threshold_status"] == "certified"
    again = lineside("threshold", "put", shop.out / "class-short.json", *shop.reach, "--json")
    [view] = json.loads(again.out[again.out.index("[\n") :])
    certificate = view["certificate"]
    assert certificate["class_name"] == "short"
    status = json.loads(_data(lineside("threshold", "status", *shop.reach, "--json").out))
    assert status["threshold_status"] == "certified"
    ended = lineside("threshold", "end", certificate["id"], "--reason", "labels were wrong", *shop.reach)
    assert (ended.code, "withdrawn: labels were wrong" in ended.out) == (0, True)
    assert shop.server.post(bad_board(3), "ended").json()["threshold_status"] == "uncertified"
    said = lineside("threshold", "status", *shop.reach)
    assert "thresholds uncertified" in said.err
    assert "uncertified: no certificate of line line-1" in said.out
    in_force = lineside("threshold", "list", "--in-force", *shop.reach).out.splitlines()
    assert len([row for row in in_force if "\tline-1\t" in row]) == len(BLOB_CLASSES) - 1
    refused = lineside("threshold", "put", shop.out / "class-short.json", *shop.reach)
    assert (refused.code, "it does not begin again" in refused.err) == (1, True)


def _data(out: str) -> str:
    """The JSON of a command whose server logs to the same stdout."""
    return out[out.index("{\n") :]


def test_a_guarantee_that_cannot_be_carried_is_one_line_with_the_parts_missing(shop: Shop, lineside: Lineside) -> None:
    ran = lineside(*shop.certify, "--miss-rate", "0.01", "--class", "short")
    assert ran.code == 1
    line = ran.err.splitlines()[-1]
    assert (
        "short: a miss rate of at most 0.01 at 0.95 confidence needs 299 parts; 29 were given, 270 are missing" in line
    )
    assert not shop.out.exists()


def test_an_average_is_never_called_a_guarantee(shop: Shop, lineside: Lineside) -> None:
    ran = lineside(*shop.certify, "--miss-rate", "0.1", "--method", "conformal-average", "--part")
    assert ran.code == 0, ran.err
    assert "part: threshold 1, misses 0.1 on average, no guarantee" in ran.err
    assert lineside("threshold", "put", shop.out, *shop.reach).code == 0
    assert shop.server.post(bad_board(2), "after").json()["threshold_status"] == "uncertified"


def test_the_plan_says_how_many_parts_each_number_of_misses_takes(lineside: Lineside) -> None:
    assert lineside("threshold", "plan", "--miss-rate", "0.05").out.splitlines()[:3] == ["0\t59", "1\t93", "2\t124"]
    document = json.loads(lineside("threshold", "plan", "--miss-rate", "0.001", "--json").out)
    assert document["plans"][0] == {"misses": 0, "parts": 2995}


@pytest.mark.parametrize("rate", ["0", "1", "nan", "-0.5"])
def test_a_rate_that_nothing_can_show_is_a_wrong_call(lineside: Lineside, rate: str) -> None:
    assert lineside("threshold", "plan", f"--miss-rate={rate}").code == 2


def test_the_words_of_the_options_are_those_of_the_records() -> None:
    assert set(get_args(MethodName)) == set(ThresholdMethod)
    assert set(get_args(SamplingName)) == set(Sampling)
