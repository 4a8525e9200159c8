"""A long printed web as a line camera sees it pass, written to a file that a station maps and reads in a loop.

A web is one board design printed again and again with a bare gap between two prints. Each print has defects of its own,
and streaks (a bath that drags copper along) run through as many prints as they like. No more than one print is
ever held, so a web may be far larger than the memory.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.synthetic.board import Board
from lineside.datasets.synthetic.design import (
    PX_PER_MM,
    BoardDesign,
    BoxPx,
    Defect,
    DefectClass,
    Image,
    Look,
    Purpose,
    Strip,
    generator_for,
)

SCHEMA = "lineside.synthetic-web/1"
_PIXELS_NAME = "web.mono8"
_TRUTH_NAME = "web.json"
GOLDEN_NAME = "golden.png"
"""One good print with its gap, as tall as the pitch."""

_PRINT_SEED_STEP = 1_000_003  # prints of one web and of webs with neighbouring seeds share no random stream


@dataclass(frozen=True, slots=True)
class WebDesign:
    """What is printed on a web, and what is wrong with it.

    Attributes:
        board: one print; its width is the web's, its height the length of a print.
        prints: how many follow each other.
        gap_px: lines of bare web after each print.
        defects_per_print: defects of each print, of the six classes.
        streaks: how many streaks of copper run along the web.
        streak_lines: shortest and longest streak in lines.
        streak_width_px: how wide a streak is.
        seed: of all that is wrong; the same design with the same seed is the same web.
        look: how it is seen.
    """

    board: BoardDesign
    prints: int
    gap_px: int = 64
    defects_per_print: int = 2
    streaks: int = 0
    streak_lines: tuple[int, int] = (2000, 6000)
    streak_width_px: int = 12
    seed: int = 1
    look: Look = Look.CAMERA

    def __post_init__(self) -> None:
        """Refuse a web that cannot be drawn."""
        if self.prints < 1 or self.gap_px < 0 or self.defects_per_print < 0 or self.streaks < 0 or self.seed < 0:
            raise ValueError(
                f"web of {self.prints} prints, gap {self.gap_px} px, {self.defects_per_print} defects a print, "
                f"{self.streaks} streaks, seed {self.seed}: expected at least one print and nothing negative"
            )
        shortest, longest = self.streak_lines
        if not 1 <= shortest <= longest or self.streak_width_px < 1:
            raise ValueError(
                f"streaks of {self.streak_lines} lines, {self.streak_width_px} px wide: expected 1 or more"
            )
        if self.streaks and longest > self.lines:
            raise ValueError(
                f"streaks of up to {longest} lines on a web of {self.lines}: make it longer, or them shorter"
            )

    @property
    def width_px(self) -> int:
        """Pixels of a line."""
        return self.board.size_wh_px[0]

    @property
    def pitch_px(self) -> int:
        """Lines from one print to the next."""
        return self.board.size_wh_px[1] + self.gap_px

    @property
    def lines(self) -> int:
        """Of the whole web."""
        return self.prints * self.pitch_px


@dataclass(frozen=True, slots=True)
class SyntheticWeb:
    """A web on disk.

    Attributes:
        pixels_path: uint8 pixels, line by line, without any header.
        width_px: pixels of a line.
        lines: of the whole web.
        pitch_px: lines from one print to the next.
        px_per_mm: scale, along and across.
        defects: what is wrong with it, boxes in pixels and lines of the web, in the order in which they begin.
    """

    pixels_path: Path
    width_px: int
    lines: int
    pitch_px: int
    px_per_mm: float
    defects: tuple[Defect, ...]

    def pixels(self) -> Image:
        """The pixels, mapped and not read: uint8 (lines, width), read-only."""
        return np.memmap(self.pixels_path, np.uint8, mode="r", shape=(self.lines, self.width_px))


def web_strips(design: WebDesign) -> Iterator[Strip]:
    """A web from its first line to its last, in strips of a row of tiles at most.

    Yields:
        Strips whose boxes are in lines of the web; a streak is in the strip in which it begins.
    """
    streaks = _streaks(design)
    board = Board(design.board)
    for number in range(design.prints):
        top = number * design.pitch_px
        seed = design.seed * _PRINT_SEED_STEP + number
        last: Image | None = None
        for strip in board.strips(look=design.look, defects=design.defects_per_print, seed=seed):
            moved = tuple(Defect(each.defect_class, _down(each.box_xyxy_px, top)) for each in strip.defects)
            last = strip.frame
            here = Strip(top + strip.top_px, strip.frame, strip.reference, moved)
            yield _with_streaks(here, streaks, dark=_copper_level(last), rng=generator_for(seed, Purpose.FILM))
        if design.gap_px and last is not None:
            rng = generator_for(seed, Purpose.NOISE)
            gap = _gap(last, design.gap_px, rng)
            here = Strip(top + design.board.size_wh_px[1], gap, gap.copy(), ())
            yield _with_streaks(here, streaks, dark=_copper_level(last), rng=rng)


def write_web(
    folder: Path, design: WebDesign, *, on_line: Callable[[int, int], None] = lambda *_: None
) -> SyntheticWeb:
    """Draw a web into a folder: the pixels, a JSON file with the truth, and the golden picture of one print.

    Args:
        folder: made if it is not there; a web in it is written over.
        design: what to draw.
        on_line: called after each strip with the lines drawn and all lines.

    Raises:
        NoRoomForDefect: a print has no place for so many defects.
        OSError: the disk is full, or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    defects: list[Defect] = []
    golden: list[Image] = []
    done = 0
    with (folder / _PIXELS_NAME).open("wb") as pixels:
        for strip in web_strips(design):
            pixels.write(np.ascontiguousarray(strip.frame).data)
            defects.extend(strip.defects)
            if strip.top_px < design.pitch_px:
                golden.append(strip.reference)
            done += len(strip.frame)
            on_line(done, design.lines)
    (folder / GOLDEN_NAME).write_bytes(cv2.imencode(".png", np.concatenate(golden))[1].tobytes())
    web = SyntheticWeb(
        folder / _PIXELS_NAME,
        design.width_px,
        design.lines,
        design.pitch_px,
        PX_PER_MM,
        tuple(sorted(defects, key=lambda defect: defect.box_xyxy_px[1])),
    )
    (folder / _TRUTH_NAME).write_text(json.dumps(_document(web), indent=1) + "\n", "utf-8")
    return web


