"""A first recipe, in learn mode: it allows nothing, and people review every part that passes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lineside.inspection.calibration_target import ScaleMeasurement
from lineside.inspection.recipe.learning import LearntView
from lineside.inspection.recipe.records import Calibration
from lineside.statistics.binomial import exact_upper_bound, units_for_upper_bound

MISS_RATES = (0.1, 0.05, 0.01)
"""Those for which a draft says how many defective parts a certificate needs."""


@dataclass(frozen=True, slots=True)
class CalibratedScale:
    """A scale with the measurement and the record that it rests on."""

    measured: ScaleMeasurement
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class DraftTerms:
    """What good parts cannot say and a person must.

    Attributes:
        recipe_id: name of the recipe.
        product: as the MES names it.
        catalogue_id: the defect catalogue.
        catalogue_version: its version.
        catalogue_classes: the names of its classes.
        release: name of the release that will find the defects.
        view: name of the view.
        golden_file: path of the golden image below the recipe's folder.
        approved_by: who answers for the golden image.
        approved_at: aware UTC instant.
        deadline_ms: of a verdict.
        scale: None leaves sizes unmeasured.
    """

    recipe_id: str
    product: str
    catalogue_id: str
    catalogue_version: int
    catalogue_classes: tuple[str, ...]
    release: str
    view: str
    golden_file: str
    approved_by: str
    approved_at: datetime
    deadline_ms: int
    scale: CalibratedScale | None


def draft_recipe(learnt: LearntView, terms: DraftTerms) -> str:
    """The recipe's text, YAML with comments; `load_recipe` reads it."""
    return "\n".join([*_lines(learnt, terms), ""])


def defective_parts_needed() -> dict[float, int]:
    """What no good part can show: defective parts of a class that must all be found, by the miss rate then certain.

    Exact binomial bound at 95 % confidence (Clopper and Pearson, 1934).
    """
    return {rate: units_for_upper_bound(rate) for rate in MISS_RATES}


def largest_overkill(learnt: LearntView) -> float:
    """The overkill that these parts leave possible if none of them is called NG: exact upper bound at 95 %."""
    return exact_upper_bound(0, learnt.parts)


def scale_section(scale: CalibratedScale) -> list[str]:
    """The `scale` section of a recipe, as lines of YAML, with what was measured as comments."""
    measured, calibration = scale.measured, scale.calibration
    lines = [
        f"# Measured on {measured.points} points over {measured.covered_share:.0%} of the picture:",
        f"# +-{2 * measured.uncertainty_mm_per_px:.2g} mm per px (95 %, from the points' scatter alone),",
        f"# distortion {measured.distortion_rms_px:.3f} px rms ({measured.distortion_rms_mm:.2g} mm),",
        f"# {measured.distortion_max_px:.3f} px at worst, tilt {measured.tilt_share:.2%};",
        f"# a length of one pitch comes out wrong by at most {measured.local_error_share:.2%}.",
        "scale:",
        f"  mm_per_px: {measured.mm_per_px:.6g}",
        "  calibration:",
        f"    id: {_text(calibration.id)}",
        f"    method: {_text(calibration.method)}",
        f"    at: {calibration.at.isoformat()}",
    ]
    if calibration.expires_at is not None:
        lines.append(f"    expires_at: {calibration.expires_at.isoformat()}")
    return lines


def _lines(learnt: LearntView, terms: DraftTerms) -> Iterator[str]:
    width, height = learnt.size_wh_px
    yield f"# Learn mode, drafted from {learnt.parts} good parts: no defect is allowed, every passed part is drawn for"
    yield "# review, every image is kept, and the thresholds are the release's own, uncertified. When the reviews allow"
    yield "# it, set limits, lower audit.share and retention.ok_share, and count the version up."
    yield "schema: lineside.recipe/1"
    yield f"id: {_text(terms.recipe_id)}"
    yield "version: 1"
    yield f"product: {_text(terms.product)}"
    yield f"catalogue: {{id: {_text(terms.catalogue_id)}, version: {terms.catalogue_version}}}"
    yield f"release: {_text(terms.release)}"
    yield "views:"
    yield f"  {_text(terms.view)}:"
    yield f"    size_wh_px: [{width}, {height}]"
    yield "    references:"
    yield "      - id: golden-1"
    yield f"        image: {_text(terms.golden_file)}"
    yield f"        approved_by: {_text(terms.approved_by)}"
    yield f"        approved_at: {terms.approved_at.isoformat()}"
    yield (
        f"    # Good parts lay at most {learnt.largest_shift_px} px from the golden image, residual at most "
        f"{learnt.largest_residual:.3f}."
    )
    yield (
        f"    registration: {{max_shift_px: {learnt.registration.max_shift_px}, "
        f"max_residual: {learnt.registration.max_residual:g}}}"
    )
    yield from _zones(learnt)
    if terms.scale is not None:
        yield from scale_section(terms.scale)
    yield from _health(learnt)
    yield f"deadline_ms: {terms.deadline_ms}"
    yield "audit: {share: 1.0}"
    yield "retention: {ok_share: 1.0, days: 90}"


def _zones(learnt: LearntView) -> Iterator[str]:
    """Proposed, not in force: where nothing counts, a defect would get away, and that a person must decide."""
    if not learnt.zones:
        yield "    # Good parts do not differ anywhere: no zone is proposed."
        return
    yield "    # Good parts differ from each other here. Take the # away only where no defect can matter."
    yield "    # zones:"
    for number, zone in enumerate(learnt.zones, 1):
        left, top, right, bottom = zone.box_xyxy_px
        yield f"    #   - name: varies-{number}  # on {zone.parts_share:.0%} of the parts"
        yield f"    #     polygon_px: [[{left}, {top}], [{right}, {top}], [{right}, {bottom}], [{left}, {bottom}]]"
        yield "    #     ignore: true"


def _health(learnt: LearntView) -> Iterator[str]:
    limits = learnt.health
    yield "# Beyond what the good parts show, with room; a picture past them is NOT_INSPECTED."
    yield "health:"
    for name in (
        "min_std",
        "min_brightest",
        "max_darkest",
        "max_black_share",
        "max_white_share",
        "min_mean",
        "max_mean",
        "min_sharpness",
    ):
        value = getattr(limits, name)
        if value is not None:
            yield f"  {name}: {value:g}"


def _text(value: str) -> str:
    """A YAML scalar that is this text whatever is in it: JSON strings are YAML."""
    return json.dumps(value, ensure_ascii=False)


def summary_lines(learnt: LearntView, terms: DraftTerms) -> Iterator[str]:
    """What a person should know of a draft, one line each."""
    yield f"{learnt.parts} good parts, at most {learnt.largest_shift_px} px from the golden image"
    if learnt.zones:
        yield f"they differ at {len(learnt.zones)} places: proposed as zones, in the recipe's comments"
    if terms.scale is None:
        yield "no scale: sizes in mm are not measured; give --target"
    yield (
        f"if none of them is called NG, up to {largest_overkill(learnt):.0%} of all good parts may still be "
        "(95 % confidence)"
    )
    names = ", ".join(terms.catalogue_classes)
    for rate, needed in defective_parts_needed().items():
        yield f"missing for a certificate of at most {rate:.0%} misses: {needed} defective parts each of {names}"
