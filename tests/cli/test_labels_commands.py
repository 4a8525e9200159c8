"""`lineside labels queue|push|pull|status|attention|withdraw` against real servers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from label_scene import MODEL_BOX, LabelScene, labelling_server
from label_studio import LabelStudioServer

pytestmark = pytest.mark.system

Lineside = Callable[..., Any]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, label_studio: LabelStudioServer) -> Iterator[LabelScene]:
    """Six parts on a line, none picked."""
    folder = tmp_path_factory.mktemp("labels")
    with labelling_server(folder) as server:
        scene = LabelScene(server, label_studio, f"commands {uuid4().hex[:8]}", folder, label_studio.url)
        scene.inspect("NG-1", "NG-2", "NG-3")
        scene.inspect("OK-1", "OK-2", "OK-3", is_good=True)
        yield scene


@pytest.fixture
def run(plant: LabelScene, lineside: Lineside, monkeypatch: pytest.MonkeyPatch) -> Lineside:
    """`run("push")` runs a command on the plant's project."""
    for name, value in plant.environment.items():
        monkeypatch.setenv(name, value)

    def call(word: str, *options: object) -> Any:
        return lineside("labels", word, "--server", plant.server.url, "--project", plant.project, *options)

    return call


def test_the_loop_by_commands(plant: LabelScene, run: Lineside) -> None:
    """One story, since each step stands on the one before."""
    first = run("queue", "--budget", 4, "--seed", 7, "--dry-run", "--json")
    assert first.code == 0, first.err
    planned = json.loads(first.out)
    assert (len(planned["picks"]), planned["candidates"], planned["picked"]) == (4, 6, 0)
    assert all(each["why"] for each in planned["picks"])
    assert json.loads(run("queue", "--budget", 4, "--seed", 7, "--dry-run", "--json").out) == planned
    as_table = run("queue", "--budget", 4, "--seed", 7, "--dry-run")
    assert [line.split("\t")[0] for line in as_table.out.splitlines()] == [each["part_id"] for each in planned["picks"]]
    assert "4 of 6 candidates would be picked" in as_table.err
    assert run("status").code == 1  # a dry run makes no project

    assert "4 of them new" in run("queue", "--budget", 4, "--seed", 7).err
    picked = {each["part_id"] for each in planned["picks"]}
    assert set(plant.picks()) == picked

    nowhere = run("push")
    assert (nowhere.code, nowhere.out) == (1, "")
    assert "--studio URL" in nowhere.err
    pushed = run("push", "--studio", plant.studio.url, "--json")
    assert pushed.code == 0, pushed.err
    assert json.loads(pushed.out)["tasks"] == 4
    assert "0 part(s) pushed" in run("push").err  # the address is known now

    parts = sorted(picked)
    plant.annotate(plant.task_of(parts[0]), ("short", MODEL_BOX))
    plant.annotate(plant.task_of(parts[1]), was_cancelled=True)
    pulled = run("pull", "--json")
    assert pulled.code == 0, pulled.err
    report = json.loads(pulled.out)
    assert (report["changed"], report["is_new_revision"], report["added"]) == (2, True, 1)
    assert report["revision"] in plant.store.ids()
    assert "things need a person" not in pulled.out

    shown = json.loads(run("status", "--json").out)
    assert shown["counts"] == {
        "waiting": 0, "pushed": 2, "labelled": 1, "attention": 1, "withdrawn": 0, "open_attention": 1,
        "pushed_tasks": 4,
    }  # fmt: skip
    table = dict(line.split("\t") for line in run("status").out.splitlines())
    assert (table["pushed"], table["labelled"], table["needs a person"]) == ("2", "1", "1")
    assert table["at work"] == "nobody"

    (entry,) = json.loads(run("attention", "--json").out)
    assert entry["code"] == "skipped"
    assert run("attention", "--settle", entry["id"]).code == 2  # without a note
    assert run("attention", "--settle", entry["id"], "--note", "not labelled on purpose", "--by", "qe").code == 0
    assert "nothing needs a person" in run("attention").err
    assert "qe: not labelled on purpose" in run("attention", "--all").out

    by_id = plant.picks()[parts[2]]["id"]
    for named in (by_id, parts[3]):
        withdrawn = run("withdraw", named, "--reason", "the wrong part", "--by", "qe")
        assert withdrawn.code == 0, withdrawn.err
    assert plant.state()["counts"]["withdrawn"] == 2


def test_refusals_are_one_line(plant: LabelScene, run: Lineside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    for words in (
        ("push", "--studio", plant.studio.url),
        ("pull", "--studio", "http://127.0.0.1:9"),
        ("pull", "--studio", plant.studio.url, "--token-file", "/nowhere"),
        ("queue", "--budget", 1, "--catalogue", "none:1"),
        ("queue", "--budget", 1, "--catalogue", "pcb:first"),
        ("withdraw", "no-such-part", "--reason", "x"),
    ):
        ended = run(*words)
        assert ended.code == 1, words
        assert ended.out == ""
        assert ended.err.count("\n") == 1
        assert ended.err.startswith("lineside: ")


def test_instants_need_their_offset(run: Lineside) -> None:
    ended = run("queue", "--budget", 1, "--from", "2026-01-31")
    assert ended.code == 2
    assert "offset" in ended.err


def test_shares_come_from_a_file(plant: LabelScene, run: Lineside, tmp_path: Path) -> None:
    shares = tmp_path / "queue.yaml"
    shares.write_text("schema: lineside.queue/1\nshares: {random: 1.0}\n")
    planned = json.loads(run("queue", "--budget", 2, "--shares", shares, "--dry-run", "--json").out)
    assert {each["reason"] for each in planned["picks"]} <= {"random"}
    shares.write_text("schema: lineside.queue/1\nshares: {random: 0.4}\n")
    refused = run("queue", "--budget", 2, "--shares", shares, "--dry-run")
    assert (refused.code, refused.out) == (1, "")
    assert "add up to 0.4" in refused.err