def read_web(folder: Path) -> SyntheticWeb:
    """A web that `write_web` wrote.

    Raises:
        SampleUnreadable: a file is missing, or does not fit the other.
    """
    path = folder / _TRUTH_NAME
    try:
        told: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        if told["schema"] != SCHEMA:
            raise SampleUnreadable(f"{path} has the schema {told['schema']!r}; expected {SCHEMA!r}")
        web = SyntheticWeb(
            folder / _PIXELS_NAME,
            int(told["width_px"]),
            int(told["lines"]),
            int(told["pitch_px"]),
            float(told["px_per_mm"]),
            tuple(_defect(each) for each in told["defects"]),
        )
        size_bytes = web.pixels_path.stat().st_size
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, SampleUnreadable):
            raise
        raise SampleUnreadable(
            f"{folder} holds no synthetic web ({error}); draw one with `lineside web draw`"
        ) from error
    if size_bytes != web.lines * web.width_px:
        raise SampleUnreadable(
            f"{web.pixels_path} has {size_bytes} bytes; {web.lines} lines of {web.width_px} px have "
            f"{web.lines * web.width_px}: draw the web again"
        )
    return web


def _streaks(design: WebDesign) -> tuple[Defect, ...]:
    """Streaks of copper, each at a place of its own across the web."""
    rng = generator_for(design.seed, Purpose.MARKS)
    lanes = design.width_px // max(1, design.streaks)
    shortest, longest = design.streak_lines
    found = []
    for number in range(design.streaks):
        length = int(rng.integers(shortest, longest + 1))
        first = int(rng.integers(0, design.lines - length + 1))
        left = number * lanes + int(rng.integers(0, max(1, lanes - 2 * design.streak_width_px)))
        right = min(design.width_px, left + design.streak_width_px)
        found.append(Defect(DefectClass.COPPER, (left, first, right, first + length)))
    return tuple(found)


def _with_streaks(strip: Strip, streaks: tuple[Defect, ...], *, dark: float, rng: np.random.Generator) -> Strip:
    """The strip with the pieces of all streaks that cross it; their truth is told where they begin."""
    top, bottom = strip.top_px, strip.top_px + len(strip.frame)
    crossing = [each for each in streaks if each.box_xyxy_px[1] < bottom and each.box_xyxy_px[3] > top]
    if not crossing:
        return strip
    frame = strip.frame.copy()
    begun = []
    for streak in crossing:
        left, first, right, last = streak.box_xyxy_px
        piece = frame[max(first, top) - top : min(last, bottom) - top, left:right]
        piece[:] = _noisy(dark, piece.shape, rng)
        if first >= top:
            begun.append(streak)
    return Strip(strip.top_px, frame, strip.reference, (*strip.defects, *begun))


def _copper_level(print_frame: Image) -> float:
    """How dark copper is."""
    return float(np.percentile(print_frame, 2))


def _gap(print_frame: Image, lines: int, rng: np.random.Generator) -> Image:
    """Bare web as bright as the bare parts of the print before it."""
    return _noisy(float(np.percentile(print_frame, 90)), (lines, print_frame.shape[1]), rng)


def _noisy(level: float, shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """One gray level with a camera's noise."""
    return np.clip(level + rng.standard_normal(shape, np.float32) * 3.0, 0, 255).astype(np.uint8)


def _down(box: BoxPx, lines: int) -> BoxPx:
    return box[0], box[1] + lines, box[2], box[3] + lines


def _document(web: SyntheticWeb) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "width_px": web.width_px,
        "lines": web.lines,
        "pitch_px": web.pitch_px,
        "px_per_mm": web.px_per_mm,
        "defects": [{"class": str(each.defect_class), "box_xyxy_px": list(each.box_xyxy_px)} for each in web.defects],
    }


def _defect(told: Mapping[str, Any]) -> Defect:
    left, top, right, bottom = (int(side) for side in told["box_xyxy_px"])
    return Defect(DefectClass(told["class"]), (left, top, right, bottom))
