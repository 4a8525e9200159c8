"""JPEG structure: a walk over every marker, after ITU-T T.81 (1992), annex B.

Common decoders are built to show *something*: they skip unknown bytes, invent missing blocks and stop at the
first end marker. Here a stream must be what the standard says from the first byte to the last. The walk costs
tens of microseconds, because entropy-coded data is only swept for markers.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lineside.inspection.decoding.exif import asks_for_rotation
from lineside.inspection.decoding.headers import EXIF_ORIENTATION_IGNORED, ImageHeader
from lineside.inspection.decoding.jpeg_frame import JpegFrame, Scan
from lineside.inspection.errors import UndecodableFrame

MAGIC = b"\xff\xd8\xff"
_SOI, _EOI, _SOS, _DQT, _DHT, _DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD
_FRAME_KINDS = {0xC0: False, 0xC1: False, 0xC2: True}  # marker -> is progressive
_COMMENT = 0xFE
_RST0, _RST7, _FILL = 0xD0, 0xD7, 0xFF
_APPLICATION = range(0xE0, 0xF0)
_EXIF = b"Exif\x00\x00"

MAX_SCANS = 100
"""A progressive picture has about ten; thousands are a way to burn a decoder's time."""

MAX_SEGMENTS = 2000
"""Room for the largest colour profile in pieces; millions of empty segments are a way to burn ours."""

MAX_FILL_BYTES = 64
"""Before a marker any number of 0xFF may stand as fill; encoders that align their output use a few."""


@dataclass(frozen=True, slots=True)
class JpegStructure:
    """What the walk learnt.

    Attributes:
        header: the picture's geometry.
        last_scan_start: first byte of the last scan's entropy-coded data.
        last_scan_end: the byte after that data (fill bytes before the end marker not counted).
    """

    header: ImageHeader
    last_scan_start: int
    last_scan_end: int


def read_structure(body: bytes, check_header: Callable[[ImageHeader], None]) -> JpegStructure:
    """Walk a whole JPEG.

    Args:
        body: the stream, which must start with `MAGIC`.
        check_header: called as soon as the geometry is known; raises to refuse it.

    Raises:
        UndecodableFrame: anything that is not one complete, well-formed picture.
    """
    walk = _Walk(body)
    position = 2
    for _ in range(MAX_SEGMENTS):
        marker, position = _read_marker(body, position)
        if marker == _EOI:
            if position != len(body):
                raise UndecodableFrame(
                    f"{len(body) - position} byte(s) follow the end of the JPEG; send one picture and nothing else"
                )
            return walk.finish()
        content, position = _read_segment(body, position, marker)
        if marker == _SOS:
            position = walk.scan(content, position)
        elif marker in _FRAME_KINDS:
            walk.frame_header(content, is_progressive=_FRAME_KINDS[marker])
            check_header(walk.header())
        else:
            walk.tables_or_metadata(marker, content)
    raise UndecodableFrame(f"the JPEG has more than {MAX_SEGMENTS} segments; send an ordinary picture")


@dataclass(frozen=True, slots=True)
class _Markers:
    """Every 0xFF of the body that is followed by neither stuffing (0x00) nor fill (0xFF), found in one sweep.

    Attributes:
        positions: intp (n,), rising.
        codes: uint8 (n,), the byte after each.
    """

    positions: NDArray[np.intp]
    codes: NDArray[np.uint8]

    @classmethod
    def find(cls, body: bytes) -> "_Markers":
        values = np.frombuffer(body, np.uint8)
        code_values = values[1:]
        positions = np.flatnonzero((values[:-1] == _FILL) & (code_values != 0) & (code_values != _FILL))
        return cls(positions, code_values[positions])

    def end_of_scan(self, start: int) -> tuple[int, NDArray[np.uint8]]:
        """Position of the first marker from `start` that ends a scan, and the restart markers before it."""
        first = int(np.searchsorted(self.positions, start))
        codes = self.codes[first:]
        is_end = (codes < _RST0) | (codes > _RST7)
        if not is_end.any():
            raise UndecodableFrame("the JPEG's image data never ends: truncated")
        restarts = int(np.argmax(is_end))
        return int(self.positions[first + restarts]), codes[:restarts]


