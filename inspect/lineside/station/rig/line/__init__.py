"""The parts of a simulated line: belt and encoder, handshakes, permits, and the truth of what happened."""

from lineside.station.rig.line.belt import EncoderFault
from lineside.station.rig.line.settings import EvenSpacing, GivenSpacing, LineSettings, Spacing
from lineside.station.rig.line.truth import LineCounts, LineTruth, PartTruth, Why

__all__ = [
    "EncoderFault",
    "EvenSpacing",
    "GivenSpacing",
    "LineCounts",
    "LineSettings",
    "LineTruth",
    "PartTruth",
    "Spacing",
    "Why",
]
