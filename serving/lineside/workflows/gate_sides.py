"""The two sides of the gate: a release folder to be evaluated, or an evaluation that somebody made before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lineside.datasets.revisions import Revision, RevisionSelection, RevisionStore
from lineside.inspection.release import MANIFEST_NAME, Manifest, Release, parse_manifest, read_release
from lineside.training.errors import GateRefused
from lineside.training.evaluation import Evaluation, EvaluationPlan, JudgedRelease, Rules, judge_revision
from lineside.workflows.recipe_rules import RecipeFile, rules_for

EVALUATION_NAME = "evaluation.json"

OnPart = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Candidate or live.

    Attributes:
        source: what messages call it.
        release: to be evaluated; None where only an evaluation is given.
        manifest: of the release; None with the release.
        given: the evaluation that somebody made before; None where there is a release.
        rules: recipe and references to evaluate with.
        recipe_digest: of the recipe's text; None without one.
    """

    source: str
    release: Release | None
    manifest: Manifest | None
    given: Evaluation | None
    rules: Rules
    recipe_digest: str | None

    @property
    def judged(self) -> JudgedRelease:
        """Which release it is."""
        if self.release is not None:
            return JudgedRelease(self.release.name, self.release.version, self.release.digest)
        if self.given is not None:
            return self.given.release
        raise GateRefused(f"{self.source} is neither a release nor an evaluation")

    def evaluate(
        self,
        revision: Revision,
        store: RevisionStore,
        selection: RevisionSelection,
        *,
        plan: "SidePlan",
        on_part: OnPart,
    ) -> Evaluation:
        """What became of the parts on this side.

        Args:
            revision: labelled parts.
            store: holds their pictures.
            selection: the splits.
            plan: engine and time.
            on_part: called after each part with how many are done and how many there are.

        Raises:
            GateRefused: only an evaluation of other data is at hand.
            LinesideError: the release does not run here, or the data does not fit it.
        """
        if self.given is not None:
            return self._fitting(self.given, revision, selection.splits)
        if self.release is None:
            raise GateRefused(f"{self.source} holds no release that could be evaluated")
        return judge_revision(
            self.release,
            revision,
            store,
            plan=EvaluationPlan(
                splits=selection.splits,
                engine=plan.engine,
                engine_cache=plan.engine_cache,
                rules=self.rules,
                recipe_digest=self.recipe_digest,
                timed_parts=plan.timed_parts,
            ),
            now=plan.now,
            on_part=on_part,
        ).evaluation

    def _fitting(self, given: Evaluation, revision: Revision, splits: Sequence[str]) -> Evaluation:
        asked = tuple(sorted(splits))
        if (given.revision, given.splits) != (revision.id, asked):
            raise GateRefused(
                f"{self.source} is an evaluation of {given.revision[:12]}:{','.join(given.splits)}; asked for is "
                f"{revision.id[:12]}:{','.join(asked)}. Give the release itself, or an evaluation of the same data"
            )
        return given


@dataclass(frozen=True, slots=True)
class SidePlan:
    """How a release is evaluated for the gate.

    Attributes:
        engine: "auto", or an engine's name.
        engine_cache: where the choice of engine is remembered; None measures anew.
        timed_parts: how many parts to time; 0 times none.
        now: aware UTC instant at which calibrations and references must be valid.
    """

    engine: str
    engine_cache: Path | None
    timed_parts: int
    now: datetime


def read_side(path: Path, *, recipe: RecipeFile | None) -> Side:
    """A release folder, an `evaluation.json`, or a folder that holds one.

    Args:
        path: of it.
        recipe: to evaluate the release with; an evaluation has its own.

    Raises:
        GateRefused: it is neither, or a recipe is given for an evaluation.
        LinesideError: release, evaluation or recipe cannot be used.
    """
    if (path / MANIFEST_NAME).is_file():
        release = read_release(path)
        manifest = parse_manifest((path / MANIFEST_NAME).read_bytes(), source=str(path / MANIFEST_NAME))
        return _release_side(str(path), release, manifest, recipe)
    file = path / EVALUATION_NAME if path.is_dir() else path
    if not file.is_file():
        raise GateRefused(f"{path} holds neither a release nor {EVALUATION_NAME}; build the release first")
    if recipe is not None:
        raise GateRefused(f"{file} was evaluated with its own rules; give the release itself to judge it by a recipe")
    given = Evaluation.from_json(file.read_bytes(), source=str(file))
    return Side(str(file), None, None, given, Rules(), None)


def with_recipe(side: Side, recipe: RecipeFile) -> Side:
    """The same release under another recipe.

    Raises:
        GateRefused: there is no release at hand.
        LinesideError: the recipe cannot be used.
    """
    if side.release is None or side.manifest is None:
        raise GateRefused(f"{side.source} is an evaluation; two recipes are compared with a release folder")
    return _release_side(side.source, side.release, side.manifest, recipe)


def _release_side(source: str, release: Release, manifest: Manifest, recipe: RecipeFile | None) -> Side:
    rules, digest = rules_for(recipe, release)
    return Side(source, release, manifest, None, rules, digest)
