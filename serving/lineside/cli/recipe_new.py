"""`lineside recipe new` and `lineside recipe scale`: a first recipe from good parts, a scale from a target."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_json, print_line, say

if TYPE_CHECKING:
    from lineside.inspection.calibration_target import CalibrationTarget
    from lineside.inspection.recipe import CalibratedScale, DraftTerms
    from lineside.workflows.recipe_drafting import DraftedRecipe

TargetFile = Annotated[
    Path | None,
    typer.Option(help="Picture of a calibration target that lies where the parts lie.", exists=True, dir_okay=False),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        metavar="KIND:COLUMNSxROWS",
        help="What is on the target: checkerboard:11x8 (inner corners) or dots:12x9.",
    ),
]
PitchMm = Annotated[float | None, typer.Option(help="Millimetres from one point of the target to the next.", min=1e-6)]
CalibrationId = Annotated[str | None, typer.Option(help="The plant's number of the calibration record.")]
CalibratedOn = Annotated[
    datetime | None, typer.Option(help="When the picture was taken; now if not given.", formats=["%Y-%m-%d"])
]
ValidDays = Annotated[int, typer.Option(help="Days until no part is judged by this scale.", min=1)]


def scale(
    target: Annotated[
        Path, typer.Argument(help="Picture of a calibration target where the parts lie.", exists=True, dir_okay=False)
    ],
    pattern: Pattern = None,
    pitch_mm: PitchMm = None,
    calibration_id: CalibrationId = None,
    calibrated_on: CalibratedOn = None,
    valid_days: ValidDays = 365,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the measurement as JSON.")] = False,
) -> None:
    """Measure millimetres per pixel from a calibration target; prints the recipe's `scale` section.

    Refused is a picture that has no single scale: pixels that are not square, a tilted target, a lens that distorts.
    """
    from dataclasses import asdict

    from lineside.inspection.recipe import scale_section

    measured = _measure(target, pattern, pitch_mm, calibration_id, calibrated_on, valid_days)
    if as_json:
        print_json(asdict(measured.measured))
        return
    for line in scale_section(measured):
        print_line(line)


def new(
    good_parts: Annotated[
        list[Path], typer.Argument(help="10 to 30 pictures of good parts, or folders of them.", exists=True)
    ],
    recipe_id: Annotated[str, typer.Option("--id", help="Name of the recipe.", metavar="NAME")],
    product: Annotated[str, typer.Option(help="The product, as the MES names it.")],
    approved_by: Annotated[str, typer.Option(help="Who answers for the golden image.")],
    out: Annotated[Path, typer.Option(help="Folder for the recipe and its golden image.", file_okay=False)],
    release: Annotated[str, typer.Option(help="Name of the release that will find the defects.")] = "pcb-reference",
    catalogue: Annotated[
        Path | None,
        typer.Option(help="The defect catalogue (YAML); the built-in `pcb` if not given.", exists=True, dir_okay=False),
    ] = None,
    view: Annotated[str, typer.Option(help="Name of the view that the pictures show.")] = "default",
    deadline_ms: Annotated[int, typer.Option(help="A verdict later than this is none.", min=1, max=600_000)] = 2000,
    target: TargetFile = None,
    pattern: Pattern = None,
    pitch_mm: PitchMm = None,
    calibration_id: CalibrationId = None,
    calibrated_on: CalibratedOn = None,
    valid_days: ValidDays = 365,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Draft a new product's recipe from good parts: golden image, scale, health limits, places where parts differ.

    The recipe is in learn mode: it allows no defect, draws every passed part for review, and its thresholds are
    uncertified. Places where good parts differ are proposed as zones in its comments; a person decides.
    """
    from lineside.inspection.recipe import DraftTerms, summary_lines
    from lineside.workflows.catalogues import read_catalogue
    from lineside.workflows.recipe_drafting import GOLDEN_FILE, write_draft

    used = read_catalogue(catalogue)
    measured = None
    if target is not None:
        measured = _measure(target, pattern, pitch_mm, calibration_id, calibrated_on, valid_days)
    terms = DraftTerms(
        recipe_id=recipe_id,
        product=product,
        catalogue_id=used.id,
        catalogue_version=used.version,
        catalogue_classes=tuple(used.classes),
        release=release,
        view=view,
        golden_file=GOLDEN_FILE,
        approved_by=approved_by,
        approved_at=datetime.now(UTC).replace(microsecond=0),
        deadline_ms=deadline_ms,
        scale=measured,
    )
    draft = write_draft(good_parts, out, terms=terms, catalogue=used)
    if as_json:
        print_json(_document(draft, terms))
        return
    print_line(str(draft.file))
    for line in summary_lines(draft.learnt, terms):
        say(line)
    say(
        f"next: look at {out / GOLDEN_FILE} and at the comments, then lineside inspect GOOD_PARTS --recipe {draft.file}"
    )


def _document(draft: "DraftedRecipe", terms: "DraftTerms") -> dict[str, object]:
    from lineside.inspection.recipe import defective_parts_needed

    learnt = draft.learnt
    return {
        "recipe": str(draft.file),
        "golden": str(draft.file.parent / terms.golden_file),
        "good_parts": learnt.parts,
        "largest_shift_px": learnt.largest_shift_px,
        "largest_residual": learnt.largest_residual,
        "proposed_zones": [
            {"box_xyxy_px": list(zone.box_xyxy_px), "parts_share": zone.parts_share} for zone in learnt.zones
        ],
        "mm_per_px": None if terms.scale is None else terms.scale.measured.mm_per_px,
        "threshold_status": "uncertified",
        "missing_for_certificate": [
            {"miss_rate": rate, "confidence": 0.95, "defective_parts_of_each_class": needed}
            for rate, needed in defective_parts_needed().items()
        ],
    }


def _measure(
    picture: Path,
    pattern: str | None,
    pitch_mm: float | None,
    calibration_id: str | None,
    calibrated_on: datetime | None,
    valid_days: int,
) -> "CalibratedScale":
    from lineside.inspection.recipe import Calibration
    from lineside.workflows.recipe_drafting import calibrated_scale

    if pattern is None or pitch_mm is None or calibration_id is None:
        raise typer.BadParameter("a calibration target needs --pattern, --pitch-mm and --calibration-id")
    target = _target(pattern, pitch_mm)
    at = (calibrated_on or datetime.now(UTC)).replace(tzinfo=UTC, microsecond=0)
    calibration = Calibration(
        id=calibration_id,
        method=f"{target.kind.value} {target.columns}x{target.rows}, pitch {target.pitch_mm:g} mm",
        at=at,
        expires_at=at + timedelta(days=valid_days),
    )
    return calibrated_scale(picture, target, calibration=calibration)


def _target(pattern: str, pitch_mm: float) -> "CalibrationTarget":
    from lineside.inspection.calibration_target import CalibrationTarget, TargetKind

    found = re.fullmatch(r"(checkerboard|dots):(\d{1,3})x(\d{1,3})", pattern)
    if found is None:
        raise typer.BadParameter(f"pattern {pattern!r}; expected checkerboard:COLUMNSxROWS or dots:COLUMNSxROWS")
    return CalibrationTarget(TargetKind(found[1]), int(found[2]), int(found[3]), pitch_mm)
