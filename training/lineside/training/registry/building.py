"""Building a release from a training run: what was trained and measured, put together and taken into the registry."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.catalogue import builtin_catalogue
from lineside.inspection.detector import Detector
from lineside.inspection.engines import REFERENCE_ENGINE, available_threads, load_engine
from lineside.inspection.release import INT8_MODEL_NAME, Release, starter_release_folder
from lineside.training.errors import ReleaseNotBuilt, ReleaseTaken, ReleaseUnknown
from lineside.training.evaluation.outcomes import Evaluation
from lineside.training.evaluation.subject import RUN_NAME, read_subject
from lineside.training.model_files import CHECKPOINT_NAME, MODEL_NAME
from lineside.training.parity import PARITY_NAME, ParityReport
from lineside.training.registry.canary_frames import ChosenCanaries, synthetic_canaries, validation_canaries
from lineside.training.registry.card import CardFacts, render_card
from lineside.training.registry.releases import Registry
from lineside.training.registry.thresholds import Thresholds, choose_thresholds
from lineside.training.release_folder import LICENCE_NAME, ReleaseContents, write_release
from lineside.training.revision_frames import RevisionFrames

BUILTIN = "pcb"
"""The catalogue that comes with the package."""

CanarySource = Literal["val", "synthetic"]
_KEPT_OF_RUN = (
    "command", "architecture", "start", "seed", "epochs", "epochs_done", "best_epoch", "ended_by", "batch", "image_px",
    "augmentation", "device", "machine", "seconds", "versions", "validation", "images",
)  # fmt: skip
_KEPT_OF_FIGURES = (
    "counts", "escapes", "overkill", "false_calls", "defects", "defects_by_class", "classes", "intervals", "detection",
    "deeppcb", "by_product", "by_line",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What release is wanted.

    Attributes:
        run: folder of a finished training run.
        name: of the model line.
        version: of the release.
        evaluation: of the run's model; its figures go into the manifest.
        thresholds_from: of the run's model on split val; the evaluation itself if None.
        given_thresholds: by class name; they count before measured ones.
        parity: of the run's model; the run's own `parity.json` if None and there is one.
        catalogue: id and version; the run's if None.
        canaries: where the known defects come from.
    """

    run: Path
    name: str
    version: str
    evaluation: Evaluation | None = None
    thresholds_from: Evaluation | None = None
    given_thresholds: Mapping[str, float] = field(default_factory=dict)
    parity: ParityReport | None = None
    catalogue: tuple[str, int] | None = None
    canaries: CanarySource = "val"


@dataclass(frozen=True, slots=True, eq=False)
class BuiltRelease:
    """A release in the registry.

    Attributes:
        release: as it was read back.
        canary_frames: how many known-defect frames it carries.
        classes_without_canary: those that none of them shows.
        thresholds: and where they come from.
    """

    release: Release
    canary_frames: int
    classes_without_canary: tuple[str, ...]
    thresholds: Thresholds


def build_release(plan: BuildPlan, store: RevisionStore, registry: Registry) -> BuiltRelease:
    """Put a release together and take it into the registry, whole or not at all.

    Args:
        plan: what is wanted.
        store: holds the revision that the run was trained on; its split val gives the canary frames.
        registry: gets the release and the run's checkpoint.

    Raises:
        ReleaseTaken: the registry has this name and version; it never changes a release.
        ReleaseNotBuilt: figures or catalogue do not fit the run.
        NothingToEvaluate: the folder holds no finished run.
        NoCanary: the model finds too few known defects surely.
        ParityRefused: the parity figures are of another model.
        DatasetError: the revision cannot be read.
    """
    _require_free(registry, plan)
    subject = read_subject(plan.run)
    record: dict[str, Any] = json.loads((plan.run / RUN_NAME).read_bytes())
    model = (plan.run / MODEL_NAME).read_bytes()
    _require_of_model(plan, hashlib.sha256(model).hexdigest())
    thresholds = choose_thresholds(
        subject.classes,
        given=plan.given_thresholds,
        evaluation=plan.thresholds_from or plan.evaluation,
        revision=record["dataset_revision"],
    )
    catalogue = _catalogue(plan, record, subject.classes)
    parity = _parity(plan, model)
    canaries = _canaries(plan, record, subject, thresholds, store)
    checkpoint = registry.add_checkpoint(plan.run / CHECKPOINT_NAME)
    training = {key: record[key] for key in _KEPT_OF_RUN if key in record}
    metrics = {} if plan.evaluation is None else _metrics(plan.evaluation)
    facts = CardFacts(
        name=plan.name,
        version=plan.version,
        release=subject,
        run=record,
        thresholds=thresholds,
        metrics=metrics,
        parity={} if parity is None else parity.section(),
        classes_without_canary=canaries.missing,
    )
    contents = ReleaseContents(
        name=plan.name,
        version=plan.version,
        kind=subject.input_kind,
        model=model,
        int8_model=_int8_model(plan.run, parity),
        catalogue=catalogue,
        thresholds=thresholds.by_class,
        canaries=canaries.pictures,
        metrics=metrics,
        training=training,
        parity={} if parity is None else parity.section(),
        dataset_revision=record["dataset_revision"],
        parent=record.get("parent"),
        checkpoint_sha256=checkpoint,
        licence_text=(starter_release_folder("pcb-single") / LICENCE_NAME).read_text("utf-8"),
        card=render_card(facts),
    )
    with tempfile.TemporaryDirectory(prefix="lineside-release-") as folder:
        write_release(Path(folder), contents)
        release = registry.add(Path(folder))
    return BuiltRelease(release, len(canaries.pictures), canaries.missing, thresholds)


