"""`label_queue`: what each reason of the labelling queue finds, against a draw of as many parts.

The line is the demonstration's, whose truth is known: as it always is, and after its process changed so that half of
the defective parts have defects of a look that the starter never learnt. A reason is good if its picks hold what the
detector gets wrong; whether labels of them make a better model is another question (`label_loop`). All images are kept
here, so the queue sees what a plant sees whose recipe keeps them all. Line, shares, budget and seeds were settled
before the first run.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import Options
from benchmarks.report import Report, Table
from lineside.datasets.revisions import read_picture
from lineside.datasets.sampling import (
    Candidate,
    CandidateDefect,
    CandidateView,
    Describer,
    Descriptors,
    QueueShares,
    open_describer,
    pick,
)
from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.engines.offering import load_release_engine
from lineside.inspection.grayscale import to_gray
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, compose, register
from lineside.inspection.release import read_release, starter_release_folder
from lineside.inspection.verdict import Verdict
from lineside.training.evaluation.matching import touches
from lineside.workflows.demo.plan import DemoPlan
from lineside.workflows.demo.virtual_line import VirtualPart, golden_png, virtual_parts

STARTER = "pcb-reference"
PRODUCT = "controller-board"
SEEDS = (1, 2, 3, 4, 5)
BUDGET = 40
PARTS = 400
LABELLED = 80
"""Parts of the days before, from before any change, all labelled: what is new is new against them."""

LINES: Mapping[str, int | None] = MappingProxyType({"as it always is": None, "after the process changed": LABELLED})
"""From which part on defects may be films."""

ARMS: Mapping[str, QueueShares] = MappingProxyType(
    {
        "near_threshold": QueueShares.of({"near_threshold": 1}),
        "rare_class": QueueShares.of({"rare_class": 1}),
        "diversity": QueueShares.of({"diversity": 1}),
        "novelty": QueueShares.of({"novelty": 1}),
        "the default shares": QueueShares(),
    }
)
_DRAWS = 2000
_BEGAN_AT = datetime(2026, 11, 23, tzinfo=UTC)
_APPROVED_AT = datetime(2026, 1, 1, tzinfo=UTC)
_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What the detector got wrong on some parts.

    Attributes:
        escapes: defective parts that passed.
        missed: defects on which nothing was found, also on rejected parts.
        false_calls: good parts that were rejected.
    """

    escapes: int = 0
    missed: int = 0
    false_calls: int = 0

    def __add__(self, other: "Wrong") -> "Wrong":
        """Of both together."""
        return Wrong(self.escapes + other.escapes, self.missed + other.missed, self.false_calls + other.false_calls)

    @property
    def counts(self) -> tuple[int, int, int]:
        """In the order of the columns."""
        return self.escapes, self.missed, self.false_calls


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """A day's candidates with what only the truth knows of them.

    Attributes:
        candidates: what the queue sees.
        wrong: by inspection id.
        looks: of candidates and labelled parts.
        labelled_counts: labelled parts by class.
    """

    candidates: Sequence[Candidate]
    wrong: Mapping[str, Wrong]
    looks: Descriptors
    labelled_counts: Mapping[str, int]

    @property
    def present(self) -> Wrong:
        """All that could be found."""
        return sum(self.wrong.values(), Wrong())

    def found(self, shares: QueueShares, *, seed: int) -> Wrong:
        """What a queue finds."""
        plan = pick(
            self.candidates,
            budget=BUDGET,
            shares=shares,
            seed=seed,
            labelled_counts=self.labelled_counts,
            descriptors=self.looks,
        )
        return sum((self.wrong[made.inspection_id] for made in plan.picks), Wrong())


