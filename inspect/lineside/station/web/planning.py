"""From what a web.yaml says to the plan that a station is built by."""

from math import ceil

from lineside.inspection.strips import EncoderScale, SlipRule, SpeedChange, SpeedRule, WatchRules
from lineside.station.web.errors import WebFileRefused
from lineside.station.web.grades import GradeRule
from lineside.station.web.plan import WebPlan
from lineside.station.web.reject_point import RejectPoint
from lineside.station.web.settings import WebFile, WebSettings

_MOST_RING_BYTES = 512 * 2**20


def plan_of(settings: WebSettings, *, tile_wh_px: tuple[int, int]) -> WebPlan:
    """The plan of a file.

    Args:
        settings: what the file says.
        tile_wh_px: the model's input.

    Raises:
        WebFileRefused: its sizes and rules contradict one another, or the model's input.
    """
    file = settings.file
    try:
        plan = WebPlan(
            roll=file.roll,
            width_px=file.source.width_px,
            mm_per_px_across=file.mm_per_px_across,
            scale=EncoderScale(file.encoder.mm_per_count, 1 if file.encoder.direction == "rising" else -1),
            rules=_rules(file),
            tile_wh_px=tile_wh_px,
            overlap_wh_px=(file.tiles.overlap_px, file.tiles.overlap_px),
            ring_lines=file.tiles.ring_lines or _ring_lines(file, tile_lines=tile_wh_px[1]),
            reject=_reject(settings),
            slip=None if file.parts.slip_mm is None else SlipRule(file.parts.pitch_mm, file.parts.slip_mm),
            grades=tuple(GradeRule(each.grade, each.max_defects, each.max_defect_mm) for each in file.grades),
            grade_otherwise=file.grade_otherwise,
        )
    except ValueError as error:
        raise WebFileRefused(f"{settings.source}: {error}") from error
    if plan.reject is not None and plan.reject.distance_mm <= file.parts.longest_mm + plan.tile_mm:
        raise WebFileRefused(
            f"{settings.source}: the reject point is {plan.reject.distance_mm + settings.held_mm:g} mm behind the "
            f"camera; a region of {file.parts.longest_mm:g} mm, the last window of the model, {plan.tile_mm:g} mm, and "
            f"the frame that waits for the next one's count, {settings.held_mm:g} mm, must pass the camera before it "
            "can be decided: move the marker away, or cut shorter regions"
        )
    return plan


def _ring_lines(file: WebFile, *, tile_lines: int) -> int:
    """Lines that are worth keeping: those that may still be judged in time, within the memory that a ring may take."""
    way_mm = file.parts.longest_mm + (0.0 if file.reject is None else file.reject.distance_mm)
    lines = ceil(way_mm / (file.encoder.counts_per_line * file.encoder.mm_per_count)) + 2 * tile_lines
    return max(2 * tile_lines, min(lines, _MOST_RING_BYTES // file.source.width_px))


def _rules(file: WebFile) -> WatchRules:
    encoder, speed = file.encoder, file.speed
    return WatchRules(
        counts_per_line=encoder.counts_per_line,
        speed=SpeedRule(
            on_change=SpeedChange(speed.on_change), tolerance=speed.tolerance, most_stretch=speed.most_stretch
        ),
        most_jump_lines=encoder.jump_lines,
        stuck_lines=encoder.stuck_lines,
        repeated_lines=encoder.repeated_lines,
        most_fill_lines=encoder.fill_lines,
        encoder_bits=encoder.bits,
    )


def _reject(settings: WebSettings) -> RejectPoint | None:
    """As far away as the newest lines see it: when they come, the web has gone on by what was held back."""
    reject = settings.file.reject
    if reject is None:
        return None
    return RejectPoint(reject.distance_mm - settings.held_mm, reject.actuator_ms / 1000.0, reject.speed_mm_s)
