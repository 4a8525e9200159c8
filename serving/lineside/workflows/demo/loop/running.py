"""The loop whole: the line runs, its process changes, people label what the queue picks, and a better model goes live.

Everything is real but the boards and the person: our server, Label Studio, the training, the gate, the signatures.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from lineside.datasets.labelled import LabelledBox
from lineside.datasets.labelling import LabelStudio, Token
from lineside.datasets.revisions import Revision, RevisionStore
from lineside.datasets.sampling import QueueShares
from lineside.datasets.synthetic import TILE_PX
from lineside.inspection.release import Role, SigningKey, TrustStore, starter_release_folder
from lineside.serving.clock import SystemClock
from lineside.serving.settings import Settings
from lineside.workflows.demo.child_process import ChildProcess
from lineside.workflows.demo.line_at_work import Line
from lineside.workflows.demo.loop.annotator import Annotator
from lineside.workflows.demo.loop.first_revision import write_first_revision
from lineside.workflows.demo.loop.plan import PRODUCT, Arm, LoopPlan
from lineside.workflows.demo.loop.studio_annotator import Labelled, TruthOfPart, label_waiting_tasks
from lineside.workflows.demo.loop.summary import LoopSummary, Stretch
from lineside.workflows.demo.running import DemoClients, demo_clients
from lineside.workflows.demo.server_child import server_child
from lineside.workflows.demo.site import RELEASE, DemoKeys, demo_keys, enrol
from lineside.workflows.demo.tally import Passage
from lineside.workflows.errors import DemoLacksExtras, LineFailed
from lineside.workflows.label_server import LabelServerHome, label_server, label_studio_python
from lineside.workflows.labelling import LabelSite, PushOptions, QueueOptions, Workplace, push_labels, queue_labels
from lineside.workflows.retraining import (
    LabelSource,
    LiveOnServer,
    Phase,
    Promotion,
    RetrainPlan,
    RetrainProgress,
    RetrainReport,
    ServerAccess,
    StudioAccess,
    TrainingWishes,
    retrain,
)

PROJECT = "loop-demo"
_NEEDED = ("torch", "ultralytics", "label_studio_sdk")
_ENGINE = "openvino-fp32"  # judges golden parts: float32 needs no 200 defects to be offered
_ENGINES = ("onnxruntime-fp32", _ENGINE)
_LIVE_WITHIN_S = 120.0
_PATIENCE_S = 60.0

Say = Callable[[str], None]
Opened = TypeVar("Opened")


def require_extras(is_installed: Callable[[str], bool] = lambda name: find_spec(name) is not None) -> None:
    """Refuse to begin without what the later steps need.

    Args:
        is_installed: whether a module can be imported.

    Raises:
        DemoLacksExtras: the message names what is missing and how to get it.
    """
    missing = [name for name in _NEEDED if not is_installed(name)]
    if missing:
        raise DemoLacksExtras(
            f"the demonstration of the labelling loop trains a model and labels in Label Studio; {', '.join(missing)} "
            "is not installed: pip install 'lineside[training,labelling]'"
        )


async def run_loop(plan: LoopPlan, *, say: Say, studio_home: Path | None = None) -> LoopSummary:
    """Run the loop once.

    Args:
        plan: what to do; its folder must be new or empty.
        say: told of each step, a line at a time.
        studio_home: of the Label Studio that is started; None makes a new one, whose first start takes a minute or two.

    Raises:
        DemoLacksExtras: an extra is missing.
        LabelServerNotInstalled: Label Studio's environment could not be made.
        LineFailed: the folder holds something already, or the candidate never came to judge.
        LinesideError: a step does not do. A refused gate is no error: the line goes on with what it has.
    """
    require_extras()
    if plan.out.exists() and any(plan.out.iterdir()):
        raise LineFailed(f"{plan.out} is not empty; the demonstration of the loop wants a folder of its own: --out")
    plan.out.mkdir(parents=True, exist_ok=True, mode=0o700)
    python = await asyncio.to_thread(label_studio_python)
    return await _Loop(plan, say, studio_home or plan.out / "label-studio").run(python=python)


@dataclass(frozen=True, slots=True)
class _Plant:
    """What runs while the loop does."""

    server: ChildProcess
    url: str
    keys: DemoKeys
    clients: DemoClients
    studio_url: str
    studio_token: Token


class _Loop:
    """One demonstration."""

    def __init__(self, plan: LoopPlan, say: Say, studio_home: Path) -> None:
        self._plan = plan
        self._say = say
        self._studio_home = studio_home
        self._store = RevisionStore(str(plan.out / "datasets"))
        self._build_key = SigningKey.generate(Role.BUILD)
        self._deploy_key = SigningKey.generate(Role.DEPLOY)
        self._trust = TrustStore([self._build_key.public, self._deploy_key.public])
        self._run_id = f"L{datetime.now(UTC):%y%m%d%H%M%S}"
        self._truth: dict[str, TruthOfPart] = {}
        self._seconds: dict[str, float] = {}

    async def run(self, *, python: Path) -> LoopSummary:
        plan = self._plan
        with self._timed("first labels"):
            first = await asyncio.to_thread(write_first_revision, self._store, plan.first, seed=plan.seed)
            self._say(f"revision {first.id[:12]}: {len(first.images)} labelled parts, golden ones among them")
        async with AsyncExitStack() as stack:
            plant = await self._start(stack, python)
            with self._timed("line before"):
                steady = await self._line(plant, first_part=0, parts=plan.steady_parts)
                self._say("the process changes: from here on some defects are thin films of copper")
                before = await self._line(plant, first_part=plan.steady_parts, parts=plan.parts_before)
                self._say(_said(before))
            with self._timed("labelling"):
                reasons, labelled = await self._label(plant, first)
            with self._timed("retraining"):
                report = await plant.server.watch(asyncio.to_thread(self._retrain, plant, first))
                for line in report.headlines:
                    self._say(line)
            if report.serials:
                await self._until_live(plant, f"{report.name} {report.version}")
            else:
                self._say("the gate refused: the line goes on with the model that it has")
            with self._timed("line after"):
                after = await self._line(
                    plant, first_part=plan.steady_parts + plan.parts_before, parts=plan.parts_after
                )
                self._say(_said(after))
        return LoopSummary(
            plan=plan,
            steady=steady,
            before=before,
            after=after,
            reasons=reasons,
            labelled=labelled,
            revision=report.revision,
            candidate=f"{report.name} {report.version}",
            gate=report.gate.overall.value,
            refusals=_refusals(report),
            serials=report.serials,
            retrain_page=report.summary,
            seconds=dict(self._seconds),
        )

    async def _start(self, stack: AsyncExitStack, python: Path) -> _Plant:
        plan = self._plan
        trust_file = plan.out / "trust.json"
        trust_file.write_bytes(self._trust.to_json())
        line = replace(plan.line(), trust_file=trust_file)
        line.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._say("starting the server and Label Studio")
        home = LabelServerHome.open(self._studio_home)
        studio = label_server(home, python, port=0, say=self._say)
        running = await stack.enter_async_context(_on_a_thread(studio))
        server = await stack.enter_async_context(server_child(line, port=0))
        keys = stack.enter_context(demo_keys(Settings(data_dir=line.data_dir, database_url=None), SystemClock()))
        url = str(server.announced["url"])
        clients = await stack.enter_async_context(demo_clients(url, keys))
        await enrol(clients.admin, audit_share=0.0, ok_share=1.0)
        return _Plant(server, url, keys, clients, running.url, Token(home.login.token))

    async def _line(self, plant: _Plant, *, first_part: int, parts: int) -> Stretch:
        """Let the line make parts; what became of them."""
        passages: list[Passage] = []

        def note(passage: Passage) -> None:
            passages.append(passage)
            part = passage.part
            boxes = tuple(LabelledBox(str(defect.defect_class), defect.box_xyxy_px) for defect in part.defects)
            self._truth[part.part_id] = TruthOfPart(boxes, (TILE_PX, TILE_PX), part.is_film)

        if parts:
            line = Line(
                self._plan.line(first_part=first_part, parts=parts),
                station=plant.clients.station,
                mes=plant.clients.mes,
                run_id=self._run_id,
                on_passage=note,
                clock=SystemClock(),
            )
            await plant.server.watch(line.run(asyncio.Event()))
        return Stretch.of(passages)

    async def _label(self, plant: _Plant, first: Revision) -> tuple[Counter[str], Labelled]:
        """Queue, push, and let the person read."""
        plan = self._plan
        site = LabelSite(
            client=plant.clients.quality,
            server=plant.url,
            project=PROJECT,
            workplace=Workplace(plan.out / "workplace"),
            say=self._say,
        )
        await site.open()
        await plant.clients.quality.put_label_project(PROJECT, revision=first.id)
        queued = await queue_labels(
            site,
            QueueOptions(
                budget=plan.budget,
                seed=plan.seed,
                start=datetime(2026, 1, 1, tzinfo=UTC),
                shares=QueueShares() if plan.arm is Arm.PICKED else QueueShares.of({"random": 1.0}),
                product=PRODUCT,
                release=starter_release_folder(RELEASE) if plan.arm is Arm.PICKED else None,
                store=self._store,
            ),
        )
        reasons = Counter(pick.reason.value for pick in queued.plan.picks)
        self._say(f"{queued.new} parts picked: {', '.join(f'{count} {reason}' for reason, count in reasons.items())}")
        with LabelStudio(plant.studio_url, plant.studio_token) as studio:
            pushed = await push_labels(site, studio, PushOptions(studio_url=plant.studio_url))
        labelled = await asyncio.to_thread(
            label_waiting_tasks,
            plant.studio_url,
            plant.studio_token,
            project_id=pushed.studio_project_id,
            truth=self._truth,
            annotator=Annotator(plan.annotator_errors, plan.seed),
        )
        self._say(
            f"{labelled.parts} parts labelled in Label Studio, {labelled.wrong} of them wrongly; {labelled.films} show "
            "the new look"
        )
        return reasons, labelled

    def _retrain(self, plant: _Plant, first: Revision) -> RetrainReport:
        plan = self._plan
        access = ServerAccess(plant.url, plant.keys.mlops)
        return retrain(
            RetrainPlan(
                out=plan.out / "retraining",
                store=self._store.url,
                registry=str(plan.out / "registry"),
                revision=first.id,
                labels=LabelSource(
                    server=access,
                    project=PROJECT,
                    studio=StudioAccess(plant.studio_url, plant.studio_token),
                    workplace=Workplace(plan.out / "workplace"),
                ),
                live=LiveOnServer(server=access, product=PRODUCT),
                build_key=self._build_key,
                split_seed=plan.seed,
                training=TrainingWishes(
                    epochs=plan.epochs,
                    minutes=plan.minutes,
                    crops_per_image=plan.crops_per_image,
                    seed=plan.seed,
                    validate_every=max(1, plan.epochs // 3),
                ),
                parity_frames=plan.parity_frames,
                engines=_ENGINES,
                engine=_ENGINE,
                promotion=Promotion(key=self._deploy_key, trust=self._trust, server=access),
                command="lineside demo loop",
            ),
            on_progress=self._told,
        )

    def _told(self, progress: RetrainProgress) -> None:
        """Steps of the retraining; how far each is does not matter here."""
        if progress.phase is Phase.STARTED:
            self._say(f"retraining: {progress.step.value}")

    async def _until_live(self, plant: _Plant, candidate: str) -> None:
        """Wait until the server judges by the candidate.

        Raises:
            LineFailed: it does not within two minutes.
        """
        give_up_s = time.monotonic() + _LIVE_WITHIN_S
        while time.monotonic() < give_up_s:
            for scope in await plant.clients.mlops.in_force():
                live = scope["live"]
                if scope["product"] == PRODUCT and live and f"{live['name']} {live['version']}" == candidate:
                    self._say(f"{candidate} is live")
                    return
            await asyncio.sleep(0.5)
        raise LineFailed(
            f"{candidate} was deployed and does not judge within {_LIVE_WITHIN_S:.0f} s; see the server's log"
        )

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started_s = time.monotonic()
        try:
            yield
        finally:
            self._seconds[step] = round(time.monotonic() - started_s, 1)


@asynccontextmanager
async def _on_a_thread(blocking: AbstractContextManager[Opened]) -> AsyncIterator[Opened]:
    """Enter and leave what takes its time beside the event loop."""
    opened = await asyncio.to_thread(blocking.__enter__)
    try:
        yield opened
    finally:
        await asyncio.to_thread(blocking.__exit__, None, None, None)


def _said(stretch: Stretch) -> str:
    rate = stretch.escape_rate()
    escapes = stretch.film_escapes + stretch.solid_escapes
    return (
        f"{stretch.parts} parts, {stretch.films + stretch.solids} of them defective: {escapes} escapes "
        f"({stretch.film_escapes} of {stretch.films} films), {rate.lower:.0%} to {rate.upper:.0%}; "
        f"{stretch.false_calls} false calls"
    )


def _refusals(report: RetrainReport) -> tuple[str, ...]:
    """What stands in the way, where."""
    found = [f"{criterion.title}: {criterion.detail}" for criterion in report.gate.blocking]
    for scope in report.gate.scopes:
        found += [f"{scope.scope}: {criterion.title}: {criterion.detail}" for criterion in scope.blocking]
    return tuple(found)
