"""What every screen may ask of the app around it: the engine, the latest snapshot, a word to the person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from textual import work
from textual.app import App
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.worker import Worker

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import Command, EngineSnapshot, KeyChoice, NoteFocus, StrategySummary
from tradebot.screens.handle import EngineHandle, reply_to
from tradebot.screens.key_names import KeyNames

if TYPE_CHECKING:
    from tradebot.screens.keys import KeyBook

__all__ = ["Desk", "desk_of", "errand", "strategy_named"]

_LOG = logging.getLogger("tradebot.screens")
Node = TypeVar("Node", bound=DOMNode)
Arguments = ParamSpec("Arguments")


class Desk(App[None]):
    """The app as its screens know it. `latest` is the snapshot that is drawn, `key_names` how keys are shown."""

    def __init__(self, engine: EngineHandle) -> None:
        super().__init__()
        self.engine = engine
        self.latest = EngineSnapshot()
        self.key_names = KeyNames()
        self.takes_keys = True
        self._key_book: KeyBook | None = None
        self._told_of_keys: set[str] = set()

    async def ask(self, command: Command) -> Any:
        """The engine's reply to a command; raises TradebotError where it refuses."""
        return await reply_to(self.engine, command)

    def say(self, sentence: str, level: str = "info") -> None:
        """Tell the person something in passing: info, warning or error."""
        raise NotImplementedError

    def report(self, error: Exception) -> None:
        """Tell the person that something of ours failed; the app goes on."""
        raise NotImplementedError

    def use_look(self, theme: str, up_down: str) -> None:
        """Draw in a theme and in a pair of colours for up and down, by their names."""
        raise NotImplementedError

    def visit(self, area: str) -> DOMNode:
        """Show an area by its name (data, build, test) and give it back."""
        raise NotImplementedError

    def open_alerts(self, symbol: str = "", price: str = "") -> None:
        """Show the alerts; with a symbol the form of a price alert on it, at that price or else the last one."""
        from tradebot.screens.alerts_dialog import AlertsDialog

        if not any(isinstance(screen, AlertsDialog) for screen in self.screen_stack):
            self.push_screen(AlertsDialog(symbol, price))

    def watch_app_focus(self, focus: bool) -> None:
        """Let the engine know whether the person looks here: where not, the system may tell alerts."""
        if self.latest.ready:
            self.engine.execute(NoteFocus(focus))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of the app works while a key is being pressed to give it to an action."""
        return super().check_action(action, parameters) if self.takes_keys else False

    async def key_book(self) -> KeyBook:
        """Every action with a key. The first time takes a moment beside the screen, as it loads all screens."""
        if self._key_book is None:
            from tradebot.screens.keys import key_book

            self._key_book = await asyncio.to_thread(key_book)
        return self._key_book

    async def use_keys(self, choices: tuple[KeyChoice, ...]) -> None:
        """Work with these keys instead of the default ones; one that cannot be is told and left out."""
        keymap: dict[str, tuple[str, ...]] = {}
        if choices:
            keymap, problems = (await self.key_book()).read(choices)
            new = [problem for problem in problems if problem not in self._told_of_keys]
            self._told_of_keys.update(new)
            for problem in new:
                _LOG.warning("%s", problem)
            if new:
                self.say("\n".join(new), "warning")
        self.key_names.keymap = keymap
        self.set_keymap({name: ",".join(keys) for name, keys in keymap.items()})


def strategy_named(snapshot: EngineSnapshot, name: str) -> StrategySummary | None:
    """The saved strategy that a result names, by its file's name or by its title."""
    found = (each for each in snapshot.strategies if name in {each.name, each.title})
    return next(found, None)


def desk_of(node: DOMNode) -> Desk:
    """The app of a widget, as screens know it."""
    return cast(Desk, node.app)


def _is_open(node: DOMNode) -> bool:
    """Whether the window of a widget still stands."""
    return node.is_attached and node.screen in node.app.screen_stack


def errand(
    group: str, *, exclusive: bool = False
) -> Callable[
    [Callable[Concatenate[Node, Arguments], Coroutine[Any, Any, None]]],
    Callable[Concatenate[Node, Arguments], Worker[None]],
]:
    """Run a method beside the screen, as it waits for the engine. A refusal is told to the person as it is.

    Anything else that goes wrong is reported; it never ends the app. `exclusive` gives up the one before it.
    """

    def decorate(
        method: Callable[Concatenate[Node, Arguments], Coroutine[Any, Any, None]],
    ) -> Callable[Concatenate[Node, Arguments], Worker[None]]:
        @wraps(method)
        async def run(self: Node, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
            try:
                await method(self, *args, **kwargs)
            except TradebotError as error:
                desk_of(self).say(error.sentence, "error")
            except NoMatches as error:
                # Closed while the engine was asked: nothing is left to be shown.
                if _is_open(self):
                    desk_of(self).report(error)
            except Exception as error:  # noqa: BLE001 - the end of a worker must not be the end of the app
                desk_of(self).report(error)

        # Without a name Textual makes one of all that is handed over, however large that is.
        name = method.__name__
        return work(run, group=group, exclusive=exclusive, exit_on_error=False, description=name)

    return decorate
