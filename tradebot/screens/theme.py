"""The themes of the app, the colours that mean something as theme variables, and the pairs for up and down.

A theme says what its ground looks like; what means something (`meanings_of`) follows from whether it is dark and from
the pair a person chose, so that every builtin theme of Textual has our names too and charts follow it. What is too
weak to be read on a builtin theme's ground is made stronger (`readable`). Colour never stands alone: an arrow or a
sign says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from textual.color import Color
from textual.theme import Theme

__all__ = ["CONTRAST", "DARK", "LIGHT", "MEANINGS", "THEMES", "Pair", "contrast", "meanings_of", "readable"]


class Pair(StrEnum):
    """The colours of up and down. Blue and orange differ for nearly every eye; red up is the custom in East Asia."""

    GREEN_RED = "green and red"
    BLUE_ORANGE = "blue and orange"
    RED_GREEN = "red and green"


_DARK = {
    "flat": "#9aa7b8",
    "stale": "#8a98ad",
    "dim": "#8d9bb0",
    "line": "#2f3b4d",
    "grid": "#253041",
    "head": "#7fa6d6",
    "demo": "#e9b44c",
    "data": "#6fb3f2",
    "cursor": "#1e2f47",
    "cursor-blur": "#1b2636",
    "chart-1": "#6fb3f2",
    "chart-2": "#6c7a90",
    "chart-4": "#e9b44c",
    "key": "#e9b44c",
}
_LIGHT = {
    "flat": "#4c5a6b",
    "stale": "#586370",
    "dim": "#536070",
    "line": "#b9c3d0",
    "grid": "#d5dce5",
    "head": "#2b5c96",
    "demo": "#85580a",
    "data": "#1c5fa8",
    "cursor": "#d3e3f6",
    "cursor-blur": "#e6ebf2",
    "chart-1": "#1c5fa8",
    "chart-2": "#7b8899",
    "chart-4": "#85580a",
    "key": "#85580a",
}
_PAIRS = {
    True: {
        Pair.GREEN_RED: ("#4cc38a", "#f2727c"),
        Pair.BLUE_ORANGE: ("#62b0f5", "#f0a13a"),
        Pair.RED_GREEN: ("#f2727c", "#4cc38a"),
    },
    False: {
        Pair.GREEN_RED: ("#0a6b42", "#b3202c"),
        Pair.BLUE_ORANGE: ("#0b57a4", "#8f4600"),
        Pair.RED_GREEN: ("#b3202c", "#0a6b42"),
    },
}


def meanings_of(dark: bool, pair: Pair = Pair.GREEN_RED) -> dict[str, str]:
    """The colours that mean something on a dark or light ground, by variable name.

    `live` and `chart-3` (drawdown) keep to good and bad; only `up` and `down` change their places with the pair.
    """
    up, down = _PAIRS[dark][pair]
    good, bad = (down, up) if pair is Pair.RED_GREEN else (up, down)
    return {**(_DARK if dark else _LIGHT), "up": up, "down": down, "live": good, "chart-3": bad}


# What a screen has before the app knows its theme.
MEANINGS = meanings_of(dark=True)

DARK = Theme(
    name="night",
    primary="#6fb3f2",
    secondary="#7fa6d6",
    accent="#e9b44c",
    warning="#e9b44c",
    error="#f2727c",
    success="#4cc38a",
    foreground="#d7deea",
    background="#0f141c",
    surface="#141b26",
    panel="#1b2432",
    dark=True,
    variables={
        "border": "#2f3b4d",
        "block-cursor-background": "#1e2f47",
        "block-cursor-foreground": "#ffffff",
        "input-selection-background": "#6fb3f2 35%",
        "scrollbar": "#2f3b4d",
        "scrollbar-background": "#141b26",
        "scrollbar-corner-color": "#141b26",
        "scrollbar-hover": "#46566e",
        "scrollbar-active": "#6fb3f2",
    },
)

LIGHT = Theme(
    name="day",
    primary="#1c5fa8",
    secondary="#2b5c96",
    accent="#85580a",
    warning="#85580a",
    error="#b3202c",
    success="#0a6b42",
    foreground="#1b2530",
    background="#f7f8fa",
    surface="#eef1f5",
    panel="#e3e8ee",
    dark=False,
    variables={
        "border": "#b9c3d0",
        "block-cursor-background": "#d3e3f6",
        "block-cursor-foreground": "#1b2530",
        "input-selection-background": "#1c5fa8 30%",
        "scrollbar": "#b9c3d0",
        "scrollbar-background": "#eef1f5",
        "scrollbar-corner-color": "#eef1f5",
        "scrollbar-hover": "#8592a3",
        "scrollbar-active": "#1c5fa8",
    },
)

CONTRAST = Theme(
    name="contrast",
    primary="#8fd0ff",
    secondary="#b8dcff",
    accent="#ffd75f",
    warning="#ffd75f",
    error="#ff9aa2",
    success="#6cf0b0",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#161616",
    dark=True,
    variables={
        "flat": "#d0d7e0",
        "stale": "#c4ccd6",
        "dim": "#c8d0da",
        "head": "#b8dcff",
        "line": "#8a94a3",
        "grid": "#3c4654",
        "demo": "#ffd75f",
        "data": "#8fd0ff",
        "cursor": "#0b2c4f",
        "cursor-blur": "#26303c",
        "chart-1": "#8fd0ff",
        "chart-2": "#aab4c2",
        "chart-4": "#ffd75f",
        "key": "#ffd75f",
        "border": "#8a94a3",
        "block-cursor-background": "#0b2c4f",
        "block-cursor-foreground": "#ffffff",
        "input-selection-background": "#8fd0ff 40%",
        "scrollbar": "#8a94a3",
        "scrollbar-background": "#000000",
        "scrollbar-corner-color": "#000000",
        "scrollbar-hover": "#c4ccd6",
        "scrollbar-active": "#8fd0ff",
    },
)

THEMES = (DARK, LIGHT, CONTRAST)
_OWN = frozenset(theme.name for theme in THEMES)
_TEXT = (
    "foreground", "primary", "secondary", "accent", "warning", "error", "success", "up", "down", "flat", "stale", "dim",
    "head", "live", "demo", "data", "key", "chart-1", "chart-3", "chart-4",
)  # fmt: skip
_LEAST = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA
# How far lines and grounds stand from the ground of a theme that has none of ours, and towards what.
_SHADES = {
    "line": ("foreground", 0.28),
    "grid": ("foreground", 0.14),
    "cursor": ("primary", 0.22),
    "cursor-blur": ("foreground", 0.10),
    "chart-2": ("foreground", 0.50),
}


def contrast(one: Color, other: Color) -> float:
    """Contrast by WCAG 2.2, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(theme: Theme, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a theme with text of at least 4.5:1 on its grounds, and lines that are seen on them.

    Our own themes stay as they are, and those that leave the colours to the terminal too.
    """
    found = dict(variables)
    ground, surface = Color.parse(found["background"]), Color.parse(found["surface"])
    if theme.name in _OWN or ground.ansi is not None:
        return found
    for name, (towards, share) in _SHADES.items():
        if name not in theme.variables:
            found[name] = ground.blend(Color.parse(found[towards]), share, alpha=1.0).hex6
    strongest = Color.parse("#ffffff" if theme.dark else "#000000")
    for name in _TEXT:
        colour = Color.parse(found[name])
        for step in range(11):
            stronger = colour.blend(strongest, step / 10, alpha=1.0)
            if min(contrast(stronger, ground), contrast(stronger, surface)) >= _LEAST:
                found[name] = stronger.hex6 if step else found[name]
                break
    return found
