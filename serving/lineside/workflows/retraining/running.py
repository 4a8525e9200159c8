"""From labelled images to a signed candidate and the gate's answer, in steps that are each done once."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lineside.datasets.revisions import RevisionStore
from lineside.inspection.release import SigningKey
from lineside.training.gate import GateReport
from lineside.training.registry import Registry
from lineside.workflows.errors import RetrainingChanged, RetrainingRefused
from lineside.workflows.gating import REPORT_NAME
from lineside.workflows.retraining import judging, making
from lineside.workflows.retraining.course import Clock, Course
from lineside.workflows.retraining.folder import GATE_FOLDER, LABELS_NAME, LESSONS_NAME
from lineside.workflows.retraining.forecast import RetrainForecast, look_ahead
from lineside.workflows.retraining.labelled_heads import look_at_labels, pull, read_notes
from lineside.workflows.retraining.lessons import Lessons
from lineside.workflows.retraining.live import LiveRelease, live_release, starting_point
from lineside.workflows.retraining.plan import LiveGiven, LiveOnServer, RetrainPlan
from lineside.workflows.retraining.progress import OnProgress, Step, nobody_listens
from lineside.workflows.retraining.promoting import bring_deployments, promotion_inputs, sign_deployments
from lineside.workflows.retraining.report import RetrainReport, next_steps
from lineside.workflows.retraining.states import Json, Made, StepStates, digest_of_file, held
from lineside.workflows.retraining.summary import SUMMARY_NAME


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def retrain(plan: RetrainPlan, *, clock: Clock = utc_now, on_progress: OnProgress = nobody_listens) -> RetrainReport:
    """Retrain the live release on a dataset revision, and judge what comes out.

    Called again with the same plan, after whatever end, it goes on where it stopped. A failed gate is an answer, no
    error.

    Args:
        plan: what, from what, and where.
        clock: gives the present instant, aware.
        on_progress: hears of every step.

    Raises:
        RetrainingBusy: another process works in the folder.
        RetrainingChanged: the folder holds a retraining that was begun with something else.
        RetrainingRefused: what is asked for cannot be done.
        LinesideError: a step does not do; it is done again by the next call.
    """
    if plan.build_key is None:
        raise RetrainingRefused("the candidate is signed: give the build key")
    with (
        held(plan.out) as states,
        live_release(_to_beat(plan, states), Registry(plan.registry)) as live,
    ):
        return _Retraining(plan, plan.build_key, live, Course(states, clock=clock, on_progress=on_progress)).run()


def foresee(plan: RetrainPlan) -> RetrainForecast:
    """Say what `retrain` would do; nothing is written.

    Args:
        plan: of it.

    Raises:
        RetrainingRefused: it could not be carried to its end.
        LinesideError: something that it needs is not at hand.
    """
    registry = Registry(plan.registry)
    labels = None
    named = plan.revision
    if plan.labels is not None:
        project, labels = look_at_labels(plan.labels)
        named = project.revision or named
    if named is None:
        raise RetrainingRefused("the labelling project has no dataset revision yet; name one to start from with --data")
    revision = RevisionStore(plan.store).read(named)
    with live_release(plan.live, registry) as live, TemporaryDirectory(prefix="lineside-retrain-") as scratch:
        return look_ahead(plan, revision, live, starting_point(live, Path(scratch)), labels=labels)


class _Retraining:
    """One retraining, with the release to beat at hand."""

    def __init__(self, plan: RetrainPlan, key: SigningKey, live: LiveRelease, course: Course) -> None:
        self._plan = plan
        self._key = key
        self._live = live
        self._course = course

    def run(self) -> RetrainReport:
        plan, live, course = self._plan, self._live, self._course
        self._note_live()
        if course.states.read(Step.BUILD) is None:
            making.require_version(plan, live)
        head = RevisionStore(plan.store).read(self._pull())
        division = course.take(
            Step.SPLIT,
            {"revision": head.id, "val_share": plan.val_share, "seed": plan.split_seed},
            lambda teller: making.split(plan, head, teller),
        )
        revision = str(division["revision"])
        trained = self._train(revision)
        model = str(trained["model_sha256"])
        evaluated = {
            "model": model,
            "revision": revision,
            "engine": plan.engine,
            "recipe": _recipe_digest(plan),
        }
        course.take(
            Step.EVALUATE,
            evaluated,
            lambda teller: making.evaluate_val(plan, revision, clock=course.clock, teller=teller),
        )
        built = course.take(
            Step.BUILD,
            {"model": model, "name": live.name.name, "version": plan.version, "canaries": plan.canaries},
            lambda teller: making.build(plan, live, teller=teller),
        )
        name, version, digest = (str(built[key]) for key in ("name", "version", "digest"))
        signed = course.take(
            Step.SIGN,
            {"digest": digest, "key": self._key.public.key_id},
            lambda _: making.sign(plan, self._key, name, version),
        )
        gated = course.take(
            Step.GATE,
            {**evaluated, "candidate": digest, "live": live.name.digest, "policy": plan.policy.to_document()},
            lambda teller: judging.gate(
                plan, live, name=name, version=version, revision=revision, clock=course.clock, teller=teller
            ),
        )
        course.take(
            Step.COMPARE,
            {"candidate": digest, "live": live.name.digest, "gate": gated["report"], "revision": revision},
            lambda teller: judging.compare(
                plan,
                live,
                division=division,
                trained=trained,
                built=built,
                gated=gated,
                notes=read_notes(plan.out / LABELS_NAME),
                clock=course.clock,
                teller=teller,
            ),
        )
        report = judging.read_report(plan, sha256=str(gated["report"]))
        serials = self._promote(report)
        return RetrainReport(
            out=plan.out,
            revision=revision,
            joined=division["joined"],
            set_aside=division["set_aside"],
            live=f"{live.name.name} {live.name.version}",
            name=name,
            version=version,
            digest=digest,
            key_id=str(signed["key_id"]),
            gate=report,
            gate_path=plan.out / GATE_FOLDER / REPORT_NAME,
            lessons=Lessons.read(plan.out / LESSONS_NAME),
            summary=plan.out / SUMMARY_NAME,
            serials=serials,
            next_steps=next_steps(plan, report, serials),
        )

    def _pull(self) -> str:
        """The revision to begin with: what was given, or the labelling project's newest one."""
        plan, labels = self._plan, self._plan.labels
        if labels is None:
            return str(plan.revision)
        start_from = None if plan.revision is None else RevisionStore(plan.store).resolve(plan.revision)
        pulled = self._course.take(
            Step.PULL,
            {
                "project": labels.project,
                "start_from": start_from,
                "is_pulled": labels.studio is not None,
                "group_by": labels.group_by.value,
            },
            lambda teller: pull(plan, labels, teller=teller),
        )
        return str(pulled["revision"])

    def _promote(self, report: GateReport) -> tuple[int, ...]:
        """Sign deployments and bring them to the line, if that was asked for and may be; returns their serials."""
        plan, course, promotion = self._plan, self._course, self._plan.promotion
        if promotion is None or not (report.passed_scopes or promotion.override):
            return ()
        signed = course.take(
            Step.PROMOTE,
            promotion_inputs(promotion, report),
            lambda teller: sign_deployments(plan, promotion, report, clock=course.clock, teller=teller),
        )
        serials = tuple(int(serial) for serial in signed["serials"])
        if promotion.server is not None:
            course.take(Step.BRING, {"serials": serials}, lambda _: bring_deployments(plan, promotion, serials))
        return serials

    def _note_live(self) -> None:
        """Write down which release is to be beaten; refuse to go on against another one."""
        name = self._live.name
        outputs = self._course.take(
            Step.LIVE,
            _asked(self._plan),
            lambda _: Made({"given": self._live.given, **asdict(name)}),
        )
        if outputs["digest"] != name.digest:
            raise RetrainingChanged(
                f"live is {name.name} {name.version} ({name.digest[:12]}) now, and this retraining was begun to beat "
                f"{outputs['name']} {outputs['version']} ({outputs['digest'][:12]}); start again in a new folder"
            )

    def _train(self, revision: str) -> Json:
        """Train and export; returns what the training came to."""
        plan, course = self._plan, self._course
        start = starting_point(self._live, plan.out)
        trained = course.take(
            Step.TRAIN,
            {"revision": revision, "parent": start.parent, **asdict(plan.training)},
            lambda teller: making.train(plan, revision, start, teller),
        )
        model = str(trained["model_sha256"])
        course.take(
            Step.EXPORT,
            {"model": model, "int8": plan.int8},
            lambda teller: making.export(plan, revision, teller),
        )
        course.take(
            Step.PARITY,
            {"model": model, "int8": plan.int8, "engines": plan.engines, "frames": plan.parity_frames},
            lambda teller: making.parity(plan, revision, teller),
        )
        return trained


def _asked(plan: RetrainPlan) -> Mapping[str, Any]:
    """How the release to beat was named; at which address a server answers does not matter."""
    asked = plan.live
    if isinstance(asked, LiveGiven):
        return {"release": asked.release}
    return {"release_name": asked.release_name, "line": asked.line, "product": asked.product}


def _recipe_digest(plan: RetrainPlan) -> str | None:
    """Of what the recipe's file and its catalogue's say; a file that changed is another recipe."""
    if plan.recipe is None:
        return None
    files = (plan.recipe.path, plan.recipe.catalogue)
    return "+".join(digest_of_file(path) for path in files if path is not None)


def _to_beat(plan: RetrainPlan, states: StepStates) -> LiveOnServer | LiveGiven:
    """Whom to ask: once the gate has answered, the release that it compared with, whatever is live by now."""
    noted = states.read(Step.LIVE)
    if noted is None or states.read(Step.GATE) is None:
        return plan.live
    return LiveGiven(str(noted.outputs["given"]))
