"""How copper becomes an image: the binarised scan, and the gray one of a line camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lineside.datasets.synthetic.design import (
    TILE_PX,
    BoardDesign,
    Image,
    Look,
    Purpose,
    generator_for,
)
from lineside.datasets.synthetic.surface import Mask

MARGIN_PX = 24
"""Copper known beyond each side of a tile, so that blur and a shifted pose need no neighbour's image."""

GREATEST_SHIFT_PX = 3.5
"""No pose is farther from the golden image than this, along each axis (seen on DeepPCB: up to 3 px)."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One pass of a part under the camera: what holds for the whole frame.

    Attributes:
        look: binarised or camera.
        seed: of the noise.
        shift_xy_px: where the part lay, against the golden image.
        blur_px: sigma of the optics.
        threshold: binarised only: the gray level of the cut; off 0.5, lines grow or shrink.
        roughness: binarised only: noise before the cut, share of full scale.
        dark: camera only: gray level of copper.
        bright: camera only: gray level of bare board.
        slope_xy: camera only: fall of the light across the board, share of full light.
        noise: camera only: sigma of the sensor's noise in gray levels.
        line_jitter_px: camera only: sigma of the lines' shift along x.
    """

    look: Look
    seed: int
    shift_xy_px: tuple[float, float]
    blur_px: float
    threshold: float
    roughness: float
    dark: float
    bright: float
    slope_xy: tuple[float, float]
    noise: float
    line_jitter_px: float


def exposure(design: BoardDesign, look: Look, seed: int, *, is_golden: bool) -> Exposure:
    """Draw the circumstances of one pass; a golden one lies exactly in place.

    Light and gray levels belong to the station, so they are the design's; from pass to pass they drift by a few
    per cent.
    """
    station = generator_for(design.seed, Purpose.STATION)
    bright, dark = station.uniform(150, 225), station.uniform(30, 75)
    slope = station.uniform(-0.18, 0.18, 2)
    rng = generator_for(seed, Purpose.POSE)
    # On the tuning groups three frames of four lie within half a pixel of the golden image, the rest up to
    # 3 px off.
    spread = 0.35 if rng.random() < 0.7 else 1.3
    shift = np.clip(rng.normal(0, spread, 2), -GREATEST_SHIFT_PX, GREATEST_SHIFT_PX)
    slope = slope + rng.normal(0, 0.02, 2)
    is_binarised = look is Look.BINARISED
    return Exposure(
        look=look,
        seed=seed,
        shift_xy_px=(0.0, 0.0) if is_golden else (float(shift[0]), float(shift[1])),
        blur_px=float(rng.uniform(1.0, 1.9)) if is_binarised else float(rng.uniform(0.8, 1.6)),
        threshold=float(np.clip(rng.normal(0.5, 0.05), 0.38, 0.62)),
        roughness=float(rng.uniform(0.02, 0.16)),
        dark=float(dark * rng.normal(1.0, 0.05)),
        bright=float(bright * rng.normal(1.0, 0.04)),
        slope_xy=(float(slope[0]), float(slope[1])),
        noise=float(rng.uniform(2.0, 6.0)),
        line_jitter_px=float(rng.uniform(0.0, 0.35)),
    )


def expose_tile(
    copper: Mask,
    removed: Mask,
    added: Mask,
    pass_: Exposure,
    *,
    design: BoardDesign,
    column: int,
    row: int,
    contrast: float | NDArray[np.float32] = 1.0,
    shade: NDArray[np.float32] | None = None,
) -> Image:
    """The image of one tile.

    Args:
        copper: golden copper with `MARGIN_PX` around the tile.
        removed: copper taken away by defects, same size.
        added: copper put by defects, same size.
        pass_: the circumstances.
        design: the board, for what belongs to the camera's place on it.
        column: the tile's column.
        row: the tile's row.
        contrast: of what defects changed, in (0, 1], or the same at each place, of the same size as `copper`; below 1
            copper was etched in part, or a film of it stayed. Camera only.
        shade: share of the light that marks take away, 0 to 1, same size; None where there are none.

    Returns:
        uint8 (640, 640), to be cut where the board ends.
    """
    rng = generator_for(pass_.seed, Purpose.NOISE, column, row)
    if pass_.look is Look.BINARISED:
        return _binarise(copper, removed, added, pass_, rng, shade)
    whole = copper.astype(np.float32)
    damaged = ((copper & (1 - removed)) | added).astype(np.float32)
    damaged = whole + np.asarray(contrast, np.float32) * (damaged - whole)
    return _photograph(damaged, pass_, rng, design=design, column=column, row=row, shade=shade)


