"""When the image alarm of a station is raised and cleared, part by part."""

from collections.abc import Callable
from dataclasses import replace

from lineside.serving.signals.image_health import ImageHealth, ImageLimits
from lineside.serving.signals.schemas import ImageAlarmTold
from lineside.serving.signals.seen import SeenPart


def follow_pictures(
    health: ImageHealth, part: SeenPart, limits: ImageLimits, *, new_id: Callable[[], str]
) -> tuple[ImageHealth, ImageAlarmTold | None]:
    """Take one more part in.

    Args:
        health: of the station's pictures so far.
        part: the next one judged there.
        limits: when pictures are unfit.
        new_id: names an alarm.

    Returns:
        The health after it, and what is to be told; None where nothing changed.
    """
    if not part.was_seen:
        return health, None
    health = health.after(part.unfit, inspection_id=part.id, judged_at=part.judged_at, limits=limits)
    is_alarming, alarm_id = health.is_alarming(limits), health.alarm_id
    if is_alarming and alarm_id is None:
        raised = replace(health, alarm_id=new_id())
        return raised, _told(raised, part, limits)
    if not is_alarming and alarm_id is not None:
        return health.cleared(), _told(health, part, limits, is_cleared=True)
    return health, None


def _told(health: ImageHealth, part: SeenPart, limits: ImageLimits, *, is_cleared: bool = False) -> ImageAlarmTold:
    most = max(health.reasons, key=lambda code: health.reasons[code]).value if health.reasons else "none"
    if is_cleared:
        message = f"station {part.station!r}: {limits.in_a_row} parts in a row had pictures fit to judge by"
    elif health.in_a_row >= limits.in_a_row:
        message = f"station {part.station!r}: {health.in_a_row} parts in a row had unfit pictures, most of them {most}"
    else:
        message = (
            f"station {part.station!r}: {health.unfit} of the newest {len(health.codes)} parts had unfit pictures, "
            f"most of them {most}; the limit is a share of {limits.share:g}"
        )
    return ImageAlarmTold(
        id=health.alarm_id or "",
        station=part.station,
        state="cleared" if is_cleared else "raised",
        since=health.unfit_since or part.judged_at,
        in_a_row=health.in_a_row,
        unfit=health.unfit,
        parts=len(health.codes),
        reasons=dict(health.reasons),
        inspection_ids=health.unfit_ids,
        message=message,
    )
