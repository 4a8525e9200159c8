"""The labelling loop whole: a line, our server, a real Label Studio, a training, the gate; small, and nobody is lucky.

Whether so few labels make a better model is no question here (`python -m benchmarks label_loop`): what must hold does
so whatever the candidate is worth.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from label_studio import copy_ready_home, installed_label_studio
from lineside.datasets.labelled import LabelledImage, OriginKind, Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.inspection.release import TrustStore
from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger, verify_chain
from lineside.serving.ledger.tables import reviews
from lineside.serving.settings import Settings
from lineside.training.registry import Registry
from lineside.workflows.demo.loop import FirstLabels, LoopPlan, LoopSummary
from lineside.workflows.demo.loop.page import write_loop_page
from lineside.workflows.demo.loop.running import run_loop
from lineside.workflows.demo.virtual_line import VirtualPart, virtual_parts

pytestmark = [pytest.mark.system, pytest.mark.training]

BUDGET = 6
STEADY, BEFORE, AFTER = 4, 20, 6
SAME_WITHIN_PX = 0.01
FIRST = FirstLabels(train=6, val=4, golden_solid=3, golden_film=2, golden_good=2)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> LoopPlan:
    """A loop of some minutes, with somebody who never errs: then a label is the truth."""
    return LoopPlan(
        out=tmp_path_factory.mktemp("loop") / "out",
        budget=BUDGET,
        steady_parts=STEADY,
        parts_before=BEFORE,
        parts_after=AFTER,
        defect_rate=0.5,
        annotator_errors=0.0,
        first=FIRST,
        epochs=1,
        crops_per_image=1,
        parity_frames=2,
    )


@pytest.fixture(scope="module")
def shown(plan: LoopPlan, tmp_path_factory: pytest.TempPathFactory) -> LoopSummary:
    """The loop, run once."""
    installed_label_studio()
    home = tmp_path_factory.mktemp("loop-studio")
    copy_ready_home(home)
    return asyncio.run(run_loop(plan, say=lambda _: None, studio_home=home))


@pytest.fixture(scope="module")
def revision(plan: LoopPlan, shown: LoopSummary) -> Revision:
    """What the candidate learnt from."""
    return store_of(plan).read(shown.revision)


def store_of(plan: LoopPlan) -> RevisionStore:
    return RevisionStore(str(plan.out / "datasets"))


def ancestors(store: RevisionStore, revision: Revision) -> Iterator[Revision]:
    """The revisions that it was made from, the nearest first."""
    while revision.parent is not None:
        revision = store.read(revision.parent)
        yield revision


def new_images(store: RevisionStore, revision: Revision) -> list[LabelledImage]:
    """What the first revision did not have."""
    *_, first = ancestors(store, revision)
    known = {image.name for image in first.images}
    return [image for image in revision.images if image.name not in known]


def test_every_part_of_the_line_was_judged_and_counted(shown: LoopSummary) -> None:
    assert [stretch.parts for _, stretch in shown.stretches] == [STEADY, BEFORE, AFTER]
    assert all(stretch.not_judged == 0 for _, stretch in shown.stretches)
    assert shown.steady.films == 0
    assert set(shown.before.releases) == {"pcb-reference 1.0.0"}


def test_the_budget_was_spent_and_every_label_arrived_once(plan: LoopPlan, shown: LoopSummary) -> None:
    assert shown.labelled.parts == sum(shown.reasons.values()) == BUDGET
    settings = Settings(data_dir=plan.out / "server")
    with Ledger.open_readonly(settings.ledger_url, plant=settings.plant, clock=SystemClock()) as ledger:
        rows = ledger.read_blocking(lambda connection: connection.execute(select(reviews)).all())
        assert verify_chain(ledger).is_intact
    assert Counter(row.source for row in rows) == {"label_studio": BUDGET}
    assert len({row.inspection_id for row in rows}) == BUDGET


def test_the_labels_are_what_the_person_said(plan: LoopPlan, revision: Revision) -> None:
    """Through pixels to percent and back: the boxes are the line's truth, for the person never errs."""
    made = {part.part_id.partition("-")[2]: part for part in parts_of(plan)}
    labelled = new_images(store_of(plan), revision)
    assert len(labelled) == BUDGET
    for image in labelled:
        truth = made[image.part_id.partition("-")[2]]
        assert image.is_declared_good is not truth.is_defective
        said = sorted((box.class_name, box.box_xyxy_px) for box in image.boxes)
        true = sorted((str(defect.defect_class), defect.box_xyxy_px) for defect in truth.defects)
        assert [name for name, _ in said] == [name for name, _ in true]
        for (_, ours), (_, theirs) in zip(said, true, strict=True):
            assert ours == pytest.approx(theirs, abs=SAME_WITHIN_PX)


def test_the_revision_is_a_child_whose_golden_parts_are_untouched(plan: LoopPlan, revision: Revision) -> None:
    store = store_of(plan)
    *_, first = ancestors(store, revision)
    assert revision.of_split(Split.GOLDEN) == first.of_split(Split.GOLDEN)
    new = new_images(store, revision)
    assert {image.split for image in new} <= {Split.TRAIN, Split.VAL}
    assert all(image.origin is not None for image in new)
    assert all(image.origin.kind is not OriginKind.PICKED for image in revision.of_split(Split.GOLDEN) if image.origin)


def test_the_candidate_is_signed_by_the_plants_build_key(plan: LoopPlan, shown: LoopSummary) -> None:
    name, version = shown.candidate.split()
    trust = TrustStore.load(plan.out / "trust.json")
    release = Registry(str(plan.out / "registry")).verify(name, version, trust, now=datetime.now(UTC))
    assert (release.name, release.version) == ("pcb-reference", "1.1.0")


def test_the_gates_word_is_obeyed(shown: LoopSummary) -> None:
    """Seven golden parts show nothing, so it refuses; and were it ever to pass, the line would have the candidate."""
    assert shown.is_promoted is not bool(shown.refusals)
    judged_by = shown.candidate if shown.is_promoted else "pcb-reference 1.0.0"
    assert set(shown.after.releases) == {judged_by}
    assert any("defective parts" in reason for reason in shown.refusals)


def test_what_was_shown_is_a_page_and_a_document(plan: LoopPlan, shown: LoopSummary) -> None:
    page = write_loop_page(shown, plan.out)
    said = json.loads((plan.out / "loop.json").read_text("utf-8"))
    assert said["labels"]["parts"] == BUDGET
    assert said["before"]["films"] + said["before"]["solids"] == said["before"]["escape_rate"]["of"]
    assert "The gate refused" in page.read_text("utf-8")
    assert shown.retrain_page.is_file()


def parts_of(plan: LoopPlan) -> Iterator[VirtualPart]:
    """The parts that the line made before the labels."""
    return virtual_parts(plan.line(parts=STEADY + BEFORE), run_id="R")
