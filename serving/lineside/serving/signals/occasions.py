"""Alarms and escapes as occasions for the recipes' rules, each with its evidence."""

from lineside.inspection.recipe import HoldTrigger
from lineside.serving.signals.rules import Occasion
from lineside.serving.signals.schemas import ImageAlarmTold
from lineside.serving.signals.seen import SeenDrift, SeenPart, SeenReview


def image_alarm_occasion(alarm: ImageAlarmTold, part: SeenPart) -> Occasion:
    """Pictures are unfit to judge by.

    Args:
        alarm: as it was raised.
        part: that raised it.
    """
    return Occasion(
        trigger=HoldTrigger.IMAGE_ALARM,
        key=alarm.id,
        station=alarm.station,
        lot=part.lot,
        reason=alarm.message,
        evidence=({"kind": "image_alarm", **alarm.model_dump(mode="json")},),
    )


def drift_occasion(drift: SeenDrift, *, lot: str | None) -> Occasion:
    """The line is no longer what it was.

    Args:
        drift: the alarm.
        lot: that the station works on.
    """
    return Occasion(
        trigger=HoldTrigger.DRIFT_ALARM,
        key=drift.alarm_id,
        station=drift.station,
        lot=lot,
        reason=drift.message,
        evidence=({"kind": "drift_alarm", "alarm_id": drift.alarm_id, "message": drift.message},),
    )


def escape_occasion(review: SeenReview) -> Occasion:
    """A part that passed was found defective."""
    return Occasion(
        trigger=HoldTrigger.ESCAPE_CONFIRMED,
        key=review.inspection_id,
        station=review.station,
        lot=review.lot,
        reason=f"part {review.part_id!r} passed station {review.station!r} and was found defective",
        evidence=({"kind": "escape", "part_id": review.part_id, "inspection_ids": [review.inspection_id]},),
    )
