"""`label_loop`: what a label budget buys after a process change, spent by the queue and spent by lot.

Settled before the first compared run, and not changed since: the seeds, the budget, the annotator's errors, the line,
the training, and the margins in `label_loop_tables`. `lineside demo loop` shows the same loop whole, through a server
and Label Studio; here the verdicts, the labels and the retraining are the same functions called directly, so that ten
runs take an hour of two cores. What is done stands in JSON lines files in the folder that `LINESIDE_LABEL_LOOP_RUNS`
names, or in the benchmark's own, and is not done again.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from benchmarks.label_loop_candidate import ENGINE, STARTER, CandidateOrder, gated, make_candidate, release_folder
from benchmarks.label_loop_tables import ANNOTATOR_ERRORS, BUDGET, LATER_GOOD, LATER_PARTS, SEEDS, Passed, report
from benchmarks.options import Options
from benchmarks.report import Report
from lineside.datasets.labelled import LabelledBox, LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionDraft, RevisionStore
from lineside.datasets.revisions.pictures import read_picture
from lineside.datasets.sampling import (
    Candidate,
    CandidateDefect,
    CandidateView,
    Labelled,
    PickReason,
    QueueShares,
    origin_of,
    plan_queue,
)
from lineside.datasets.sampling.planning import MOST_LOOKED_AT
from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.engines import available_threads
from lineside.inspection.engines.offering import load_release_engine
from lineside.inspection.grayscale import to_gray
from lineside.inspection.reference import PreparedReference, Reference, RegistrationLimits, compose, register
from lineside.inspection.release import Release, read_release, starter_release_folder
from lineside.inspection.verdict import Verdict
from lineside.workflows.demo.loop import LINE, PRODUCT, Annotator, Arm, LoopPlan, write_first_revision
from lineside.workflows.demo.virtual_line import PartFate, VirtualPart, fate_of, golden_png, virtual_parts

RUNS_VARIABLE = "LINESIDE_LABEL_LOOP_RUNS"
RUNS_NAME = "runs.jsonl"
GATES_NAME = "gates.jsonl"
AGAIN_NAME = "same-thresholds.jsonl"
BASE_NAME = "first-revision"
_VAL_OF = 5  # one of so many new labels goes to split val, as `lineside retrain` has it
_QUICK_SEED = 99  # none of the compared ones
_BEGAN_AT = datetime(2026, 11, 23, tzinfo=UTC)
_APPROVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A part with its truth and its verdict."""

    part: VirtualPart
    found: Detections
    release: Release

    @property
    def is_ng(self) -> bool:
        """Whether any defect counts, as under a recipe without limits."""
        return len(self.found.confidences) > 0

    @property
    def truth_and_verdict(self) -> tuple[bool, bool, bool]:
        """As `Passed` counts it."""
        return self.part.is_defective, self.part.is_film, self.is_ng


def measure(options: Options) -> Report:
    """Run what is not done yet, a seed on each core, and report all that is."""
    named = os.environ.get(RUNS_VARIABLE)
    folder = Path(named) if named else options.folder
    folder.mkdir(parents=True, exist_ok=True)
    seeds = (_QUICK_SEED,) if options.is_quick else SEEDS
    cores = sorted(os.sched_getaffinity(0))
    spawn = get_context("spawn")
    free = spawn.Queue()
    for core in cores:
        free.put(core)
    steps = {  # what is compared comes first: a session that is cut off keeps it
        "both arms": partial(_seed, folder, is_quick=options.is_quick, gate=False),
        "the same thresholds": partial(_again, folder, is_quick=options.is_quick),
        "gates": partial(_seed, folder, is_quick=options.is_quick, gate=True),
    }
    for name, work in steps.items():
        with ProcessPoolExecutor(len(cores), spawn, initializer=_on_one_core, initargs=(free,)) as pool:
            for seed in pool.map(work, seeds):
                options.say(f"seed {seed}: {name} done")
        for core in cores:
            free.put(core)
    return report(read_runs(folder))


