"""The studies of docs/guides/defect-rates.md on the demonstration line's boards, whose truth is known.

Drawn anew with `python -m benchmarks.study_pictures [STUDY...]`, from fixed seeds and without a server: a designed set
for the probability of detection, the same boards called by people and detector, lines that are all alike, a lamp that
fades.
"""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np

from lineside.datasets.synthetic import Board
from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.frames import Image, MediaType
from lineside.inspection.inspector import EncodedFrame
from lineside.inspection.reference import PreparedReference, Reference
from lineside.inspection.release import starter_release_folder
from lineside.inspection.verdict import Judgement, Verdict, judge
from lineside.statistics.agreement import AgreementStudy, Appraisal, Call, analyse_agreement
from lineside.statistics.drift import (
    BATCH_PARTS,
    PICTURE_MEASURES,
    Batch,
    Look,
    MeasuredPart,
    Signal,
    WatchLimits,
    look,
)
from lineside.statistics.drift import Reference as DriftReference
from lineside.statistics.pod import PodRefused, SizeDesign, Target, estimate_pod
from lineside.statistics.rates import FlaggedStratum, PassedStratum, RateCounts, estimate_rate
from lineside.statistics.sites import SiteRate, funnel_of_rates, rank_sites, shrink_rates
from lineside.workflows.demo import DemoPlan
from lineside.workflows.demo.virtual_line import LOOK, PRODUCTS, VirtualPart, virtual_parts
from lineside.workflows.figures import FunnelRow, funnel_figure, pod_figure, save_figure
from lineside.workflows.figures.drawing import AMBER, BLUE, GREEN, SOFT, VERMILION, new_figure, styled
from lineside.workflows.judging import open_judge

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "guides" / "pictures"
PRODUCT: Final = "controller-board"
PX_PER_MM: Final = 48
SEED: Final = 20_260_101
TARGETS, FURTHER_TARGETS, CLEAN = 160, 600, 100
"""Of the study, of the truth that it is held against, and boards without a defect."""
CONTRASTS: Final = (0.25, 1.0)
FULL_UM: Final = 35.0
"""What full contrast stands for: one ounce of copper a square foot, the usual thickness."""
LINES: Final = (24, 48, 72, 96, 120, 144, 192, 264)
"""Boards of each line; all of them from one process."""
AUDIT_SHARE: Final = 0.25
REFERENCE_BATCHES, CALM_BATCHES, FADING_BATCHES = 10, 5, 8
FADES_BY: Final = 0.01
"""Of its light, from one batch to the next."""
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)

Examine = Callable[[Image, str], tuple[Judgement, MeasuredPart]]


def main() -> int:
    """Judge, draw, and write the figures that the guide quotes."""
    names = sys.argv[1:] or list(STUDIES)
    if unknown := set(names) - set(STUDIES):
        raise SystemExit(f"no such study: {', '.join(sorted(unknown))}; there are {', '.join(STUDIES)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "studies.json"
    with examining() as examine:
        found = {name: STUDIES[name](examine) for name in names}
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    figures |= found
    path.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))
    return 0


@contextmanager
def examining() -> Iterator[Examine]:
    """What the starter says of a frame of a product, any defect making it NG; the measures are those of a station."""
    prepared = {
        product: PreparedReference.prepare(Reference("golden", Board(design).golden(look=LOOK), "demonstration", _NOW))
        for product, design in PRODUCTS.items()
    }
    folder = starter_release_folder("pcb-reference")
    with open_judge(folder, recipe_path=None, engine_cache=None, engine="onnxruntime-fp32") as judging:
        inspector, thresholds = judging.inspector, judging.release.thresholds
        [view] = inspector.recipe.views

        def examine(frame: Image, product: str) -> tuple[Judgement, MeasuredPart]:
            body = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
            sent = EncodedFrame(body, MediaType.PNG, hashlib.sha256(body).hexdigest(), view)
            at_product = replace(inspector, references={view: (prepared[product],)})
            found = at_product.examine(sent, previous_digest=None, now=_NOW)
            judgement = judge(inspector.recipe, {view: found.findings}, release_thresholds=thresholds, now=_NOW)
            if found.measures is None or judgement.verdict is Verdict.NOT_INSPECTED:
                raise SystemExit(f"a board was not inspected: {judgement.reasons}")
            known = {name: value for name, value in asdict(found.measures).items() if value is not None}
            measures = {name: known[name] for name in PICTURE_MEASURES if name in known}
            return judgement, MeasuredPart(known["peak_score"], judgement.verdict is Verdict.NG, {view: measures})

        yield examine


