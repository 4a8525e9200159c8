"""The step that judges the candidate: the gate, against the release that is live."""

from collections.abc import Iterator
from contextlib import contextmanager

from lineside.datasets.labelled import Split
from lineside.datasets.revisions import RevisionSelection, RevisionStore
from lineside.training.gate import GateReport
from lineside.training.registry import Registry
from lineside.workflows.gate_sides import OnPart
from lineside.workflows.gating import REPORT_NAME, GateTask, run_gate
from lineside.workflows.retraining.course import Clock, Teller
from lineside.workflows.retraining.live import LiveRelease
from lineside.workflows.retraining.plan import RetrainPlan
from lineside.workflows.retraining.states import Made

GATE_FOLDER = "gate"
GOLDEN_CANDIDATE, GOLDEN_LIVE = "golden-candidate.json", "golden-live.json"


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


def read_report(plan: RetrainPlan) -> GateReport:
    """The gate's answer as it was written."""
    path = plan.out / GATE_FOLDER / REPORT_NAME
    return GateReport.from_bytes(path.read_bytes(), source=str(path))


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
