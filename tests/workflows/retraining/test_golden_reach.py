"""Whether the golden parts could let anything pass: the gate's own answer for two releases that err nowhere."""

from pathlib import Path

import pytest

from blob_detector import BLOB_CLASSES
from gate_releases import labelled, write_plant
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import RevisionStore
from lineside.training.gate import ClassPolicy, ClassRule, EscapePolicy, GatePolicy, OverkillPolicy
from lineside.workflows.retraining.golden_reach import GateLimit, golden_reach, parts_for_an_equal_candidate

LOOSE = GatePolicy(
    escapes=EscapePolicy(margin=0.2),
    classes=ClassPolicy(of={name: ClassRule(may_be_unproven=True) for name in BLOB_CLASSES if name != "open"}),
    overkill=OverkillPolicy(budget=0.3),
)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabelledImage, ...]:
    plant = write_plant(tmp_path_factory.mktemp("plant") / "store", defective=20, good=10)
    return plant.revision.of_split(Split.GOLDEN)


def asked(limits: tuple[GateLimit, ...], scope: str, word: str) -> GateLimit:
    [found] = [limit for limit in limits if limit.scope.startswith(scope) and word in limit.question]
    return found


def test_too_few_golden_parts_are_known_before_training(golden: tuple[LabelledImage, ...]) -> None:
    limits = golden_reach(golden, GatePolicy(), classes=BLOB_CLASSES, live_classes=BLOB_CLASSES)
    escapes = asked(limits, "alpha", "No more escapes")
    assert (escapes.parts, escapes.is_enough) == (20, False)
    assert escapes.missing == parts_for_an_equal_candidate(GatePolicy()) - 20
    overkill = asked(limits, "beta", "Overkill within")
    assert (overkill.parts, overkill.missing) == (
        10,
        49,
    )  # 59 good parts without a false alarm, see docs/guides/gate.md


def test_enough_golden_parts_for_loose_limits(golden: tuple[LabelledImage, ...]) -> None:
    limits = golden_reach(golden, LOOSE, classes=BLOB_CLASSES, live_classes=BLOB_CLASSES)
    assert all(limit.is_enough for limit in limits if limit.scope.startswith("alpha"))
    blocked = [limit.question for limit in limits if not limit.is_enough]
    assert len(blocked) == 1  # product beta has no golden part with an open
    assert "Class open" in blocked[0]


def test_a_new_class_asks_for_parts_of_its_own(golden: tuple[LabelledImage, ...], tmp_path: Path) -> None:
    known = [name for name in BLOB_CLASSES if name != "open"]
    limits = golden_reach(golden, LOOSE, classes=BLOB_CLASSES, live_classes=known)
    new = asked(limits, "alpha", "Class open is found")
    assert new.parts > 0
    assert new.is_enough == (new.parts >= 14)
    store = RevisionStore(str(tmp_path))
    alone = [labelled(store, "one", "alpha", (0,), Split.GOLDEN)]
    assert asked(golden_reach(alone, LOOSE, classes=BLOB_CLASSES, live_classes=known), "alpha", "open").missing == 13
