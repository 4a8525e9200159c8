"""Line scan: lines to windows, windows to defects of true length, defects to verdicts of parts of a web.

```
LineChunk -> LineWatch.accept -> LineRun (web lines in order, faults) -> LineResampler -> LineRing.write, LinePlaces.extend
          -> StripTiler.due -> LineRing.reserve (a window without copy) -> a detector -> SeamCarry.add -> WebDefect
PitchSegmenter | TriggerSegmenter -> WebPart -> RegionBook (recipe's limits) -> RegionVerdict -> RollMap
```

Lines of the web are counted from its begin, whatever the camera counts; places are millimetres along the roll by the
encoder. Everything here is pure: arrays in, records out.
"""

from lineside.inspection.strips.encoder_scale import EncoderScale, SlipRule
from lineside.inspection.strips.lines import LineChunk, LineFault, LineFaultKind
from lineside.inspection.strips.parts import PartSegmenter, WebPart
from lineside.inspection.strips.web_defects import WebDefect

__all__ = [
    "EncoderScale",
    "LineChunk",
    "LineFault",
    "LineFaultKind",
    "PartSegmenter",
    "SlipRule",
    "WebDefect",
    "WebPart",
]
