"""How a study's figures are written, on a terminal and on a page."""

from lineside.statistics.agreement import Bands, CallShare, Kappa
from lineside.statistics.gauge import Component

UNKNOWN = "unknown"


def share_text(share: CallShare | None) -> str:
    """A share with its interval and counts."""
    if share is None or share.estimate is None:
        return UNKNOWN
    return f"{share.estimate:.1%} ({share.lower:.1%} to {share.upper:.1%}; {share.events}/{share.calls})"


def kappa_text(kappa: Kappa | None) -> str:
    """A kappa with its interval."""
    if kappa is None or kappa.value is None:
        return UNKNOWN
    return f"{kappa.value:.3f} ({kappa.lower:.3f} to {kappa.upper:.3f})"


def band_text(bands: Bands, figure: CallShare | Kappa) -> str:
    """The band of a figure and, where it differs, of the bad end of its interval."""
    value = figure.value if isinstance(figure, Kappa) else figure.estimate
    if value is None:
        return UNKNOWN
    found, sure = bands.of(value), bands.worst_of(figure.lower, figure.upper)
    return found.value if found is sure else f"{found.value} (at worst {sure.value})"


def variance_text(component: Component | None) -> tuple[str, str, str, str]:
    """A component's standard deviation, variance with interval, and its shares."""
    if component is None:
        return ("", "", "", "")
    return (
        f"{component.standard_deviation:.4g}",
        f"{component.variance:.4g} ({component.lower:.3g} to {component.upper:.3g})",
        f"{component.share_of_study:.1%}",
        f"{component.share_of_variance:.1%}",
    )
