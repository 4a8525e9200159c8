"""The steps that make the candidate: split, train, export, parity, evaluation, release, signature."""

import json
import shutil
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lineside.datasets.growing_splits import GrowthPlan, grow_splits
from lineside.datasets.labelled import Split
from lineside.datasets.revisions import Revision, RevisionSelection, RevisionStore
from lineside.inspection.release import INT8_MODEL_NAME, SigningKey
from lineside.training.checkpoints import write_whole
from lineside.training.crops import CropPlan
from lineside.training.devices import choose_device
from lineside.training.errors import ReleaseUnknown, RunRefused
from lineside.training.evaluation import Evaluation, Truth, read_subject
from lineside.training.evaluation.subject import RUN_THRESHOLD
from lineside.training.export.command import ExportOrder, Int8Order, export_model
from lineside.training.model_files import CHECKPOINT_NAME, MODEL_NAME
from lineside.training.parity import PARITY_NAME, require_unbroken
from lineside.training.parity.command import ParityOrder, measure_folder
from lineside.training.plan import TrainingPlan, default_learning_rate
from lineside.training.registry import Registry
from lineside.training.registry.building import BuildPlan, build_release
from lineside.training.registry.releases import RegisteredRelease, starter_reference
from lineside.training.runs import RUN_NAME, RunSettings, resume_run, start_run
from lineside.workflows.errors import RetrainingChanged, RetrainingRefused
from lineside.workflows.evaluating import EVALUATION_NAME, REPORT_NAME, EvaluationTask, evaluate_into
from lineside.workflows.retraining.course import Clock, Teller, TrainingTeller
from lineside.workflows.retraining.folder import RUN_FOLDER, VAL_FOLDER, VERSION_NAME
from lineside.workflows.retraining.labelled_heads import move_head
from lineside.workflows.retraining.live import LiveRelease, Start, next_version
from lineside.workflows.retraining.plan import RetrainPlan
from lineside.workflows.retraining.states import Made, digest_of_file


def split(plan: RetrainPlan, revision: Revision, teller: Teller) -> Made:
    """Give the new images their splits.

    Raises:
        RetrainingRefused: the revision has nothing to train on, to look at, or to judge by.
    """
    store = RevisionStore(plan.store)
    growth = grow_splits(
        store, revision, GrowthPlan(val_share=plan.val_share, seed=plan.split_seed), on_image=teller.count
    )
    for name, why in sorted(growth.set_aside.items()):
        teller.say(f"{name} is in no split: {why}")
    require_splits(growth.revision)
    if plan.labels is not None:
        move_head(plan.labels, before=revision, after=growth.revision, teller=teller)
    return Made(
        {
            "revision": growth.revision.id,
            "joined": dict(sorted(growth.joined.items())),
            "set_aside": dict(sorted(growth.set_aside.items())),
            "images": {each.value: len(growth.revision.of_split(each)) for each in Split},
        }
    )


def require_splits(revision: Revision, *, joined: Collection[Split] = ()) -> None:
    """Refuse a revision that cannot carry a retraining to its end, before hours are spent on it.

    Args:
        revision: to train on.
        joined: splits that new images are going to join.

    Raises:
        RetrainingRefused: it has no image in train, val or golden.
    """
    present = {*joined, *(image.split for image in revision.images)}
    empty = [each.value for each in (Split.TRAIN, Split.VAL, Split.GOLDEN) if each not in present]
    if empty:
        raise RetrainingRefused(
            f"revision {revision.id[:12]} has no image in {', '.join(empty)}: train teaches, val chooses, golden "
            f"judges. Split it first: lineside dataset split {revision.id[:12]}"
        )


def train(plan: RetrainPlan, revision: str, start: Start, teller: Teller) -> Made:
    """Train, or go on with what a killed call left of it.

    Raises:
        TrainingError: the data or the device does not do.
        RetrainingChanged: the run in the folder is another one.
    """
    store = RevisionStore(plan.store)
    folder = plan.out / RUN_FOLDER
    wanted = run_settings(plan, revision, start)
    listener = TrainingTeller(teller)
    record = _record(folder)
    if record is None:
        shutil.rmtree(folder, ignore_errors=True)  # killed before the run wrote down what it is
        start_run(wanted, store, folder, listener=listener, say=teller.say)
    else:
        _require_same(wanted, record, folder)
        if record["status"] == "running":
            teller.say("going on from the last whole epoch")
            resume_run(store, folder, listener=listener, say=teller.say)
    done = json.loads((folder / RUN_NAME).read_bytes())
    return Made(
        {
            "model_sha256": digest_of_file(folder / MODEL_NAME),
            "checkpoint_sha256": digest_of_file(folder / CHECKPOINT_NAME),
            "start": start.described,
            **{
                name: done[name]
                for name in ("epochs_done", "best_epoch", "ended_by", "seconds", "validation", "images")
            },
        },
        (folder / MODEL_NAME, folder / CHECKPOINT_NAME, folder / RUN_NAME),
    )


