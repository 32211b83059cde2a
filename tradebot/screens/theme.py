"""The two themes of the app, and the colours that mean something, as theme variables."""

from __future__ import annotations

from textual.theme import Theme

__all__ = ["DARK", "LIGHT", "MEANINGS", "THEMES"]

_DARK_MEANINGS = {
    "up": "#4cc38a",
    "down": "#f2727c",
    "flat": "#9aa7b8",
    "stale": "#8391a5",
    "dim": "#8d9bb0",
    "line": "#2f3b4d",
    "grid": "#253041",
    "head": "#7fa6d6",
    "live": "#4cc38a",
    "demo": "#e9b44c",
    "data": "#6fb3f2",
    "cursor": "#1e2f47",
    "cursor-blur": "#1b2636",
    "chart-1": "#6fb3f2",
    "chart-2": "#6c7a90",
    "chart-3": "#f2727c",
    "chart-4": "#e9b44c",
    "key": "#e9b44c",
}

_LIGHT_MEANINGS = {
    "up": "#0a6b42",
    "down": "#b3202c",
    "flat": "#4c5a6b",
    "stale": "#586370",
    "dim": "#536070",
    "line": "#b9c3d0",
    "grid": "#d5dce5",
    "head": "#2b5c96",
    "live": "#0a6b42",
    "demo": "#85580a",
    "data": "#1c5fa8",
    "cursor": "#d3e3f6",
    "cursor-blur": "#e6ebf2",
    "chart-1": "#1c5fa8",
    "chart-2": "#8592a3",
    "chart-3": "#b3202c",
    "chart-4": "#85580a",
    "key": "#85580a",
}

# Every theme, a builtin one too, has these names: the app hands them out as defaults.
MEANINGS = _DARK_MEANINGS

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
        **_DARK_MEANINGS,
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
        **_LIGHT_MEANINGS,
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

THEMES = (DARK, LIGHT)
