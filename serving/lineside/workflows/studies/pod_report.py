"""The report of a study of detection probability, to print and to file."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.statistics.pod import PodEstimate
from lineside.workflows.figures import pod_figure, save_figure
from lineside.workflows.pages import Facts, Notice, NoticeLevel, Paragraph, Picture, Section, Table, write_page
from lineside.workflows.studies.pod import JudgedPod, pod_facts
from lineside.workflows.studies.provenance import provenance_section, signature_section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Probability of detection"


def write_pod_report(judged: JudgedPod, path: Path, *, written_at: datetime) -> None:
    """Write the report.

    Raises:
        OSError: the file cannot be written.
    """
    estimate, unit = judged.estimate, judged.study.unit
    write_page(
        f"{TITLE} (indicative)" if estimate.is_indicative else TITLE,
        (
            Section("", tuple(_summary(estimate, unit))),
            Section("Curve", (Picture(_figure(judged), _caption(estimate)), _seen(estimate, unit))),
            Section("Figures", (Facts(pod_facts(estimate, unit)),)),
            provenance_section(((judged.source, judged.text),), _method(estimate)),
            signature_section(),
        ),
        path,
        subtitle=f"Study {judged.source}",
        written_at=written_at,
    )


def save_pod_figure(judged: JudgedPod, path: Path) -> None:
    """Write the curve as SVG or PNG, by the file's suffix.

    Raises:
        FigureFormatUnknown: the suffix is another.
        OSError: the file cannot be written.
    """
    save_figure(_figure(judged), path)


def _figure(judged: JudgedPod) -> "Figure":
    title = f"{TITLE} (indicative)" if judged.estimate.is_indicative else TITLE
    return pod_figure(judged.estimate, title=title, unit=judged.study.unit)


def _summary(estimate: PodEstimate, unit: str) -> Iterator[Notice | Paragraph]:
    if not estimate.is_indicative:
        yield Notice(_headline(estimate, unit), NoticeLevel.GOOD if not estimate.notes else NoticeLevel.CAUTION)
    for note in estimate.notes:
        yield Notice(note, NoticeLevel.BAD if estimate.is_indicative else NoticeLevel.CAUTION)
    if estimate.is_indicative:
        yield Paragraph(f"As if the set had been designed: {_headline(estimate, unit)}")


def _headline(estimate: PodEstimate, unit: str) -> str:
    calls = estimate.false_calls
    beside = (
        "How often it calls good parts is unknown."
        if calls.estimate is None
        else f"It called {calls.events} of {calls.units} good parts: between {calls.lower:.2%} and {calls.upper:.2%}."
    )
    if estimate.size_bound is None:
        return (
            f"No size can be named that is found with probability {estimate.probability:g} at "
            f"{estimate.confidence:.0%} confidence. {beside}"
        )
    return (
        f"Defects of {estimate.size_bound:.3g} {unit} and larger are found with probability {estimate.probability:g} "
        f"or more, at {estimate.confidence:.0%} confidence (the best estimate is {estimate.size_found:.3g} {unit}). "
        f"{beside}"
    )


def _caption(estimate: PodEstimate) -> str:
    return (
        f"Line: fitted probability of detection. Band: one-sided {estimate.confidence:.0%} bounds, each for one size. "
        "Dots: share found in ranges of about equally many targets."
    )


def _seen(estimate: PodEstimate, unit: str) -> Table:
    return Table(
        (f"size in {unit}", "targets", "found", "share"),
        [
            (
                f"{each.smallest:.3g} to {each.largest:.3g}",
                str(each.targets),
                str(each.hits),
                f"{each.hits / each.targets:.0%}",
            )
            for each in estimate.bins
        ],
        caption="What was seen",
    )


def _method(estimate: PodEstimate) -> tuple[str, ...]:
    return (
        (
            "Hit/miss model: the log-odds of a hit are linear in the natural logarithm of the size, which was measured "
            "by something else than the system under study. Fitted by Firth's penalised likelihood (Biometrika 80, "
            "1993, 27-38); bounds from the profile of the penalised likelihood (Heinze and Schemper, Statistics in "
            "Medicine 21, 2002, 2409-2419), one-sided. The false-call interval is Clopper and Pearson's."
        ),
        (
            "It holds for defects, parts, lighting and settings like those of the study, one defect per part. It does "
            "not hold for sizes outside the studied range, for another release, or for another threshold."
        ),
        (
            f"Sizes: {estimate.design.value}. Refused are fewer than 60 targets, several targets on a part, no overlap "
            "of hits and misses, a curve that does not rise, and production's sizes unless marked as indicative."
        ),
    )