def run_settings(plan: RetrainPlan, revision: str, start: Start) -> RunSettings:
    """All that decides the training run.

    Raises:
        PlanRefused: no run can be done so.
        DeviceMissing: a GPU was asked for and there is none.
    """
    wishes = plan.training
    side = wishes.image_px or start.image_px
    rate = default_learning_rate(start.given) if wishes.learning_rate is None else wishes.learning_rate
    return RunSettings(
        revision=revision,
        kind=start.kind,
        start=start.given,
        input_size_wh_px=start.input_size_wh_px,
        plan=TrainingPlan(
            architecture=start.architecture,
            epochs=wishes.epochs,
            batch=wishes.batch,
            image_px=side,
            learning_rate=rate,
            seed=wishes.seed,
            device=choose_device(wishes.device),
            patience=wishes.patience,
            minutes=wishes.minutes,
            validate_every=wishes.validate_every,
        ),
        crops=CropPlan(side, wishes.crops_per_image, orientation=wishes.orientation, seed=wishes.seed),
        command=plan.command,
        photometric=wishes.photometric,
    )


def export(plan: RetrainPlan, revision: str, teller: Teller) -> Made:
    """See that the run's model is one that can be served; quantise it where that was asked for.

    Raises:
        NothingToEvaluate, NotADetector, ExportRefused: it is not.
    """
    folder = plan.out / RUN_FOLDER
    subject = read_subject(folder)
    files = [folder / MODEL_NAME]
    if plan.int8:
        order = ExportOrder(folder, None, subject.input_size_wh_px, Int8Order(plan.store, revision))
        export_model(order)
        files.append(folder / INT8_MODEL_NAME)
    sizes = {path.name: path.stat().st_size for path in files}
    teller.say(", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in sizes.items()))
    return Made({"bytes": sizes}, tuple(files))


def parity(plan: RetrainPlan, revision: str, teller: Teller) -> Made:
    """Compare this host's engines with the trained network.

    Raises:
        ParityBroken: an engine in float32 differs: the export is broken.
    """
    folder = plan.out / RUN_FOLDER
    order = ParityOrder(
        folder=folder,
        selection=RevisionSelection(revision),
        store=RevisionStore(plan.store),
        engines=plan.engines,
        most_frames=plan.parity_frames,
    )
    report = measure_folder(order, on_progress=teller.count)
    require_unbroken(report)
    offered = {name: figures.is_offered for name, figures in report.engines.items()}
    teller.say("offered: " + ", ".join(name for name, is_offered in offered.items() if is_offered))
    return Made({"offered": offered, "unavailable": dict(report.unavailable)}, (folder / PARITY_NAME,))


def evaluate_val(plan: RetrainPlan, revision: str, *, clock: Clock, teller: Teller) -> Made:
    """Judge split val with the run's model: its figures set the thresholds of the release."""
    folder = plan.out / VAL_FOLDER
    task = EvaluationTask(
        subject=plan.out / RUN_FOLDER,
        data=RevisionSelection(revision, (Split.VAL,)),
        store=plan.store,
        recipe=None if plan.recipe is None else plan.recipe.path,
        catalogue=None if plan.recipe is None else plan.recipe.catalogue,
        truth=Truth.LABELS,
        engine=plan.engine,
        engine_cache=plan.engine_cache,
        run_threshold=RUN_THRESHOLD,
        registry=plan.registry,
    )
    evaluation = evaluate_into(task, folder, now=clock(), on_part=teller.count).evaluation
    return Made(
        {"parts": len(evaluation.parts), "engine": evaluation.engine},
        (folder / EVALUATION_NAME, folder / REPORT_NAME),
    )


def build(plan: RetrainPlan, live: LiveRelease, *, teller: Teller) -> Made:
    """Make the release of the run, or take the one that a killed call made of it.

    Raises:
        ReleaseTaken, ReleaseNotBuilt, NoCanary: no release can be made.
    """
    registry = Registry(plan.registry)
    folder = plan.out / RUN_FOLDER
    name = live.name.name
    made = _already_built(plan, registry, name)
    if made is None:
        evaluation = Evaluation.from_json((plan.out / VAL_FOLDER / EVALUATION_NAME).read_bytes())
        version = plan.version or next_version(name, versions_of(registry, live))
        write_whole(plan.out / VERSION_NAME, version.encode())
        order = BuildPlan(run=folder, name=name, version=version, evaluation=evaluation, canaries=plan.canaries)
        built = build_release(order, RevisionStore(plan.store), registry)
        if built.classes_without_canary:
            teller.say(f"no known-defect frame shows {', '.join(built.classes_without_canary)}; see the model card")
        made = registry.find(name, version)
    manifest = made.manifest
    teller.say(f"{manifest.name} {manifest.version} ({made.digest[:12]})")
    return Made(
        {
            "name": manifest.name,
            "version": manifest.version,
            "digest": made.digest,
            "thresholds": dict(manifest.thresholds),
            "canary_frames": len(manifest.canary),
        }
    )


def sign(plan: RetrainPlan, key: SigningKey, name: str, version: str) -> Made:
    """Sign the release with the build key: say what it is."""
    return Made({"key_id": Registry(plan.registry).sign(name, version, key)})


def require_version(plan: RetrainPlan, live: LiveRelease) -> str:
    """The version that the candidate is going to have, before hours are spent on it.

    Raises:
        RetrainingRefused: it is taken by another release, or nobody knows which is next.
    """
    taken = versions_of(Registry(plan.registry), live)
    if plan.version is None:
        return next_version(live.name.name, taken)
    if plan.version in taken and plan.version != _noted_version(plan):
        raise RetrainingRefused(
            f"{live.name.name} {plan.version} is taken; give another --version, or none for the next one"
        )
    return plan.version


def versions_of(registry: Registry, live: LiveRelease) -> tuple[str, ...]:
    """Versions of the live release's name that are taken."""
    name = live.name.name
    starter = starter_reference(name)
    registered = (found.manifest.version for found in registry.list() if found.manifest.name == name)
    return (live.name.version, *registered, *(() if starter is None else (starter.version,)))


def _already_built(plan: RetrainPlan, registry: Registry, name: str) -> RegisteredRelease | None:
    """The release that a killed call of this retraining made: under the version that it wrote down before.

    The same model under another version is another release: training repeats itself bit by bit, and what somebody
    retired must not come back.
    """
    version = _noted_version(plan)
    if version is None:
        return None
    try:
        found = registry.find(name, version)
    except ReleaseUnknown:
        return None
    folder = plan.out / RUN_FOLDER
    is_ours = (
        plan.version in (None, version)
        and found.manifest.checkpoint_sha256 == digest_of_file(folder / CHECKPOINT_NAME)
        and found.manifest.files[MODEL_NAME].sha256 == digest_of_file(folder / MODEL_NAME)
    )
    return found if is_ours else None


def _noted_version(plan: RetrainPlan) -> str | None:
    """The version that an earlier call of this retraining wrote down before it built the release."""
    try:
        return (plan.out / VERSION_NAME).read_text("utf-8")
    except FileNotFoundError:
        return None


def _record(folder: Path) -> dict[str, Any] | None:
    """What the run in a folder wrote down; None if it was killed before that."""
    try:
        record: dict[str, Any] = json.loads((folder / RUN_NAME).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RunRefused(f"{folder / RUN_NAME} is damaged ({error}); start again in a new folder") from error
    return record


def _require_same(wanted: RunSettings, record: dict[str, Any], folder: Path) -> None:
    """A run that was started with other settings is not gone on with; how the command was typed does not matter."""
    before = RunSettings.from_json(record.get("settings", {}))
    one, other = ({**asdict(each), "command": ""} for each in (wanted, before))
    if one != other:
        names = [name for name in one if one[name] != other[name]]
        raise RetrainingChanged(
            f"the training in {folder} was begun with other settings ({', '.join(names)}); call it as before, or start "
            "again in a new folder"
        )
