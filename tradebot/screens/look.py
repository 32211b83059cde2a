"""How the app is drawn on one terminal."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.screens.theme import DARK, Pair

__all__ = ["Look"]


@dataclass(frozen=True, slots=True)
class Look:
    """`theme` and `up_down` by their names; `ascii_only` draws every glyph in ASCII.

    `synchronized_output` lets Windows Terminal be asked for it; `refresh_hz` is how often a second prices are drawn.
    """

    theme: str = DARK.name
    up_down: str = Pair.GREEN_RED
    ascii_only: bool = False
    synchronized_output: bool = True
    refresh_hz: int = 4
