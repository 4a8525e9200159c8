"""A retraining that pulls its labels: a real server says what is live, and people label in a real Label Studio."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from label_scene import LabelScene, result_of
from label_studio import LabelStudioServer
from labelled_boards import boards, pushed_boards
from lineside.datasets.labelled import Split
from lineside.datasets.labelling import Token
from lineside.serving.security import Role
from lineside.workflows.errors import LabelProjectUnfit, RetrainingChanged, RetrainingRefused
from lineside.workflows.labelling import Workplace
from lineside.workflows.labelling.labelled_views import GroupBy
from lineside.workflows.retraining import (
    LabelSource,
    LiveOnServer,
    RetrainPlan,
    ServerAccess,
    StudioAccess,
    foresee,
    retrain,
)
from retraining_set import Workshop, open_workshop

pytestmark = [pytest.mark.system, pytest.mark.training, pytest.mark.usefixtures("one_thread")]


@dataclass(frozen=True)
class Labelled:
    """A labelling project of two boards, and a workshop with a revision that it may start from."""

    scene: LabelScene
    shop: Workshop

    def plan(self, out: Path, *, start_from: str | None, pull: bool = True, **changes: Any) -> RetrainPlan:
        access = ServerAccess(self.scene.server.url, self.scene.server.keys[Role.MLOPS])
        labels = LabelSource(
            server=access,
            project=self.scene.project,
            studio=StudioAccess(None, Token(self.scene.studio.token)) if pull else None,
            workplace=Workplace(self.shop.folder / "workplace"),
        )
        return self.shop.plan(out, revision=start_from, labels=labels, live=LiveOnServer(server=access), **changes)

    def label(self, part: str, boxes: list[Any], size_wh_px: tuple[int, int]) -> None:
        """Say in Label Studio what a part shows."""
        answer = self.scene.studio.http.post(
            f"/api/tasks/{self.scene.task_of(part)}/annotations/",
            json={"result": result_of(*boxes, size_wh_px=size_wh_px), "lead_time": 30.0},
        )
        answer.raise_for_status()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, label_studio: LabelStudioServer) -> Iterator[Labelled]:
    folder = tmp_path_factory.mktemp("labelled")
    parts = boards(defective=1, good=1)
    with pushed_boards(folder, label_studio, parts, project=f"retraining {os.getpid()}") as scene:
        made = Labelled(scene, open_workshop(folder / "shop"))
        for part in parts.values():
            truth = [(str(each.defect_class), each.box_xyxy_px) for each in part.defects]
            made.label(part.part_id, truth, size_of(part.frame_png))
        yield made


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height, from a PNG's header."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_labels_are_pulled_learnt_from_and_told_of(labelled: Labelled, tmp_path: Path) -> None:
    head = labelled.shop.head
    plan = labelled.plan(tmp_path / "out", start_from=head.id[:12])
    forecast = foresee(plan)
    assert forecast.labels is not None
    assert (forecast.labels.to_pull, forecast.labels.pushed) == (2, 2)
    assert forecast.live == "pcb-reference 1.0.0"
    report = retrain(plan)
    revision = labelled.shop.store.read(report.revision)
    pulled = [image for image in revision.images if image.product == "controller-board"]
    assert len(pulled) == 2
    assert {image.split for image in pulled} <= {Split.TRAIN, Split.VAL}
    assert revision.of_split(Split.GOLDEN) == head.of_split(Split.GOLDEN)
    reasons = {row.reason: row for row in report.lessons.reasons}
    row = reasons["near_threshold"]
    assert (row.train + row.val, row.defective) == (2, 1)
    assert row.minutes == pytest.approx(1.0)
    assert labelled.scene.state()["revision"] == report.revision

    later = labelled.plan(tmp_path / "later", start_from=None, pull=False)
    assert foresee(later).joined == {"train": 0, "val": 0}
    assert foresee(later).revision == report.revision
    said: list[str] = []
    again = retrain(replace(plan, live=replace_url(plan.live)), on_progress=lambda told: said.append(told.phase.value))
    assert (again.digest, again.gate, again.lessons) == (report.digest, report.gate, report.lessons)
    assert set(said) == {"kept"}
    assert plan.labels is not None
    with pytest.raises(RetrainingChanged, match="group_by was 'part', now 'lot'"):
        retrain(replace(plan, labels=replace(plan.labels, group_by=GroupBy.LOT)))


def replace_url(live: Any) -> Any:
    """The same server at another address, where nobody answers: what is live was asked for already."""
    return replace(live, server=replace(live.server, url="http://127.0.0.1:9"))


def test_a_project_without_a_revision_needs_one_to_start_from(labelled: Labelled, tmp_path: Path) -> None:
    source = labelled.plan(tmp_path / "out", start_from=None, pull=False)
    assert source.labels is not None
    nowhere = replace(source, labels=replace(source.labels, project="nobody's"))
    with pytest.raises(LabelProjectUnfit, match="no labelling project"):
        foresee(nowhere)
    asked = LiveOnServer(server=source.labels.server, product="a product that nobody makes")
    with pytest.raises(RetrainingRefused, match="judges nothing of what was asked for"):
        foresee(replace(source, live=asked))
