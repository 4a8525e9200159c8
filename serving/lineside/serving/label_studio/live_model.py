"""Which release would judge a recipe's parts now, and what Label Studio calls it."""

from collections.abc import Sequence

from lineside.datasets.labelling.predictions import suggestion_version
from lineside.serving.deployments.book import Scope
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.inspections.binding import Binder
from lineside.serving.inspections.schemas import ReleaseOut
from lineside.serving.recipes import StoredRecipe
from lineside.serving.releases import ReleaseRef, ReleaseShelf

_NO_MODEL = "lineside"


def model_version(release: ReleaseOut) -> str:
    """A release's name in Label Studio, the same for the same bytes."""
    return suggestion_version(release.name, release.version, release.digest)


class LiveModels:
    """Says which release is live; loads none.

    Args:
        deployments: what is in force.
        binder: follows it.
        releases: those in memory know their versions.
    """

    def __init__(self, deployments: DeploymentService, *, binder: Binder, releases: ReleaseShelf) -> None:
        self._deployments = deployments
        self._binder = binder
        self._releases = releases

    def ref(self, stored: StoredRecipe, line: str) -> ReleaseRef | None:
        """The release whose verdict counts for a recipe's parts at a line; None if none may give one."""
        return self._binder.live(Scope(line, stored.recipe.product, stored.recipe.release)).judge

    def versions(self) -> Sequence[str]:
        """The names of the live releases that are in memory, over all lines and products, sorted."""
        found = set()
        for scope, _ in self._deployments.scopes():
            ref = self._binder.live(scope).judge
            loaded = None if ref is None else self._releases.loaded(ref)
            if loaded is not None:
                found.add(model_version(ReleaseOut.of(loaded.release)))
        return sorted(found)

    def version(self) -> str:
        """One name for all of them: Label Studio keeps one for a backend."""
        return " + ".join(self.versions()) or _NO_MODEL
