"""A roll seen from above: its regions by verdict, its defects where they lie, and what nobody could look at.

A roll is hundreds of times longer than it is wide, so it is folded like a text into rows that are read one after the
other. Along and across have scales of their own.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING

from lineside.inspection.strips import RollMap
from lineside.inspection.verdict import Verdict
from lineside.workflows.figures.drawing import AMBER, BLUE, GREEN, INK, RULE, SOFT, VERMILION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_ROWS = 10
_ROW_IN = 1.05
_LEAST_ROW_MM = 200.0
_TONES: Mapping[Verdict, tuple[str, float, str | None]] = MappingProxyType(
    {
        Verdict.OK: (GREEN, 0.10, None),
        Verdict.NG: (VERMILION, 0.16, None),
        Verdict.NOT_INSPECTED: (SOFT, 0.16, "////"),
    }
)
"""Colour, strength and hatching of a region; the hatching tells it apart on a gray printer."""

_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_COLOURS = (BLUE, VERMILION, INK, AMBER, GREEN, "#cc79a7", "#56b4e9", SOFT)
_LEAST_DRAWN = 1 / 80  # of a row, somewhat more than a mark: a shorter defect is a mark, a longer one a bar


def roll_map_figure(roll_map: RollMap) -> "Figure":
    """Draw a roll.

    Args:
        roll_map: all that was found on it.
    """
    rows = _rows(roll_map)
    row_mm = rows[0][1] - rows[0][0]
    names = sorted({defect.class_name for defect in roll_map.defects})
    with styled():
        figure = new_figure(height_in=1.5 + _ROW_IN * len(rows))
        axes: list[Axes] = list(figure.subplots(len(rows), 1, squeeze=False)[:, 0])
        for axis, (from_mm, to_mm) in zip(axes, rows, strict=True):
            _draw_row(axis, roll_map, from_mm=from_mm, to_mm=to_mm, names=names)
        axes[-1].set_xlabel("along the roll, mm")
        axes[len(rows) // 2].set_ylabel("across, mm")
        figure.suptitle(_title(roll_map), x=0.01, ha="left")
        _key(figure, roll_map, names, row_mm=row_mm)
    return figure


def _rows(roll_map: RollMap) -> list[tuple[float, float]]:
    starts = [region.part.from_mm for region in roll_map.regions] + [defect.from_mm for defect in roll_map.defects]
    begin_mm = min(starts, default=0.0)
    length_mm = max(roll_map.length_mm - begin_mm, 1.0)  # also of a roll that never ran
    count = min(_MOST_ROWS, ceil(length_mm / _LEAST_ROW_MM))
    return [(begin_mm + length_mm * row / count, begin_mm + length_mm * (row + 1) / count) for row in range(count)]


def _draw_row(axis: "Axes", roll_map: RollMap, *, from_mm: float, to_mm: float, names: Sequence[str]) -> None:
    width_mm = roll_map.width_mm
    for region in roll_map.regions:
        if region.part.from_mm < to_mm and region.part.to_mm > from_mm:
            colour, strength, hatch = _TONES[region.verdict]
            axis.axvspan(
                region.part.from_mm, region.part.to_mm, color=colour, alpha=strength, hatch=hatch, lw=0, zorder=1
            )
            axis.axvline(region.part.from_mm, color=RULE, lw=0.7, zorder=2)
    for fault in roll_map.faults:
        if fault.from_mm < to_mm and fault.to_mm >= from_mm:
            axis.axvspan(fault.from_mm, max(fault.to_mm, fault.from_mm), ymin=0.94, color=INK, lw=0.8, zorder=3)
    for defect in roll_map.defects:
        if defect.from_mm >= to_mm or defect.to_mm < from_mm:
            continue
        number = names.index(defect.class_name)
        colour = _COLOURS[number % len(_COLOURS)]
        middle_mm = (defect.left_mm + defect.right_mm) / 2
        if defect.length_mm > _LEAST_DRAWN * (to_mm - from_mm):
            axis.plot([defect.from_mm, defect.to_mm], [middle_mm] * 2, color=colour, lw=2.2, zorder=4)
        else:
            place_mm = (defect.from_mm + defect.to_mm) / 2
            axis.plot(place_mm, middle_mm, _MARKS[number % len(_MARKS)], color=colour, ms=4.5, zorder=4, clip_on=False)
    axis.set_xlim(from_mm, to_mm)
    axis.set_ylim(width_mm, 0.0)
    axis.grid(visible=False)


def _title(roll_map: RollMap) -> str:
    counts = dict.fromkeys(Verdict, 0)
    for region in roll_map.regions:
        counts[region.verdict] += 1
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())
    length = f"{roll_map.length_mm:.0f} mm" if roll_map.length_mm < 1000 else f"{roll_map.length_mm / 1000:.2f} m"
    return f"{roll_map.roll}: {length}, {len(roll_map.defects)} defects; regions: {told}"


def _key(figure: "Figure", roll_map: RollMap, names: Sequence[str], *, row_mm: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shown: list[Line2D | Patch] = [
        Patch(facecolor=colour, edgecolor=colour, alpha=max(strength, 0.3), hatch=hatch, lw=0, label=verdict.value)
        for verdict, (colour, strength, hatch) in _TONES.items()
    ]
    if roll_map.faults:
        shown.append(Patch(facecolor=INK, label="lines missing or not looked at"))
    for number, name in enumerate(names):
        colour, mark = _COLOURS[number % len(_COLOURS)], _MARKS[number % len(_MARKS)]
        shown.append(Line2D([], [], color=colour, marker=mark, ms=4.5, lw=2.2, label=name))
    figure.legend(
        handles=shown,
        loc="outside lower left",
        ncols=5,
        title=f"each row {row_mm:.0f} mm; a bar is a defect longer than {_LEAST_DRAWN * row_mm:.1f} mm",
        alignment="left",
        title_fontsize=8.0,
    )
