"""Rolling back: what was live before, deployed again under a new serial."""

from dataclasses import dataclass

from lineside.inspection.errors import ReleaseUnverified
from lineside.inspection.release import (
    Deployment,
    DeploymentCause,
    DeploymentMode,
    ReleaseReference,
    read_release,
    starter_release_folder,
)
from lineside.training.errors import NothingToRollBack
from lineside.training.registry.deployments import DeploymentLog, SignedDeployment
from lineside.training.registry.history import Area, History, Place, areas
from lineside.training.registry.promotion import Signer, expiry, require_trusted
from lineside.training.registry.releases import Registry


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What is to be rolled back.

    Attributes:
        plant: as the server's settings name it.
        name: of the model line; None if the plant has only one.
        lines: only on these; empty takes all.
        products: only for these; empty takes all.
        days: until the new deployment expires.
    """

    plant: str
    name: str | None = None
    lines: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    days: float = 180.0


@dataclass(frozen=True, slots=True)
class Rollback:
    """What came of it.

    Attributes:
        signed: one deployment for each group of lines and products, in the order of their serials.
        replaced: what was live there, in the same order.
    """

    signed: tuple[SignedDeployment, ...]
    replaced: tuple[tuple[ReleaseReference, ...], ...]


def roll_back(registry: Registry, plan: RollbackPlan, signer: Signer) -> Rollback:
    """Sign deployments of what was live before.

    Below the first deployment lies the starter release of the same name, if the package has one. A retired release is
    passed over.

    Raises:
        NothingToRollBack: nothing was deployed there, or nothing lies below it.
        ReleaseUnverified: a server would refuse the earlier release.
        RegistryDamaged: the registry's deployments are not those of this plant's deploy keys.
        PromotionRefused: the key is not trusted to deploy.
    """
    require_trusted(signer)
    log = DeploymentLog(registry.storage, plan.plant)
    deployments = tuple(log.verified(signer.trust))
    name = plan.name or _only_name(deployments, plan.plant)
    history = History(deployments, name=name)
    places = history.places(plan.lines, plan.products)
    if not places:
        raise NothingToRollBack(f"no {name} was deployed there in plant {plan.plant!r}; see `lineside release list`")
    before = {place: _before(registry, history.stack(place), place) for place in places}
    for release in {release for release in before.values() if not _is_starter(release)}:
        registry.verify(release.name, release.version, signer.trust, now=signer.now)
    issued_at, expires_at = expiry(signer.now, plan.days)
    signed: list[SignedDeployment] = []
    replaced: list[tuple[ReleaseReference, ...]] = []
    for release, area in areas(before):

        def make(
            serial: int, previous: int | None, release: ReleaseReference = release, area: Area = area
        ) -> Deployment:
            return Deployment(
                serial=serial,
                plant=plan.plant,
                lines=area.lines,
                products=area.products,
                mode=DeploymentMode.LIVE,
                share=1.0,
                unit=None,
                release=release,
                issued_at=issued_at,
                expires_at=expires_at,
                gate=None,
                cause=DeploymentCause.ROLLBACK,
                previous_serial=previous,
            )

        signed.append(log.append(make, signer.key))
        replaced.append(_live_in(history, places, signed[-1].deployment))
    return Rollback(tuple(signed), tuple(replaced))


def _only_name(deployments: tuple[Deployment, ...], plant: str) -> str:
    names = sorted({each.release.name for each in deployments if each.mode is DeploymentMode.LIVE})
    if len(names) != 1:
        raise NothingToRollBack(
            f"plant {plant!r} has live deployments of {', '.join(names) or 'nothing'}; "
            + ("name one of them" if names else "there is nothing to roll back")
        )
    return names[0]


def _before(registry: Registry, stack: tuple[ReleaseReference, ...], place: Place) -> ReleaseReference:
    for release in reversed(stack[:-1]):
        if registry.retirement_of(release.digest) is None:
            return release
    live = stack[-1]
    starter = _starter(live.name)
    if starter is None or starter == live:
        raise NothingToRollBack(
            f"nothing that may run was live before {live.name} {live.version} for product {place[1]} on line "
            f"{place[0]}; promote another release"
        )
    return starter


def _starter(name: str) -> ReleaseReference | None:
    """The release of this name that comes with the package; every server has it."""
    try:
        starter = read_release(starter_release_folder(name))
    except ReleaseUnverified:
        return None
    return ReleaseReference(starter.name, starter.version, starter.digest)


def _is_starter(release: ReleaseReference) -> bool:
    return release == _starter(release.name)


def _live_in(history: History, places: tuple[Place, ...], deployment: Deployment) -> tuple[ReleaseReference, ...]:
    found = {
        history.stack((line, product))[-1]: None
        for line, product in places
        if deployment.covers(line=line, product=product)
    }
    return tuple(found)
