"""What the MES and the twin are told beside the verdicts: rates, chart signals, states of stations, image alarms."""

from lineside.serving.signals.schemas import (
    ChartSignalTold,
    ImageAlarmTold,
    RateTold,
    SignalPoint,
    StateName,
    StationStateTold,
)

__all__ = ["ChartSignalTold", "ImageAlarmTold", "RateTold", "SignalPoint", "StateName", "StationStateTold"]
