"""What a look found, in words for the people who must act on it."""

from lineside.statistics.drift import Finding, Signal

_NAMES = {
    Signal.ALL_SCORES: "median score of all parts",
    Signal.FLAGGED_SCORES: "median score of flagged parts",
    Signal.SCORE_QUANTILE: "quantile of all scores:",
    Signal.FLAG_RATE: "share of flagged parts",
    Signal.NEAR_THRESHOLD: "share of scores near the threshold",
    Signal.PICTURE: "picture:",
    Signal.NOVELTY: "share of parts with unusual pictures",
}
_SHARES = frozenset({Signal.FLAG_RATE, Signal.NEAR_THRESHOLD, Signal.NOVELTY})


def message_of(finding: Finding) -> str:
    """One line: what, how much, behind how many parts, how sure."""
    name = f"{_NAMES[finding.signal]} {finding.detail}".strip()
    before, after = (
        f"{value:.2%}" if finding.signal in _SHARES else f"{value:.4g}" for value in (finding.before, finding.after)
    )
    counts = f"{finding.counts[0]} and {finding.counts[1]} parts"
    if finding.p_value is None:
        sure = "its cumulative sum crossed its limit" if finding.has_changed else "its cumulative sum is within limits"
    else:
        sure = f"p = {finding.p_value:.2g}"
    if not finding.has_changed:
        return f"{name}: {before} in the reference, {after} now ({counts}; {sure})"
    if before == after:  # the middle stayed, and the test saw another shape
        return f"{name} stayed at {after}, and its distribution changed ({counts}; {sure})"
    moved = "rose" if finding.after > finding.before else "fell"
    return f"{name} {moved} from {before} to {after} ({counts}; {sure})"
