"""The web station: line scan of a web, a verdict for each region before it reaches the marker, a map of the roll.

```
LineSource -> WebLines (faults, ring, places) -> TileWorkers (the release's engine) -> WebFindings (seams, regions)
           -> RegionOutcome -> MarkerOutput, files, roll map
```
"""

from lineside.station.web.camera_lines import CameraLines
from lineside.station.web.errors import LinesRefused, MarkerFailed, WebError, WebFileRefused
from lineside.station.web.folder_lines import FolderLines
from lineside.station.web.grades import GradeRule, grade_of
from lineside.station.web.line_sources import LineSource, PartMark, SourceTrouble
from lineside.station.web.looped_web import LoopedWeb
from lineside.station.web.marked_lines import MarkedLines
from lineside.station.web.markers import FileMarker, MarkerOutput, MarkPulse, NoMarker, pulses_of
from lineside.station.web.opening import OpenedWeb, open_web
from lineside.station.web.plan import WebPlan
from lineside.station.web.records import RegionOutcome, WebEvent, WebEventKind, WebFigures
from lineside.station.web.reject_point import RejectPoint
from lineside.station.web.rig_marker import RigMarker
from lineside.station.web.running import WebRun, run_web
from lineside.station.web.settings import SCHEMA, WebFile, WebSettings, parse_web_file, web_json_schema
from lineside.station.web.tile_workers import TileDetector
from lineside.station.web.web_kit import KitWatch, TakenKit, take_kit
from lineside.station.web.web_station import WebStation

__all__ = [
    "SCHEMA",
    "CameraLines",
    "FileMarker",
    "FolderLines",
    "GradeRule",
    "KitWatch",
    "LineSource",
    "LinesRefused",
    "LoopedWeb",
    "MarkPulse",
    "MarkedLines",
    "MarkerFailed",
    "MarkerOutput",
    "NoMarker",
    "OpenedWeb",
    "PartMark",
    "RegionOutcome",
    "RejectPoint",
    "RigMarker",
    "SourceTrouble",
    "TakenKit",
    "TileDetector",
    "WebError",
    "WebEvent",
    "WebEventKind",
    "WebFigures",
    "WebFile",
    "WebFileRefused",
    "WebPlan",
    "WebRun",
    "WebSettings",
    "WebStation",
    "grade_of",
    "open_web",
    "parse_web_file",
    "pulses_of",
    "run_web",
    "take_kit",
    "web_json_schema",
]