@dataclass(frozen=True, slots=True)
class _Shown:
    contrast: float
    longest_mm: float
    is_hit: bool


def _detection(examine: Examine) -> dict[str, Any]:
    """A designed set: one defect a board, its contrast chosen beforehand; then many more, for the truth."""
    board = Board(PRODUCTS[PRODUCT])
    seen = [_one_defect(examine, board, SEED + k, contrast) for k, contrast in enumerate(_contrasts(TARGETS))]
    further = [
        _one_defect(examine, board, SEED + 10_000 + k, contrast)
        for k, contrast in enumerate(_contrasts(FURTHER_TARGETS))
    ]
    clean = [board.sample(look=LOOK, defects=0, seed=SEED + 20_000 + k).frame for k in range(CLEAN)]
    calls = sum(examine(frame, PRODUCT)[0].verdict is Verdict.NG for frame in clean)
    _write_study(seen, calls)

    def targets(of: Sequence[_Shown], *, size: str) -> list[Target]:
        return [
            Target(f"T-{k:04d}", FULL_UM * each.contrast if size == "contrast" else each.longest_mm, each.is_hit)
            for k, each in enumerate(of)
        ]

    study = estimate_pod(
        targets(seen, size="contrast"), design=SizeDesign.DESIGNED, defect_free=CLEAN, false_calls=calls
    )
    truth = estimate_pod(
        targets(further, size="contrast"),
        design=SizeDesign.DESIGNED,
        defect_free=CLEAN,
        false_calls=calls,
        curve_points=0,
    )
    try:
        by_length = estimate_pod(
            targets(seen, size="length"), design=SizeDesign.DESIGNED, defect_free=CLEAN, false_calls=calls
        )
        length = f"a90 {by_length.size_found:.3g} mm"
    except PodRefused as refused:
        length = str(refused)
    title = "A thin defect on the demonstration line is hard to see: found, over its thickness"
    save_figure(pod_figure(study, title=title, unit="um"), FOLDER / "detection.svg")
    return {
        "targets": study.targets,
        "hits": study.hits,
        "a90": study.size_found,
        "a90_95": study.size_bound,
        "true_a90": truth.size_found,
        "further_targets": truth.targets,
        "false_calls": [study.false_calls.lower, study.false_calls.estimate, study.false_calls.upper],
        "by_length": length,
    }


def _contrasts(count: int) -> list[float]:
    return [float(each) for each in np.geomspace(*CONTRASTS, count)]


def _one_defect(examine: Examine, board: Board, seed: int, contrast: float) -> _Shown:
    sample = board.sample(look=LOOK, defects=1, seed=seed, contrast=contrast)
    [defect] = sample.defects
    left, top, right, bottom = defect.box_xyxy_px
    verdict = examine(sample.frame, PRODUCT)[0].verdict
    return _Shown(contrast, max(right - left, bottom - top) / PX_PER_MM, verdict is Verdict.NG)


def _write_study(seen: Sequence[_Shown], calls: int) -> None:
    """The set as `lineside pod analyse` reads it."""
    text = io.StringIO()
    text.write("# design: designed\n# unit: um\n")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("part_id", "size", "result"))
    for k, each in enumerate(seen):
        rows.writerow((f"T-{k + 1:03d}", f"{FULL_UM * each.contrast:.2f}", "hit" if each.is_hit else "miss"))
    for k in range(CLEAN):
        rows.writerow((f"G-{k + 1:03d}", "", "false_call" if k < calls else "clear"))
    (FOLDER / "detection.csv").write_text(text.getvalue(), encoding="utf-8")


