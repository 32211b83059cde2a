"""Bars, strips and sparklines as lines of text: glyph and colour both carry the value."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.screens.widgets.palette import Line, Part

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def bar(fraction: float, width: int, tone: str = "primary") -> Line:
    """A progress bar: heavy line for what is done, light line for what is left."""
    filled = round(min(max(fraction, 0.0), 1.0) * width)
    return (("━" * filled, tone), ("─" * (width - filled), "line"))


def gauge(fraction: float, width: int) -> Line:
    """A filled gauge that changes its tone when it runs full."""
    tone = "bad" if fraction >= 0.95 else "warning" if fraction >= 0.75 else "primary"
    filled = round(min(max(fraction, 0.0), 1.0) * width)
    return (("█" * filled, tone), ("░" * (width - filled), "line"))


def coverage(shares: Sequence[float], state: str, width: int = 0) -> Line:
    """Coverage in equal parts of time: full, with gaps inside, partly there, not collected; a glyph for each.

    A `width` that has room for more is filled, each part with about equally many cells.

    The first and last parts with bars are allowed to be part-filled: history begins and ends inside them.
    """
    filled = [index for index, share in enumerate(shares) if share > 0]
    first, last = (filled[0], filled[-1]) if filled else (-1, -1)
    parts: list[Part] = []
    for index, share in enumerate(shares):
        if share <= 0:
            part = ("░", "warning") if first < index < last else ("░", "line")
        elif share >= 0.9995:
            part = ("▇", "up")
        elif index == last and state == "collecting":
            part = ("▒", "primary")
        elif index in (first, last):
            part = ("▇", "up")
        else:
            part = ("▓", "warning")
        if index == last and state == "error":
            part = ("×", "bad")
        room = width * (index + 1) // len(shares) - width * index // len(shares)
        parts.append((part[0] * (room if width > len(shares) else 1), part[1]))
    return _joined(parts)


def columns(values: Sequence[float], width: int, height: int, tone: str = "primary") -> list[Line]:
    """Upright bars of the last `width` values, `height` rows high, scaled to their maximum."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0) or 1.0
    eighths = [0] * (width - len(shown)) + [
        max(round(value / top * height * 8), 1 if value > 0 else 0) for value in shown
    ]
    return [
        (("".join(_EIGHTHS[min(8, max(0, level - row * 8))] for level in eighths), tone),)
        for row in reversed(range(height))
    ]


def _joined(parts: Sequence[Part]) -> Line:
    """Neighbours of the same tone as one part."""
    joined: list[Part] = []
    for text, tone in parts:
        if joined and joined[-1][1] == tone:
            joined[-1] = (joined[-1][0] + text, tone)
        else:
            joined.append((text, tone))
    return tuple(joined)
