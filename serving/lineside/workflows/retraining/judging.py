"""The steps that judge the candidate: the gate against the live release, and what the two do otherwise."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionSelection, RevisionStore
from lineside.training.checkpoints import write_whole
from lineside.training.gate import GateReport
from lineside.training.registry import Registry
from lineside.workflows.errors import RetrainingChanged
from lineside.workflows.gate_sides import OnPart
from lineside.workflows.gating import REPORT_NAME, GateTask, run_gate
from lineside.workflows.retraining.course import Clock, Teller
from lineside.workflows.retraining.folder import GATE_FOLDER, GOLDEN_CANDIDATE, GOLDEN_LIVE, LESSONS_NAME, VAL_FOLDER
from lineside.workflows.retraining.labels import LabelNotes
from lineside.workflows.retraining.lessons import judging_of, learn
from lineside.workflows.retraining.live import LiveRelease
from lineside.workflows.retraining.plan import RetrainPlan
from lineside.workflows.retraining.states import Json, Made
from lineside.workflows.retraining.summary import SUMMARY_NAME, SummaryFacts, write_summary


def gate(
    plan: RetrainPlan, live: LiveRelease, *, name: str, version: str, revision: str, clock: Clock, teller: Teller
) -> Made:
    """Put the candidate through the gate, on the golden parts of the revision.

    Raises:
        LinesideError: something cannot be used or compared; that is no answer of the gate.
    """
    folder = plan.out / GATE_FOLDER
    has_bank = bool(RevisionStore(plan.store).read(revision).of_split(Split.ESCAPE_BANK))
    with Registry(plan.registry).folder(name, version) as candidate:
        run = run_gate(
            GateTask(
                candidate=candidate,
                live=live.folder,
                data=RevisionSelection(revision, (Split.GOLDEN,)),
                store=plan.store,
                escape_bank=RevisionSelection(revision) if has_bank else None,
                recipe=plan.recipe,
                against_recipe=None,
                policy=plan.policy,
                registry=plan.registry,
                engine=plan.engine,
                engine_cache=plan.engine_cache,
                sealed_by=None,
                override=None,
            ),
            now=clock(),
            progress=lambda label: _told(label, teller),
        )
    report = run.write(folder)
    return Made(
        {
            "report": run.report.sha256,
            "overall": run.report.overall.value,
            "blocking": _blocking(run.report),
        },
        (report, folder / GOLDEN_CANDIDATE, folder / GOLDEN_LIVE),
    )


def compare(
    plan: RetrainPlan,
    live: LiveRelease,
    *,
    division: Json,
    trained: Json,
    built: Json,
    gated: Json,
    notes: LabelNotes,
    clock: Clock,
    teller: Teller,
) -> Made:
    """See what the candidate does otherwise than the live release, and write it down with pictures.

    Args:
        plan: of the retraining, whose gate has answered.
        live: the release that was to be beaten.
        division: outputs of the step split.
        trained: outputs of the step train.
        built: outputs of the step build.
        gated: outputs of the step gate.
        notes: how the labels came about.
        clock: gives the present instant.
        teller: hears of it.

    Raises:
        LinesideError: a release does not run here, or a picture cannot be read.
    """
    store = RevisionStore(plan.store)
    revision = store.read(division["revision"])
    candidate = f"{built['name']} {built['version']}"
    now = clock()
    with Registry(plan.registry).folder(built["name"], built["version"]) as folder:
        seen = learn(
            plan.out,
            revision,
            live_revision=live.manifest.dataset_revision,
            joined=division["joined"],
            notes=notes,
            judging=judging_of(plan, live=live.folder, candidate=folder, revision=revision, now=now),
            on_part=teller.count,
        )
    facts = SummaryFacts(
        candidate=candidate,
        live=f"{live.name.name} {live.name.version}",
        start=trained["start"],
        set_aside=division["set_aside"],
        training=_training(trained),
        links=(
            ("Split val, judged with the trained model: every escape and false call", f"{VAL_FOLDER}/report.html"),
            ("The gate's report (JSON)", f"{GATE_FOLDER}/{REPORT_NAME}"),
            ("Golden parts before the candidate (JSON)", f"{GATE_FOLDER}/{GOLDEN_CANDIDATE}"),
            ("Golden parts before the live release (JSON)", f"{GATE_FOLDER}/{GOLDEN_LIVE}"),
        ),
    )
    write_summary(
        seen,
        read_report(plan, sha256=gated["report"]),
        facts,
        notes=notes,
        store=store,
        path=plan.out / SUMMARY_NAME,
        written_at=now,
    )
    lessons = plan.out / LESSONS_NAME
    write_whole(lessons, (json.dumps(seen.lessons.to_json(), indent=2, allow_nan=False) + "\n").encode())
    return Made({}, (lessons, plan.out / SUMMARY_NAME))


def read_report(plan: RetrainPlan, *, sha256: str) -> GateReport:
    """The gate's answer as the registry keeps it: what promotes is not what lies in a folder that people edit.

    Args:
        plan: of the retraining, whose gate has answered.
        sha256: of the answer.

    Raises:
        RetrainingChanged: the registry has no such answer.
    """
    content = Registry(plan.registry).gate_report(sha256)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        raise RetrainingChanged(
            f"the gate is said to have answered {sha256[:12]}, and the registry {plan.registry} holds no such answer; "
            "give the registry that it was asked with, or start again in a new folder"
        )
    return GateReport.from_bytes(content, source=f"gate report {sha256[:12]} of the registry")


@contextmanager
def _told(label: str, teller: Teller) -> Iterator[OnPart]:
    teller.say(label)
    yield teller.count


def _blocking(report: GateReport) -> list[str]:
    """What stands in the way, where."""
    found = [f"everywhere: {criterion.title}" for criterion in report.blocking]
    for result in report.scopes:
        found += [f"{result.scope}: {criterion.title}" for criterion in result.blocking]
    return found


def _training(trained: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    images = trained["images"]
    seconds = float(trained["seconds"])
    return (
        ("Images learnt from, looked at", f"{images['train']}, {images['val']}"),
        ("Epochs", f"{trained['epochs_done']}, taken: {trained['best_epoch']}, ended by {trained['ended_by']}"),
        ("Minutes of training", f"{seconds / 60:.1f}"),
    )
