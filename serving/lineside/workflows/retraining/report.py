"""What a retraining came to, and what a person may do now."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineside.training.gate import GateReport
from lineside.workflows.gating import REPORT_NAME
from lineside.workflows.retraining.comparing import Change
from lineside.workflows.retraining.folder import GATE_FOLDER
from lineside.workflows.retraining.lessons import Lessons
from lineside.workflows.retraining.plan import LiveOnServer, RetrainPlan

_KEYS = "--key DEPLOY.pem --trust TRUST.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainReport:
    """What a retraining came to.

    Attributes:
        out: folder of the run.
        revision: id of the dataset revision that was trained on.
        joined: split of each newly labelled image, by name.
        set_aside: why a newly labelled image was not used, by name.
        live: name and version of the release that was beaten, or not.
        name: of the model line.
        version: of the candidate.
        digest: of the candidate's manifest.
        key_id: of the build key that signed it.
        gate: the gate's answer.
        gate_path: its file.
        lessons: what was learnt from which labels.
        summary: the page about it.
        serials: of the deployments that were signed; none without a promotion.
        next_steps: what a person may do now, in words.
    """

    out: Path
    revision: str
    joined: Mapping[str, str]
    set_aside: Mapping[str, str]
    live: str
    name: str
    version: str
    digest: str
    key_id: str
    gate: GateReport
    gate_path: Path
    lessons: Lessons
    summary: Path
    serials: tuple[int, ...] = ()
    next_steps: tuple[str, ...] = ()

    @property
    def headlines(self) -> tuple[str, ...]:
        """What came of it, for people."""
        golden = self.lessons.golden
        fixed, escaped, removed, called = (golden.counts[change] for change in Change)
        minutes = self.lessons.minutes
        spent = "" if minutes is None else f", {minutes:.1f} label minutes"
        return (
            f"{self.name} {self.version} ({self.digest[:12]}), signed with build key {self.key_id}",
            f"learnt from {self.lessons.new_images} newly labelled images{spent}",
            f"of {golden.defective} defective golden parts {fixed} escapes are fixed and {escaped} are new",
            f"of {golden.good} good golden parts {removed} false calls are gone and {called} are new",
            f"the gate: {self.gate.overall.value.replace('_', ' ')}",
        )

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "out": str(self.out),
            "revision": self.revision,
            "joined": dict(self.joined),
            "set_aside": dict(self.set_aside),
            "live": self.live,
            "release": {"name": self.name, "version": self.version, "digest": self.digest, "key_id": self.key_id},
            "gate": json.loads(self.gate.to_bytes()),
            "gate_report": str(self.gate_path),
            "lessons": self.lessons.to_json(),
            "summary": str(self.summary),
            "serials": list(self.serials),
            "next_steps": list(self.next_steps),
        }


def next_steps(plan: RetrainPlan, report: GateReport, serials: tuple[int, ...]) -> tuple[str, ...]:
    """What a person may do now.

    Args:
        plan: of the retraining.
        report: the gate's answer.
        serials: of the deployments that were signed.
    """
    return tuple(_steps(plan, report, serials))


def _steps(plan: RetrainPlan, report: GateReport, serials: tuple[int, ...]) -> Iterator[str]:
    name, version = report.candidate.name, report.candidate.version
    registry = f"--registry {shlex.quote(plan.registry)}"
    if serials:
        numbers = " ".join(str(serial) for serial in serials)
        plant = "" if plan.promotion is None else f" --plant {shlex.quote(plan.promotion.plant)}"
        where = f"{registry}{plant} --server URL"
        if plan.promotion is not None and plan.promotion.server is None:
            yield f"signed, but not brought to a server; then: lineside release push {numbers} {where}"
        else:
            yield f"it judges now; to go back: lineside release rollback --name {name} {_KEYS} {where}"
        return
    server = f" --server {plan.live.server.url}" if isinstance(plan.live, LiveOnServer) else ""
    gate = shlex.quote(str(plan.out / GATE_FOLDER / REPORT_NAME))
    release = f"lineside release promote {name} {version}"
    promote = f"{release} --gate {gate} {_KEYS} {registry}{server}"
    if report.passed_scopes:
        where = ", ".join(str(scope) for scope in report.passed_scopes)
        yield (
            f"it may go live: {where}. Call this again with --promote --deploy-key DEPLOY.pem --trust TRUST.json, or: "
            f"{promote}"
        )
        return
    missing = sum(criterion.counts.get("missing", 0) > 0 for result in report.scopes for criterion in result.blocking)
    if missing:
        yield f"{missing} of the gate's questions want more golden parts; the table says how many"
    yield f"let it look on: {release} --shadow 0.5 {_KEYS} {registry}{server}"
    yield f"or answer for it: {promote} --override-by NAME --override-reason WHY"
