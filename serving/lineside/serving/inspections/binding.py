"""The release that an attempt begins with, and keeps until its verdict whatever is deployed meanwhile."""

from dataclasses import dataclass, field

from lineside.inspection.inspector import Inspector
from lineside.inspection.verdict import ReasonCode
from lineside.serving.clock import Clock
from lineside.serving.deployments.assignment import Assigner, Assignment, Refusal
from lineside.serving.deployments.book import DeploymentRecord, Scope
from lineside.serving.inspections.inspectors import InspectorKey, InspectorPool, ReadyInspector
from lineside.serving.recipes import StoredRecipe
from lineside.serving.releases import Lease, LoadedRelease, ReleaseRef


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """Who examines an attempt's views; holds the release in memory until `end`.

    Attributes:
        inspector: looks at the views; None if no release may or can.
        refusal: why not.
        assignment: what the deployments said.
        missing_candidate: the canary whose release could not be loaded, so that the live one stands in for it.
        lease: of the release that looks.
    """

    inspector: Inspector | None
    refusal: Refusal | None
    assignment: Assignment
    missing_candidate: DeploymentRecord | None = None
    lease: Lease | None = field(default=None, repr=False)

    @property
    def loaded(self) -> LoadedRelease | None:
        """The release that looks."""
        return None if self.lease is None else self.lease.loaded

    def end(self) -> None:
        """The attempt is over."""
        if self.lease is not None:
            self.lease.end()


class Binder:
    """Binds attempts to releases, at one moment each: nothing is awaited between asking and holding."""

    def __init__(self, *, assigner: Assigner, inspectors: InspectorPool, clock: Clock) -> None:
        self._assigner = assigner
        self._inspectors = inspectors
        self._clock = clock

    def live(self, scope: Scope) -> Assignment:
        """Who judges the parts of a scope that no candidate is drawn for; holds nothing."""
        return self._assigner.live(scope, now=self._clock.now())

    def bind(self, stored: StoredRecipe, *, line: str, part_id: str, lot: str | None) -> Binding:
        """Who examines a part.

        Args:
            stored: the recipe that the part is judged by.
            line: where its station stands.
            part_id: the part.
            lot: its lot.
        """
        scope = Scope(line, stored.recipe.product, stored.recipe.release)
        assignment = self._assigner.assign(scope, part_id=part_id, lot=lot, now=self._clock.now())
        if assignment.judge is None:
            return Binding(None, assignment.refusal, assignment)
        ready = self._ready(stored, assignment.judge)
        missing_candidate = None
        if ready is None and assignment.stand_in is not None:
            # A canary whose release is not there has no share.
            if self._failure(stored, assignment.judge) is not None:
                missing_candidate = assignment.candidate
            ready = self._ready(stored, assignment.stand_in)
            assignment = Assignment(judge=assignment.stand_in)
        if ready is None:
            return Binding(None, self._no_release(stored, assignment), assignment, missing_candidate)
        return Binding(ready.inspector, None, assignment, missing_candidate, ready.lease.share())

    def _ready(self, stored: StoredRecipe, ref: ReleaseRef) -> ReadyInspector | None:
        return self._inspectors.ready(InspectorKey(stored.recipe.id, stored.recipe.version, ref))

    def _failure(self, stored: StoredRecipe, ref: ReleaseRef) -> str | None:
        return self._inspectors.failure(InspectorKey(stored.recipe.id, stored.recipe.version, ref))

    def _no_release(self, stored: StoredRecipe, assignment: Assignment) -> Refusal:
        why = None if assignment.judge is None else self._failure(stored, assignment.judge)
        return Refusal(
            ReasonCode.NO_RELEASE, f"release {stored.recipe.release!r} cannot judge: {why or 'it is being loaded'}"
        )