def measure(options: Options) -> Report:
    """Make the lines' days, and ask every arm."""
    seeds = SEEDS[: options.some(len(SEEDS), 1)]
    tables, figures = [], {}
    for name, film_from in LINES.items():
        days = []
        for seed in seeds:
            options.say(f"line {name}, seed {seed}")
            days.append(_day(seed, film_from, parts=options.some(PARTS, PARTS // 4)))
        table, figures[name] = _compare(name, days, seeds)
        tables.append(table)
    return Report(tables, {"budget": BUDGET, "seeds": list(seeds), "lines": figures})


def _compare(name: str, days: Sequence[Day], seeds: Sequence[int]) -> tuple[Table, dict[str, object]]:
    """One line's table: what each arm found over all seeds, and the range of draws."""
    present = sum((day.present for day in days), Wrong())
    parts = sum(len(day.candidates) for day in days)
    draws = np.array([_drawn(days, number).counts for number in range(_DRAWS)])
    low, high = np.quantile(draws, _QUANTILES, axis=0)
    middle = draws.mean(axis=0)
    figures: dict[str, object] = {
        "parts": parts,
        "present": present.counts,
        "drawn": {"mean": middle.tolist(), "low": low.tolist(), "high": high.tolist()},
    }
    rows = []
    for arm, shares in ARMS.items():
        by_seed = [day.found(shares, seed=seed) for day, seed in zip(days, seeds, strict=True)]
        found = sum(by_seed, Wrong())
        figures[arm] = {"found": found.counts, "by_seed": [each.counts for each in by_seed]}
        rows.append((arm, *(_cell(count, high[at]) for at, count in enumerate(found.counts))))
    drawn = (f"{mean:.1f} ({a:.0f} to {b:.0f})" for mean, a, b in zip(middle, low, high, strict=True))
    rows.append(("drawn by lot", *drawn))
    rows.append((f"all {parts} parts", *(str(count) for count in present.counts)))
    table = Table(
        f"The line {name}: found by {BUDGET} picks of {parts // len(days)} parts, the sum over {len(days)} seeds",
        ("arm", "escapes (parts)", "missed defects", "false calls (parts)"),
        rows,
        (
            f"Drawn by lot: the mean of {_DRAWS} draws and the range of 95 % of them; what lies above it is bold.",
            "Disagreement is not here: a single release has nobody to disagree with.",
        ),
    )
    return table, figures


def _cell(count: int, high: float) -> str:
    return f"**{count}**" if count > high else str(count)


def _drawn(days: Sequence[Day], number: int) -> Wrong:
    """What as many picks find that a lot draws on each day."""
    random = np.random.default_rng([20261123, number])
    found = Wrong()
    for day in days:
        ids = [each.inspection_id for each in day.candidates]
        found += sum((day.wrong[ids[at]] for at in random.permutation(len(ids))[:BUDGET]), Wrong())
    return found


def _day(seed: int, film_from: int | None, *, parts: int) -> Day:
    plan = DemoPlan(
        data_dir=Path(os.devnull), parts=LABELLED + parts, film_from=film_from, products=(PRODUCT,), seed=seed
    )
    known: list[NDArray[np.float32]] = []
    counts: dict[str, int] = {}
    points, candidates, wrong = {}, [], {}
    look = _Look()
    try:
        for part, found, point in look.at(virtual_parts(plan, run_id="Q")):
            if part.number < LABELLED:
                known.append(point)
                for name in {str(defect.defect_class) for defect in part.defects}:
                    counts[name] = counts.get(name, 0) + 1
                continue
            candidate = look.candidate(part, found)
            candidates.append(candidate)
            points[candidate.inspection_id] = point
            wrong[candidate.inspection_id] = _wrong(part, found)
    finally:
        look.close()
    return Day(candidates, wrong, Descriptors(points, np.stack(known), STARTER), counts)


class _Look:
    """The starter as a station's server uses it, and its backbone."""

    def __init__(self) -> None:
        folder = starter_release_folder(STARTER)
        self._release = read_release(folder)
        engine = load_release_engine(self._release, "onnxruntime-fp32", threads=1)
        self._detector = Detector(self._release, engine)
        self._describer: Describer = open_describer(folder)
        self._golden = to_gray(read_picture(golden_png(PRODUCT), source="golden image").pixels)

    def at(self, parts: Iterator[VirtualPart]) -> Iterator[tuple[VirtualPart, Detections, NDArray[np.float32]]]:
        """Each part with what is found on it and how it looks."""
        golden = PreparedReference.prepare(Reference("golden", self._golden, "benchmark", _APPROVED_AT))
        for part in parts:
            frame = to_gray(read_picture(part.frame_png, source=part.part_id).pixels)
            laid = register(frame, [golden], limits=RegistrationLimits(), now=_BEGAN_AT)
            point = self._describer.describe([frame], references=[self._golden])
            yield part, self._detector.detect(compose(frame, laid)), point

    def candidate(self, part: VirtualPart, found: Detections) -> Candidate:
        """As the server would offer it, audits and reports aside."""
        names = self._release.classes
        return Candidate(
            inspection_id=part.part_id,
            part_id=part.part_id,
            station="benchmark",
            judged_at=_BEGAN_AT + timedelta(seconds=part.number),
            verdict=Verdict.NG if len(found.confidences) else Verdict.OK,
            views=(CandidateView("default", f"{part.number:064x}", found.peak_score),),
            defects=tuple(
                CandidateDefect("default", names[int(index)], float(score))
                for index, score in zip(found.class_ids, found.confidences, strict=True)
            ),
            thresholds=self._release.thresholds,
        )

    def close(self) -> None:
        self._detector.close()


def _wrong(part: VirtualPart, found: Detections) -> Wrong:
    truth = np.array([defect.box_xyxy_px for defect in part.defects], np.float32).reshape(-1, 4)
    missed = int((~touches(truth, found.boxes_xyxy_px).any(axis=1)).sum())
    is_ng = len(found.confidences) > 0
    return Wrong(
        escapes=int(part.is_defective and not is_ng), missed=missed, false_calls=int(is_ng and not part.is_defective)
    )
