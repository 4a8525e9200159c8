"""Bad input, sent over HTTP to a real server: the right answer, the right record, nothing lost, never OK."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from blob_detector import BlobModel, TinyRelease
from hostile_inputs import (
    BROKEN_RELEASES,
    DOCUMENT,
    HOSTILE_INPUTS,
    TWO_VIEW_RECIPE,
    BrokenRelease,
    HostileInput,
    Record,
    as_markdown,
)
from lineside.serving.ledger import verify_chain
from live_server import LiveServer, live_server
from plant import RECIPE, good_board

pytestmark = pytest.mark.system

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("plant")) as server:
        assert server.put_recipe("board", RECIPE).status_code == 200
        assert server.put_recipe("two-views", TWO_VIEW_RECIPE).status_code == 200
        for station in ("aoi-1", "aoi-2"):
            assert server.put_station(station, recipe={"id": "board", "version": 1}).status_code == 200
        assert server.put_station("aoi-3", recipe={"id": "two-views", "version": 1}).status_code == 200
        yield server


_seeds = iter(range(10_000, 20_000))


def check_that_work_goes_on(server: LiveServer) -> None:
    """A good part gets its verdict, and nobody changed the log."""
    seed = next(_seeds)
    answer = server.post(good_board(seed), f"good-{seed}")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "OK")
    assert verify_chain(server.services.ledger).is_intact


@pytest.mark.parametrize("hostile", HOSTILE_INPUTS, ids=lambda each: each.name)
def test_bad_input_gets_its_answer_and_its_record(server: LiveServer, hostile: HostileInput) -> None:
    part_id = f"hostile {hostile.name}"
    answer = hostile.send(server, part_id)
    assert answer.status_code == hostile.status, answer.text
    body = answer.json()
    if hostile.status == 200:
        assert body["verdict"] == "NOT_INSPECTED"
        assert body["reasons"][0]["code"] == hostile.kind, body["reasons"]
    else:
        assert answer.headers["content-type"] == PROBLEM
        assert body["type"] == f"/problems/{hostile.kind}"
        assert body["detail"]
    rows = server.attempts_of(part_id)
    assert len(rows) == (0 if hostile.record is Record.NOTHING else 1)
    if hostile.record is Record.ROW:
        assert rows[0]["verdict"] == "NOT_INSPECTED"
    if hostile.record is Record.FIRST_ONLY:
        assert (rows[0]["verdict"], rows[0]["attempt"]) == ("OK", 1)
    check_that_work_goes_on(server)


def test_a_part_whose_second_view_does_not_come_is_not_inspected(server: LiveServer) -> None:
    headers = server.authorization()
    answer = server.post(good_board(31), "half", station="aoi-3", said={"view": "top"}, headers=headers)
    assert (answer.status_code, answer.json()["missing_views"]) == (202, ["bottom"])
    inspection_id = answer.json()["id"]
    closed = next(_events(server, inspection_id))
    assert closed["verdict"] == "NOT_INSPECTED"
    assert [(reason["code"], reason["view"]) for reason in closed["reasons"]] == [("missing_view", "bottom")]
    late = server.post(good_board(32), "half", station="aoi-3", said={"view": "bottom"}, headers=headers)
    assert late.status_code == 409
    assert [row["verdict"] for row in server.attempts_of("half")] == ["NOT_INSPECTED"]
    check_that_work_goes_on(server)


def _events(server: LiveServer, inspection_id: str) -> Iterator[dict[str, Any]]:
    """Data of the events of an inspection, as the event stream sends them."""
    with server.http.stream("GET", "/v1/events", headers=server.authorization()) as stream:
        assert stream.status_code == 200
        for line in stream.iter_lines():
            if line.startswith("data:"):
                data = json.loads(line.removeprefix("data:"))["data"]
                if data.get("id") == inspection_id:
                    yield data


def model_of(broken: BrokenRelease) -> bytes:
    """The model of a release that must not be loaded."""
    if broken.name == "no-detector":
        model = BlobModel().proto()
        model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        del model.graph.node[-1]  # what is left ends in per-class scores without boxes
        model.graph.output[0].CopyFrom(
            onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [1, 6, 37 * 37])
        )
        return bytes(model.SerializeToString())
    model = BlobModel().proto()
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "mean_weight")
    if broken.name == "nan-weights":
        values = numpy_helper.to_array(weight).copy()
        values.flat[0] = np.nan
        weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    elif broken.name == "outside-data":
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", "../../../../etc/hostname"), ("offset", "0"), ("length", "6144")):
            weight.external_data.add(key=key, value=value)
    else:
        values = numpy_helper.to_array(weight).copy()
        values.flat[0] += 1
        weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    return bytes(model.SerializeToString())


def spoil(folder: Path, broken: BrokenRelease, name: str) -> None:
    """Put a release that must not be loaded into a folder: a whole one around the model, or a changed model alone."""
    if broken.name == "changed-model":
        if not folder.exists():
            TinyRelease(name=name).write(folder)
        (folder / "model.onnx").write_bytes(model_of(broken))
        return
    if folder.exists():
        folder.rename(folder.with_name(f"{name}-before"))
    replace(TinyRelease(name=name), model_bytes=model_of(broken)).write(folder)


@pytest.mark.parametrize("broken", BROKEN_RELEASES, ids=lambda each: each.name)
def test_a_recipe_may_not_name_a_release_that_cannot_be_loaded(server: LiveServer, broken: BrokenRelease) -> None:
    releases_dir = server.services.settings.releases_dir
    assert releases_dir is not None
    spoil(releases_dir / broken.name, broken, broken.name)
    events_before = server.event_count()
    answer = server.put_recipe(
        "hostile", RECIPE.replace("id: board", "id: hostile", 1).replace("release: blobs", f"release: {broken.name}")
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/release-unusable")
    assert server.event_count() == events_before
    check_that_work_goes_on(server)


@pytest.mark.parametrize("broken", BROKEN_RELEASES, ids=lambda each: each.name)
def test_parts_are_not_inspected_while_their_release_cannot_be_loaded(tmp_path: Path, broken: BrokenRelease) -> None:
    other = RECIPE.replace("id: board", "id: other", 1).replace("release: blobs", "release: others")
    with live_server(tmp_path, releases=(TinyRelease(), TinyRelease(name="others"))) as server:
        for recipe_id, text, station in (("board", RECIPE, "aoi-1"), ("other", other, "aoi-2")):
            assert server.put_recipe(recipe_id, text).status_code == 200
            assert server.put_station(station, recipe={"id": recipe_id, "version": 1}).status_code == 200
    spoil(tmp_path / "releases" / "others", broken, "others")
    with live_server(tmp_path, releases=()) as server:
        ready = server.http.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["release_not_loaded"])
        answer = server.post(good_board(1), "part-1", station="aoi-2", headers=server.authorization())
        assert (answer.status_code, answer.json()["verdict"]) == (200, "NOT_INSPECTED")
        (reason,) = answer.json()["reasons"]
        assert reason["code"] == "no_release"
        assert "model" in reason["message"] or "weight" in reason["message"]
        assert [row["verdict"] for row in server.attempts_of("part-1")] == ["NOT_INSPECTED"]
        check_that_work_goes_on(server)  # the other station's release is sound


def test_the_page_of_bad_inputs_is_up_to_date() -> None:
    """`python tests/support/hostile_inputs.py` writes it."""
    assert DOCUMENT.read_text("utf-8") == as_markdown()


def test_an_answer_that_is_refused_early_reaches_a_client_that_still_sends(server: LiveServer) -> None:
    """The 413 comes while 50 MB are on their way; ten times in a row, since a reset connection would lose it."""
    for number in range(10):
        answer = server.post(bytes(50_000_000), f"large-{number}")
        assert answer.status_code == 413
    assert isinstance(answer, httpx.Response)
