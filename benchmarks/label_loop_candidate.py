"""The steps of `lineside retrain`, called directly: train from the starter, parity, thresholds, release, gate.

The golden parts are a revision of their own here, so that the search for copies of them runs once a candidate, in the
gate, and not three times.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionSelection, RevisionStore
from lineside.inspection.release import InputKind, starter_release_folder
from lineside.training.crops import CropPlan
from lineside.training.evaluation import Evaluation, Truth
from lineside.training.evaluation.subject import RUN_THRESHOLD
from lineside.training.fitting import EpochReport
from lineside.training.gate import GatePolicy, GateReport
from lineside.training.parity import require_unbroken
from lineside.training.parity.command import ParityOrder, measure_folder
from lineside.training.plan import TrainingPlan, default_learning_rate
from lineside.training.registry import Registry
from lineside.training.registry.building import BuildPlan, build_release
from lineside.training.runs import RunResult, RunSettings, start_run
from lineside.workflows.evaluating import EvaluationTask, evaluate_into
from lineside.workflows.gate_sides import OnPart
from lineside.workflows.gating import GateTask, run_gate

STARTER = "pcb-reference"
ENGINE = "openvino-fp32"

_ENGINES = ("onnxruntime-fp32", ENGINE)
_PARITY_FRAMES = 24
_INPUT_WH_PX = (640, 640)
_VERSION = "1.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateOrder:
    """What to make.

    Attributes:
        folder: of everything; new.
        store: of the revision.
        revision: to learn from, split already, no golden part in it.
        epochs: of the training.
        crops_per_image: in each.
        seed: of weights, crops and order.
    """

    folder: Path
    store: RevisionStore
    revision: str
    epochs: int
    crops_per_image: int
    seed: int


class _Unheard:
    """A listener that nobody needs."""

    def on_epoch_start(self, epoch: int, *, epochs: int, steps: int) -> None: ...
    def on_step(self, step: int, *, seconds_left: float | None) -> None: ...
    def on_epoch(self, report: EpochReport) -> None: ...


def make_candidate(order: CandidateOrder) -> RunResult:
    """Train, measure parity, set thresholds on split val, and build the release; returns how the training went.

    Raises:
        LinesideError: a step does not do.
    """
    start = f"starter:{STARTER}"
    run, registry = order.folder / "run", order.folder / "registry"
    settings = RunSettings(
        revision=order.revision,
        kind=InputKind.REFERENCE,
        start=start,
        input_size_wh_px=_INPUT_WH_PX,
        plan=TrainingPlan(
            epochs=order.epochs,
            learning_rate=default_learning_rate(start),
            seed=order.seed,
            validate_every=max(1, order.epochs // 3),
        ),
        crops=CropPlan(crops_per_image=order.crops_per_image, seed=order.seed),
        command="benchmarks label_loop",
    )
    trained = start_run(settings, order.store, run, listener=_Unheard(), say=lambda _: None)
    parity = measure_folder(
        ParityOrder(
            folder=run,
            selection=RevisionSelection(order.revision),
            store=order.store,
            engines=_ENGINES,
            most_frames=_PARITY_FRAMES,
        ),
        on_progress=lambda *_: None,
    )
    require_unbroken(parity)
    judged = evaluate_into(
        EvaluationTask(
            subject=run,
            data=RevisionSelection(order.revision, (Split.VAL,)),
            store=order.store.url,
            recipe=None,
            catalogue=None,
            truth=Truth.LABELS,
            engine=ENGINE,
            engine_cache=None,
            run_threshold=RUN_THRESHOLD,
            registry=str(registry),
        ),
        order.folder / "judged-val",
        now=datetime.now(UTC),
    )
    evaluation: Evaluation = judged.evaluation
    plan = BuildPlan(run=run, name=STARTER, version=_VERSION, evaluation=evaluation)
    build_release(plan, order.store, Registry(str(registry)))
    return trained


@contextmanager
def release_folder(folder: Path) -> Iterator[Path]:
    """The release that `make_candidate` built there."""
    with Registry(str(folder / "registry")).folder(STARTER, _VERSION) as release:
        yield release


def gated(folder: Path, store: RevisionStore, *, golden: str) -> GateReport:
    """The gate's answer on what `make_candidate` built, by its usual limits, on the golden parts of a revision."""
    with release_folder(folder) as candidate:
        return _gated(candidate, str(folder / "registry"), store, golden)


def _gated(candidate: Path, registry: str, store: RevisionStore, golden: str) -> GateReport:
    return run_gate(
        GateTask(
            candidate=candidate,
            live=starter_release_folder(STARTER),
            data=RevisionSelection(golden, (Split.GOLDEN,)),
            store=store.url,
            escape_bank=None,
            recipe=None,
            against_recipe=None,
            policy=GatePolicy(),
            registry=registry,
            engine=ENGINE,
            engine_cache=None,
            sealed_by=None,
            override=None,
        ),
        now=datetime.now(UTC),
        progress=_unheard,
    ).report


@contextmanager
def _unheard(_: str) -> Iterator[OnPart]:
    yield lambda *_: None
