"""Boards of the virtual line on real servers, picked and pushed to Label Studio: what people see when they label."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from label_scene import LabelScene
from label_studio import LabelStudioServer
from lineside.workflows.demo import DemoPlan
from lineside.workflows.demo.virtual_line import PRODUCTS, VirtualPart, golden_png, virtual_parts
from live_server import LiveServer, live_server

PRODUCT = "controller-board"

_RECIPE = """\
schema: lineside.recipe/1
id: board
version: 1
product: {product}
catalogue: {{id: pcb, version: 1}}
release: pcb-reference
views:
  default:
    size_wh_px: [{width}, {height}]
    references:
      - {{id: golden, image: "sha256:{digest}", approved_by: a test, approved_at: "2026-01-01T00:00:00+00:00"}}
deadline_ms: 20000
retention: {{ok_share: 1.0}}
"""


@contextmanager
def board_server(folder: Path) -> Iterator[LiveServer]:
    """Our app with the starter release that compares boards with their golden image."""
    golden = golden_png(PRODUCT)
    digest = hashlib.sha256(golden).hexdigest()
    width, height = PRODUCTS[PRODUCT].size_wh_px
    with live_server(folder, releases=()) as server:
        headers = {**server.authorization(), "Content-Type": "image/png"}
        server.http.put(f"/v1/references/{digest}", content=golden, headers=headers).raise_for_status()
        recipe = _RECIPE.format(product=PRODUCT, width=width, height=height, digest=digest)
        server.put_recipe("board", recipe).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield server


def boards(*, defective: int, good: int) -> Mapping[str, VirtualPart]:
    """Boards of the virtual line, by part: clearly defective ones, and spotless ones."""
    plan = DemoPlan(data_dir=Path("nowhere"), parts=None, products=(PRODUCT,), seed=5, defect_rate=0.5)
    bad = virtual_parts(plan, run_id="b", wanted=lambda fate: fate.is_defective and not fate.is_faint)
    fine = virtual_parts(plan, run_id="g", wanted=lambda fate: not fate.is_defective and fate.marks == 0)
    return {part.part_id: part for part in (*islice(bad, defective), *islice(fine, good))}


@contextmanager
def pushed_boards(
    folder: Path, studio: LabelStudioServer, parts: Mapping[str, VirtualPart], *, project: str
) -> Iterator[LabelScene]:
    """The boards were judged, picked, and lie in a Label Studio project."""
    with board_server(folder / "plant") as server:
        scene = LabelScene(server, studio, project, folder, studio.url)
        ids = []
        for part in parts.values():
            answer = server.post(part.frame_png, part.part_id)
            answer.raise_for_status()
            ids.append(str(answer.json()["id"]))
        scene.pick(ids)
        scene.push()
        yield scene
