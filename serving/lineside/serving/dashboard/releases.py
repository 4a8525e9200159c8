"""The page's panel of releases: who judges each line, who is compared with it, and what speaks for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lineside.inspection.release import DeploymentMode
from lineside.serving.dashboard.wording import Wording
from lineside.serving.deployments.book import DeploymentRecord
from lineside.serving.deployments.overview import in_force_now
from lineside.serving.deployments.schemas import InForceOut
from lineside.serving.services import Services
from lineside.serving.shadowing.schemas import ComparisonOut

_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class ShownRelease:
    """One line of the panel.

    Attributes:
        in_force: who judges.
        candidate: the shadow or canary beside it.
        comparison: of the two.
    """

    in_force: InForceOut
    candidate: DeploymentRecord | None
    comparison: ComparisonOut | None


async def shown_releases(services: Services) -> list[ShownRelease]:
    """What the panel shows now."""
    shown = []
    for item in in_force_now(services.deployments, services.inspections, now=services.clock.now()):
        candidate = comparison = None
        if item.candidate_deployment is not None:
            candidate = services.deployments.find(item.candidate_deployment)
            comparison = await services.shadowing.comparison(item.candidate_deployment)
        shown.append(ShownRelease(item, candidate, comparison))
    return shown


def release_table(shown: Sequence[ShownRelease], wording: Wording) -> str:
    """The panel as a table."""
    if not shown:
        return f'<div class="ls-hint">{escape(wording("no_stations"))}</div>'
    names = ("line", "product", "judges", "state", "looks_on", "compared", "disagreements", "evidence")
    head = "".join(f"<th>{escape(wording(name))}</th>" for name in names)
    rows = "".join(_row(each, wording) for each in shown)
    return f'<table class="ls-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(each: ShownRelease, wording: Wording) -> str:
    item, comparison = each.in_force, each.comparison
    judges = wording("as_delivered", release=item.release_name)
    if item.live is not None:
        judges = f"{item.live.name} {item.live.version}"
    chip = f'<span class="ls-chip {"ok" if item.state == "ready" else "ni"}">{escape(wording(item.state))}</span>'
    cells = [escape(item.line), escape(item.product), escape(judges), chip, escape(_candidate(each, wording))]
    if comparison is None:
        cells += [_NOTHING] * 3
    else:
        evidence = wording(
            "evidence_hint",
            reviewed=comparison.reviewed,
            candidate=comparison.candidate_right,
            live=comparison.live_right,
        )
        cells += [
            _with_hint(str(comparison.compared), wording("dropped", dropped=comparison.dropped)),
            escape(str(comparison.disagreements)),
            _with_hint(f"{comparison.e_value:.3g}", evidence),
        ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _candidate(each: ShownRelease, wording: Wording) -> str:
    if each.candidate is None:
        return wording("nobody")
    deployment = each.candidate.deployment
    name = "canary" if deployment.mode is DeploymentMode.CANARY else "shadow"
    return wording(name, version=deployment.release.version, share=f"{deployment.share:.0%}")


def _with_hint(text: str, hint: str) -> str:
    return f'{escape(text)} <span class="ls-hint">{escape(hint)}</span>'