APPRAISERS: Final = {"kim": (0.02, 0.02), "lee": (0.15, 0.05)}
"""People with known shares of misses and of false alarms, whatever the board."""
BOARDS, TRIALS = 50, 3


def _agreement(examine: Examine) -> dict[str, Any]:
    """Half of the boards defective, two fifths of all hard; each imaged three times, and called three times by each."""
    board, rng = Board(PRODUCTS[PRODUCT]), np.random.default_rng(SEED)
    reference: dict[str, Call] = {}
    calls: list[Appraisal] = []
    for k in range(BOARDS):
        part, is_bad, is_hard = f"P-{k:02d}", k % 2 == 0, k % 5 < 2
        sample = board.sample(
            look=LOOK,
            defects=int(is_bad),
            seed=SEED + 30_000 + k,
            marks=int(is_hard and not is_bad),
            contrast=0.5 if is_bad and is_hard else 1.0,
        )
        reference[part] = Call.NG if is_bad else Call.OK
        for trial in range(1, TRIALS + 1):
            verdict = examine(_imaged_again(sample.frame, rng), PRODUCT)[0].verdict
            calls.append(Appraisal("detector", part, trial, Call(verdict.value)))
            for name, (misses, alarms) in APPRAISERS.items():
                is_wrong = rng.random() < (misses if is_bad else alarms)
                calls.append(Appraisal(name, part, trial, Call.NG if is_bad != is_wrong else Call.OK))
    study = analyse_agreement(calls, reference, detector="detector")
    save_figure(_appraisers_figure(study), FOLDER / "miss-rates.svg")
    return {
        each.appraiser: {
            "miss_rate": [each.miss_rate.lower, each.miss_rate.estimate, each.miss_rate.upper],
            "false_alarm_rate": [
                each.false_alarm_rate.lower,
                each.false_alarm_rate.estimate,
                each.false_alarm_rate.upper,
            ],
            "kappa": each.against_reference.value,
            "repeatability": None if each.repeatability is None else each.repeatability.estimate,
        }
        for each in study.appraisers
    }


