"""Rolling back: what was live before, deployed again under a new serial."""

from dataclasses import dataclass

from lineside.inspection.release import (
    EVERYWHERE,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    ReleaseReference,
)
from lineside.training.errors import NothingToRollBack
from lineside.training.registry.deployments import DeploymentLog, SignedDeployment
from lineside.training.registry.history import Area, History, Place, areas
from lineside.training.registry.promotion import Signer, expiry, require_trusted
from lineside.training.registry.releases import Registry, starter_reference


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
        left_out: lines and products with nothing below what is live.
    """

    signed: tuple[SignedDeployment, ...]
    replaced: tuple[tuple[ReleaseReference, ...], ...]
    left_out: tuple[Place, ...]


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
    found = {place: _before(registry, history.stack(place)) for place in places}
    before = {place: release for place, release in found.items() if release is not None}
    if not before:
        raise NothingToRollBack(
            f"nothing that may run was live before the present {name} in plant {plan.plant!r}; promote another release"
        )
    for release in {release for release in before.values() if not registry.is_starter(release)}:
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
        here = [place for place in before if before[place] == release and _is_in(area, place)]
        replaced.append(tuple(dict.fromkeys(history.stack(place)[-1] for place in here)))
    return Rollback(tuple(signed), tuple(replaced), tuple(place for place in places if place not in before))


def _only_name(deployments: tuple[Deployment, ...], plant: str) -> str:
    names = sorted({each.release.name for each in deployments if each.mode is DeploymentMode.LIVE})
    if len(names) != 1:
        raise NothingToRollBack(
            f"plant {plant!r} has live deployments of {', '.join(names) or 'nothing'}; "
            + ("name one of them" if names else "there is nothing to roll back")
        )
    return names[0]


def _before(registry: Registry, stack: tuple[ReleaseReference, ...]) -> ReleaseReference | None:
    for release in reversed(stack[:-1]):
        if registry.retirement_of(release.digest) is None:
            return release
    starter = starter_reference(stack[-1].name)
    return None if starter == stack[-1] else starter


def _is_in(area: Area, place: Place) -> bool:
    line, product = place
    return (EVERYWHERE in area.lines or line in area.lines) and (
        EVERYWHERE in area.products or product in area.products
    )
