"""A JPEG's frame and scan headers: which blocks the data must hold (ITU-T T.81, B.2.2, B.2.3, annex G)."""

import struct
from dataclasses import dataclass, field

from lineside.inspection.errors import UndecodableFrame

_DC, _AC = 0, 1
_COEFFICIENTS = 64
_NOT_SENT = 255


@dataclass(frozen=True, slots=True)
class Component:
    """One colour channel: its id, sampling factors and quantisation table."""

    identifier: int
    horizontal: int
    vertical: int
    quantisation: int


@dataclass(slots=True)
class JpegFrame:
    """A frame header, and how much of each component's coefficients the scans have brought so far.

    Attributes:
        width_px: columns.
        height_px: rows.
        is_progressive: whether scans refine each other.
        components: one (gray) or three (colour).
        bits_missing: per component id, for each of 64 coefficients, how many low bits are still to come.
    """

    width_px: int
    height_px: int
    is_progressive: bool
    components: tuple[Component, ...]
    bits_missing: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: bytes, *, is_progressive: bool) -> "JpegFrame":
        """Read the content of an SOF0, SOF1 or SOF2 segment."""
        if len(content) < 6 or len(content) != 6 + 3 * content[5]:
            raise UndecodableFrame(f"a JPEG frame header has {len(content)} bytes, which fits no channel count")
        precision, height, width, count = struct.unpack_from(">BHHB", content)
        if precision != 8:
            raise UndecodableFrame(f"the JPEG has {precision} bits per channel, only 8 are read; send PNG")
        if width < 1 or height < 1:
            raise UndecodableFrame(f"the JPEG header claims {width}x{height} px; each side must be at least 1")
        if count not in {1, 3}:
            raise UndecodableFrame(f"the JPEG has {count} channels (4 would be CMYK); send gray or colour")
        components = tuple(
            Component(identifier, sampling >> 4, sampling & 15, quantisation)
            for identifier, sampling, quantisation in struct.iter_unpack("BBB", content[6:])
        )
        if len({component.identifier for component in components}) != count or not all(
            1 <= c.horizontal <= 4 and 1 <= c.vertical <= 4 and c.quantisation <= 3 for c in components
        ):
            raise UndecodableFrame("a JPEG frame header has impossible components: damaged on the way")
        missing = {component.identifier: [_NOT_SENT] * _COEFFICIENTS for component in components}
        return cls(width, height, is_progressive, components, missing)

    def record(self, scan: "Scan") -> None:
        """Note what a scan brings; refuse one that repeats or skips bits."""
        for component in scan.components:
            missing = self.bits_missing[component.identifier]
            for index in range(scan.first, scan.last + 1):
                expected = _NOT_SENT if scan.high == 0 else scan.high
                if missing[index] != expected:
                    raise UndecodableFrame("a JPEG scan repeats or skips coefficients: damaged on the way")
                missing[index] = scan.low

    def require_complete(self) -> None:
        """Refuse a frame whose scans have not brought every bit of every coefficient."""
        if any(any(missing) for missing in self.bits_missing.values()):
            raise UndecodableFrame("the JPEG ends before all of its scans have come: truncated")


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan header.

    Attributes:
        components: the components whose blocks the scan holds.
        huffman_tables: (class, destination) of the tables it needs.
        first: first coefficient in zigzag order.
        last: last coefficient.
        high: bits already sent before (0 in a first scan).
        low: bits that remain after this scan.
    """

    components: tuple[Component, ...]
    huffman_tables: frozenset[tuple[int, int]]
    first: int
    last: int
    high: int
    low: int

    @classmethod
    def parse(cls, content: bytes, frame: JpegFrame) -> "Scan":
        """Read the content of an SOS segment."""
        count = content[0] if content else 0
        if not 1 <= count <= len(frame.components) or len(content) != 4 + 2 * count:
            raise UndecodableFrame(f"a JPEG scan header has {len(content)} bytes, which fits no channel count")
        by_identifier = {component.identifier: component for component in frame.components}
        named = [content[1 + 2 * index] for index in range(count)]
        if len(set(named)) != count or not by_identifier.keys() >= set(named):
            raise UndecodableFrame("a JPEG scan names a component that the frame does not have")
        first, last, bits = content[-3:]
        high, low = bits >> 4, bits & 15
        if frame.is_progressive:
            dc_only = first == 0 and last == 0
            ac_only = 0 < first <= last < _COEFFICIENTS and count == 1
            if not (dc_only or ac_only) or low > 13 or (high and high != low + 1):
                raise UndecodableFrame("a JPEG scan has an impossible spectral selection: damaged on the way")
        elif (first, last, bits) != (0, _COEFFICIENTS - 1, 0):
            raise UndecodableFrame("a sequential JPEG scan does not hold all coefficients: damaged")
        tables: set[tuple[int, int]] = set()
        for index in range(count):
            selectors = content[2 + 2 * index]
            if first == 0 and high == 0:
                tables.add((_DC, selectors >> 4))
            if last > 0:
                tables.add((_AC, selectors & 15))
        components = tuple(by_identifier[identifier] for identifier in named)
        return cls(components, frozenset(tables), first, last, high, low)

    def units(self, frame: JpegFrame) -> int:
        """Minimum coded units in the scan: what a restart interval counts (T.81, A.2)."""
        widest = max(component.horizontal for component in frame.components)
        tallest = max(component.vertical for component in frame.components)
        if len(self.components) > 1:
            return _ceil_div(frame.width_px, 8 * widest) * _ceil_div(frame.height_px, 8 * tallest)
        (component,) = self.components
        columns = _ceil_div(frame.width_px * component.horizontal, widest)
        rows = _ceil_div(frame.height_px * component.vertical, tallest)
        return _ceil_div(columns, 8) * _ceil_div(rows, 8)

    def least_bits(self, frame: JpegFrame) -> int:
        """A lower bound of the scan's data: every Huffman code has at least one bit.

        A sequential block has one DC code and at least one AC code. AC scans of a progressive picture may
        cover thousands of blocks with one end-of-band code, so they have no useful bound.
        """
        if self.first > 0:
            return 1
        per_unit = (
            sum(component.horizontal * component.vertical for component in self.components)
            if len(self.components) > 1
            else 1
        )
        codes_per_block = 1 if frame.is_progressive else 2
        return self.units(frame) * per_unit * codes_per_block


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
