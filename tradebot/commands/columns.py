"""Text that fits a page of 80 columns: numbers of a fixed width, aligned tables, wrapped sentences."""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 80
UNDEFINED = "n/a"
_MOST_WRAPPED = 110


def percent(value: float | None, decimals: int = 1) -> str:
    """`+12.3%`, for changes."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if abs(value) >= 1e6:
        return f"{value * 100:+.2e}%"
    text = f"{value * 100:+,.{decimals}f}"
    return (text if text.strip("+-0.") else text[1:]) + "%"  # a nothing has no sign


def share(value: float | None) -> str:
    """`45.1%`, for parts of a whole."""
    return UNDEFINED if value is None or not math.isfinite(value) else f"{value * 100:,.1f}%"


def ratio(value: float | None) -> str:
    """`1.25`."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return f"{value:,.2f}" if abs(value) < 1e7 else f"{value:.2e}"


def money(value: float | None, signed: bool = False) -> str:
    """`12,345.67`, above ten million without cents, above a trillion as a power of ten."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    sign = "+" if signed and abs(value) >= 0.005 else ""
    value = value if abs(value) >= 0.005 else 0.0  # a nothing has no sign
    if abs(value) >= 1e12:
        return f"{value:{sign}.3e}"
    return f"{value:{sign},.2f}" if abs(value) < 1e7 else f"{value:{sign},.0f}"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    indent: str = "  ",
    left: int = 1,
    gap: int = 2,
) -> list[str]:
    """Lines of a table: the first `left` columns to the left, the others to the right, as narrow as they can be.

    `gap` blanks stand between two of them.
    """
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        (
            indent
            + (" " * gap).join(
                cell.ljust(width) if column < left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in cells
    ]


def wrapped(text: str, mark: str = "", width: int | None = None) -> list[str]:
    """A sentence broken to the width, behind a mark; what follows stands below its first word."""
    lines: list[str] = []
    for part in text.splitlines() or [""]:
        lines += textwrap.wrap(
            part,
            width or text_width(),
            initial_indent=mark if not lines else " " * len(mark),
            subsequent_indent=" " * len(mark),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def shortened(text: str, most: int) -> str:
    """The text, cut to so many characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def text_width() -> int:
    """How wide sentences may be: as the terminal, between 60 and 110; a page where there is none."""
    return max(60, min(_MOST_WRAPPED, shutil.get_terminal_size((WIDTH, 24)).columns))
