"""The layout families: each fills one tile with the copper of its kind of board."""

from collections.abc import Callable

import numpy as np

from lineside.datasets.synthetic import parts
from lineside.datasets.synthetic.design import TILE_PX, BoardDesign, LayoutFamily, Purpose, generator_for
from lineside.datasets.synthetic.layout import OVERHANG_PX, Layout, Style
from lineside.datasets.synthetic.shapes import Ellipse, Shape, Stroke, rectangle

_EDGE_LANE_PX = 10.0
"""Half the width of the lane between two tiles that only crossing traces may enter."""


def style_of(design: BoardDesign) -> Style:
    """The drawing rules of a design; widths as measured on scans at 48 px/mm (6 to 90 px)."""
    rng = generator_for(design.seed, Purpose.STYLE)
    trace = int(rng.choice([6, 7, 8, 9, 10, 11, 12, 14, 16, 20]))
    return Style(
        trace_px=trace,
        wide_px=int(rng.integers(22, 44)),
        clearance_px=int(rng.integers(8, 15)),
        pad_px=int(rng.integers(22, 48)),
        hole_px=int(rng.integers(9, 16)),
        grid_px=int(rng.choice([8, 12, 16])),
    )


def lay_out(design: BoardDesign, column: int, row: int) -> list[Shape]:
    """The copper of one tile in its own pixels; it depends on the design and the tile's place alone."""
    layout = Layout(generator_for(design.seed, Purpose.LAYOUT, column, row), style_of(design))
    _cross_edges(layout, design, column, row)
    _FAMILIES[design.family](layout)
    _finish(layout)
    return layout.shapes


def _cross_edges(layout: Layout, design: BoardDesign, column: int, row: int) -> None:
    """Traces over edges shared with other tiles, alike from both sides, and a lane kept free for them."""
    columns, rows = design.tiles_wh
    span = (-OVERHANG_PX, TILE_PX + OVERHANG_PX)
    shared = (
        (column > 0, Purpose.PORTS_RIGHT, (column - 1, row), 0.0, False),
        (column < columns - 1, Purpose.PORTS_RIGHT, (column, row), float(TILE_PX), False),
        (row > 0, Purpose.PORTS_BELOW, (column, row - 1), 0.0, True),
        (row < rows - 1, Purpose.PORTS_BELOW, (column, row), float(TILE_PX), True),
    )
    lanes: list[Shape] = []
    for is_shared, purpose, edge, at, is_lying in shared:
        if not is_shared:
            continue
        rng = generator_for(design.seed, purpose, *edge)
        inward = 1 if at == 0.0 else -1
        for position in rng.choice(np.arange(40, TILE_PX - 40, 48), int(rng.integers(3, 9)), replace=False):
            width = layout.style.trace_px if rng.random() < 0.7 else layout.style.wide_px
            outside, inside = at - inward * OVERHANG_PX, at + inward * float(layout.rng.uniform(30, 70))
            ends = ((outside, float(position)), (inside, float(position)))
            line = Stroke(tuple((y, x) for x, y in ends) if is_lying else ends, width)
            net = layout.place(line)
            if net is not None:
                layout.terminal(line.points[1], net, (0, inward) if is_lying else (inward, 0))
        middle = (at, TILE_PX / 2) if not is_lying else (TILE_PX / 2, at)
        size = (2 * _EDGE_LANE_PX, float(span[1] - span[0]))
        lanes.append(rectangle(middle, size if not is_lying else (size[1], size[0])))
    layout.keep_out(lanes)


def _bus(layout: Layout) -> None:
    rng, style = layout.rng, layout.style
    for _ in range(int(rng.integers(2, 6))):
        width = max(6, int(style.trace_px * rng.uniform(0.8, 1.4)))
        gap = int(width * rng.uniform(0.7, 1.8)) + 5
        parts.bus(layout, lanes=int(rng.integers(3, 11)), width_px=width, gap_px=gap)
    for _ in range(int(rng.integers(4, 14))):
        parts.chip(layout, layout.free_point())
    parts.connect(layout, share=0.5, widths_px=[style.trace_px])
    _pours(layout, at_most=5)


def _surface_mount(layout: Layout) -> None:
    rng, style = layout.rng, layout.style
    for _ in range(int(rng.integers(2, 5))):
        width = float(rng.uniform(10, 30))
        parts.package(
            layout,
            layout.free_point(60),
            leads=int(rng.integers(3, 12)),
            pitch_px=width * float(rng.uniform(1.6, 2.6)),
            lead_wh_px=(width, width * float(rng.uniform(1.8, 4))),
            span_px=float(rng.uniform(120, 300)),
        )
    for _ in range(int(rng.integers(8, 26))):
        parts.chip(layout, layout.free_point())
    parts.connect(layout, share=0.9, widths_px=[style.trace_px, style.trace_px, style.wide_px])
    _pours(layout, at_most=8)


