"""A station at work in one command: camera, PLC, server and station, an outage, and the reconciliation."""

from lineside.workflows.station_demo.account import PartAccount, StationDemoSummary
from lineside.workflows.station_demo.plan import StationDemoPlan
from lineside.workflows.station_demo.running import run_station_demo

__all__ = ["PartAccount", "StationDemoPlan", "StationDemoSummary", "run_station_demo"]
