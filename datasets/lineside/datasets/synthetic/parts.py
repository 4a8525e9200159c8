"""Components that several layout families share: pads, vias, packages, buses, pours and lettering."""

from collections.abc import Sequence

from lineside.datasets.synthetic.design import TILE_PX
from lineside.datasets.synthetic.layout import OVERHANG_PX, Layout, parallel
from lineside.datasets.synthetic.shapes import Ellipse, Lettering, Point, Polygon, Shape, Stroke, rectangle

_WAYS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def via(layout: Layout, at: Point, *, radius_px: float, hole_px: float = 0.0, net: int | None = None) -> int | None:
    """A round pad, drilled where `hole_px` is positive; the drill misses the middle a little."""
    rng = layout.rng
    squash = rng.uniform(0.9, 1.1) if rng.random() < 0.3 else 1.0
    shapes: list[Shape] = [Ellipse(at, (radius_px, radius_px * squash))]
    if hole_px > 0:
        miss_x, miss_y = rng.normal(0.0, 0.06 * radius_px, 2)
        shapes.append(Ellipse((at[0] + miss_x, at[1] + miss_y), (hole_px, hole_px), is_void=True))
    placed = layout.place(*shapes, net=net)
    if placed is not None:
        layout.terminal(at, placed)
    return placed


def through_pad(layout: Layout, at: Point, *, size_px: float, hole_px: float) -> int | None:
    """A drilled pad of a wired part: round, square, chamfered or long."""
    rng = layout.rng
    hole = Ellipse((at[0] + rng.normal(0, 1.5), at[1] + rng.normal(0, 1.5)), (hole_px, hole_px), is_void=True)
    kind = rng.integers(4)
    if kind == 0:
        body: Shape = Ellipse(at, (size_px / 2, size_px / 2))
    elif kind == 1:
        body = rectangle(at, (size_px, size_px))
    elif kind == 2:
        body = rectangle(at, (size_px, size_px * rng.uniform(1.0, 1.5)), chamfer_px=size_px * 0.25)
    else:
        reach = size_px * rng.uniform(0.2, 0.5)
        dx, dy = (reach, 0.0) if rng.random() < 0.5 else (0.0, reach)
        body = Stroke(((at[0] - dx, at[1] - dy), (at[0] + dx, at[1] + dy)), size_px)
    net = layout.place(body, hole)
    if net is not None:
        layout.terminal(at, net)
    return net


def chip(layout: Layout, at: Point) -> None:
    """A passive part: two pads facing each other, sometimes scalloped as for a glued part."""
    rng = layout.rng
    pad = layout.style.pad_px * rng.uniform(0.8, 1.3)
    gap = pad * rng.uniform(0.5, 1.3)
    is_flat = rng.random() < 0.5
    size = (pad, pad * rng.uniform(0.8, 1.4)) if is_flat else (pad * rng.uniform(0.8, 1.4), pad)
    is_scalloped = rng.random() < 0.15
    for side in (-1, 1):
        reach = side * (pad + gap) / 2
        middle = (at[0] + reach, at[1]) if is_flat else (at[0], at[1] + reach)
        shapes: list[Shape] = [rectangle(middle, size, chamfer_px=3 if rng.random() < 0.2 else 0)]
        if is_scalloped:
            shapes.append(Ellipse(at, (gap * 0.75, gap * 0.75), is_void=True))
        net = layout.place(*shapes)
        if net is not None:
            layout.terminal(middle, net, (side, 0) if is_flat else (0, side))


def package(layout: Layout, at: Point, *, leads: int, pitch_px: float, lead_wh_px: Point, span_px: float) -> None:
    """A surface-mounted package: two rows of leads `span_px` apart, lying or standing."""
    rng = layout.rng
    is_lying = bool(rng.integers(2))
    is_round = rng.random() < 0.3
    width, length = lead_wh_px
    for side in (-1, 1):
        for index in range(leads):
            along = (index - (leads - 1) / 2) * pitch_px
            across = side * span_px / 2
            middle = (at[0] + along, at[1] + across) if is_lying else (at[0] + across, at[1] + along)
            reach = (length - width) / 2
            if is_round:
                dx, dy = (0.0, reach) if is_lying else (reach, 0.0)
                ends = ((middle[0] - dx, middle[1] - dy), (middle[0] + dx, middle[1] + dy))
                shape: Shape = Stroke(ends, width)
            else:
                shape = rectangle(middle, (width, length) if is_lying else (length, width))
            net = layout.place(shape, clearance_px=5)
            if net is not None:
                layout.terminal(middle, net, (0, side) if is_lying else (side, 0))


def bus(layout: Layout, *, lanes: int, width_px: int, gap_px: int) -> None:
    """Parallel traces that cross the tile with a few 45-degree bends; some end in a via on the way."""
    rng = layout.rng
    low, high = -OVERHANG_PX, TILE_PX + OVERHANG_PX
    x, y = float(low), float(rng.uniform(low, high))
    points: list[Point] = [(x, y)]
    heading = 0
    while x < high:
        run = rng.uniform(60, 340)
        step_y = run * heading
        x, y = x + run, y + step_y
        points.append((x, y))
        heading = int(rng.integers(-1, 2)) if heading == 0 else 0
    quarter = bool(rng.integers(2))
    is_mirrored = bool(rng.integers(2))
    for lane in range(lanes):
        line = parallel(_without_straight_joints(points), (lane - (lanes - 1) / 2) * (width_px + gap_px))
        if is_mirrored:
            line = tuple((TILE_PX - px, py) for px, py in line)
        if quarter:
            line = tuple((py, px) for px, py in line)
        if rng.random() < 0.3 and len(line) > 2:
            line = line[: int(rng.integers(2, len(line)))]
        net = layout.place(Stroke(line, width_px), clearance_px=min(gap_px - 3, layout.style.clearance_px))
        if net is not None:
            layout.terminal(line[-1], net)
            if rng.random() < 0.6:
                via(layout, line[-1], radius_px=width_px * rng.uniform(0.8, 1.6) + 3, net=net)


