"""What every screen may ask of the app around it: the engine, the latest snapshot, a word to the person."""

from __future__ import annotations

from typing import Any, cast

from textual.app import App
from textual.dom import DOMNode

from tradebot.engine.messages import Command, EngineSnapshot
from tradebot.screens.handle import EngineHandle, reply_to

__all__ = ["Desk", "desk_of"]


class Desk(App[None]):
    """The app as its screens know it. `latest` is the snapshot that is drawn."""

    def __init__(self, engine: EngineHandle) -> None:
        super().__init__()
        self.engine = engine
        self.latest = EngineSnapshot()

    async def ask(self, command: Command) -> Any:
        """The engine's reply to a command; raises TradebotError where it refuses."""
        return await reply_to(self.engine, command)

    def say(self, sentence: str, level: str = "info") -> None:
        """Tell the person something in passing: info, warning or error."""
        raise NotImplementedError

    def visit(self, area: str) -> DOMNode:
        """Show an area by its name (data, build, test) and give it back."""
        raise NotImplementedError


def desk_of(node: DOMNode) -> Desk:
    """The app of a widget, as screens know it."""
    return cast(Desk, node.app)
