"""Glyphs that every terminal has: one filter over all that is painted puts an ASCII sign in place of each other one.

Consoles without UTF-8, the Linux console and old fonts have no braille, blocks or arrows. Nothing that draws knows of
this: the app hands the filter to Textual, which asks it for every line of every widget, borders included. A sign takes
as many cells as what it stands for, so that nothing moves.
"""

from __future__ import annotations

import unicodedata

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

__all__ = ["AsciiFilter", "to_ascii"]

_SIGNS = {
    # What a focused pane and a bar of progress are drawn with differs from a quiet line.
    "-": "─┄┈╌╴╶╼╾‐‑‒–—―−",
    "=": "━┅┉╍╸╺═▅≡",
    "|": "│┆┊╎╵╷║▏▎▍▕",
    "+": "┌┐└┘├┤┬┴┼╭╮╯╰╞╡╪╬╔╗╚╝╠╣╦╩▆",
    "#": "┃┏┓┗┛┣┫┳┻╋╹╻╽╿█▉▊▋▙▛▜▟■◼",
    "_": "▁▂",
    ".": "░·▖▗",
    ":": "▒┇┋",
    "%": "▓",
    "~": "▃…≈",
    "o": "▄○◯◌°□▢",
    "*": "▇◆●•◇∙",
    '"': "▀“”„",
    "'": "▔▘▝‘’′",
    "[": "▐",
    "]": "▌",
    "/": "▞╱",
    "\\": "▚╲",
    "^": "▲△↑▴⇡",
    "v": "▼▽↓▾⇣√",
    ">": "▶▷▸→►›≥»",
    "<": "◀◁◂←◄‹≤«⏎",
    "c": "◐◑◒◓",
    "x": "×╳",
    "!": "≠",
    "u": "µμ",
    "8": "∞",
    "S": "Σ∑",
    "s": "σ",
}
_BRAILLE, _BOXES, _BLOCKS = 0x2800, 0x2500, 0x2580
# The dots of a braille cell by row, from the top: two bits each.
_ROWS = (0x09, 0x12, 0x24, 0xC0)
# One sign for which of its four rows have a dot: the heights of a curve stay tellable.
_HEIGHTS = {1: "'", 2: "-", 4: "-", 8: "_", 3: '"', 6: "=", 12: "."}
_CHANGES = "|/-\\"  # a spinner turns


def _braille(code: int) -> str:
    dots = code - _BRAILLE
    if not dots:
        return " "
    rows = sum(1 << row for row, bits in enumerate(_ROWS) if dots & bits)
    return "#" if dots.bit_count() >= 6 else _HEIGHTS.get(rows, ":" if rows.bit_count() > 2 else "+")


class _Table(dict[int, str]):
    """What stands for each character, found when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if code < 128:
            sign = char
        elif _BRAILLE <= code <= _BRAILLE + 0xFF:
            sign = _braille(code)
        elif _BOXES <= code < _BLOCKS:
            sign = "+"  # what is left of the boxes are corners and crossings
        elif _BLOCKS <= code < _BLOCKS + 0x20:
            sign = "#"
        else:
            width = get_character_cell_size(char)
            plain = unicodedata.normalize("NFKD", char)[:1]
            sign = plain if width == 1 and plain.isascii() and plain.isprintable() else "?" * width
        self[code] = sign
        return sign


_TABLE = _Table({ord(char): sign for sign, chars in _SIGNS.items() for char in chars})
_TABLE.update({ord(char): _CHANGES[i % 4] for i, char in enumerate("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")})


def to_ascii(text: str) -> str:
    """The text in ASCII, as many cells wide: `▲ 0.82 ▁▃█` becomes `^ 0.82 _~#`."""
    return text if text.isascii() else text.translate(_TABLE)


class AsciiFilter(LineFilter):
    """Textual's door to every painted line: the same segments with ASCII signs."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's own signature
        """The same segments in ASCII; styles and widths stay."""
        return [
            segment
            if segment.text.isascii()
            else Segment(to_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]