def _appraisers_figure(study: AgreementStudy) -> Any:
    with styled():
        figure = new_figure(height_in=2.6)
        axis = figure.subplots()
        figure.suptitle("Miss rates of three appraisers; of the two people the truth is known", x=0.01, ha="left")
        for place, each in enumerate(study.appraisers):
            found, is_first = each.miss_rate, place == 0
            ends = [100 * found.lower, 100 * found.upper]
            axis.plot(ends, [place, place], color=BLUE, linewidth=3, label="95 % interval" if is_first else None)
            middle = [] if found.estimate is None else [100 * found.estimate]
            axis.plot(middle, [place] * len(middle), "o", color=BLUE, label="miss rate found" if is_first else None)
            if each.appraiser in APPRAISERS:
                at, name = 100 * APPRAISERS[each.appraiser][0], "truth" if each.appraiser == "kim" else None
                axis.plot([at, at], [place - 0.3, place + 0.3], color=GREEN, linewidth=2.4, label=name)
        axis.set_yticks(range(len(study.appraisers)), [each.appraiser for each in study.appraisers])
        axis.set_ylim(len(study.appraisers) - 0.4, -0.6)
        axis.set_xlim(left=0)
        axis.set_xlabel(f"calls of {study.defective} defective boards that say OK, in %", color=SOFT)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _imaged_again(frame: Image, rng: np.random.Generator) -> Image:
    """The same board put under the camera anew: a fraction of a pixel off, in slightly other light, other noise."""
    moved = np.array([[1, 0, rng.normal(0, 0.4)], [0, 1, rng.normal(0, 0.4)]], np.float64)
    again = cv2.warpAffine(frame, moved, frame.shape[::-1], borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
    again = again * rng.normal(1, 0.01) + rng.normal(0, 2.0, frame.shape)
    return np.clip(np.round(again), 0, 255).astype(np.uint8)


def _lines(examine: Examine) -> dict[str, Any]:
    """The boards of the guide's first run, dealt to lines of unequal size: all of them are one process."""
    plan = DemoPlan(data_dir=Path(), parts=sum(LINES), seed=1)
    rng = np.random.default_rng(SEED + 1)
    seen: list[tuple[bool, bool, bool]] = []
    defects, reported = 0, 0
    for part in virtual_parts(plan, run_id="S"):
        judgement = examine(_frame(part), part.product)[0]
        is_flagged = judgement.verdict is Verdict.NG
        reported += len(judgement.defects) if is_flagged and part.is_defective else 0
        seen.append((part.is_defective, is_flagged, not is_flagged and bool(rng.random() < AUDIT_SHARE)))
        defects += len(part.defects)
    ends = list(accumulate(LINES))
    rates, raw = [], {}
    for number, (end, size) in enumerate(zip(ends, LINES, strict=True), start=1):
        own = seen[end - size : end]
        name = f"line {number}"
        flagged = [bad for bad, is_flagged, _ in own if is_flagged]
        drawn = [bad for bad, _, is_drawn in own if is_drawn]
        found = estimate_rate(
            RateCounts(
                (FlaggedStratum(len(flagged), 1.0, len(flagged), len(flagged), sum(flagged)),),
                (PassedStratum(size - len(flagged), AUDIT_SHARE, len(drawn), len(drawn), sum(drawn)),),
            )
        )
        if found.point is None:
            raise SystemExit(f"{name}: no audit tells of its escapes")
        rates.append(SiteRate.from_interval(name, found.point, lower=found.lower, upper=found.upper, confidence=0.95))
        raw[name] = found.point
    shared, funnel = shrink_rates(rates), funnel_of_rates(rates)
    ranks = {rank.site: rank for rank in rank_sites(shared)}
    shrunk = {site.site: site for site in shared.sites}
    widest = funnel.confidences.index(max(funnel.confidences))
    rows = [
        FunnelRow(site.site, site.precision_units, site.rate, *site.limits[widest], is_outlier=site.is_outside)
        for site in funnel.sites
    ]
    figure = funnel_figure(
        rows,
        title="Eight lines of one process: the smallest look best and worst",
        centre=funnel.centre,
        confidence=funnel.confidences[widest],
    )
    figure.axes[0].set_xlabel("parts that the corrected rate is worth", color=SOFT)
    save_figure(figure, FOLDER / "equal-lines.svg")
    worst = max(raw, key=lambda name: raw[name])
    best = min(raw, key=lambda name: raw[name])
    return {
        "parts": len(seen),
        "true_defects": defects,
        "true_dpu": defects / len(seen),
        "confirmed_defects": reported,
        "dpu": reported / len(seen),
        "outside": [site.site for site in funnel.sites if site.is_outside],
        "lines": {
            name: {
                "rate": raw[name],
                "shrunk": [shrunk[name].lower, shrunk[name].rate, shrunk[name].upper],
                "rank": [ranks[name].lower, ranks[name].expected, ranks[name].upper],
                "probability_worst": ranks[name].worst,
            }
            for name in (worst, best)
        },
    }


def _frame(part: VirtualPart) -> Image:
    """The picture of a part that the virtual line made."""
    return decode(part.frame_png, MediaType.PNG, limits=DecodingLimits()).image


def _fading_lamp(examine: Examine) -> dict[str, Any]:
    """The line as it is, then its lamp loses one hundredth of its light with every fifty boards."""
    batches = REFERENCE_BATCHES + CALM_BATCHES + FADING_BATCHES
    made = virtual_parts(DemoPlan(data_dir=Path(), seed=3), run_id="S")
    of_product = (part for part in made if part.product == PRODUCT)  # the watch takes each product by itself
    parts: list[MeasuredPart] = []
    for number, part in enumerate(islice(of_product, batches * BATCH_PARTS)):
        fading = max(0, number // BATCH_PARTS - REFERENCE_BATCHES - CALM_BATCHES + 1)
        dimmed = np.round(_frame(part).astype(np.float64) * (1 - FADES_BY * fading)).astype(np.uint8)
        parts.append(examine(dimmed, part.product)[1])
    threshold = min(part.score for part in parts if part.is_flagged and part.score is not None)
    batch = [Batch.of(parts[at : at + BATCH_PARTS]) for at in range(0, len(parts), BATCH_PARTS)]
    reference = DriftReference.of(batch[:REFERENCE_BATCHES], threshold=threshold)
    limits = WatchLimits(risk_per_look=0.001, window_parts=500, look_parts=50)
    first: tuple[int, Look] | None = None
    false_alarms = 0
    for end in range(REFERENCE_BATCHES + 1, batches + 1):
        found = look(reference, batch[REFERENCE_BATCHES:end], limits=limits)
        if found.changes and end <= REFERENCE_BATCHES + CALM_BATCHES:
            false_alarms += 1
        elif found.changes:
            first = (end, found)
            break
    if first is None:
        raise SystemExit("the watch did not see the lamp fade")
    end, found = first
    begins = REFERENCE_BATCHES + CALM_BATCHES
    flagged = [100 * each.flagged_scores.size / each.size for each in batch]
    save_figure(_drift_figure(batch, flagged, begins, end), FOLDER / "fading-lamp.svg")
    return {
        "reference_parts": REFERENCE_BATCHES * BATCH_PARTS,
        "false_alarms_before": false_alarms,
        "alarm_after_parts": (end - begins) * BATCH_PARTS,
        "light_lost_then": FADES_BY * (end - begins),
        "what": [
            {
                "signal": each.signal.value,
                "detail": each.detail,
                "before": each.before,
                "after": each.after,
                "since_batch_after_begin": None
                if each.since_batch is None
                else each.since_batch + REFERENCE_BATCHES - begins,
            }
            for each in found.changes
        ],
        "is_score_or_share_among_them": any(each.signal is not Signal.PICTURE for each in found.changes),
        "flagged_before": sum(flagged[:begins]) / begins,
        "flagged_while_fading": sum(flagged[begins:]) / FADING_BATCHES,
    }


def _drift_figure(batch: Sequence[Batch], flagged: Sequence[float], begins: int, end: int) -> Any:
    [view] = batch[0].pictures
    with styled():
        figure = new_figure(height_in=4.6)
        light, calls = figure.subplots(2, 1, sharex=True)
        figure.suptitle("A lamp fades: the watch of pictures sees it before the verdicts tell", x=0.01, ha="left")
        numbers = [BATCH_PARTS * (k + 1) for k in range(len(batch))]
        light.plot(numbers, [each.mean(view, "mean") for each in batch], "o-", color=BLUE, markersize=3.5)
        light.set_ylabel("mean gray level")
        calls.plot(numbers, flagged, "D-", color=AMBER, markerfacecolor="white", markersize=4)
        calls.set_ylabel("share flagged, %")
        calls.set_ylim(bottom=0)
        calls.set_xlabel(f"boards judged; a point is of {BATCH_PARTS}", color=SOFT)
        for axis in (light, calls):
            axis.axvspan(0, BATCH_PARTS * REFERENCE_BATCHES, color=SOFT, alpha=0.1, label="reference period")
            axis.axvline(BATCH_PARTS * begins, color=GREEN, linewidth=2, label="the truth: fading begins")
            axis.axvline(BATCH_PARTS * end, color=VERMILION, linewidth=1.4, linestyle=(0, (5, 2)), label="alarm")
        light.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


STUDIES: Final[Mapping[str, Callable[[Examine], dict[str, Any]]]] = MappingProxyType(
    {"agreement": _agreement, "detection": _detection, "drift": _fading_lamp, "lines": _lines}
)

if __name__ == "__main__":
    sys.exit(main())
