"""The gate as a command runs it: evaluate both sides on the same parts, search for leaks, judge, keep the answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lineside.datasets.errors import RevisionUnknown
from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import RevisionSelection, RevisionStore
from lineside.datasets.sample_origins import describe_picked, picked_among
from lineside.inspection.release import MANIFEST_NAME, parse_manifest, starter_release_folder
from lineside.training.errors import GateRefused
from lineside.training.gate import (
    Compared,
    GateCase,
    GateKind,
    GatePolicy,
    GateReport,
    ModelOrigin,
    Override,
    ParityRecord,
    judge,
    learnt_images,
    lineage_of,
    search_for_leaks,
)
from lineside.training.registry import Registry
from lineside.workflows.gate_sides import OnPart, Side, SidePlan, read_side, with_recipe
from lineside.workflows.recipe_rules import RecipeFile
from lineside.workflows.sealed_parts import record_look

REPORT_NAME = "gate.json"

Progress = Callable[[str], AbstractContextManager[OnPart]]
"""Opens a progress bar with a label; what it gives is called with (done, all)."""

_JUDGING_SPLITS = frozenset({Split.GOLDEN, Split.SEALED})
_TIMED_PARTS = 100
_STARTERS = ("pcb-single", "pcb-reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTask:
    """What to put through the gate.

    Attributes:
        candidate: release folder, or an evaluation; with `against_recipe` the release that both recipes use.
        live: what the candidate is compared with; None where nothing is live.
        data: revision and split that judge; None takes what the given evaluation was made on.
        store: where revisions live, a folder or a URL.
        escape_bank: revision of the escape bank; None without one.
        recipe: to judge by; with `against_recipe` the one that wants to come into force.
        against_recipe: the recipe in force; None where a release is judged.
        policy: the limits.
        registry: keeps reports and looks, and knows parents; a folder or a URL.
        engine: "auto", or an engine's name.
        engine_cache: where the choice of engine is remembered; None measures anew.
        sealed_by: who looks at the sealed split; needed if the data selects it.
        override: who promotes whatever the answer is, and why.
    """

    candidate: Path
    live: Path | None
    data: RevisionSelection | None
    store: str
    escape_bank: RevisionSelection | None
    recipe: RecipeFile | None
    against_recipe: RecipeFile | None
    policy: GatePolicy
    registry: str
    engine: str
    engine_cache: Path | None
    sealed_by: str | None
    override: Override | None


@dataclass(frozen=True, slots=True)
class GateRun:
    """The gate's answer and what it rests on.

    Attributes:
        report: the answer; kept in the registry.
        golden: evaluations on the labelled data.
        escape_bank: evaluations on the escape bank; None without one.
    """

    report: GateReport
    golden: Compared
    escape_bank: Compared | None

    def write(self, folder: Path) -> Path:
        """Write the report and every evaluation into a folder; returns the report's path.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT_NAME).write_bytes(self.report.to_bytes())
        for name, compared in (("golden", self.golden), ("escape-bank", self.escape_bank)):
            if compared is None:
                continue
            for side, evaluation in (("candidate", compared.candidate), ("live", compared.live)):
                if evaluation is not None:
                    (folder / f"{name}-{side}.json").write_text(evaluation.to_json(), encoding="utf-8")
        return folder / REPORT_NAME


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both sides before the same parts."""

    candidate: Side
    live: Side | None
    store: RevisionStore
    progress: Progress

    def compare(self, selection: RevisionSelection, *, plan: SidePlan) -> Compared:
        revision = self.store.read(selection.revision)
        with self.progress("candidate") as on_part:
            candidate = self.candidate.evaluate(revision, self.store, selection, plan=plan, on_part=on_part)
        if self.live is None:
            return Compared(candidate=candidate, live=None)
        with self.progress("live") as on_part:
            live = self.live.evaluate(revision, self.store, selection, plan=plan, on_part=on_part)
        return Compared(candidate=candidate, live=live)


def run_gate(task: GateTask, *, now: datetime, progress: Progress) -> GateRun:
    """Evaluate, judge, and keep the report in the registry.

    Args:
        task: what to judge.
        now: aware UTC instant.
        progress: shows how far it is.

    Raises:
        LinesideError: something cannot be used or compared; that is no answer of the gate.
    """
    candidate, live = _sides(task)
    store = RevisionStore(task.store)
    selection = _judging_data(task, candidate)
    revision = store.read(selection.revision)
    images = selection.images(revision)
    _require_sample(images, lineage=(*revision.images, *_learnt_from(candidate, live, store=store)))
    bank_data = _escape_bank_data(task)
    bank_images = () if bank_data is None else bank_data.images(store.read(bank_data.revision))
    look = record_look(
        (*images, *bank_images),  # a bank may be any split, the sealed one too
        name=task.sealed_by,
        registry=task.registry,
        revision=revision.id,
        releases=[side.judged.digest for side in (candidate, live) if side is not None],
        now=now,
    )
    sides = _Sides(candidate, live, store, progress)
    golden = sides.compare(selection, plan=SidePlan(task.engine, task.engine_cache, _timed_parts(task), now))
    bank = None
    if bank_data is not None:
        bank = sides.compare(bank_data, plan=SidePlan(task.engine, task.engine_cache, 0, now))
    registry = Registry(task.registry)
    with progress("searching for leaks") as on_image:
        learnt = learnt_images(lineage_of(_origin(candidate, registry), _known_origins(registry, live)), store)
        leak_check = search_for_leaks(learnt, images, store, on_image=on_image)
    case = GateCase(
        kind=GateKind.RELEASE if task.against_recipe is None else GateKind.RECIPE,
        golden=golden,
        escape_bank=bank,
        parity=_parity(candidate),
        leak_check=leak_check,
        sealed_looks=None if look is None else look.number,
    )
    report = judge(case, policy=task.policy, now=now, override=task.override)
    registry.add_gate_report(report.to_bytes())
    return GateRun(report, golden, bank)


def _sides(task: GateTask) -> tuple[Side, Side | None]:
    if task.against_recipe is None:
        candidate = read_side(task.candidate, recipe=task.recipe)
        return candidate, None if task.live is None else read_side(task.live, recipe=task.recipe)
    if task.recipe is None or task.live is not None:
        raise GateRefused("two recipes are compared with one release: give --recipe and --against-recipe, no --against")
    candidate = read_side(task.candidate, recipe=task.recipe)
    return candidate, with_recipe(candidate, task.against_recipe)


def _judging_data(task: GateTask, candidate: Side) -> RevisionSelection:
    """The revision and split that judge; golden unless said otherwise, and never one that was learnt from."""
    if task.data is not None:
        selection = RevisionSelection(task.data.revision, task.data.splits or (Split.GOLDEN,))
    elif candidate.given is not None:
        given = candidate.given
        selection = RevisionSelection(given.revision, tuple(Split(split) for split in given.splits))
    else:
        raise GateRefused("no labelled data to judge by; give --data REV:golden")
    strangers = set(selection.splits) - _JUDGING_SPLITS
    if strangers or not selection.splits:
        named = ", ".join(sorted(strangers)) or "every split"
        raise GateRefused(
            f"{named} cannot judge a release: golden or sealed parts do, for nothing was learnt from them"
        )
    return selection


def _require_sample(images: Sequence[LabelledImage], *, lineage: Iterable[LabelledImage]) -> None:
    """Refuse parts that one of the revisions knows as picked, or that were made from such."""
    picked = picked_among(images, lineage=lineage)
    if picked:
        raise GateRefused(
            f"{describe_picked(picked)} among the {len(images)} that would judge: they were chosen for what they show, "
            "and are no sample of the line. Judge by random or designed samples"
        )


def _learnt_from(*sides: Side | None, store: RevisionStore) -> Iterator[LabelledImage]:
    """The images of the revisions that the two sides were trained on, as far as they are in the store."""
    for side in sides:
        revision = None if side is None or side.manifest is None else side.manifest.dataset_revision
        if revision is not None:
            with suppress(RevisionUnknown):
                yield from store.read(revision).images


def _escape_bank_data(task: GateTask) -> RevisionSelection | None:
    bank = task.escape_bank
    return None if bank is None else RevisionSelection(bank.revision, bank.splits or (Split.ESCAPE_BANK,))


def _timed_parts(task: GateTask) -> int:
    """None where nobody asks for latency: of a recipe, or by a policy without a limit."""
    limits = task.policy.latency
    is_asked = limits.max_p99_ms is not None or limits.max_ratio_to_live is not None
    return _TIMED_PARTS if is_asked and task.against_recipe is None else 0


def _parity(candidate: Side) -> ParityRecord | None:
    if candidate.manifest is None:
        return None
    return ParityRecord({name: entry.model_dump() for name, entry in candidate.manifest.parity.engines.items()})


def _origin(candidate: Side, registry: Registry) -> ModelOrigin:
    """Where the candidate comes from; of an evaluation alone the registry may know."""
    digest = candidate.judged.digest
    known = {origin.digest: origin for origin in _starter_origins()}
    if digest in known:
        return known[digest]
    if candidate.manifest is not None:
        return ModelOrigin.of(candidate.manifest, digest)
    registered = {found.digest: found.manifest for found in registry.list()}
    if digest in registered:
        return ModelOrigin.of(registered[digest], digest)
    return ModelOrigin(digest=digest, checkpoint_sha256=None, dataset_revision=None, parent=None)


def _known_origins(registry: Registry, live: Side | None) -> Iterable[ModelOrigin]:
    if live is not None and live.manifest is not None:
        yield ModelOrigin.of(live.manifest, live.judged.digest)
    yield from (ModelOrigin.of(found.manifest, found.digest) for found in registry.list())
    yield from _starter_origins()


def _starter_origins() -> Iterator[ModelOrigin]:
    """The releases of the package: trained on generated boards, no photograph among them."""
    for name in _STARTERS:
        path = starter_release_folder(name) / MANIFEST_NAME
        content = path.read_bytes()
        yield ModelOrigin.of_starter(parse_manifest(content, source=str(path)), content)
