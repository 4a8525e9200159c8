"""What a demonstration of the labelling loop shall be; its figures were settled before anything was compared."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from lineside.workflows.demo.plan import DemoPlan

PRODUCT: Final = "controller-board"
"""The loop's line makes one product: the gate asks for its parts of each."""

LINE: Final = "line-1"
"""Of the demonstration's station: where labelled parts were made, and where the candidate may go."""


class Arm(StrEnum):
    """How the label budget is spent."""

    PICKED = "picked"
    """By the queue, with its usual shares."""
    RANDOM = "random"
    """The same number of parts by lot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLabels:
    """What was labelled before the process changed, and what judges.

    The golden parts are enough for the gate's own limits: 161 defective ones show that a release misses at most two
    points more, 59 good ones that it stops at most five in a hundred. A part of them shows films, as limit samples do
    that somebody made on purpose once the change was known.

    Attributes:
        train: parts to learn from, three of four with solid defects, no film among them.
        val: likewise, to choose by.
        golden_solid: golden parts with solid defects.
        golden_film: golden parts with films.
        golden_good: golden parts without a defect.
    """

    train: int = 24
    val: int = 12
    golden_solid: int = 125
    golden_film: int = 40
    golden_good: int = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """A line whose process changes, the labels it gets, and the retraining.

    Attributes:
        out: folder of everything: server, Label Studio's home, datasets, registry, retraining, summary.
        arm: how the budget is spent.
        budget: inspections that somebody labels.
        seed: of the line's parts, the queue, the annotator and the training.
        steady_parts: parts before the process changes.
        parts_before: parts of the changed process before the retraining.
        parts_after: parts of it after the retraining.
        defect_rate: true share of defective parts.
        film_share: share of the defective parts of the changed process whose defects are films of copper.
        annotator_errors: share of the readings that are wrong.
        first: what is labelled already.
        epochs: of the training.
        crops_per_image: of the training.
        minutes: limit of the training.
        parity_frames: at most so many are compared between trained network and export.
        in_flight: parts under way at once.
        parts_per_s: pace of the line at most; it waits where the server is behind.
    """

    out: Path
    arm: Arm = Arm.PICKED
    budget: int = 40
    seed: int = 1
    steady_parts: int = 48
    parts_before: int = 600
    parts_after: int = 600
    defect_rate: float = 0.08
    film_share: float = 0.5
    annotator_errors: float = 0.03
    first: FirstLabels = field(default_factory=FirstLabels)
    epochs: int = 12
    crops_per_image: int = 4
    minutes: float = 6.0
    parity_frames: int = 24
    in_flight: int = 3
    parts_per_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what shows nothing."""
        object.__setattr__(self, "arm", Arm(self.arm))
        if min(self.budget, self.parts_before, self.parts_after, self.epochs) < 1 or self.steady_parts < 0:
            raise ValueError(
                f"budget {self.budget}, {self.steady_parts} + {self.parts_before} + {self.parts_after} parts, "
                f"{self.epochs} epochs: expected at least one of each, and no negative number"
            )
        if self.seed < 0 or not 0.0 <= self.annotator_errors <= 1.0:
            raise ValueError(
                f"seed {self.seed}, {self.annotator_errors} wrong readings: expected 0 or more, and a share"
            )

    def line(self, *, first_part: int = 0, parts: int | None = None) -> DemoPlan:
        """The line from a part on."""
        return DemoPlan(
            data_dir=self.out / "server",
            parts=parts,
            defect_rate=self.defect_rate,
            mark_share=0.0,
            faint_share=0.0,
            audit_share=0.0,
            film_from=self.steady_parts,
            film_share=self.film_share,
            products=(PRODUCT,),
            first_part=first_part,
            seed=self.seed,
            parts_per_s=self.parts_per_s,
            in_flight=self.in_flight,
            port=0,
            page=False,
        )
