"""What was live where: the deployments of a plant, read in the order of their serials."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lineside.inspection.release import EVERYWHERE, Deployment, DeploymentCause, DeploymentMode, ReleaseReference

Place = tuple[str, str]
"""A line and a product; `*` in the place of one means: all those that are not named anywhere."""


@dataclass(frozen=True, slots=True)
class Area:
    """Lines and products of one deployment.

    Attributes:
        lines: on each of them,
        products: each of these.
    """

    lines: tuple[str, ...]
    products: tuple[str, ...]


class History:
    """The live deployments of one model line in one plant.

    Args:
        deployments: of the plant, in any order; those of other names, shadows and canaries are passed over.
        name: of the model line.
    """

    def __init__(self, deployments: Iterable[Deployment], *, name: str) -> None:
        live = (each for each in deployments if each.mode is DeploymentMode.LIVE and each.release.name == name)
        self.deployments: Sequence[Deployment] = sorted(live, key=lambda each: each.serial)

    def places(self, lines: Sequence[str] = (), products: Sequence[str] = ()) -> tuple[Place, ...]:
        """Every line and product that is spoken of; only those asked for, if some are."""
        said_lines = {line for each in self.deployments for line in each.lines}
        said_products = {product for each in self.deployments for product in each.products}
        return tuple(
            (line, product)
            for line in (lines or sorted(said_lines))
            for product in (products or sorted(said_products))
            if self.stack((line, product))
        )

    def stack(self, place: Place) -> tuple[ReleaseReference, ...]:
        """What was live at a place, the present one last. A rollback takes off what it rolled back."""
        line, product = place
        stack: list[ReleaseReference] = []
        for each in self.deployments:
            if not each.covers(line=line, product=product):
                continue
            known = [reference.digest for reference in stack]
            if each.cause is DeploymentCause.ROLLBACK:
                # to one that was never deployed here: the starter, which lies below them all
                kept = known.index(each.release.digest) if each.release.digest in known else 0
                stack[kept:] = [each.release]
            elif known[-1:] != [each.release.digest]:  # promoting again only prolongs it
                stack.append(each.release)
        return tuple(stack)

    def live(self, place: Place) -> ReleaseReference | None:
        """What judges at a place by these deployments."""
        stack = self.stack(place)
        return stack[-1] if stack else None

    def live_within(self, place: Place) -> Mapping[Place, ReleaseReference | None]:
        """What judges wherever a deployment at a place would reach: `*` reaches what is named elsewhere too.

        Returns:
            The place itself, and within it each line and product that a deployment names; None where none speaks of it.
        """
        line, product = place
        said_lines = {each for deployment in self.deployments for each in deployment.lines}
        said_products = {each for deployment in self.deployments for each in deployment.products}
        lines = {line} | (said_lines if line == EVERYWHERE else set())
        products = {product} | (said_products if product == EVERYWHERE else set())
        return {at: self.live(at) for at in sorted((each, other) for each in lines for other in products)}


def areas(releases: Mapping[Place, ReleaseReference]) -> list[tuple[ReleaseReference, Area]]:
    """Group places into few deployments that reach exactly them.

    Returns:
        Those with `*` first: a later deployment has the higher serial and speaks for the places that it names.
    """
    by_line: dict[str, dict[str, ReleaseReference]] = {}
    for (line, product), release in releases.items():
        by_line.setdefault(line, {})[product] = release
    groups: dict[tuple[tuple[str, ReleaseReference], ...], list[str]] = {}
    for line, products in by_line.items():
        key = tuple(sorted(products.items(), key=lambda item: item[0]))
        groups.setdefault(key, []).append(line)
    found: list[tuple[ReleaseReference, Area]] = []
    for content, lines in groups.items():
        by_release: dict[ReleaseReference, list[str]] = {}
        for product, release in content:
            by_release.setdefault(release, []).append(product)
        found += [(release, Area(_spelt(lines), _spelt(named))) for release, named in by_release.items()]
    return sorted(found, key=lambda one: (EVERYWHERE not in one[1].lines, EVERYWHERE not in one[1].products))


def _spelt(names: Sequence[str]) -> tuple[str, ...]:
    return (EVERYWHERE,) if EVERYWHERE in names else tuple(sorted(names))