def _on_one_core(free: "Queue[int]") -> None:
    """Two threads of one training wait for each other, and so for every other load; two trainings do not."""
    os.sched_setaffinity(0, {free.get()})


def _seed(folder: Path, seed: int, *, is_quick: bool, gate: bool) -> int:
    """What is not done of a seed: its two candidates, or their gates."""
    done = {(each["arm"]) for each in read_runs(folder) if each["seed"] == seed and (not gate or each["gate"])}
    missing = [arm for arm in Arm if arm.value not in done]
    if gate:
        for arm in missing:
            _append(folder / GATES_NAME, judge_candidate(folder / f"seed-{seed}", seed, arm))
    elif missing:
        study = Study(folder / f"seed-{seed}", seed, is_quick=is_quick)
        for arm in missing:
            _append(folder / RUNS_NAME, study.run(arm))
    return seed


def _again(folder: Path, seed: int, *, is_quick: bool) -> int:
    """Judge a seed's later parts once more, by both candidates with the starter's thresholds."""
    done = {each["arm"] for each in read_runs(folder) if each["seed"] == seed and each["same_thresholds"]}
    made = [each["arm"] for each in read_runs(folder) if each["seed"] == seed]
    missing = [arm for arm in Arm if arm.value in made and arm.value not in done]
    if missing:
        later = later_parts(_plan(folder / f"seed-{seed}", seed, is_quick=is_quick), is_quick=is_quick)
    for arm in missing:
        with (
            release_folder(folder / f"seed-{seed}" / f"candidate-{arm}") as release,
            _judge(release, thresholds=read_release(starter_release_folder(STARTER)).thresholds) as judge,
        ):
            passed = Passed.of(judge(part).truth_and_verdict for part in later)
        record = {"seed": seed, "arm": arm.value, "same_thresholds": asdict(passed)}
        _append(folder / AGAIN_NAME, record)
    return seed


def judge_candidate(folder: Path, seed: int, arm: Arm) -> dict[str, Any]:
    """The gate's answer on the candidate of an arm."""
    base = (folder / BASE_NAME).read_text("utf-8")
    started_s = time.perf_counter()
    answer = gated(folder / f"candidate-{arm}", RevisionStore(str(folder / "datasets")), golden=base)
    return {
        "seed": seed,
        "arm": arm.value,
        "gate": answer.overall.value,
        "blocking": [
            f"{criterion.id}: {criterion.detail}"
            for criteria in (answer.blocking, *(scope.blocking for scope in answer.scopes))
            for criterion in criteria
        ],
        "gate_seconds": round(time.perf_counter() - started_s, 1),
    }


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """Every run that is done, with the gate's answer or None."""
    gates, again = (
        {(each["seed"], each["arm"]): each for each in _lines(folder / name)} for name in (GATES_NAME, AGAIN_NAME)
    )
    return [
        {
            **run,
            **gates.get((run["seed"], run["arm"]), {"gate": None, "blocking": []}),
            **again.get((run["seed"], run["arm"]), {"same_thresholds": None}),
        }
        for run in _lines(folder / RUNS_NAME)
    ]


