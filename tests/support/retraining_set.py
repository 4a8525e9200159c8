"""Labelled boards, keys and a plan for retrainings that take seconds: the starter learns on from a few boards."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import CatalogueRef, Revision, RevisionDraft, RevisionStore
from lineside.training.gate import ClassPolicy, ClassRule, EscapePolicy, GatePolicy, LatencyPolicy, OverkillPolicy
from lineside.training.plan import DeviceChoice
from lineside.workflows.retraining import LiveGiven, RetrainPlan, TrainingWishes
from signing import TestKeys
from tiny_revision import store_in, tiny_revision

ENGINE = "onnxruntime-fp32"
UNTIMED = LatencyPolicy(max_p99_ms=None, max_ratio_to_live=None, is_required=False)
"""How fast this host is does not matter here."""

OPEN_GATE = GatePolicy(
    escapes=EscapePolicy(margin=0.99, limit_when_nothing_is_live=0.99),
    classes=ClassPolicy(default=ClassRule(may_be_unproven=True)),
    overkill=OverkillPolicy(is_required=False),
    latency=UNTIMED,
)
"""Limits that a handful of golden parts can meet."""


@dataclass(frozen=True)
class Workshop:
    """What a retraining needs.

    Attributes:
        folder: holds the stores.
        store: of the revisions.
        head: split already; three of its images are newly labelled and have no split.
        keys: a build key and a deploy key.
    """

    folder: Path
    store: RevisionStore
    head: Revision
    keys: TestKeys

    def plan(self, out: Path, **changes: Any) -> RetrainPlan:
        """A retraining of the starter, as short as it goes."""
        training = TrainingWishes(
            epochs=1, batch=8, image_px=64, crops_per_image=2, seed=3, device=DeviceChoice.CPU, learning_rate=1e-5
        )
        said: dict[str, Any] = {
            "out": out,
            "store": self.store.url,
            "registry": str(self.folder / "registry"),
            "revision": self.head.id,
            "live": LiveGiven("starter:pcb-reference"),
            "build_key": self.keys.build,
            "training": training,
            "engines": (ENGINE,),
            "engine": ENGINE,
            "parity_frames": 2,
            "policy": GatePolicy(latency=UNTIMED),
            **changes,
        }
        return RetrainPlan(**said)


def open_workshop(folder: Path, *, change: Callable[[RevisionDraft], RevisionDraft] = lambda draft: draft) -> Workshop:
    """Write the revision and make the keys.

    Args:
        folder: of everything.
        change: to the draft of the head revision, before it is written.
    """
    store = store_in(folder / "datasets")
    drawn = tiny_revision(store, train=7, val=3, extra=(Split.GOLDEN,) * 3)
    fresh = {"board-4", "board-5", "board-6"}
    images = tuple(replace(image, split=None) if image.name in fresh else image for image in drawn.images)
    draft = RevisionDraft(
        classes=drawn.classes,
        images=images,
        source=drawn.source,
        licence_note=drawn.licence_note,
        catalogue=CatalogueRef("pcb", 1),
    )
    return Workshop(folder, store, store.write(change(draft)), TestKeys())
