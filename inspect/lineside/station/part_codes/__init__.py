"""Which part is under the camera: 2D codes, and one book for ids from codes, PLC and MES."""

from lineside.station.part_codes.errors import CodeReaderMissing, CodeUndrawable, PartCodeError
from lineside.station.part_codes.identity import Identified, IdentityOutcome, PartIdentity
from lineside.station.part_codes.symbols import ALL_FORMATS, Code, CodeFormat, Region, draw_code, read_codes

__all__ = [
    "ALL_FORMATS",
    "Code",
    "CodeFormat",
    "CodeReaderMissing",
    "CodeUndrawable",
    "Identified",
    "IdentityOutcome",
    "PartCodeError",
    "PartIdentity",
    "Region",
    "draw_code",
    "read_codes",
]
