"""What every figure shares: its look, and how it becomes a file. matplotlib is imported on first use.

The look is made for a quality folder: readable on a gray printer, told apart by colour-blind readers (Okabe and Ito's
colours), in a font that comes with matplotlib. Nothing here touches pyplot, so no window system is ever asked for.
"""

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lineside.workflows.errors import FigureFormatUnknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#1c2127"
SOFT: Final = "#5b6570"
RULE: Final = "#d5dae0"
BLUE: Final = "#0072b2"
VERMILION: Final = "#d55e00"
GREEN: Final = "#007a5a"
AMBER: Final = "#b87800"

WIDTH_IN: Final = 9.0
"""Of a figure: an A4 page in portrait shows it at four fifths, where its smallest text is still 7 points high."""

_DPI = 144
_STYLE: Final[Mapping[Any, Any]] = {  # Any: the stubs have a Literal of every setting's name
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.titlesize": 12.0,
    "figure.titleweight": "bold",
    "figure.facecolor": "white",
    "svg.hashsalt": "lineside",  # else every drawing names its parts anew
    "svg.fonttype": "path",  # outlines, so that no reader's fonts matter
    "text.parse_math": False,  # a station may be called "$1"
}


@contextmanager
def styled() -> Iterator[None]:
    """Figures that are made or written inside have our look, whatever the machine's own settings say."""
    with _without_talk():
        import matplotlib as mpl
        import matplotlib.font_manager  # reads or makes its list of fonts when imported
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(*, height_in: float, width_in: float = WIDTH_IN) -> "Figure":
    """An empty figure whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def logarithmic_x(axis: "Axes", *, smallest: float, largest: float) -> None:
    """Make the horizontal axis logarithmic, with plain numbers on it; also between the decades where there are few.

    Args:
        axis: whose.
        smallest: of what is drawn, above 0.
        largest: of what is drawn.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5) if largest < 30 * smallest else (1,)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure as SVG or PNG, by the file's suffix; the same figure gives the same bytes.

    Raises:
        FigureFormatUnknown: the suffix is another.
        OSError: the file cannot be written.
    """
    path.write_bytes(figure_bytes(figure, path.suffix.lstrip(".")))


def figure_bytes(figure: "Figure", kind: str) -> bytes:
    """A figure as SVG or PNG, without the date and the program's version.

    Args:
        figure: what to write.
        kind: "svg" or "png".

    Raises:
        FigureFormatUnknown: it is another.
    """
    nothing_said: dict[str, dict[str, Any]] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    if kind not in nothing_said:
        raise FigureFormatUnknown(f"a figure cannot be written as {kind!r}; expected a file that ends in .svg or .png")
    written = io.BytesIO()
    with styled():
        figure.savefig(written, format=kind, dpi=_DPI, metadata=nothing_said[kind])
    return written.getvalue()


@contextmanager
def _without_talk() -> Iterator[None]:
    """What matplotlib logs of its list of fonts, and where it keeps it, is no news to who asked for a figure."""
    loggers = [logging.getLogger(name) for name in ("matplotlib", "matplotlib.font_manager")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
