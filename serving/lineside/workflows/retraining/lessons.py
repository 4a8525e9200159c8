"""What was learnt from which labels: both releases on golden and on the newly labelled parts that chose."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lineside.datasets.errors import RevisionUnknown
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.training.evaluation import Evaluation
from lineside.training.gate.pairs import pair_parts
from lineside.workflows.retraining.comparing import SetComparison, compare
from lineside.workflows.retraining.folder import GATE_FOLDER, GOLDEN_CANDIDATE, GOLDEN_LIVE
from lineside.workflows.retraining.labels import LabelNotes, ReasonRow, by_reason, minutes_of, newly_labelled
from lineside.workflows.retraining.paired_judging import JudgedPair, OnPart, PairJudging
from lineside.workflows.retraining.plan import RetrainPlan

MOST_PICTURES = 40
"""Parts that a summary shows; of the others it names the ids."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What was learnt.

    Attributes:
        golden: both releases on the golden parts, of which neither has learnt.
        new_val: both on the newly labelled parts of split val. They chose epoch and thresholds of the candidate, so
            that it looks somewhat better on them than it is.
        reasons: the new labels by the reason for which they were made.
        new_images: how many images the live release has not learnt from, or not with these labels.
        minutes: that people spent on those; None where nobody noted it.
    """

    golden: SetComparison
    new_val: SetComparison
    reasons: tuple[ReasonRow, ...]
    new_images: int
    minutes: float | None

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return {
            "golden": self.golden.to_json(),
            "new_val": self.new_val.to_json(),
            "reasons": [asdict(row) for row in self.reasons],
            "new_images": self.new_images,
            "minutes": self.minutes,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Lessons":
        """Read what `to_json` gave."""
        return cls(
            SetComparison.from_json(record["golden"]),
            SetComparison.from_json(record["new_val"]),
            tuple(ReasonRow(**row) for row in record["reasons"]),
            record["new_images"],
            record["minutes"],
        )

    @classmethod
    def read(cls, path: Path) -> "Lessons":
        """Read the file that a retraining wrote."""
        return cls.from_json(json.loads(path.read_bytes()))


@dataclass(frozen=True, slots=True, eq=False)
class SeenLessons:
    """Lessons with the parts that a summary shows.

    Attributes:
        lessons: what was learnt.
        shown: pairs with their boxes, by part id; not more than `MOST_PICTURES` of golden ones.
        revision: that was learnt from.
        new: newly labelled images.
    """

    lessons: Lessons
    shown: Mapping[str, JudgedPair]
    revision: Revision
    new: tuple[LabelledImage, ...]


def learn(
    out: Path,
    revision: Revision,
    *,
    live_revision: str | None,
    joined: Mapping[str, str],
    notes: LabelNotes,
    judging: PairJudging,
    on_part: OnPart,
) -> SeenLessons:
    """Compare both releases, and judge again what is to be shown.

    Args:
        out: folder of the retraining, whose gate has answered.
        revision: that the candidate learnt from.
        live_revision: that the live release learnt from; None where it names none.
        joined: split of each image that got one in this retraining, by name.
        notes: how the labels came about.
        judging: how images are judged.
        on_part: called after each part with how many are done and how many there are.

    Raises:
        LinesideError: a release does not run here, or a picture cannot be read.
    """
    candidate, live = (
        Evaluation.from_json((out / GATE_FOLDER / name).read_bytes(), source=name)
        for name in (GOLDEN_CANDIDATE, GOLDEN_LIVE)
    )
    golden = compare(pair_parts(candidate, live))
    learnt_by_live = images_learnt(judging.store, live_revision)
    new = newly_labelled(revision, learnt_by_live=learnt_by_live, joined=joined)
    chosen = parts_that_chose(new, revision)
    pairs = judging.judge([*chosen, *_images_of(golden, revision)], on_part=on_part)
    of_val = {image.part_id for image in chosen}
    new_val = compare([pair.outcome for pair in pairs if pair.outcome.candidate.part_id in of_val])
    lessons = Lessons(golden, new_val, by_reason(new, notes), len(new), minutes_of(new, notes))
    return SeenLessons(lessons, {pair.outcome.candidate.part_id: pair for pair in pairs}, revision, new)


def judging_of(plan: RetrainPlan, *, live: Path, candidate: Path, revision: Revision, now: datetime) -> PairJudging:
    """How a retraining's images are judged again."""
    return PairJudging(
        live=live,
        candidate=candidate,
        store=RevisionStore(plan.store),
        classes=revision.classes,
        recipe=plan.recipe,
        engine=plan.engine,
        engine_cache=plan.engine_cache,
        now=now,
    )


def images_learnt(store: RevisionStore, revision: str | None) -> tuple[LabelledImage, ...] | None:
    """What a release was trained on: the images of the revision that it names; None if that is not in the store.

    A release that names none learnt from no photograph of the plant: a starter.
    """
    if revision is None:
        return ()
    try:
        return store.read(revision).images
    except RevisionUnknown:
        return None


def parts_that_chose(new: Sequence[LabelledImage], revision: Revision) -> tuple[LabelledImage, ...]:
    """All views of the parts of split val of which at least one is newly labelled."""
    parts = {image.part_id for image in new if image.split is Split.VAL}
    return tuple(image for image in revision.of_split(Split.VAL) if image.part_id in parts)


def _images_of(golden: SetComparison, revision: Revision) -> Sequence[LabelledImage]:
    """All images of the golden parts that are to be shown."""
    shown = {each.part_id for each in golden.changed[:MOST_PICTURES]}
    return [image for image in revision.of_split(Split.GOLDEN) if image.part_id in shown]
