"""Promoting a release: exactly where the gate let it pass, signed, under the plant's next serial."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.inspection.release import (
    EVERYWHERE,
    CanaryUnit,
    Deployment,
    DeploymentCause,
    DeploymentMode,
    GateEvidence,
    GateOverride,
    ReleaseReference,
    Role,
    SigningKey,
    TrustStore,
)
from lineside.training.errors import PromotionRefused, ReleaseUnknown
from lineside.training.gate import GateKind, GateReport, Scope
from lineside.training.registry.deployments import DeploymentLog, SignedDeployment
from lineside.training.registry.history import Area, History, Place, areas
from lineside.training.registry.releases import Registry, starter_reference


@dataclass(frozen=True, slots=True)
class PromotionPlan:
    """What is to be promoted, and where at most.

    Attributes:
        name: of the model line.
        version: of the release.
        plant: as the server's settings name it.
        lines: only these; empty takes all that the gate's report speaks of.
        products: only these; likewise.
        mode: live, in shadow or as canary.
        share: of the parts or lots in shadow or canary; 1 when live.
        unit: what a canary's share is drawn of.
        days: until it expires.
    """

    name: str
    version: str
    plant: str
    lines: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    mode: DeploymentMode = DeploymentMode.LIVE
    share: float = 1.0
    unit: CanaryUnit | None = None
    days: float = 180.0


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of it.

    Attributes:
        signed: one deployment for each group of lines and products, in the order of their serials.
        left_out: lines and products that were asked for and that the gate did not let pass.
    """

    signed: tuple[SignedDeployment, ...]
    left_out: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, and by what the registry is checked before.

    Attributes:
        key: the deploy key.
        trust: the plant's trust file.
        now: aware.
    """

    key: SigningKey
    trust: TrustStore
    now: datetime


def promote(
    registry: Registry,
    plan: PromotionPlan,
    signer: Signer,
    *,
    report: GateReport | None,
    override: GateOverride | None = None,
) -> Promotion:
    """Sign the deployments of a release.

    Args:
        registry: holds the release, signed by the build key.
        plan: what and where.
        signer: who.
        report: of the gate, on this very release. A shadow needs none.
        override: somebody answers for lines and products that did not pass.

    Returns:
        What was signed. Nothing is live before a server has it.

    Raises:
        PromotionRefused: the gate's report is missing, of another release, of a comparison with what is no longer live,
            or let nothing pass of what was asked; or the release is retired; or the key is not trusted to deploy.
        ReleaseUnverified: a server would refuse the release.
        RegistryDamaged: the registry's deployments are not those of this plant's deploy keys.
    """
    reference = _reference(registry, plan, signer)
    wanted = _wanted(plan, report)
    if report is not None:
        _require_report_of(report, reference)
    override = override or _override_of(report)
    is_shadow = plan.mode is DeploymentMode.SHADOW  # it judges nothing, so it may look on anywhere
    passed = wanted if override is not None or is_shadow else _passed(plan, report)
    if not passed:
        raise PromotionRefused(_nothing_passed(plan, report))
    log = DeploymentLog(registry.storage, plan.plant)
    if report is not None and override is None and not is_shadow:
        _require_still_live(report, History(log.verified(signer.trust), name=plan.name), passed)
    evidence = _keep_evidence(registry, report, override)
    chosen = dict.fromkeys(passed, reference)
    signed = tuple(
        log.append(
            lambda serial, previous, area=area: _deployment(plan, reference, area, evidence, signer, serial, previous),  # type: ignore[misc]  # bound now
            signer.key,
        )
        for _, area in areas(chosen)
    )
    return Promotion(signed, tuple(place for place in wanted if place not in passed))


def _reference(registry: Registry, plan: PromotionPlan, signer: Signer) -> ReleaseReference:
    """The release, as a server would run it; a starter comes with every server, and needs no signature."""
    try:
        digest = registry.find(plan.name, plan.version).digest
    except ReleaseUnknown:
        starter = starter_reference(plan.name)
        if starter is None or starter.version != plan.version:
            raise
        digest = starter.digest
    retirement = registry.retirement_of(digest)
    if retirement is not None:
        raise PromotionRefused(f"{plan.name} {plan.version} was retired by {retirement.name}: {retirement.reason}")
    require_trusted(signer)
    reference = ReleaseReference(plan.name, plan.version, digest)
    if not registry.is_starter(reference):
        registry.verify(plan.name, plan.version, signer.trust, now=signer.now)
    return reference


def require_trusted(signer: Signer) -> None:
    """Refuse a key that servers would refuse, before a serial is taken with it.

    Raises:
        PromotionRefused: the key may not deploy.
    """
    try:
        signer.trust.key_of(signer.key.public.key_id, role=Role.DEPLOY, now=signer.now)
    except ValueError as error:
        raise PromotionRefused(f"servers would refuse this key's deployments: {error}") from error


def expiry(now: datetime, days: float) -> tuple[datetime, datetime]:
    """Issue and end of a deployment, whole seconds."""
    issued = now.replace(microsecond=0)
    return issued, issued + timedelta(seconds=round(days * 86_400))


def _wanted(plan: PromotionPlan, report: GateReport | None) -> tuple[Place, ...]:
    """Lines and products asked for, as far as the report speaks of them."""
    if report is None:
        lines, products = plan.lines or (EVERYWHERE,), plan.products or (EVERYWHERE,)
        return tuple((line, product) for line in lines for product in products)
    return _narrowed(plan, report, [result.scope for result in report.scopes])


def _passed(plan: PromotionPlan, report: GateReport | None) -> tuple[Place, ...]:
    return () if report is None else _narrowed(plan, report, report.passed_scopes)


def _narrowed(plan: PromotionPlan, report: GateReport, scopes: Sequence[Scope]) -> tuple[Place, ...]:
    """The places of some of a report's scopes.

    Data that names no line at all speaks for every line. Where it names some, the parts of which nobody knows the line
    speak for none: no deployment could name theirs. The same of products.
    """
    lines_are_named = any(result.scope.line for result in report.scopes)
    products_are_named = any(result.scope.product for result in report.scopes)
    found: dict[Place, None] = {}
    for scope in scopes:
        for line in _meant(scope.line, plan.lines, are_named=lines_are_named):
            for product in _meant(scope.product, plan.products, are_named=products_are_named):
                found[line, product] = None
    return tuple(found)


def _meant(said: str, asked: Sequence[str], *, are_named: bool) -> Sequence[str]:
    if said:
        return (said,) if not asked or said in asked or EVERYWHERE in asked else ()
    return () if are_named else asked or (EVERYWHERE,)


def _override_of(report: GateReport | None) -> GateOverride | None:
    if report is None or report.override is None:
        return None
    return GateOverride(report.override.name, report.override.reason)


def _require_report_of(report: GateReport, reference: ReleaseReference) -> None:
    if report.kind is not GateKind.RELEASE:
        raise PromotionRefused(f"the gate's report is about a {report.kind.value}, not about a release")
    if report.candidate.digest != reference.digest:
        raise PromotionRefused(
            f"the gate judged {report.candidate.name} {report.candidate.version} ({report.candidate.digest[:12]}), not "
            f"{reference.name} {reference.version} ({reference.digest[:12]}); run `lineside release gate` on this one"
        )
    if any(EVERYWHERE in (result.scope.line, result.scope.product) for result in report.scopes):
        raise PromotionRefused(
            f"the labelled data calls a line or a product {EVERYWHERE!r}, which stands for all; give it its own name "
            "and run the gate again"
        )


def _require_still_live(report: GateReport, history: History, places: Sequence[Place]) -> None:
    """A candidate that was shown to be no worse than something else is not shown to be no worse than this."""
    known = {report.candidate.digest, None if report.live is None else report.live.digest}
    starter = starter_reference(report.candidate.name)
    for place in places:
        for (line, product), deployed in history.live_within(place).items():
            live = deployed or starter  # before any deployment the starter of the name judges
            if live is None or live.digest in known:
                continue
            against = "nothing" if report.live is None else f"{report.live.name} {report.live.version}"
            raise PromotionRefused(
                f"the gate compared with {against}, but {live.name} {live.version} is live for product {product} on "
                f"line {line}; run `lineside release gate` against that"
            )


def _nothing_passed(plan: PromotionPlan, report: GateReport | None) -> str:
    if report is None:
        return (
            f"{plan.name} {plan.version} has no gate report; run `lineside release gate` and give its report with "
            "--gate, or answer for it with --override-by and --override-reason"
        )
    blocked = [
        f"{result.scope}: {', '.join(criterion.title for criterion in (*report.blocking, *result.blocking))}"
        for result in report.scopes
        if report.blocking or result.blocking
    ]
    return (
        f"the gate let {plan.name} {plan.version} pass nowhere of what is asked for ({'; '.join(blocked[:5])}); "
        "answer for it with --override-by and --override-reason, or improve the model"
    )


def _keep_evidence(registry: Registry, report: GateReport | None, override: GateOverride | None) -> GateEvidence | None:
    if report is None:
        return None if override is None else GateEvidence(None, override)
    return GateEvidence(registry.add_gate_report(report.to_bytes()), override)


def _deployment(
    plan: PromotionPlan,
    reference: ReleaseReference,
    area: Area,
    evidence: GateEvidence | None,
    signer: Signer,
    serial: int,
    previous: int | None,
) -> Deployment:
    issued_at, expires_at = expiry(signer.now, plan.days)
    causes = {
        DeploymentMode.LIVE: DeploymentCause.PROMOTION,
        DeploymentMode.SHADOW: DeploymentCause.SHADOW,
        DeploymentMode.CANARY: DeploymentCause.CANARY,
    }
    return Deployment(
        serial=serial,
        plant=plan.plant,
        lines=area.lines,
        products=area.products,
        mode=plan.mode,
        share=plan.share,
        unit=plan.unit,
        release=reference,
        issued_at=issued_at,
        expires_at=expires_at,
        gate=evidence,
        cause=causes[plan.mode],
        previous_serial=previous,
    )
