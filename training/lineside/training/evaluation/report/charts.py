"""Charts as SVG: lines over a threshold, and shares with their intervals. No script, no outside font."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

# Okabe and Ito's colours, which colour-blind readers can tell apart; dashes do the same for a gray printer.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d1f")
_DASHES = ("", "6 3", "2 2", "8 3 2 3", "12 3", "4 4")

_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 42
_LEGEND_ROW = 17


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart.

    Attributes:
        name: in the legend.
        points: (x, y).
    """

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a chart.

    Attributes:
        title: what it shows, with the unit.
        least: where it begins; above 0 on a logarithmic one.
        most: where it ends.
        is_logarithmic: in decades.
    """

    title: str
    least: float = 0.0
    most: float = 1.0
    is_logarithmic: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value lies, 0 to 1."""
        value = min(max(value, self.least), self.most)
        if self.is_logarithmic:
            return math.log(value / self.least) / math.log(self.most / self.least)
        return (value - self.least) / (self.most - self.least)

    def ticks(self) -> list[float]:
        """Where it is labelled."""
        if self.is_logarithmic:
            first, last = math.ceil(math.log10(self.least)), math.floor(math.log10(self.most))
            return [10.0**exponent for exponent in range(first, last + 1)]
        return [self.least + (self.most - self.least) * step / 5 for step in range(6)]


@dataclass(frozen=True, slots=True)
class Bar:
    """A share with its interval.

    Attributes:
        label: below it.
        value: 0 to 1; None where nothing was counted.
        lower: lower end of the interval.
        upper: upper end.
        count: how many are behind it.
    """

    label: str
    value: float | None
    lower: float
    upper: float
    count: int


def line_chart(title: str, series: Sequence[Series], *, x: Axis, y: Axis) -> Markup:
    """Lines with a legend; a series without points is named in the legend and has no line."""
    parts = [_frame(title, x, y, extra=_LEGEND_ROW * math.ceil(len(series) / 3))]
    for index, one in enumerate(series):
        style = f'stroke="{_COLOURS[index % len(_COLOURS)]}" stroke-dasharray="{_DASHES[index % len(_DASHES)]}"'
        corners = " ".join(f"{_x(x.share(px)):.1f},{_y(y.share(py)):.1f}" for px, py in one.points)
        if corners:
            parts.append(f'<polyline points="{corners}" fill="none" stroke-width="1.8" {style}/>')
        left, top = _LEFT + 136 * (index % 3), _HEIGHT + 6 + _LEGEND_ROW * (index // 3)
        parts.append(f'<line x1="{left}" x2="{left + 24}" y1="{top}" y2="{top}" stroke-width="2" {style}/>')
        parts.append(f'<text x="{left + 30}" y="{top + 4}">{escape(one.name)}</text>')
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text in it went through escape


def bar_chart(title: str, bars: Sequence[Bar], *, x_title: str, y_title: str) -> Markup:
    """Shares as dots with their intervals, and how many are behind each."""
    x, y = Axis(x_title, 0, max(len(bars), 1)), Axis(y_title)
    parts = [_frame(title, x, y, label_of=lambda _: "")]
    for index, bar in enumerate(bars):
        middle = _x((index + 0.5) / len(bars))
        parts.append(f'<text x="{middle:.1f}" y="{_HEIGHT - _BOTTOM + 14}" class="mid">{escape(bar.label)}</text>')
        if bar.value is None:
            continue
        low, high = _y(bar.lower), _y(bar.upper)
        parts.append(f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{low:.1f}" y2="{high:.1f}" class="whisker"/>')
        parts.append(f'<circle cx="{middle:.1f}" cy="{_y(bar.value):.1f}" r="4" fill="{_COLOURS[0]}"/>')
        # the count stands where the interval leaves room: above its lower end's half, below it otherwise
        at = low + 13 if low < _y(0.12) else high - 5
        parts.append(f'<text x="{middle:.1f}" y="{at:.1f}" class="mid">{bar.count}</text>')
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text in it went through escape


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _frame(
    title: str, x: Axis, y: Axis, *, extra: int = 0, label_of: Callable[[float], str] = lambda value: f"{value:g}"
) -> str:
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT + extra}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
    ]
    for tick in y.ticks():
        at = _y(y.share(tick))
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" class="end">{tick:g}</text>')
    for tick in x.ticks():
        at = _x(x.share(tick))
        if label_of(tick):
            parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" class="grid"/>')
            parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - _BOTTOM + 14}" class="mid">{escape(label_of(tick))}</text>')
    middle_y = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 10}" class="mid">{escape(x.title)}</text>')
    parts.append(
        f'<text x="14" y="{middle_y}" class="mid" transform="rotate(-90 14 {middle_y})">{escape(y.title)}</text>'
    )
    return "".join(parts)
