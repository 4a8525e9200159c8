"""What a retraining would do, before it does anything: splits, start, time, and whether the gate could answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lineside.datasets.growing_splits import GrowthPlan, divide_new
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.datasets.splits import ancestral_images
from lineside.training.plan import Architecture
from lineside.workflows.retraining.golden_reach import GateLimit, golden_reach, parts_for_an_equal_candidate
from lineside.workflows.retraining.labelled_heads import LabelForecast
from lineside.workflows.retraining.labels import newly_labelled
from lineside.workflows.retraining.lessons import images_learnt
from lineside.workflows.retraining.live import LiveRelease, Start
from lineside.workflows.retraining.making import require_splits, require_version
from lineside.workflows.retraining.plan import RetrainPlan

_SECONDS_A_CROP = 0.045
"""Of 320 px, yolo11n, two cores with bfloat16: the starters' own training."""
_SECONDS_A_LOOK = 0.1
"""One inference of 640 px, yolo11n, two cores."""
_SECONDS_A_LEAK_SEARCH = 0.25
"""For one golden picture; `lineside.datasets.leaks`."""
_SECONDS_BESIDE = 60.0
"""Loading, exporting, measuring engines."""
_CROP_PX = 320
_COST: Mapping[Architecture, float] = {
    Architecture.YOLO11N: 1.0,
    Architecture.YOLO11S: 3.3,
    Architecture.YOLO11M: 10.4,
    Architecture.YOLO26N: 1.0,
    Architecture.YOLO26S: 3.3,
    Architecture.YOLO26M: 10.4,
}
"""Operations, relative to the smallest."""
_ENGINES = 4  # that parity commonly finds on a host


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainForecast:
    """What would be done.

    Attributes:
        revision: id of the revision that it begins with, without the labels that are yet to be pulled.
        labels: what a pull would find; None without a labelling project.
        classes: of the revision.
        new_classes: of these, those that the live release does not know.
        new_to_live: how many images of train and val the live release has not learnt from, or not with these labels.
        joined: how many new images would go to which split.
        set_aside: why a new image would not be used, by name; copies of golden pictures are searched for later.
        images: by split, afterwards.
        live: name and version of the release to beat.
        start: what training would go on from.
        version: of the candidate.
        minutes: about so many, on two cores; a GPU takes a small part of it. None of the training where it is limited.
        training_limit: of the training, in minutes; None without one.
        limits: of the gate, and whether the golden parts can answer them.
        parts_for_an_equal: defective golden parts with which an equally good candidate passes with the policy's power.
    """

    revision: str
    labels: LabelForecast | None
    classes: tuple[str, ...]
    new_classes: tuple[str, ...]
    new_to_live: int
    joined: Mapping[str, int]
    set_aside: Mapping[str, str]
    images: Mapping[str, int]
    live: str
    start: str
    version: str
    minutes: float
    training_limit: float | None
    limits: tuple[GateLimit, ...]
    parts_for_an_equal: int

    @property
    def can_pass(self) -> bool:
        """Whether there are golden parts enough for the gate to let something pass on one line at least."""
        scopes = {limit.scope for limit in self.limits}
        return any(all(limit.is_enough for limit in self.limits if limit.scope == scope) for scope in scopes)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """(what, how much), for people."""
        splits = ", ".join(f"{split} {count}" for split, count in self.images.items())
        joined = ", ".join(f"{split} {count}" for split, count in self.joined.items())
        limit = "" if self.training_limit is None else f", training limited to {self.training_limit:g}"
        return (
            *self._label_rows(),
            ("dataset revision", self.revision[:12]),
            ("images without a split", f"{joined}; {len(self.set_aside)} not used"),
            ("labels new to the live release", str(self.new_to_live)),
            ("images then", splits),
            ("new classes", ", ".join(self.new_classes) or "none"),
            ("live", self.live),
            ("training goes on from", self.start),
            ("candidate", self.version),
            ("minutes, about", f"{self.minutes:.0f} on two cores{limit}"),
        )

    @property
    def limit_rows(self) -> tuple[tuple[str, str, str, str], ...]:
        """(where, question, golden parts, missing), for people."""
        return tuple(
            (limit.scope, limit.question, str(limit.parts), "-" if limit.is_enough else str(limit.missing))
            for limit in self.limits
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know before the start."""
        said = [f"{name} would not be used: {why}" for name, why in sorted(self.set_aside.items())]
        if not self.new_to_live and not (self.labels and (self.labels.to_pull or self.labels.not_in_revision)):
            said.append("the live release has learnt from all of these labels already")
        if not self.can_pass:
            said.append(
                "with these golden parts the gate lets nothing pass, however good the candidate is: what is missing "
                "stands above. Retraining teaches all the same; the candidate can look on as a shadow"
            )
        said.append(
            f"an equally good candidate passes with the policy's power at about {self.parts_for_an_equal} defective "
            "golden parts of a product and line"
        )
        return tuple(said)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "can_pass": self.can_pass}

    def _label_rows(self) -> tuple[tuple[str, str], ...]:
        labels = self.labels
        if labels is None:
            return ()
        to_pull = "not asked" if labels.to_pull is None else f"{labels.to_pull} tasks"
        return (
            ("changed in Label Studio", to_pull),
            ("pulled, and in no revision yet", "some" if labels.not_in_revision else "none"),
            ("picks read", f"{labels.labelled}; {labels.pushed} unread, {labels.attention} need a person"),
            ("label minutes so far", f"{labels.minutes:.1f}"),
        )


def look_ahead(
    plan: RetrainPlan, revision: Revision, live: LiveRelease, start: Start, *, labels: LabelForecast | None
) -> RetrainForecast:
    """Say what a retraining would do; nothing is written.

    Args:
        plan: of it.
        revision: that it would begin with.
        live: the release to beat.
        start: what training would go on from.
        labels: what a pull would find.

    Raises:
        RetrainingRefused: it could not be carried to its end.
        RevisionCorrupt: an ancestor of the revision is missing or was changed.
    """
    store = RevisionStore(plan.store)
    growth = GrowthPlan(val_share=plan.val_share, seed=plan.split_seed)
    division = divide_new(revision.images, growth, earlier=ancestral_images(store, revision))
    splits = [image.split or division.joined.get(image.name) for image in revision.images]
    images = {split.value: splits.count(split) for split in Split if split in splits}
    require_splits(revision, joined=division.joined.values())
    joined = list(division.joined.values())
    golden = revision.of_split(Split.GOLDEN)
    known = set(live.manifest.classes)
    new_classes = tuple(name for name in revision.classes if name not in known)
    return RetrainForecast(
        revision=revision.id,
        labels=labels,
        classes=tuple(revision.classes),
        new_classes=new_classes,
        new_to_live=_new_to_live(store, revision, division.joined, live),
        joined={split.value: joined.count(split) for split in (Split.TRAIN, Split.VAL)},
        set_aside=division.set_aside,
        images=images,
        live=f"{live.name.name} {live.name.version}",
        start=start.described,
        version=require_version(plan, live),
        minutes=_minutes(plan, start, images),
        training_limit=plan.training.minutes,
        limits=golden_reach(golden, plan.policy, classes=revision.classes, live_classes=live.manifest.classes),
        parts_for_an_equal=parts_for_an_equal_candidate(plan.policy),
    )


def _new_to_live(store: RevisionStore, revision: Revision, joined: Mapping[str, Split], live: LiveRelease) -> int:
    images = tuple(replace(image, split=image.split or joined.get(image.name)) for image in revision.images)
    learnt_by_live = images_learnt(store, live.manifest.dataset_revision)
    new = newly_labelled(replace(revision, images=images), learnt_by_live=learnt_by_live, joined=joined)
    return len(new)


def _minutes(plan: RetrainPlan, start: Start, images: Mapping[str, int]) -> float:
    """A rule of thumb: crops to learn from, pictures to look at, and copies of golden ones to search for."""
    wishes = plan.training
    cost = _COST[start.architecture]
    side = wishes.image_px or start.image_px
    train, val, golden = (images.get(split.value, 0) for split in (Split.TRAIN, Split.VAL, Split.GOLDEN))
    epochs = wishes.epochs
    learning = _SECONDS_A_CROP * cost * (side / _CROP_PX) ** 2 * train * wishes.crops_per_image * epochs
    learning += _SECONDS_A_LOOK * cost * val * (epochs / wishes.validate_every)
    if wishes.minutes is not None:
        learning = min(learning, 60 * wishes.minutes)
    parity_frames = min(plan.parity_frames, val + golden)
    engines = _ENGINES if plan.engines is None else len(plan.engines)
    looks = val + parity_frames * engines + 2 * golden
    judging = _SECONDS_A_LOOK * cost * looks + 3 * _SECONDS_A_LEAK_SEARCH * golden
    return (learning + judging + _SECONDS_BESIDE) / 60
