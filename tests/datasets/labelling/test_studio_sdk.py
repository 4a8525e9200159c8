"""Label Studio's SDK: imported late, talks to nobody else, and its own converter agrees about geometry."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from label_studio import LabelStudioServer
from label_tasks import CLASSES, SIZE_WH_PX, drawn_box, label_task
from lineside.datasets.labelling import LabelStudio, StudioProject, Token, project_config
from lineside.datasets.labelling.regions import Drawn, read_annotation
from studio_proxy import studio_proxy

_ROUND = """
import os, sys
asked = set()
def watch(event, arguments):
    if event == "socket.connect":
        asked.add(repr(arguments[1]))
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        asked.add(repr(arguments[:2]))
sys.addaudithook(watch)
from label_tasks import CLASSES, label_task
from lineside.datasets.labelling import LabelStudio, Token
with LabelStudio(sys.argv[1], Token(os.environ["TEST_TOKEN"])) as studio:
    studio.version()
    project = studio.ensure_project(sys.argv[2], CLASSES, has_reference=True)
    studio.push(project.id, [label_task()])
    list(studio.updated_since(project.id, None))
    studio.all_tasks(project.id)
print(*sorted(asked), sep="\\n")
"""


def run(program: str, *arguments: str, **environ: str) -> str:
    """A Python process of its own; what it printed."""
    paths = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": paths} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.system
def test_nothing_is_asked_of_anybody_but_the_given_server(label_studio: LabelStudioServer) -> None:
    """Every connection and name look-up of a process from before its first import on, with a personal token."""
    at = urlsplit(label_studio.url)

    asked = run(_ROUND, label_studio.url, f"alone {uuid4().hex[:8]}", TEST_TOKEN=label_studio.personal_token)

    assert asked.splitlines() == [repr((at.hostname, at.port))]


@pytest.mark.system
def test_the_sdk_is_not_imported_until_a_request_is_sent() -> None:
    program = """
import sys
from lineside.datasets.labelling import LabelStudio, Token
with LabelStudio("http://127.0.0.1:1", Token("x")):
    print("label_studio_sdk" in sys.modules)
"""
    assert run(program) == "False\n"


@pytest.mark.system
def test_without_the_sdk_the_error_names_the_extra() -> None:
    program = """
import sys
sys.modules["label_studio_sdk"] = None
from lineside.datasets.errors import ExtraMissing
from lineside.datasets.labelling import LabelStudio, Token
with LabelStudio("http://127.0.0.1:1", Token("x")) as studio:
    try:
        studio.version()
    except ExtraMissing as error:
        print(error)
"""
    assert "pip install 'lineside[labelling]'" in run(program)


percents = st.floats(0, 99).map(lambda value: round(value, 10))


@st.composite
def rectangles(draw: st.DrawFn) -> dict[str, Any]:
    x, y = draw(percents), draw(percents)
    width, height = draw(st.floats(0.5, 100.0 - x)), draw(st.floats(0.5, 100.0 - y))
    return drawn_box(draw(st.sampled_from(CLASSES)), x=x, y=y, width=width, height=height)


def box_only_config() -> str:
    """Our configuration without the verdict, whose choices the SDK's converter mixes into the class ids."""
    root = fromstring(project_config(CLASSES, has_reference=False))  # noqa: S314 - our own
    labels = "".join(f'<Label value="{label.get("value")}"/>' for label in root.iter("Label"))
    return (
        '<View><Image name="image" value="$image"/>'
        f'<RectangleLabels name="box" toName="image">{labels}</RectangleLabels></View>'
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(regions=st.lists(rectangles(), min_size=1, max_size=6))
def test_boxes_lie_where_the_sdk_s_own_converter_puts_them(
    regions: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Geometry only: on a configuration of boxes alone, its other faults do not show."""
    from label_studio_sdk.converter.converter import Converter

    folder = tmp_path_factory.mktemp("yolo")
    task = {"id": 1, "data": {"image": "/data/a.png"}, "annotations": [{"id": 1, "result": regions}]}
    (folder / "tasks.json").write_text(json.dumps([task]))
    converter = Converter(  # type: ignore[no-untyped-call]  # the SDK's converter has no types
        config=box_only_config(), project_dir=None, download_resources=False
    )
    converter.convert_to_yolo(  # type: ignore[no-untyped-call]  # the same
        str(folder / "tasks.json"), str(folder / "out"), is_dir=False
    )
    theirs = sorted(read_yolo(folder / "out"))

    ours = read_annotation(regions, classes=CLASSES, size_wh_px=SIZE_WH_PX)

    assert isinstance(ours, Drawn)
    found = sorted((box.class_name, *box.box_xyxy_px) for box in ours.boxes)
    assert [each[0] for each in found] == [each[0] for each in theirs]
    for one, other in zip(found, theirs, strict=True):
        assert one[1:] == pytest.approx(other[1:], abs=0.01)


def read_yolo(folder: Path) -> list[tuple[str, float, float, float, float]]:
    """Class and edges in pixels from the converter's label file."""
    names = (folder / "classes.txt").read_text().splitlines()
    (labels,) = (folder / "labels").glob("*.txt")
    boxes = []
    for line in labels.read_text().splitlines():
        number, *shares = line.split()
        x, y, width, height = (
            float(share) * side for share, side in zip(shares, (*SIZE_WH_PX, *SIZE_WH_PX), strict=True)
        )
        boxes.append((names[int(number)], x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return boxes


def test_a_push_of_a_batch_costs_four_requests_and_reading_one(
    label_studio: LabelStudioServer, project: StudioProject
) -> None:
    with studio_proxy(label_studio.url) as proxy, LabelStudio(proxy.url, Token(label_studio.token)) as studio:
        made = studio.push(project.id, [label_task(look=look) for look in range(60)])
        pushed = len(proxy.asked)
        label_studio.http.post(f"/api/tasks/{min(made.values())}/annotations/", json={"result": []}).raise_for_status()
        assert len(list(studio.updated_since(project.id, None))) == 1

    assert pushed == 4
    assert len(proxy.asked) == 5
