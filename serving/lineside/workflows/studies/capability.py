"""A capability study: its files, its figures, and its report."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineside.serving.studies.capability_files import (
    AttributeStudy,
    VariableStudy,
    judge_capability,
    read_capability,
)
from lineside.statistics.agreement import (
    EFFECTIVENESS,
    FALSE_ALARM_RATE,
    KAPPA,
    MISS_RATE,
    AgreementStudy,
)
from lineside.statistics.gauge import GRR_SHARE, LEAST_CATEGORIES, GaugeStudy, MeanSquare
from lineside.workflows.studies.planning import KEY_NAME
from lineside.workflows.studies.wording import band_text, kappa_text, share_text, variance_text
from lineside.workflows.text_files import read_text_file

Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class JudgedCapability:
    """A study with what follows from it.

    Attributes:
        source: the sheet's name.
        sheet, key: the files' texts.
        study: what they say.
        result: what follows.
    """

    source: str
    sheet: str
    key: str
    study: AttributeStudy | VariableStudy
    result: AgreementStudy | GaugeStudy

    def as_json(self) -> dict[str, Any]:
        """The study's figures, in the words of the API."""
        return {
            "source": self.source,
            "kind": self.study.key.kind.value,
            "detector": self.study.key.detector,
            "borderline_parts": self.study.key.borderline,
            "unit": self.study.key.unit,
            "result": asdict(self.result),
        }

    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        return (*self.result.notes, *_borderline_notes(self.study))


def key_beside(sheet: Path, key: Path | None) -> Path:
    """The key's file: the one named, or the one beside the sheet."""
    return sheet.parent / KEY_NAME if key is None else key


def judge_capability_files(sheet: Path, key: Path | None = None) -> JudgedCapability:
    """Read a sheet and its key and analyse them.

    Args:
        sheet: what the appraisers called.
        key: what hides behind the codes; `key.csv` beside the sheet if not given.

    Raises:
        NotText, StudyUnreadable: a file cannot be read, and where.
        StudyRefused: the study cannot carry an analysis, and why.
        OSError: there is no such file.
    """
    return judge_capability_texts(
        read_text_file(sheet),
        read_text_file(key_beside(sheet, key)),
        source=sheet.name,
        key_source=key_beside(sheet, key).name,
    )


def judge_capability_texts(sheet: str, key: str, *, source: str, key_source: str = KEY_NAME) -> JudgedCapability:
    """Analyse the texts of a sheet and its key; raises what `judge_capability_files` does."""
    study = read_capability(sheet, key, sheet_source=source, key_source=key_source)
    return JudgedCapability(source, sheet, key, study, judge_capability(study))


APPRAISER_COLUMNS = (
    "who",
    "effectiveness",
    "miss rate (underkill)",
    "false-alarm rate (overkill)",
    "kappa to reference",
)


def appraiser_rows(result: AgreementStudy) -> Rows:
    """Each appraiser's figures with their intervals, under `APPRAISER_COLUMNS`."""
    return [
        (
            f"{each.appraiser} (detector)" if each.is_detector else each.appraiser,
            share_text(each.effectiveness),
            share_text(each.miss_rate),
            share_text(each.false_alarm_rate),
            kappa_text(each.against_reference),
        )
        for each in result.appraisers
    ]


REPEAT_COLUMNS = ("who", "parts on which the own trials agree", "kappa of the own trials (Fleiss)")


def repeat_rows(result: AgreementStudy) -> Rows:
    """How far each appraiser agrees with itself, under `REPEAT_COLUMNS`; empty with one trial."""
    return [
        (each.appraiser, share_text(each.repeatability), kappa_text(each.within))
        for each in result.appraisers
        if each.repeatability is not None
    ]


BAND_COLUMNS = ("who", "effectiveness", "miss rate", "false-alarm rate", "kappa to reference")


def band_rows(result: AgreementStudy) -> Rows:
    """What each appraiser's figures are held to be, under `BAND_COLUMNS`."""
    return [
        (
            each.appraiser,
            band_text(EFFECTIVENESS, each.effectiveness),
            band_text(MISS_RATE, each.miss_rate),
            band_text(FALSE_ALARM_RATE, each.false_alarm_rate),
            band_text(KAPPA, each.against_reference),
        )
        for each in result.appraisers
    ]


def pair_rows(result: AgreementStudy) -> Rows:
    """Agreement between appraisers: name and figure."""
    rows: Rows = [(f"{pair.first} and {pair.second} (Cohen)", kappa_text(pair.kappa)) for pair in result.pairs]
    if result.detector_against_people is not None:
        rows.append(("detector and all people (Cohen)", kappa_text(result.detector_against_people)))
    if result.between is not None:
        rows.append(("all calls of all appraisers (Fleiss)", kappa_text(result.between)))
    rows.append(("parts on which all calls agree", share_text(result.all_agree)))
    rows.append(("parts on which all calls are right", share_text(result.all_right)))
    return rows


