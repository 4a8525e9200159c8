"""Bytes from a station -> pixels that may be judged, or a refusal that says why.

A decoder on a production line has two enemies: a hostile body (a 34-byte file that claims 16000 x 16000
pixels) and a damaged one (200 zeroed bytes that common decoders turn into a plausible picture). The first
is met by reading the header with code of our own before anything is allocated, the second by accepting
only streams that are complete and well-formed to the last byte.
"""

from lineside.inspection.decoding.decode import decode
from lineside.inspection.decoding.headers import ImageHeader
from lineside.inspection.decoding.limits import DecodingLimits, ExpectedGeometry
from lineside.inspection.decoding.sixteen_bit import LinearWindow, ShiftRight, SixteenBitRule

__all__ = [
    "DecodingLimits",
    "ExpectedGeometry",
    "ImageHeader",
    "LinearWindow",
    "ShiftRight",
    "SixteenBitRule",
    "decode",
]