@dataclass(slots=True)
class _Walk:
    """The state that one marker leaves for the next."""

    body: bytes
    markers: _Markers | None = None
    frame: JpegFrame | None = None
    restart_interval: int = 0
    scans: int = 0
    quantisation_tables: set[int] = field(default_factory=set)
    huffman_tables: set[tuple[int, int]] = field(default_factory=set)
    notes: tuple[str, ...] = ()
    last_scan: tuple[int, int] = (0, 0)

    def header(self) -> ImageHeader:
        if self.frame is None:
            raise UndecodableFrame("the JPEG has no frame header before its data")
        return ImageHeader(
            self.frame.width_px, self.frame.height_px, channels=len(self.frame.components), notes=self.notes
        )

    def finish(self) -> JpegStructure:
        header = self.header()
        if self.frame is not None:
            self.frame.require_complete()
        return JpegStructure(header, *self.last_scan)

    def frame_header(self, content: bytes, *, is_progressive: bool) -> None:
        if self.frame is not None:
            raise UndecodableFrame("the JPEG has a second frame header; send one picture per body")
        self.frame = JpegFrame.parse(content, is_progressive=is_progressive)

    def tables_or_metadata(self, marker: int, content: bytes) -> None:
        if marker == _DQT:
            self.quantisation_tables |= _parse_quantisation(content)
        elif marker == _DHT:
            self.huffman_tables |= _parse_huffman(content)
        elif marker == _DRI:
            if len(content) != 2:
                raise UndecodableFrame(f"JPEG restart interval of {len(content)} bytes, it must have 2")
            (self.restart_interval,) = struct.unpack(">H", content)
        elif marker in _APPLICATION:
            if content.startswith(_EXIF) and asks_for_rotation(content[len(_EXIF) :]):
                self.notes = (EXIF_ORIENTATION_IGNORED,)
        elif marker != _COMMENT:
            raise UndecodableFrame(
                f"JPEG marker 0x{marker:02X}: only Huffman-coded baseline, extended and progressive pictures "
                "of 8 bits are read; check the encoder's settings"
            )

    def scan(self, content: bytes, start: int) -> int:
        """Check one scan; return the position of the marker after it."""
        if self.frame is None:
            raise UndecodableFrame("the JPEG has a scan before its frame header")
        self.scans += 1
        if self.scans > MAX_SCANS:
            raise UndecodableFrame(f"the JPEG has more than {MAX_SCANS} scans; send a baseline picture")
        scan = Scan.parse(content, self.frame)
        self._require_tables(scan)
        self.frame.record(scan)
        if self.markers is None:
            self.markers = _Markers.find(self.body)
        end, restarts = self.markers.end_of_scan(start)
        data = self.body[start:end]
        end = start + len(data.rstrip(b"\xff"))
        if end == start or (end - start) * 8 < scan.least_bits(self.frame):
            raise UndecodableFrame(
                f"the JPEG's header claims {self.frame.width_px}x{self.frame.height_px} px, which cannot be "
                f"in {end - start} bytes of image data: truncated, or a forged header"
            )
        self._require_restarts(scan, restarts)
        self.last_scan = (start, end)
        return end

    def _require_tables(self, scan: Scan) -> None:
        missing = [c.quantisation for c in scan.components if c.quantisation not in self.quantisation_tables]
        if missing or not scan.huffman_tables <= self.huffman_tables:
            raise UndecodableFrame("a JPEG scan names a quantisation or Huffman table that was never sent")

    def _require_restarts(self, scan: Scan, found: NDArray[np.uint8]) -> None:
        units = scan.units(self.frame) if self.frame else 0
        expected = (units - 1) // self.restart_interval if self.restart_interval else 0
        if len(found) != expected or not np.array_equal(found, _RST0 + np.arange(expected) % 8):
            raise UndecodableFrame(
                f"the JPEG scan has {len(found)} restart markers, its geometry asks for {expected} in the "
                "order 0..7: damaged on the way"
            )


def _read_marker(body: bytes, position: int) -> tuple[int, int]:
    """The marker code at `position` (fill bytes allowed before it) and the position after it."""
    start = position
    window = body[position : position + MAX_FILL_BYTES]
    position += len(window) - len(window.lstrip(b"\xff"))
    if position >= len(body):
        raise UndecodableFrame(f"the JPEG ends after {len(body)} bytes without an end marker: truncated")
    marker = body[position]
    if position == start or marker < 0xC0:
        raise UndecodableFrame(f"no JPEG marker at byte {start}, where one must be: damaged on the way")
    if marker == _SOI:
        raise UndecodableFrame(f"a second JPEG starts at byte {start}; send one picture per body")
    return marker, position + 1


def _read_segment(body: bytes, position: int, marker: int) -> tuple[bytes, int]:
    """The content after a segment's two length bytes, and the position after it."""
    if _RST0 <= marker <= _RST7:
        raise UndecodableFrame(f"JPEG restart marker at byte {position - 2}, outside image data: damaged")
    if position + 2 > len(body):
        raise UndecodableFrame("the JPEG ends inside a segment: truncated")
    (length,) = struct.unpack_from(">H", body, position)
    end = position + length
    if length < 2 or end > len(body):
        raise UndecodableFrame(
            f"JPEG segment 0x{marker:02X} at byte {position - 2} claims {length} bytes, the body has "
            f"{len(body) - position}: truncated or damaged"
        )
    return body[position + 2 : end], end


def _parse_quantisation(content: bytes) -> set[int]:
    """Destinations of the tables in one segment (T.81, B.2.4.1); a step of 0 exists nowhere."""
    found: set[int] = set()
    position = 0
    while position < len(content):
        precision, destination = content[position] >> 4, content[position] & 15
        step_bytes = 1 + precision
        steps = content[position + 1 : position + 1 + 64 * step_bytes]
        if precision > 1 or destination > 3 or len(steps) != 64 * step_bytes:
            raise UndecodableFrame("a JPEG quantisation table has an impossible size or number: damaged")
        if 0 in (steps if precision == 0 else struct.unpack(">64H", steps)):
            raise UndecodableFrame("a JPEG quantisation table holds a step of 0: damaged on the way")
        found.add(destination)
        position += 1 + len(steps)
    return found


def _parse_huffman(content: bytes) -> set[tuple[int, int]]:
    """(class, destination) of the tables in one segment (T.81, B.2.4.2), each a code that can be decoded."""
    found: set[tuple[int, int]] = set()
    position = 0
    while position < len(content):
        table_class, destination = content[position] >> 4, content[position] & 15
        counts = content[position + 1 : position + 17]
        symbols = content[position + 17 : position + 17 + sum(counts)]
        codes_used = sum(count << (16 - bits) for bits, count in enumerate(counts, start=1))
        if (
            table_class > 1
            or destination > 3
            or len(counts) != 16
            or not 0 < sum(counts) == len(symbols) <= 256
            or len(set(symbols)) != len(symbols)
            or codes_used >= 1 << 16  # the code of all ones is reserved (T.81, C.2)
            or (table_class == 0 and max(symbols) > 15)
        ):
            raise UndecodableFrame("a JPEG Huffman table is impossible: damaged on the way")
        found.add((table_class, destination))
        position += 17 + len(symbols)
    return found