COMPONENT_COLUMNS = ("source", "standard deviation", "variance", "of study variation", "of variance")


def component_rows(result: GaugeStudy) -> Rows:
    """Components of variance, under `COMPONENT_COLUMNS`; those that the study cannot show are left out."""
    named = (
        ("gauge (GRR)", result.gauge),
        ("repeatability", result.repeatability),
        ("reproducibility", result.reproducibility),
        ("appraiser", result.appraiser),
        ("interaction", result.interaction),
        ("part", result.part),
        ("total", result.total),
    )
    return [(name, *variance_text(component)) for name, component in named if component is not None]


VARIANCE_COLUMNS = ("source", "sum of squares", "degrees of freedom", "mean square", "F", "p")


def variance_rows(result: GaugeStudy) -> Rows:
    """The table of variance, under `VARIANCE_COLUMNS`."""
    named = (
        ("part", result.part_squares),
        ("appraiser", result.appraiser_squares),
        ("interaction", result.interaction_squares),
        ("repeating (pooled)" if result.is_interaction_pooled else "repeating", result.repeat_squares),
    )
    return [(name, *_square_cells(row)) for name, row in named if row is not None]


def gauge_rows(result: GaugeStudy) -> Rows:
    """The headline figures: name, figure with interval, band."""
    share = result.share_of_study
    rows: Rows = [
        (
            "%GRR (of study variation)",
            f"{share.estimate:.1%} ({share.lower:.1%} to {share.upper:.1%})",
            GRR_SHARE.of(share.estimate).value,
        )
    ]
    if result.share_of_tolerance is not None:
        share = result.share_of_tolerance
        rows.append(
            (
                "precision to tolerance (6 s / T)",
                f"{share.estimate:.1%} ({share.lower:.1%} to {share.upper:.1%})",
                GRR_SHARE.of(share.estimate).value,
            )
        )
    count = result.distinct_categories
    rows.append(
        (
            "distinct categories (ndc)",
            "no spread of the gauge" if count is None else str(count),
            "good" if count is None or count >= LEAST_CATEGORIES else f"too few: {LEAST_CATEGORIES} are needed",
        )
    )
    return rows


def key_facts(judged: JudgedCapability) -> list[tuple[str, str]]:
    """What the study was: name and text."""
    result, key = judged.result, judged.study.key
    if isinstance(result, GaugeStudy):
        facts = [
            ("Parts", str(result.parts)),
            ("Appraisers", str(result.appraisers)),
            ("Trials", str(result.trials)),
            ("Unit", key.unit),
        ]
        return facts if key.tolerance is None else [*facts, ("Tolerance", f"{key.tolerance:g} {key.unit}")]
    return [
        ("Parts", f"{result.parts}, {result.defective} of them defective, {key.borderline} borderline"),
        ("Appraisers", ", ".join(each.appraiser for each in result.appraisers)),
        ("Detector", key.detector or "none in this study"),
        ("Trials", str(result.trials)),
    ]


def tables_of(judged: JudgedCapability) -> Iterator[tuple[str, Sequence[str], Rows]]:
    """Every table of the study: title, columns, rows."""
    result = judged.result
    if isinstance(result, GaugeStudy):
        yield "Gauge", ("figure", "value and interval", "held to be"), gauge_rows(result)
        yield "Components", COMPONENT_COLUMNS, component_rows(result)
        yield "Table of variance", VARIANCE_COLUMNS, variance_rows(result)
        return
    yield "Appraisers", APPRAISER_COLUMNS, appraiser_rows(result)
    yield "Held to be", BAND_COLUMNS, band_rows(result)
    if result.trials > 1:
        yield "Repeatability", REPEAT_COLUMNS, repeat_rows(result)
    yield "Agreement", ("between", "figure"), pair_rows(result)


def _square_cells(row: MeanSquare) -> tuple[str, str, str, str, str]:
    return (
        f"{row.sum_of_squares:.4g}",
        str(row.degrees),
        f"{row.value:.4g}",
        "" if row.f_ratio is None else f"{row.f_ratio:.3f}",
        "" if row.p_value is None else f"{row.p_value:.3g}",
    )


def _borderline_notes(study: AttributeStudy | VariableStudy) -> Iterator[str]:
    if isinstance(study, VariableStudy):
        return
    parts = len(study.key.parts)
    if study.key.borderline < 0.3 * parts:
        yield (
            f"{study.key.borderline} of {parts} parts are marked as borderline; 30 to 50 % are usual, and clear parts "
            "make every appraiser look good"
        )