def _connector(layout: Layout) -> None:
    rng, style = layout.rng, layout.style
    for _ in range(int(rng.integers(1, 4))):
        pitch = float(rng.uniform(70, 140))
        size = pitch * float(rng.uniform(0.45, 0.78))
        hole = size * float(rng.uniform(0.12, 0.42))
        left, top = layout.free_point()
        columns, rows = (int(n) for n in rng.permutation([int(rng.integers(3, 8)), int(rng.integers(1, 4))]))
        for row in range(rows):
            for column in range(columns):
                at = (left + column * pitch, top + row * pitch)
                parts.through_pad(layout, at, size_px=size, hole_px=hole)
    parts.connect(layout, share=0.9, widths_px=[style.trace_px, style.wide_px])
    for _ in range(int(rng.integers(0, 10))):
        parts.chip(layout, layout.free_point())
    _pours(layout, at_most=6)


def _power(layout: Layout) -> None:
    rng, style = layout.rng, layout.style
    if rng.random() < 0.7:
        width, gap = int(rng.integers(24, 110)), int(rng.integers(14, 60))
        parts.bus(layout, lanes=int(rng.integers(1, 5)), width_px=width, gap_px=gap)
    for _ in range(int(rng.integers(3, 9))):
        parts.pour(layout, layout.free_point(), tuple(rng.uniform(90, 460, 2)))
    for _ in range(int(rng.integers(4, 14))):
        size = style.pad_px * float(rng.uniform(1.2, 2.4))
        parts.through_pad(layout, layout.free_point(), size_px=size, hole_px=min(style.hole_px, size * 0.35))
    parts.connect(layout, share=0.9, widths_px=[style.wide_px, style.wide_px + 18, style.trace_px])
    _pours(layout, at_most=12)


def _sparse(layout: Layout) -> None:
    rng, style = layout.rng, layout.style
    for _ in range(int(rng.integers(1, 3))):
        lanes, gap = int(rng.integers(1, 5)), int(rng.integers(10, 90))
        parts.bus(layout, lanes=lanes, width_px=style.trace_px, gap_px=gap)
    for _ in range(int(rng.integers(3, 14))):
        layout.place(Ellipse(layout.free_point(), (float(rng.uniform(6, 12)), float(rng.uniform(7, 12)))))
    for _ in range(int(rng.integers(1, 10))):
        hole = style.hole_px if rng.random() < 0.3 else 0.0
        parts.via(layout, layout.free_point(), radius_px=float(rng.uniform(14, 44)) + hole, hole_px=hole)
    parts.connect(layout, share=0.5, widths_px=[style.trace_px])


def _mesh(layout: Layout) -> None:
    rng, style = layout.rng, layout.style
    for _ in range(int(rng.integers(2, 6))):
        pitch = float(rng.uniform(28, 64))
        width = int(pitch * rng.uniform(0.18, 0.45)) + 3
        at, size = layout.free_point(), tuple(rng.uniform(120, 420, 2))
        parts.mesh(layout, at, size, pitch_px=pitch, width_px=width)
    for _ in range(int(rng.integers(6, 16))):
        parts.through_pad(layout, layout.free_point(), size_px=style.pad_px * 1.5, hole_px=style.hole_px)
    parts.connect(layout, share=0.7, widths_px=[style.trace_px, style.wide_px])
    _pours(layout, at_most=6)


def _pours(layout: Layout, *, at_most: int) -> None:
    """Small filled areas in what room is left."""
    rng = layout.rng
    for _ in range(int(rng.integers(0, at_most + 1))):
        parts.pour(layout, layout.free_point(), tuple(rng.uniform(50, 220, 2)))


def _finish(layout: Layout) -> None:
    """What every board has besides: passives, vias with short traces, letters, in the room that is left."""
    rng, style = layout.rng, layout.style
    layout.terminals.clear()
    for _ in range(int(rng.integers(0, 12))):
        parts.chip(layout, layout.free_point())
    for _ in range(int(rng.integers(0, 12))):
        hole = style.hole_px * 0.7 if rng.random() < 0.5 else 0.0
        parts.via(layout, layout.free_point(), radius_px=float(rng.uniform(10, 26)) + hole, hole_px=hole)
    for _ in range(int(rng.choice([0, 0, 1, 2, 3]))):
        parts.lettering(layout, layout.free_point())
    parts.connect(layout, share=0.8, widths_px=[style.trace_px, style.wide_px])


_FAMILIES: dict[LayoutFamily, Callable[[Layout], None]] = {
    LayoutFamily.BUS: _bus,
    LayoutFamily.SURFACE_MOUNT: _surface_mount,
    LayoutFamily.CONNECTOR: _connector,
    LayoutFamily.POWER: _power,
    LayoutFamily.SPARSE: _sparse,
    LayoutFamily.MESH: _mesh,
}
