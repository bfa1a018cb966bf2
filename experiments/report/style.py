"""How every figure looks: colours, sizes, axes and how it becomes a PNG.

Figures are made with matplotlib's object API: nothing here touches pyplot or its global state.
"""

import io
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..store.cards import TeacherCard
from .lettering import spelled_out, typeset

INK, SOFT, FAINT = "#222222", "#666666", "#dddddd"
COMPUTE = "compute (training-example equivalents)"
"""What an axis of compute is called."""
NAME_INCHES = 2.6
"""The width of a teacher's name beside a row or a line."""
_MOST_LETTERS = 200
"""Of a name in two lines."""
LEGIBLE = 15
"""The most teachers that one figure shows."""

# Okabe and Ito's colours without yellow, which is lost on white. Learned teachers come first.
_COLORS = (
    "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#888888",
)  # fmt: skip
_DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.5)))
_MARKERS = ("o", "s", "D")


@dataclass(frozen=True)
class Style:
    """How one teacher is drawn in every figure."""

    color: str
    dashes: str | tuple[float, tuple[float, ...]]
    marker: str
    width: float


def teacher_styles(cards: Iterable[TeacherCard]) -> dict[str, Style]:
    """A style per teacher; after eight teachers colours repeat with other dashes and markers."""
    styles = {}
    for i, card in enumerate(cards):
        lap = i // len(_COLORS) % len(_DASHES)
        width = 2.8 if card.kind == "learned" else 1.6
        styles[card.name] = Style(_COLORS[i % len(_COLORS)], _DASHES[lap], _MARKERS[lap], width)
    return styles


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches whose layout keeps labels from overlapping."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Panels:
    """A grid of equal panels with a column for a colour bar at the right; all in inches.

    Panels are placed by hand: layout engines give up on this many axes.
    """

    count: int
    width: float
    height: float
    left: float
    right: float = 1.15
    gap: tuple[float, float] = (0.3, 0.5)
    most_columns: int = 4

    @property
    def rows(self) -> int:
        """Rows of panels, as even as they come."""
        return math.ceil(self.count / self.most_columns)

    @property
    def columns(self) -> int:
        """Panels side by side."""
        return math.ceil(self.count / self.rows)

    def figure(self) -> Figure:
        """An empty figure of the right size."""
        across = self.columns * (self.width + self.gap[0]) - self.gap[0]
        down = self.rows * (self.height + self.gap[1]) - self.gap[1]
        figure = Figure(figsize=(self.left + across + self.right, 0.48 + down + 0.55))
        figure.set_facecolor("white")
        FigureCanvasAgg(figure)
        return figure

    def box(self, i: int) -> Box:
        """Left, bottom, width and height of panel i, row by row from the top left."""
        row, column = divmod(i, self.columns)
        x = self.left + column * (self.width + self.gap[0])
        y = 0.55 + (self.rows - 1 - row) * (self.height + self.gap[1])
        return (x, y, self.width, self.height)

    def bar(self, height: float = 3.2, title: float = 0.0) -> Box:
        """Where the colour bar goes: right of the panels, at the top, below its title."""
        x, y, _, _ = self.box(self.columns - 1)
        top = y + self.height - title
        height = min(height, top - 0.55)
        return (x + self.width + 0.18, top - height, 0.14, height)

    def is_first(self, i: int) -> bool:
        """Whether panel i stands at the left."""
        return i % self.columns == 0

    def is_lowest(self, i: int) -> bool:
        """Whether no panel stands below panel i."""
        return i + self.columns >= self.count


def add_axes(figure: Figure, box: Box) -> Axes:
    """Axes at a place in inches."""
    width, height = figure.get_size_inches()
    x, y, w, h = box
    return figure.add_axes((x / width, y / height, w / width, h / height))


def tidy(axes: Axes, grid: str | None = None) -> None:
    """Only the axes that carry a scale; a faint grid along `x`, `y` or neither."""
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(SOFT)
    axes.tick_params(colors=SOFT, labelcolor=INK, labelsize=8.5, length=3)
    if grid in ("x", "y"):
        axes.grid(axis="x" if grid == "x" else "y", color=FAINT, linewidth=0.7)
        axes.set_axisbelow(True)


def label(axes: Axes, x: str = "", y: str = "", title: str = "", size: float = 9.5) -> None:
    """Axis labels with their units, and a title at the left that is no wider than the axes."""
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    if title:
        inches = axes.get_window_extent().width / axes.figure.dpi
        text = fitted(title, inches, size, "bold")
        axes.set_title(text, fontsize=size, color=INK, loc="left", fontweight="bold")


@lru_cache(maxsize=256)
def fitted(text: str, inches: float, size: float, weight: str = "normal") -> str:
    """A name in at most two lines of a width; what is too long for that loses its middle.

    Args:
        text: the name.
        inches: the width.
        size: of the letters, in points.
        weight: of the letters, as matplotlib calls it.
    """
    font = FontProperties(size=size, weight=weight)
    # No two lines hold more, and to measure the letters takes its time.
    text = shortened(spelled_out(text), _MOST_LETTERS)

    def is_wide(line: str) -> bool:
        width, _, _ = text_to_path.get_text_width_height_descent(line, font, ismath=False)
        return bool(width > 72.0 * inches)

    def lines_of(length: int) -> list[str]:
        return _lines(shortened(text, length), is_wide)

    if len(lines := lines_of(len(text))) > 2:
        longest = bisect_right(range(1, len(text)), 2, key=lambda length: len(lines_of(length)))
        lines = lines_of(max(longest, 1))
    return "\n".join(typeset(line) for line in lines)


def _lines(text: str, is_wide: Callable[[str], bool]) -> list[str]:
    """Text broken behind spaces and hyphens, or anywhere where there are none."""
    lines = [""]
    for word in re.findall(r"[^\s_-]*[\s_-]?", text):
        for piece in word if is_wide(word) else [word]:
            if lines[-1] and is_wide((lines[-1] + piece).rstrip()):
                lines.append("")
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def shortened(text: str, limit: int = 24) -> str:
    """Text of at most so many letters: names that begin alike are told apart by their ends.

    >>> shortened("a-long-name-01", 9)
    'a-lo…e-01'
    """
    if len(text) <= limit:
        return text
    end = (limit - 1) // 2
    return f"{text[: limit - 1 - end]}…{text[len(text) - end :]}"


def told_apart(names: Sequence[str], limit: int = 24, most: int = 64) -> list[str]:
    """Every name as it is drawn, shortened to the same number of letters.

    To the least that tells them apart.

    Args:
        names: of tasks.
        limit: letters that are enough where names then differ.
        most: letters, whatever names do.

    >>> told_apart(["a-long-name-01-of-2", "a-long-name-11-of-2"], 9)
    ['a-long-…01-of-2', 'a-long-…11-of-2']
    """
    lines = [spelled_out(name) for name in names]
    short = [shortened(line, limit) for line in lines]
    for letters in range(limit, max(limit, most) + 1):
        longer = [shortened(line, letters) for line in lines]
        if len(set(longer)) == len(set(lines)):
            short = longer
            break
    return [typeset(line) for line in short]


def compact(value: float, _position: int | None = None) -> str:
    """A tick label: `1.5k`, `2M`.

    >>> compact(1500), compact(2e6), compact(40), compact(0.5)
    ('1.5k', '2M', '40', '0.5')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def count_axis(axes: Axes, ticks: int = 5) -> None:
    """Compact tick labels on an x axis that counts something."""
    axes.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(compact))


def to_png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as PNG bytes, the same for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
