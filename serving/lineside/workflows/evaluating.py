"""Evaluating a release or a training run on a dataset revision, and what is left of it in a folder."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lineside.datasets.revisions import RevisionSelection, RevisionStore
from lineside.training.evaluation import (
    EvaluationPlan,
    JudgedRevision,
    Truth,
    judge_revision,
    read_subject,
)
from lineside.training.evaluation.report import write_report
from lineside.workflows.recipe_rules import RecipeFile, rules_for
from lineside.workflows.sealed_parts import record_look

EVALUATION_NAME = "evaluation.json"
REPORT_NAME = "report.html"


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """What to evaluate, and how.

    Attributes:
        subject: folder of a release or of a training run.
        data: revision and splits.
        store: where revisions live, a folder or a URL.
        recipe: the recipe's file; None makes any defect NG.
        catalogue: the defect catalogue's file that the recipe names; None is the built-in one.
        truth: what makes a labelled part defective.
        engine: "auto", or an engine's name.
        engine_cache: where the choice of engine is remembered; None measures anew.
        run_threshold: confidence from which a training run's detections count.
        registry: where looks at sealed parts are written down, a folder or a URL.
        sealed_by: who looks; needed if the data holds sealed parts.
    """

    subject: Path
    data: RevisionSelection
    store: str
    recipe: Path | None
    catalogue: Path | None
    truth: Truth
    engine: str
    engine_cache: Path | None
    run_threshold: float
    registry: str
    sealed_by: str | None = None


def evaluate_into(
    task: EvaluationTask, out: Path, *, now: datetime, on_part: Callable[[int, int], None] | None = None
) -> JudgedRevision:
    """Evaluate, and write `evaluation.json` and `report.html` into a folder.

    Args:
        task: what to evaluate.
        out: the folder; made if it is not there.
        now: aware UTC instant: of the report, and at which references and calibrations must be valid.
        on_part: called after each part with how many are done and how many there are.

    Raises:
        LinesideError: release, recipe or data cannot be used; see `judge_revision`.
        OSError: the folder cannot be written.
    """
    release = read_subject(task.subject, run_threshold=task.run_threshold)
    recipe = None if task.recipe is None else RecipeFile(task.recipe, task.catalogue)
    rules, digest = rules_for(recipe, release, truth=task.truth)
    store = RevisionStore(task.store)
    revision = store.read(task.data.revision)
    plan = EvaluationPlan(
        splits=task.data.splits,
        engine=task.engine,
        engine_cache=task.engine_cache,
        rules=rules,
        recipe_digest=digest,
    )
    record_look(
        task.data.images(revision),
        name=task.sealed_by,
        registry=task.registry,
        revision=revision.id,
        releases=[release.digest],
        now=now,
    )
    out.mkdir(parents=True, exist_ok=True)
    judged = judge_revision(release, revision, store, plan=plan, now=now, on_part=on_part)
    (out / EVALUATION_NAME).write_text(judged.evaluation.to_json(), encoding="utf-8")
    write_report(judged, store, out / REPORT_NAME, now=now)
    return judged