def pour(layout: Layout, at: Point, size_wh_px: Point) -> int | None:
    """A filled area with cut corners, some with drilled holes or slots in it."""
    rng = layout.rng
    width, height = size_wh_px
    x, y = at
    # Each corner is cut by its own amount: a pour follows what is around it.
    cuts = [float(rng.uniform(0, 0.45)) * min(width, height) * bool(rng.random() < 0.6) for _ in range(4)]
    half_w, half_h = width / 2, height / 2
    corners = (
        (x - half_w + cuts[0], y - half_h), (x + half_w - cuts[1], y - half_h),
        (x + half_w, y - half_h + cuts[1]), (x + half_w, y + half_h - cuts[2]),
        (x + half_w - cuts[2], y + half_h), (x - half_w + cuts[3], y + half_h),
        (x - half_w, y + half_h - cuts[3]), (x - half_w, y - half_h + cuts[0]),
    )  # fmt: skip
    shapes: list[Shape] = [Polygon(corners)]
    hole = layout.style.hole_px
    kind = rng.random()
    if kind < 0.35 and min(width, height) > 6 * hole:
        pitch = rng.uniform(6, 12) * hole
        shapes.extend(
            Ellipse((x + column * pitch, y + row * pitch), (hole, hole), is_void=True)
            for row in range(-3, 4)
            for column in range(-3, 4)
            if abs(column * pitch) < half_w - 3 * hole and abs(row * pitch) < half_h - 3 * hole
        )
    elif kind < 0.5 and width > 120:
        shapes.append(rectangle((x, y), (width * rng.uniform(0.3, 0.6), rng.uniform(10, 24)), is_void=True))
    net = layout.place(*shapes)
    if net is not None:
        layout.terminal((x, y + half_h - 8), net, (0, 1))
        layout.terminal((x + half_w - 8, y), net, (1, 0))
    return net


def mesh(layout: Layout, at: Point, size_wh_px: Point, *, pitch_px: float, width_px: int) -> None:
    """A hatched pour: a frame filled by crossing lines, upright or at 45 degrees."""
    rng = layout.rng
    width, height = size_wh_px
    left, top, right, bottom = at[0] - width / 2, at[1] - height / 2, at[0] + width / 2, at[1] + height / 2
    frame = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    lines: list[Shape] = [Stroke(frame, width_px * 1.5)]
    if rng.random() < 0.5:
        lines += [
            Stroke(((left + i * pitch_px, top), (left + i * pitch_px, bottom)), width_px)
            for i in range(1, int(width / pitch_px))
        ]
        lines += [
            Stroke(((left, top + i * pitch_px), (right, top + i * pitch_px)), width_px)
            for i in range(1, int(height / pitch_px))
        ]
    else:
        for i in range(1, int((width + height) / pitch_px)):
            s = i * pitch_px
            down = (
                (left + min(s, width), top + max(0.0, s - width)),
                (left + max(0.0, s - height), top + min(s, height)),
            )
            lines.append(Stroke(down, width_px))
            lines.append(Stroke(tuple((left + right - px, py) for px, py in down), width_px))
    layout.place(*lines)


def lettering(layout: Layout, at: Point) -> None:
    """A few etched characters, as part numbers and pin counts are."""
    rng = layout.rng
    text = "".join(rng.choice(list("0123456789ABCDEFGHKLMPRSTUVX-"), int(rng.integers(1, 6))))
    height = float(rng.uniform(26, 60))
    shape = Lettering(text, at, height, int(rng.integers(4, 8)), is_upright=bool(rng.random() < 0.6))
    layout.place(shape)


def connect(layout: Layout, *, share: float, widths_px: Sequence[int]) -> None:
    """Lead traces away from terminals: to a via, to the board's edge, or to a neighbouring terminal."""
    rng = layout.rng
    for terminal in list(layout.terminals):
        if rng.random() >= share:
            continue
        width = int(rng.choice(widths_px))
        way = terminal.way_out if terminal.way_out != (0, 0) else _WAYS[int(rng.integers(4))]
        stub = float(rng.uniform(20, 90))
        knee = (terminal.at[0] + way[0] * stub, terminal.at[1] + way[1] * stub)
        reach = float(rng.choice([rng.uniform(40, 160), rng.uniform(160, 500), 800]))
        turn = float(rng.uniform(-1, 1)) * min(reach, 200)
        end = (knee[0] + way[0] * reach + way[1] * turn, knee[1] + way[1] * reach + way[0] * turn)
        if layout.place(Stroke((terminal.at, knee), width), net=terminal.net) is None:
            continue
        if layout.route(knee, end, net=terminal.net, width_px=width):
            knee = end
        if rng.random() < 0.8:
            hole = layout.style.hole_px * 0.6 if rng.random() < 0.4 else 0.0
            via(
                layout,
                knee,
                radius_px=max(width * rng.uniform(0.8, 1.5), hole * 1.8) + 3,
                hole_px=hole,
                net=terminal.net,
            )


def _without_straight_joints(points: Sequence[Point]) -> list[Point]:
    """Drop points in the middle of a straight piece: a mitre is only for bends."""
    kept = [points[0]]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        cross = (here[0] - before[0]) * (after[1] - here[1]) - (here[1] - before[1]) * (after[0] - here[0])
        if abs(cross) > 1e-6:
            kept.append(here)
    return [*kept, points[-1]]
