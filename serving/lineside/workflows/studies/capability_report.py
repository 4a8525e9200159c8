"""The report of a capability study, to print and to file."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from lineside.statistics.agreement import (
    EFFECTIVENESS,
    FALSE_ALARM_RATE,
    KAPPA,
    MISS_RATE,
    AgreementStudy,
    AppraiserFigures,
    Band,
    worst,
)
from lineside.statistics.gauge import GRR_SHARE, LEAST_CATEGORIES, GaugeStudy
from lineside.workflows.pages import Block, Facts, Notice, NoticeLevel, Section, Table, write_page
from lineside.workflows.studies.capability import (
    JudgedCapability,
    key_facts,
    tables_of,
)
from lineside.workflows.studies.planning import KEY_NAME
from lineside.workflows.studies.provenance import provenance_section, signature_section
from lineside.workflows.studies.wording import share_text

_LEVELS = {
    Band.GOOD: NoticeLevel.GOOD,
    Band.MARGINAL: NoticeLevel.CAUTION,
    Band.UNACCEPTABLE: NoticeLevel.BAD,
}


def write_capability_report(judged: JudgedCapability, path: Path, *, written_at: datetime) -> None:
    """Write the report.

    Raises:
        OSError: the file cannot be written.
    """
    result = judged.result
    is_gauge = isinstance(result, GaugeStudy)
    sections = [
        Section("", (*_verdicts(judged), *_notes(judged), Facts(key_facts(judged)))),
        *(Section(title, (Table(columns, rows), *_legend(title))) for title, columns, rows in tables_of(judged)),
        provenance_section(
            ((judged.source, judged.sheet), (KEY_NAME, judged.key)), _GAUGE_METHOD if is_gauge else _AGREEMENT_METHOD
        ),
        signature_section(),
    ]
    write_page(
        "Gauge R&R of measured sizes" if is_gauge else "Inspection capability: attribute agreement",
        sections,
        path,
        subtitle=f"Study {judged.source}",
        written_at=written_at,
    )


def _verdicts(judged: JudgedCapability) -> Iterator[Notice]:
    result = judged.result
    if isinstance(result, AgreementStudy):
        for each in result.appraisers:
            yield _appraiser_verdict(each)
        return
    shares = [each for each in (result.share_of_study, result.share_of_tolerance) if each is not None]
    band = worst([GRR_SHARE.of(each.estimate) for each in shares])
    at_worst = worst([GRR_SHARE.worst_of(each.lower, each.upper) for each in shares])
    share, categories = result.share_of_study, result.distinct_categories
    of_tolerance = (
        "" if result.share_of_tolerance is None else f" and {result.share_of_tolerance.estimate:.1%} of the tolerance"
    )
    too_few = categories is not None and categories < LEAST_CATEGORIES
    told = "any number of" if categories is None else str(categories)
    yield Notice(
        f"Measuring makes {share.estimate:.1%} of the study variation ({share.lower:.1%} to {share.upper:.1%})"
        f"{of_tolerance}: {_held_to_be(band, at_worst)}. It tells {told} categories of parts apart"
        + (f"; {LEAST_CATEGORIES} are needed." if too_few else "."),
        NoticeLevel.BAD if too_few else _level(band, at_worst),
    )


def _appraiser_verdict(each: AppraiserFigures) -> Notice:
    shares = (
        (EFFECTIVENESS, each.effectiveness),
        (MISS_RATE, each.miss_rate),
        (FALSE_ALARM_RATE, each.false_alarm_rate),
    )
    known = [(bands, share.estimate, share.lower, share.upper) for bands, share in shares if share.estimate is not None]
    kappa = each.against_reference
    if kappa.value is not None:
        known.append((KAPPA, kappa.value, kappa.lower, kappa.upper))
    band = worst([bands.of(value) for bands, value, _, _ in known])
    at_worst = worst([bands.worst_of(lower, upper) for bands, _, lower, upper in known])
    name = f"{each.appraiser} (detector)" if each.is_detector else each.appraiser
    return Notice(
        f"{name}: {_held_to_be(band, at_worst)}. Misses {share_text(each.miss_rate)}, false alarms "
        f"{share_text(each.false_alarm_rate)}, right in every trial on {share_text(each.effectiveness)} of the parts.",
        _level(band, at_worst),
    )


def _held_to_be(band: Band, at_worst: Band) -> str:
    return band.value if band is at_worst else f"{band.value} (at worst {at_worst.value})"


def _level(band: Band, at_worst: Band) -> NoticeLevel:
    """Green only where the whole interval is good: a figure that may as well be bad is no reassurance."""
    if band is Band.GOOD and at_worst is not Band.GOOD:
        return NoticeLevel.CAUTION
    return _LEVELS[band]


def _notes(judged: JudgedCapability) -> Iterator[Notice]:
    for note in judged.notes():
        yield Notice(note, NoticeLevel.NOTE)


def _legend(title: str) -> Sequence[Block]:
    text = _LEGENDS.get(title)
    return () if text is None else (Notice(text),)


_LEGENDS = {
    "Appraisers": (
        "In brackets: 95 % interval and counts. Effectiveness: parts on which every trial is right. Miss rate "
        "(underkill, escapes): calls of defective parts that say OK. False-alarm rate (overkill, false calls): calls "
        "of good parts that say NG."
    ),
    "Held to be": (
        "Effectiveness: 90 % and more is good, 80 % and more marginal. Miss rate: up to 2 % and 5 %. False-alarm rate: "
        "up to 5 % and 10 %. Kappa: 0.9 and 0.7. In brackets, where it differs: what the bad end of the interval is "
        "held to be, which is all that the study can promise."
    ),
    "Gauge": "%GRR: under 10 % is good, up to 30 % marginal. Intervals are generalised 95 % confidence intervals.",
    "Components": (
        "Reproducibility is appraiser and interaction together; gauge is that and repeatability. A variance that comes "
        "out below 0 counts as 0."
    ),
}

_AGREEMENT_METHOD = (
    (
        "Crossed attribute study: every appraiser calls every part in every trial, blind and in random order; the "
        "detector is one of the appraisers, its trials are the part imaged anew. Figures and their limits as in the "
        "Automotive Industry Action Group's Measurement Systems Analysis, 4th edition, chapter III, section C."
    ),
    (
        "Intervals treat parts, not calls, as independent: shares by Clopper and Pearson with an effective number of "
        "calls (Korn and Graubard, Survey Methodology 24, 1998, 193-201); kappas (Cohen 1960, Fleiss 1971) by the "
        "jackknife over parts, with an exact bound where nobody disagrees."
    ),
    (
        "The shares speak of parts like those of the study, with its many borderline parts. They are not the line's "
        "rates: those come from the audit."
    ),
)

_GAUGE_METHOD = (
    (
        "Crossed random-effects analysis of variance with interaction, as in the Automotive Industry Action Group's "
        "Measurement Systems Analysis, 4th edition, appendix A; an interaction whose p-value is above 0.25 is put with "
        "repeating. Intervals by generalised inference (Hamada and Weerahandi, Journal of Quality Technology 32, 2000, "
        "241-253), from 40 000 seeded draws."
    ),
    "It holds for parts like those of the study: %GRR and categories are relative to their spread.",
)
