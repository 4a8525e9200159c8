"""Rates of a server as rows of a table, as a figure and as a page, from the API's own answer."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.serving.rates.schemas import GroupOut, ProcessOut, RatesOut, WindowOut
from lineside.workflows.figures import RateRow, rate_figure
from lineside.workflows.pages import Facts, Notice, NoticeLevel, Picture, Section, Table, write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE_COLUMNS = (
    "of", "inspected", "rate", "interval", "confirmed", "unconfirmed", "escapes", "audited", "not inspected",
    "detector rate", "state",
)  # fmt: skip
_CAPTION = (
    "Dots are rates, lines their intervals, both with the escapes that the audit stands for. The detector rate is the "
    "raw share of NG parts and no defect rate."
)


def rate_windows(answer: RatesOut) -> Sequence[WindowOut]:
    """The groups and windows of an answer, and the whole last."""
    return (*answer.groups, *answer.series, answer.total)


def rate_rows(answer: RatesOut) -> list[tuple[str, ...]]:
    """A row for each group and window, and for the whole."""
    return [_row(window) for window in rate_windows(answer)]


def rate_title(answer: RatesOut) -> str:
    """What the rates are of."""
    named = " ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(answer.asked.conditions.items()))
    return f"Defect rates{': ' + named if named else ''}"


def process_text(process: ProcessOut) -> str:
    """What lots say of the escapes to come, in words."""
    share = process.escape_share
    return (
        f"escapes among passed parts, lots taken as they differ: {_share(share.estimate)} "
        f"({_percent(share.lower)} to {_percent(share.upper)}) from {share.units} reads of {process.lots} lots, "
        f"design effect {process.design_effect:.3g}"
    )


def rates_figure(answer: RatesOut) -> "Figure":
    """The rates with their intervals, the detector's rate beside each."""
    rows = [
        RateRow(
            label=name_of(window),
            point=window.rate.point,
            lower=window.rate.lower,
            upper=window.rate.upper,
            inspected=window.inspected,
            detector_rate=window.detector_rate.estimate,
            detector_lower=window.detector_rate.lower,
            detector_upper=window.detector_rate.upper,
        )
        for window in rate_windows(answer)
        if window.inspected
    ]
    return rate_figure(rows, title=rate_title(answer), confidence=answer.total.rate.confidence)


def write_rates_page(answer: RatesOut, path: Path, *, written_at: datetime) -> None:
    """Write the rates as one file that needs nothing else.

    Raises:
        OSError: the file cannot be written.
    """
    notes = [Notice(f"{note}.", NoticeLevel.CAUTION) for note in answer.total.notes]
    if answer.rebuilding:
        notes.insert(0, Notice("The counts were being made anew: some are old or missing.", NoticeLevel.BAD))
    table = Table(RATE_COLUMNS, rate_rows(answer), text_columns=(0, 3, 10))
    write_page(
        rate_title(answer),
        [
            Section("", [Facts(_facts(answer)), *notes]),
            Section("Rates", [Picture(rates_figure(answer), _CAPTION), table]),
        ],
        path,
        written_at=written_at,
    )


def name_of(window: WindowOut) -> str:
    """What a window or group is called; the releases by their first digits and deployments."""
    if not isinstance(window, GroupOut):
        return window.label
    serials = f" (deployment {', '.join(map(str, window.deployments))})" if window.deployments else ""
    is_digest = len(window.name) == 64
    return (window.name[:12] if is_digest else window.name or "(none)") + serials


def _facts(answer: RatesOut) -> list[tuple[str, str]]:
    total = answer.total
    facts = [
        ("Time", f"{answer.asked.start:%Y-%m-%d %H:%M} to {answer.asked.end:%Y-%m-%d %H:%M} UTC"),
        ("Inspected", f"{total.inspected} parts, beside them {total.not_inspected} NOT_INSPECTED"),
        ("Contract bound", f"at most {_percent(total.rate.contract_upper_bound)}"),
        ("First-pass yield", f"{_share(total.first_pass_yield.share.estimate)} of {total.first_pass_yield.judged}"),
        ("Recall beforehand", answer.recall_prior.source),
        ("Counted up to event", str(answer.as_of_sequence)),
    ]
    if answer.process is not None:
        facts.append(("Lots to come", process_text(answer.process)))
    if total.seeded_defective is not None:
        reads = total.seeded_defective
        facts.append(("Seeded defective parts", f"{reads.right} of {reads.right + reads.wrong} found"))
    return facts


def _row(window: WindowOut) -> tuple[str, ...]:
    escapes = window.escapes
    return (
        name_of(window),
        str(window.inspected),
        _share(window.rate.point),
        f"{_percent(window.rate.lower)} to {_percent(window.rate.upper)}",
        str(window.confirmed),
        str(window.unconfirmed),
        "unknown" if escapes.point is None else f"{escapes.point:.1f} ({escapes.lower} to {escapes.upper})",
        str(window.audited),
        str(window.not_inspected),
        _share(window.detector_rate.estimate),
        "gap" if window.is_gap else "provisional" if window.is_provisional else "",
    )


def _share(share: float | None) -> str:
    return "unknown" if share is None else _percent(share)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share >= 0.0001 or share == 0 else f"{1e6 * share:.0f} ppm"
