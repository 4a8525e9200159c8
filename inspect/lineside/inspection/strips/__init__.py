"""Line scan: lines to windows, windows to defects of true length, defects to verdicts of parts of a web.

```
LineChunk -> LineWatch (faults) -> LineRun -> LineResampler -> LineRing, LinePlaces
StripTiler -> LineWindow (no copy) -> a detector -> SeamCarry -> WebDefect
PitchSegmenter | TriggerSegmenter -> WebPart -> RegionBook (recipe's limits) -> RegionVerdict -> RollMap
```

Lines of the web are counted from its begin, whatever the camera counts; places are millimetres along the roll by the
encoder. Everything here is pure: arrays in, records out.
"""

from lineside.inspection.errors import LinesNotYet, LinesOverwritten
from lineside.inspection.strips.encoder_scale import EncoderScale
from lineside.inspection.strips.line_watch import LineRun, LineWatch, Watched
from lineside.inspection.strips.lines import LineChunk, LineFault, LineFaultKind, joined_faults
from lineside.inspection.strips.parts import PartSegmenter, WebPart
from lineside.inspection.strips.places import AlongPlaces, LinePlaces
from lineside.inspection.strips.regions import RegionBook, RegionVerdict
from lineside.inspection.strips.ring import LineRing, LineWindow
from lineside.inspection.strips.roll_map import Cut, RollMap, RollRegion, read_roll_map
from lineside.inspection.strips.seam_carry import SeamCarry
from lineside.inspection.strips.segmenting import PitchSegmenter, TriggerSegmenter
from lineside.inspection.strips.slip import SlipRule, SlipWatch
from lineside.inspection.strips.strip_tiler import StripTiler, strip_tiles
from lineside.inspection.strips.watch_rules import SpeedChange, SpeedRule, WatchRules
from lineside.inspection.strips.web_defects import WebDefect

__all__ = [
    "AlongPlaces",
    "Cut",
    "EncoderScale",
    "LineChunk",
    "LineFault",
    "LineFaultKind",
    "LinePlaces",
    "LineRing",
    "LineRun",
    "LineWatch",
    "LineWindow",
    "LinesNotYet",
    "LinesOverwritten",
    "PartSegmenter",
    "PitchSegmenter",
    "RegionBook",
    "RegionVerdict",
    "RollMap",
    "RollRegion",
    "SeamCarry",
    "SlipRule",
    "SlipWatch",
    "SpeedChange",
    "SpeedRule",
    "StripTiler",
    "TriggerSegmenter",
    "WatchRules",
    "Watched",
    "WebDefect",
    "WebPart",
    "joined_faults",
    "read_roll_map",
    "strip_tiles",
]