class Study:
    """One seed: the line before and after, and what each arm makes of it."""

    def __init__(self, folder: Path, seed: int, *, is_quick: bool = False) -> None:
        self._folder = folder
        plan = _plan(folder, seed, is_quick=is_quick)
        self._plan = plan
        self._annotator = Annotator(plan.annotator_errors, seed)
        self._store = RevisionStore(str(folder / "datasets"))
        self._base = write_first_revision(self._store, plan.first, seed=seed)
        (folder / BASE_NAME).write_text(self._base.id, "utf-8")
        before = plan.line(first_part=plan.steady_parts, parts=plan.parts_before)
        with _judge(starter_release_folder(STARTER)) as judge:
            self._before = [judge(part) for part in virtual_parts(before, run_id="B")]
            self._later = later_parts(plan, is_quick=is_quick)
            self._with_starter = Passed.of(judge(part).truth_and_verdict for part in self._later)

    def run(self, arm: Arm) -> dict[str, Any]:
        """Spend the budget, label, retrain, judge; the record of it."""
        plan, started_s = self._plan, time.perf_counter()
        picks = self._pick(arm)
        queue_s = time.perf_counter() - started_s
        by_id = {each.part.part_id: each.part for each in self._before}
        chosen = [by_id[name] for name in picks]
        readings = [self._annotator.read(part.part_id, _truth(part), size_wh_px=_size(part)) for part in chosen]
        revision = self._child(picks, chosen, [reading.boxes for reading in readings])
        own = self._folder / f"candidate-{arm}"
        shutil.rmtree(own, ignore_errors=True)  # what a run left that was cut off
        training = make_candidate(
            CandidateOrder(
                folder=own,
                store=self._store,
                revision=revision.id,
                epochs=plan.epochs,
                crops_per_image=plan.crops_per_image,
                seed=plan.seed,
            )
        )
        with release_folder(own) as release, _judge(release) as judge:
            with_candidate = Passed.of(judge(part).truth_and_verdict for part in self._later)
            thresholds = dict(read_release(release).thresholds)
        return {
            "seed": plan.seed,
            "arm": arm.value,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "budget": plan.budget,
            "labelled": len(picks),
            "reasons": dict(Counter(reason.value for reason, _ in picks.values())),
            "films_labelled": sum(part.is_film for part in chosen),
            "film_escapes_labelled": sum(
                each.part.is_film and not each.is_ng for each in self._before if each.part.part_id in picks
            ),
            "film_escapes_before": sum(each.part.is_film and not each.is_ng for each in self._before),
            "defective_labelled": sum(part.is_defective for part in chosen),
            "wrong_readings": sum(reading.slip is not None for reading in readings),
            "starter": asdict(self._with_starter),
            "candidate": asdict(with_candidate),
            "thresholds": thresholds,
            "best_epoch": training.best_epoch,
            "seconds": {
                "queue": round(queue_s, 1),
                "training": round(training.seconds, 1),
                "all": round(time.perf_counter() - started_s, 1),
            },
        }

    def _pick(self, arm: Arm) -> Mapping[str, tuple[PickReason, float | None]]:
        """Reason and chance of each pick, by part."""
        pictures = {each.part.part_id: each.part.frame_png for each in self._before}
        golden = golden_png(PRODUCT)
        queue = plan_queue(
            [_candidate(each) for each in self._before],
            lambda inspection_id, _: pictures.get(inspection_id),
            budget=self._plan.budget,
            shares=QueueShares() if arm is Arm.PICKED else QueueShares.of({"random": 1.0}),
            seed=self._plan.seed,
            release=starter_release_folder(STARTER),
            most_looked_at=MOST_LOOKED_AT if arm is Arm.PICKED else 0,  # the draw looks at nothing
            labelled=Labelled([image for image in self._base.images if _is_learnt(image)], self._store.image_bytes),
            references=lambda *_: golden,
        )
        return {made.inspection_id: (made.reason, made.probability) for made in queue.picks}

    def _child(
        self,
        picks: Mapping[str, tuple[PickReason, float | None]],
        chosen: Sequence[VirtualPart],
        said: Sequence[tuple[LabelledBox, ...]],
    ) -> Revision:
        reference = self._base.images[0].reference
        labelled = [
            LabelledImage(
                name=part.part_id,
                part_id=part.part_id,
                group=part.part_id,
                product=PRODUCT,
                line=LINE,
                image=self._store.add_picture(part.frame_png, source=part.part_id),
                reference=reference,
                boxes=boxes,
                is_declared_good=not boxes,
                split=Split.VAL if index % _VAL_OF == 0 else Split.TRAIN,
                origin=origin_of(*picks[part.part_id]),
            )
            for index, (part, boxes) in enumerate(zip(chosen, said, strict=True))
        ]
        base = self._base
        return self._store.write(
            RevisionDraft(
                classes=base.classes,
                images=(*(image for image in base.images if _is_learnt(image)), *labelled),
                source=base.source,
                licence_note=base.licence_note,
                catalogue=base.catalogue,
            )
        )