def _require_free(registry: Registry, plan: BuildPlan) -> None:
    """Say so before the work, not after it; `Registry.add` decides."""
    try:
        registry.find(plan.name, plan.version)
    except ReleaseUnknown:
        return
    raise ReleaseTaken(f"the registry has a {plan.name} {plan.version} already; give the next version")


def _require_of_model(plan: BuildPlan, digest: str) -> None:
    for evaluation in (plan.evaluation, plan.thresholds_from):
        if evaluation is not None and evaluation.release.digest != digest:
            raise ReleaseNotBuilt(
                f"the evaluation is of {evaluation.release.name} {evaluation.release.version} "
                f"({evaluation.release.digest[:12]}), the model of {plan.run} is {digest[:12]}; evaluate the run itself"
            )


def _catalogue(plan: BuildPlan, record: Mapping[str, Any], classes: tuple[str, ...]) -> tuple[str, int]:
    of_run = record.get("catalogue")
    catalogue = plan.catalogue or (None if of_run is None else (of_run["id"], of_run["version"]))
    if catalogue is None:
        raise ReleaseNotBuilt(
            "the dataset names no defect catalogue; say which its classes come from: --catalogue ID@1"
        )
    builtin = builtin_catalogue(BUILTIN)
    strangers = [name for name in classes if name not in builtin.classes]
    if catalogue == (builtin.id, builtin.version) and strangers:
        raise ReleaseNotBuilt(
            f"catalogue {builtin.id} version {builtin.version} has no class {', '.join(strangers)}; no recipe of it "
            "could use this release. Name the catalogue that has them: --catalogue ID@VERSION"
        )
    return catalogue


def _parity(plan: BuildPlan, model: bytes) -> ParityReport | None:
    path = plan.run / PARITY_NAME
    report = plan.parity
    if report is None and path.is_file():
        report = ParityReport.from_json(path.read_bytes(), source=str(path))
    if report is not None:
        report.require_model(model, source=str(plan.run / MODEL_NAME))
    return report


def _int8_model(run: Path, parity: ParityReport | None) -> bytes | None:
    """The quantised model where its figures are known; without figures no engine would be offered it."""
    if parity is None or parity.int8_model_sha256 is None:
        return None
    path = run / INT8_MODEL_NAME
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != parity.int8_model_sha256:
        raise ReleaseNotBuilt(f"the parity figures are of another {INT8_MODEL_NAME} than {path}; measure again")
    return content


def _canaries(
    plan: BuildPlan, record: Mapping[str, Any], subject: Release, thresholds: Thresholds, store: RevisionStore
) -> ChosenCanaries:
    release = _with_thresholds(subject, thresholds.by_class)
    detector = Detector(release, load_engine(REFERENCE_ENGINE, release.served_model, threads=available_threads()))
    try:
        if plan.canaries == "synthetic":
            return synthetic_canaries(detector, seed=int(record["seed"]))
        revision = store.read(record["dataset_revision"])
        return validation_canaries(detector, RevisionFrames(store, revision, Split.VAL, subject.input_kind))
    finally:
        detector.close()


def _with_thresholds(release: Release, thresholds: Mapping[str, float]) -> Release:
    return replace(release, thresholds=thresholds)


def _metrics(evaluation: Evaluation) -> dict[str, Any]:
    """What an evaluation found, without its curves: the file itself keeps those."""
    content = evaluation.to_json()
    latency, recipe = evaluation.latency_ms, evaluation.recipe
    return {
        "evaluation_sha256": hashlib.sha256(content.encode()).hexdigest(),
        "revision": evaluation.revision,
        "splits": list(evaluation.splits),
        "engine": evaluation.engine,
        "recipe": None if recipe is None else {"id": recipe.id, "version": recipe.version},
        "thresholds": dict(evaluation.thresholds),
        "latency_ms": None if latency is None else {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99},
        **{key: evaluation.figures[key] for key in _KEPT_OF_FIGURES if key in evaluation.figures},
    }
