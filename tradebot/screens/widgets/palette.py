"""Tones: short names for styles, taken from the theme, so that no widget holds a colour.

A line to draw is a tuple of (text, tone) parts. Tones may be joined: `"bold up"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.strip import Strip

Part = tuple[str, str]
Line = tuple[Part, ...]

_COLOURED = {
    "up": "up",
    "down": "down",
    "flat": "flat",
    "stale": "stale",
    "dim": "dim",
    "line": "line",
    "grid": "grid",
    "head": "head",
    "live": "live",
    "demo": "demo",
    "data": "data",
    "key": "key",
    "good": "up",
    "bad": "error",
    "error": "error",
    "warning": "warning",
    "accent": "accent",
    "primary": "primary",
    "text": "foreground",
    "chart-1": "chart-1",
    "chart-2": "chart-2",
    "chart-3": "chart-3",
    "chart-4": "chart-4",
}
_CUT = ".."
_BACKGROUNDS = {"on-cursor": "cursor", "on-cursor-blur": "cursor-blur", "on-panel": "panel"}


class Palette:
    """The styles of one theme by tone; made by `palette_of`."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._styles: dict[str, Style] = {"": Style.null(), "plain": Style.null()}

    def colour(self, variable: str) -> tuple[int, int, int]:
        """Red, green and blue of a theme variable."""
        return Color.parse(self._variables[variable]).rgb

    def style(self, tone: str) -> Style:
        """The style of a tone; an unknown tone draws plainly."""
        known = self._styles.get(tone)
        if known is None:
            known = Style.combine([self._single(name) for name in tone.split()])
            self._styles[tone] = known
        return known

    def _single(self, name: str) -> Style:
        if name in {"bold", "reverse", "underline", "italic"}:
            return Style.parse(name)
        if name in _BACKGROUNDS:
            return Style(bgcolor=self._hex(_BACKGROUNDS[name]))
        if name.startswith("badge-"):
            ground = self._hex(_COLOURED.get(name.removeprefix("badge-"), "primary"))
            return Style(color=self._hex("background"), bgcolor=ground, bold=True)
        variable = _COLOURED.get(name)
        return Style(color=self._hex(variable)) if variable else Style.null()

    def _hex(self, variable: str) -> str:
        return Color.parse(self._variables[variable]).hex6


@lru_cache(maxsize=8)
def _palette(variables: tuple[tuple[str, str], ...]) -> Palette:
    return Palette(dict(variables))


_NAMES = tuple(sorted({*_COLOURED.values(), *_BACKGROUNDS.values(), "background", "surface"}))


def palette_of(app: App[object]) -> Palette:
    """The palette of the app's present theme."""
    variables = app.theme_variables
    return _palette(tuple((name, variables[name]) for name in _NAMES))


def line_length(line: Iterable[Part]) -> int:
    """Cells a line takes."""
    return sum(cell_len(text) for text, _ in line)


def to_strip(line: Iterable[Part], width: int, palette: Palette, fill: str = "") -> Strip:
    """A line as a strip of exactly `width` cells, cut or filled with blanks in the tone `fill`."""
    segments: list[Segment] = []
    left = width
    for text, tone in line:
        if left <= 0:
            break
        cells = cell_len(text)
        if cells > left:
            text, cells = set_cell_size(text, left), left
        segments.append(Segment(text, palette.style(tone)))
        left -= cells
    if left > 0:
        segments.append(Segment(" " * left, palette.style(fill)))
    return Strip(segments, width)


def cut(line: Iterable[Part], width: int) -> Line:
    """A line of at most `width` cells; two dots say that something is missing, and stand for no blank or figure."""
    parts = tuple(line)
    if line_length(parts) <= width or not "".join(text for text, _ in parts)[max(0, width) :].strip():
        return _first_cells(parts, width)
    kept = _first_cells(parts, width - len(_CUT))
    if not kept:
        return _first_cells(parts, width)
    text, tone = kept[-1]
    return (*kept[:-1], (text + _CUT, tone))


def _first_cells(parts: Line, width: int) -> Line:
    kept: list[Part] = []
    left = width
    for text, tone in parts:
        if left <= 0:
            break
        cells = cell_len(text)
        kept.append((text if cells <= left else set_cell_size(text, left), tone))
        left -= min(cells, left)
    return tuple(kept)


def spread(left: Line, right: Line, width: int) -> Line:
    """Both parts on one line, the second at its right end; the first is cut where both do not fit."""
    room = max(0, width - line_length(right))
    kept = cut(left, room)
    return (*kept, (" " * (room - line_length(kept)), ""), *right)


def wrap(text: str, width: int) -> list[str]:
    """A sentence in lines of at most `width` cells, broken at blanks; a longer word is broken anywhere."""
    lines: list[str] = []
    current = ""
    for given in text.split():
        word = given
        while True:
            joined = f"{current} {word}" if current else word
            if cell_len(joined) <= width:
                current = joined
                break
            if current:
                lines.append(current)
                current = ""
                continue
            lines.append(word[: max(1, width)])
            word = word[max(1, width) :]
    if current or not lines:
        lines.append(current)
    return lines