def _plan(folder: Path, seed: int, *, is_quick: bool) -> LoopPlan:
    plan = LoopPlan(out=folder, seed=seed, budget=BUDGET, annotator_errors=ANNOTATOR_ERRORS)
    if not is_quick:
        return plan
    first = replace(plan.first, golden_solid=12, golden_film=6, golden_good=8)
    return replace(plan, parts_before=150, epochs=2, first=first)


def later_parts(plan: LoopPlan, *, is_quick: bool) -> list[VirtualPart]:
    """The parts that are judged of those that the same line makes after the labelled ones."""
    first_part = plan.steady_parts + plan.parts_before
    count = LATER_PARTS // 10 if is_quick else LATER_PARTS
    line = plan.line(first_part=first_part, parts=count)
    numbers = range(first_part, first_part + count)
    good = [number for number in numbers if not fate_of(line, number).is_defective]
    judged_good = frozenset(good[:LATER_GOOD])

    def is_judged(fate: PartFate) -> bool:
        return fate.is_defective or fate.number in judged_good

    return list(virtual_parts(line, run_id="B", wanted=is_judged))


class _Judge:
    """One release as a station's server uses it: register, compose, detect; its own thresholds, or given ones."""

    def __init__(self, folder: Path, thresholds: Mapping[str, float] | None) -> None:
        self._thresholds = thresholds
        release = read_release(folder)
        self._detector = Detector(release, load_release_engine(release, ENGINE, threads=available_threads()))
        golden = to_gray(read_picture(golden_png(PRODUCT), source="golden image").pixels)
        self._golden = PreparedReference.prepare(Reference("golden", golden, "benchmark", _APPROVED_AT))

    def __call__(self, part: VirtualPart) -> Judged:
        frame = to_gray(read_picture(part.frame_png, source=part.part_id).pixels)
        laid = register(frame, [self._golden], limits=RegistrationLimits(), now=_BEGAN_AT)
        return Judged(
            part, self._detector.detect(compose(frame, laid), thresholds=self._thresholds), self._detector.release
        )

    def close(self) -> None:
        self._detector.close()


@contextmanager
def _judge(folder: Path, *, thresholds: Mapping[str, float] | None = None) -> Iterator[_Judge]:
    judge = _Judge(folder, thresholds)
    try:
        yield judge
    finally:
        judge.close()


def _candidate(judged: Judged) -> Candidate:
    found, part = judged.found, judged.part
    return Candidate(
        inspection_id=part.part_id,
        part_id=part.part_id,
        station="benchmark",
        judged_at=_BEGAN_AT + timedelta(seconds=part.number),
        verdict=Verdict.NG if judged.is_ng else Verdict.OK,
        views=(CandidateView("default", f"{part.number:064x}", found.peak_score),),
        defects=tuple(
            CandidateDefect("default", judged.release.classes[int(index)], float(score))
            for index, score in zip(found.class_ids, found.confidences, strict=True)
        ),
        thresholds=judged.release.thresholds,
    )


def _truth(part: VirtualPart) -> tuple[LabelledBox, ...]:
    return tuple(LabelledBox(str(defect.defect_class), defect.box_xyxy_px) for defect in part.defects)


def _size(part: VirtualPart) -> tuple[int, int]:
    return read_picture(part.frame_png, source=part.part_id).file.size_wh_px


def _is_learnt(image: LabelledImage) -> bool:
    return image.split is not None and image.split in (Split.TRAIN, Split.VAL)


def _append(path: Path, record: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
