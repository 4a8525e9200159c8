"""Drift: whether a line, its cameras or its model's scores are still what they were, without any label."""

from lineside.serving.drift.schemas import AlarmOut

__all__ = ["AlarmOut"]
