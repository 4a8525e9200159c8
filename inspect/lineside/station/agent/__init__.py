"""The station's agent: reads `station.yaml`, wires cameras, PLC, machine, judges and spool, and runs them."""

from lineside.station.agent.checking import StationCheck, check_station
from lineside.station.agent.configuration import (
    StationConfiguration,
    load_station,
    parse_station,
    station_json_schema,
)
from lineside.station.agent.errors import (
    MasterRefused,
    NotJudged,
    ServerAway,
    StationError,
    StationFailed,
    StationFileRefused,
)
from lineside.station.agent.master_requests import request_master
from lineside.station.agent.running import StationReady, run_station
from lineside.station.agent.station import Station

__all__ = [
    "MasterRefused",
    "NotJudged",
    "ServerAway",
    "Station",
    "StationCheck",
    "StationConfiguration",
    "StationError",
    "StationFailed",
    "StationFileRefused",
    "StationReady",
    "check_station",
    "load_station",
    "parse_station",
    "request_master",
    "run_station",
    "station_json_schema",
]
