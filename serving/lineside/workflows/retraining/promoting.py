"""The steps that put the candidate on the line: deployments signed where the gate let it pass, and brought there."""

from lineside.training.gate import GateReport
from lineside.training.registry import DeploymentLog, PromotionPlan, Registry, Signer, promote
from lineside.workflows.deploying import bring
from lineside.workflows.retraining.course import Clock, Teller
from lineside.workflows.retraining.plan import Promotion, RetrainPlan
from lineside.workflows.retraining.states import Made


def promotion_inputs(promotion: Promotion, report: GateReport) -> dict[str, object]:
    """What decides which deployments are signed."""
    override = promotion.override
    return {
        "gate": report.sha256,
        "plant": promotion.plant,
        "lines": promotion.lines,
        "products": promotion.products,
        "days": promotion.days,
        "key": promotion.key.public.key_id,
        "override": None if override is None else {"name": override.name, "reason": override.reason},
    }


def sign_deployments(
    plan: RetrainPlan, promotion: Promotion, report: GateReport, *, clock: Clock, teller: Teller
) -> Made:
    """Sign the deployments.

    A call that was killed between signing and writing it down leaves serials that no server has seen; the next call
    signs again, which changes nothing on a line.

    Raises:
        PromotionRefused: the gate let it pass nowhere and nobody answers for it, or something else is live by now.
    """
    candidate = report.candidate
    order = PromotionPlan(
        name=candidate.name,
        version=candidate.version,
        plant=promotion.plant,
        lines=promotion.lines,
        products=promotion.products,
        days=promotion.days,
    )
    signer = Signer(promotion.key, promotion.trust, clock())
    done = promote(Registry(plan.registry), order, signer, report=report, override=promotion.override)
    for line, product in done.left_out:
        teller.say(f"left out, the gate did not let it pass: product {product} on line {line}")
    for each in done.signed:
        deployment = each.deployment
        teller.say(
            f"signed deployment {deployment.serial} of plant {deployment.plant}: lines {', '.join(deployment.lines)}, "
            f"products {', '.join(deployment.products)}, until {deployment.expires_at:%Y-%m-%d}"
        )
    return Made({"serials": [each.deployment.serial for each in done.signed]})


def bring_deployments(plan: RetrainPlan, promotion: Promotion, serials: tuple[int, ...]) -> Made:
    """Bring what was signed, and the release, to the server; what it has already changes nothing there.

    Raises:
        ClientError: the server is away, or refuses.
    """
    if promotion.server is None:
        raise ValueError("a promotion without a server is brought nowhere")
    registry = Registry(plan.registry)
    log = DeploymentLog(registry.storage, promotion.plant)
    signed = [log.require(serial) for serial in serials]
    bring(registry, signed, server=promotion.server.url, api_key=promotion.server.api_key)
    return Made({"serials": list(serials)})
