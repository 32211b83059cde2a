"""Help on what has the focus, made from its own words and bindings."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from tradebot.screens.area import Pane
from tradebot.screens.dialogs import HelpDialog
from tradebot.screens.key_names import shown_binding

__all__ = ["help_on"]


def help_on(screen: Screen[Any], pane: Pane | None) -> HelpDialog:
    """The window that tells what a pane shows, and every key that works on the screen now."""
    keys = [(shown_binding(active.binding), active.binding.description, active.binding.action)
            for active in screen.active_bindings.values()
            if active.binding.id]  # ours; what a text field does with its arrows needs no help  # fmt: skip
    joined: dict[tuple[str, str], list[str]] = {}
    for key, what, action in keys:
        joined.setdefault((what, action), []).append(key)
    lines = [(" ".join(dict.fromkeys(names)), what) for (what, _), names in joined.items()]
    text = (pane.HELP if pane is not None else "") or ""
    return HelpDialog(f"Help · {pane.title_text}" if pane is not None else "Help", text, lines)
