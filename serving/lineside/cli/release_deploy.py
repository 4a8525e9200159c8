"""`lineside release promote|rollback|push`: which release runs where, signed by the deploy key."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lineside.cli.output import print_json, print_line, say
from lineside.cli.release_options import (
    DEFAULT_REGISTRY,
    ApiKeyOption,
    DeployKeyOption,
    ExpiresOption,
    JsonOption,
    LinesOption,
    NameArgument,
    PlantOption,
    ProductsOption,
    RegistryOption,
    ServerOption,
    TrustOption,
    VersionArgument,
    now,
    open_key,
    trust_of,
)

if TYPE_CHECKING:
    from lineside.inspection.release import GateOverride, ReleaseReference
    from lineside.training.registry import Registry, SignedDeployment, Signer


def promote(
    name: NameArgument,
    version: VersionArgument,
    key: DeployKeyOption,
    trust: TrustOption,
    plant: PlantOption = "plant-1",
    gate: Annotated[
        Path | None, typer.Option(help="Report of `lineside release gate`; a shadow needs none.", dir_okay=False)
    ] = None,
    lines: LinesOption = None,
    products: ProductsOption = None,
    shadow: Annotated[
        float | None, typer.Option(help="Look on only, at this share of the parts (0-1).", metavar="SHARE")
    ] = None,
    canary: Annotated[
        float | None, typer.Option(help="Judge only this share of the parts or lots (0-1).", metavar="SHARE")
    ] = None,
    unit: Annotated[Literal["part", "lot"], typer.Option(help="What a canary's share is drawn of.")] = "part",
    expires: ExpiresOption = 180.0,
    override_by: Annotated[str | None, typer.Option(help="Who answers for what the gate did not let pass.")] = None,
    override_reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Put a release on the lines and products that the gate let pass, and on no others.

    Signs one deployment for each group of them, under the plant's next serials; prints the serials. With --server the
    package and the deployments are brought there.
    """
    from lineside.inspection.release import CanaryUnit, DeploymentMode
    from lineside.training.gate import GateReport
    from lineside.training.registry import PromotionPlan, Registry
    from lineside.training.registry import promote as promote_release

    if shadow is not None and canary is not None:
        raise typer.BadParameter("a release looks on or judges a share, not both", param_hint="--shadow, --canary")
    mode = (
        DeploymentMode.SHADOW
        if shadow is not None
        else DeploymentMode.CANARY
        if canary is not None
        else DeploymentMode.LIVE
    )
    share = shadow if shadow is not None else canary if canary is not None else 1.0
    if not 0 < share <= 1:
        raise typer.BadParameter(f"{share:g} is no share; expected above 0 and up to 1")
    plan = PromotionPlan(
        name=name,
        version=version,
        plant=plant,
        lines=tuple(lines or ()),
        products=tuple(products or ()),
        mode=mode,
        share=share,
        unit=CanaryUnit(unit) if mode is DeploymentMode.CANARY else None,
        days=expires,
    )
    override = gate_override(override_by, override_reason)
    report = None if gate is None else GateReport.from_bytes(gate.read_bytes(), source=str(gate))
    store = Registry(registry)
    promotion = promote_release(store, plan, _signer(key, trust), report=report, override=override)
    for line, product in promotion.left_out:
        say(f"left out, the gate did not let it pass: product {product} on line {line}")
    _report(promotion.signed, as_json=as_json)
    _push(store, promotion.signed, plant=plant, server=server, api_key=api_key)


def rollback(
    key: DeployKeyOption,
    trust: TrustOption,
    plant: PlantOption = "plant-1",
    name: Annotated[str | None, typer.Option(help="Model line; needed where the plant has several.")] = None,
    lines: LinesOption = None,
    products: ProductsOption = None,
    expires: ExpiresOption = 180.0,
    registry: RegistryOption = DEFAULT_REGISTRY,
    server: ServerOption = None,
    api_key: ApiKeyOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Deploy what was live before, under a new serial; below the first deployment lies the starter release."""
    from lineside.training.registry import Registry, RollbackPlan, roll_back

    plan = RollbackPlan(plant, name, tuple(lines or ()), tuple(products or ()), expires)
    store = Registry(registry)
    done = roll_back(store, plan, _signer(key, trust))
    for signed, replaced in zip(done.signed, done.replaced, strict=True):
        release = signed.deployment.release
        was = ", ".join(_called(each) for each in replaced)
        say(f"from {was} back to {_called(release)}")
    for line, product in done.left_out:
        say(f"left out, nothing lies below what is live: product {product} on line {line}")
    _report(done.signed, as_json=as_json)
    _push(store, done.signed, plant=plant, server=server, api_key=api_key)


def push(
    serials: Annotated[
        list[int], typer.Argument(metavar="SERIAL...", help="Deployments to bring.", show_default=False)
    ],
    server: Annotated[str, typer.Option(help="Where to, e.g. http://127.0.0.1:8470.")],
    plant: PlantOption = "plant-1",
    registry: RegistryOption = DEFAULT_REGISTRY,
    api_key: ApiKeyOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Bring signed deployments and their releases to a server: one that was away when they were signed."""
    from lineside.training.registry import DeploymentLog, Registry

    store = Registry(registry)
    log = DeploymentLog(store.storage, plant)
    signed = [log.require(serial) for serial in sorted(serials)]
    _report(signed, as_json=as_json)
    _push(store, signed, plant=plant, server=server, api_key=api_key)


def _signer(key: Path, trust: Path) -> "Signer":
    from lineside.inspection.release import Role
    from lineside.training.registry import Signer

    return Signer(open_key(key, Role.DEPLOY), trust_of(trust), now())


def gate_override(name: str | None, reason: str | None) -> "GateOverride | None":
    """Who answers for what the gate did not let pass; None if nobody was named.

    Raises:
        BadParameter: only one of the two was given.
    """
    from lineside.inspection.release import GateOverride

    if name is None and reason is None:
        return None
    if not (name or "").strip() or not (reason or "").strip():
        raise typer.BadParameter("an override needs a name and a reason", param_hint="--override-by, --override-reason")
    return GateOverride(str(name), str(reason))


def _called(release: "ReleaseReference") -> str:
    return f"{release.name} {release.version} ({release.digest[:8]})"


def _report(signed: "Sequence[SignedDeployment]", *, as_json: bool) -> None:
    if as_json:
        print_json([each.deployment.to_json() for each in signed])
        return
    for each in signed:
        deployment = each.deployment
        release = deployment.release
        where = f"lines {', '.join(deployment.lines)}, products {', '.join(deployment.products)}"
        how = "" if deployment.share == 1 else f" for {deployment.share:.0%}"
        say(
            f"signed deployment {deployment.serial} of plant {deployment.plant}: {_called(release)} "
            f"{deployment.mode.value}{how} on {where}, until {deployment.expires_at:%Y-%m-%d}"
        )
        print_line(str(deployment.serial))


def _push(
    registry: "Registry", signed: "Sequence[SignedDeployment]", *, plant: str, server: str | None, api_key: str | None
) -> None:
    if server is None:
        return
    if not api_key:
        raise typer.BadParameter("--server needs an API key of role mlops: LINESIDE_API_KEY", param_hint="--api-key")
    from lineside.client import ClientError
    from lineside.workflows.deploying import bring

    try:
        bring(registry, signed, server=server, api_key=api_key)
    except ClientError:
        serials = " ".join(str(each.deployment.serial) for each in signed)
        say(f"signed, but not brought to {server}; then: lineside release push {serials} --plant {plant} --server ...")
        raise
    say(f"{server} has it")