def film_thickness(seed: int, column: int, row: int, *, contrast: float) -> NDArray[np.float32]:
    """How much of copper's darkness a film of it has at each place of a tile with its margin.

    Args:
        seed: of the part.
        column: the tile's column.
        row: the tile's row.
        contrast: the mean, in (0, 1].

    Returns:
        float32 (side, side), in patches of some ten pixels, between 0.4 and 1.6 times the mean.
    """
    side = TILE_PX + 2 * MARGIN_PX
    grain = generator_for(seed, Purpose.FILM, column, row).standard_normal((side // 10, side // 10), np.float32)
    patches = cv2.resize(grain, (side, side))
    thickness = contrast * np.clip(1.0 + 0.3 * patches, 0.4, 1.6)
    return np.clip(thickness, 0.0, 1.0).astype(np.float32)


def _binarise(
    copper: Mask,
    removed: Mask,
    added: Mask,
    pass_: Exposure,
    rng: np.random.Generator,
    shade: NDArray[np.float32] | None,
) -> Image:
    # Defects are drawn on the binarised image, as DeepPCB's were: specks stay sharp.
    covered = _moved(_blurred(copper.astype(np.float32), pass_.blur_px), pass_.shift_xy_px)
    if shade is not None:
        covered = np.maximum(covered, _moved(shade, pass_.shift_xy_px))
    grain = cv2.GaussianBlur(rng.standard_normal(covered.shape, np.float32), (3, 3), 0.7)
    # Bounded, so that the noise frays edges and leaves no dust in plain areas.
    fray = np.clip(1.8 * pass_.roughness * grain, -0.33, 0.33)
    image = np.where(covered + fray < 1.0 - pass_.threshold, 255, 0).astype(np.uint8)
    dx, dy = (round(shift) for shift in pass_.shift_xy_px)
    cut = np.s_[MARGIN_PX - dy : MARGIN_PX - dy + TILE_PX, MARGIN_PX - dx : MARGIN_PX - dx + TILE_PX]
    image[removed[cut] > 0] = 255
    image[added[cut] > 0] = 0
    return image


def _photograph(
    copper: NDArray[np.float32],
    pass_: Exposure,
    rng: np.random.Generator,
    *,
    design: BoardDesign,
    column: int,
    row: int,
    shade: NDArray[np.float32] | None,
) -> Image:
    lines = generator_for(pass_.seed, Purpose.LINES, row).normal(0, 1, TILE_PX).astype(np.float32)
    jitter = cv2.GaussianBlur(lines[:, None], (1, 5), 1.0).ravel() * (1.6 * pass_.line_jitter_px)
    covered = _moved(_blurred(copper, pass_.blur_px), pass_.shift_xy_px, jitter)
    # Unequal pixels of the sensor stay in their columns and are the same for every part of a design.
    gains = 1.0 + generator_for(design.seed, Purpose.SENSOR, column).normal(0, 0.012, TILE_PX).astype(np.float32)
    width, height = design.size_wh_px
    xs = (np.arange(TILE_PX, dtype=np.float32) + column * TILE_PX) / width - 0.5
    ys = (np.arange(TILE_PX, dtype=np.float32) + row * TILE_PX) / height - 0.5
    light = (1.0 + pass_.slope_xy[0] * xs)[None, :] * (1.0 + pass_.slope_xy[1] * ys - 0.1 * ys * ys)[:, None]
    gray = (pass_.bright + (pass_.dark - pass_.bright) * covered) * light * gains[None, :]
    if shade is not None:
        gray *= 1.0 - _moved(shade, pass_.shift_xy_px, jitter)
    # The weave of the board shows through where there is no copper.
    weave = cv2.resize(rng.standard_normal((TILE_PX // 8, TILE_PX // 8), np.float32), (TILE_PX, TILE_PX))
    gray += (1.0 - covered) * weave * 3.0
    gray += rng.standard_normal(gray.shape, np.float32) * pass_.noise
    return np.clip(gray + 0.5, 0, 255).astype(np.uint8)


def _blurred(copper: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    blurred: NDArray[np.float32] = cv2.GaussianBlur(copper, (0, 0), sigma_px).astype(np.float32, copy=False)
    return blurred


def _moved(
    field: NDArray[np.float32], shift_xy_px: tuple[float, float], jitter_px: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """The tile's part of a field with margins, moved by a shift and each line by its own jitter."""
    dx, dy = shift_xy_px
    if jitter_px is None:
        matrix = np.array([[1, 0, MARGIN_PX - dx], [0, 1, MARGIN_PX - dy]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(field, matrix, (TILE_PX, TILE_PX), flags=flags).astype(np.float32, copy=False)
    xs = np.arange(TILE_PX, dtype=np.float32)[None, :] + np.float32(MARGIN_PX - dx) + jitter_px[:, None]
    ys = np.repeat(np.arange(TILE_PX, dtype=np.float32)[:, None] + np.float32(MARGIN_PX - dy), TILE_PX, axis=1)
    return cv2.remap(field, xs, ys, cv2.INTER_LINEAR).astype(np.float32, copy=False)
