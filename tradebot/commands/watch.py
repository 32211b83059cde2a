"""`tradebot watch`: the dashboard as plain text in any shell, of the tradebot that runs or of the exchange alone."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tradebot.commands.context import (
    ConfigOption,
    Context,
    DataOption,
    JsonOption,
    UrlOption,
    open_context,
    print_out,
)
from tradebot.engine.control.errors import CancelledError, InputError

if TYPE_CHECKING:
    from tradebot.commands.watch_text import Look
    from tradebot.engine.engine import Engine
    from tradebot.engine.messages import EngineSnapshot
    from tradebot.engine.shared_look import LookWatcher

_Found = TypeVar("_Found")
WATCHING_STOPPED = "Watching was stopped; whatever else runs goes on."
_LOOK_SECONDS = 1.0
_POLL_SECONDS = 0.1
_JOIN_SECONDS = 2.5
_PATIENCE_SECONDS = 15.0
_MORE_SECONDS = 3.0
_MOST_SYMBOLS = 40
_LEAST_WIDTH = 40
_PIPED_WIDTH = 100


def watch(
    symbols: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SYMBOL]...",
            help="Prices to show; default: those that are followed.",
            show_default=False,
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one look and end.")] = False,
    category: Annotated[str, typer.Option(help="Of the symbols: linear, inverse or spot.")] = "linear",
    data: DataOption = None,
    config: ConfigOption = None,
    url: UrlOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Show prices, connection, jobs, alerts and the engine's health, renewed each second until Ctrl+C.

    It joins the tradebot that writes to the data folder, and shows what that one does; where none does, or a symbol is
    not followed, it asks the exchange itself. Nothing is stored. With --json each look is one line of JSON.
    """
    from tradebot.commands.watch_text import look_document, look_lines

    context = open_context(data, config, url, json_wanted)
    wanted = _symbols(symbols or [])
    _check_category(category)
    show = _Page() if _in_place(json_wanted, once) else print_out
    watcher = Watcher(context, wanted, category)
    try:
        watcher.begin()
        while True:
            look = watcher.look()
            if json_wanted:
                print_out(json.dumps(look_document(look), ensure_ascii=False, allow_nan=False))
            else:
                show("\n".join(look_lines(look, _width())))
            if once:
                return
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        raise CancelledError(WATCHING_STOPPED) from None
    finally:
        watcher.close()


def _symbols(given: list[str]) -> tuple[str, ...]:
    from tradebot.engine.market import is_symbol

    names = tuple(dict.fromkeys(name.upper() for text in given for name in text.split(",") if name))
    for name in names:
        if not is_symbol(name):
            raise InputError(f"{name!r} cannot be a symbol; write names such as BTCUSDT.")
    return names


def _check_category(category: str) -> None:
    from tradebot.engine.collecting import category_of

    category_of(category)


class Watcher:
    """Looks at the tradebot that writes the folder; at the exchange through an engine of its own where needed."""

    def __init__(self, context: Context, symbols: tuple[str, ...], category: str) -> None:
        self._context = context
        self._symbols = symbols
        self._category = category
        self._others: LookWatcher | None = None
        self._engine: Engine | None = None
        self._own_symbols: tuple[str, ...] = ()

    def begin(self) -> None:
        """Join the tradebot that runs, or wait until the exchange was heard, some seconds at most."""
        from tradebot.engine.control.clock import SystemClock
        from tradebot.engine.shared_look import LookWatcher
        from tradebot.engine.store.writer_claim import may_have_writer

        self._others = LookWatcher(self._context.folders.data, SystemClock())
        self._others.ask()
        patience = _JOIN_SECONDS if may_have_writer(self._context.folders.data) else 0.0
        other = _wait(self._others.read, lambda look: look is not None, patience)
        if self._enough(other):
            return
        engine = self._ask_exchange()
        _wait(engine.snapshot, self._has_begun, _PATIENCE_SECONDS)
        _wait(engine.snapshot, self._has_all, _MORE_SECONDS)

    def look(self) -> Look:
        """What there is to see now."""
        from tradebot.commands.watch_text import Look

        if self._others is None:
            raise RuntimeError("begin comes first")
        self._others.ask()
        other = self._others.read()
        if not self._enough(other):
            self._ask_exchange()
        own = self._engine.snapshot() if self._engine is not None else None
        if other is None:
            snapshot, who = own, self._alone()
        else:
            known = {quote.symbol for quote in other.quotes}
            more = tuple(quote for quote in own.quotes if quote.symbol not in known) if own else ()
            snapshot = replace(other, quotes=other.quotes + more)
            who = f"The tradebot that runs on {self._context.folders.data}."
        if snapshot is None:
            raise RuntimeError("an engine was started where no other is there")
        shown = self._symbols or tuple(quote.symbol for quote in snapshot.quotes) or self._own_symbols
        return Look(snapshot, shown, who)

    def close(self) -> None:
        """Ask nobody any more."""
        if self._others is not None:
            self._others.close()
        if self._engine is not None:
            self._engine.stop()

    def _alone(self) -> str:
        return (
            f"No tradebot runs on {self._context.folders.data}: prices come from the exchange, and jobs and engine are "
            "this watcher's own. Nothing is stored."
        )

    def _enough(self, other: EngineSnapshot | None) -> bool:
        """Whether what the other one shows has every symbol that is wanted."""
        return other is not None and set(self._symbols) <= {quote.symbol for quote in other.quotes}

    def _has_begun(self, own: EngineSnapshot) -> bool:
        """Whether there is a price, or a reason why there is none; and the engine knows how it is itself."""
        told = own.connection.rest == "lost" or bool(own.quotes)
        return own.ready and told and own.health.cpu_percent is not None

    def _has_all(self, own: EngineSnapshot) -> bool:
        """Whether there is a price of each; one that the exchange does not know never comes."""
        return own.connection.rest == "lost" or set(self._own_symbols) <= {each.symbol for each in own.quotes}

    def _ask_exchange(self) -> Engine:
        from tradebot.engine.engine import Engine, EngineOptions

        if self._engine is None:
            context = self._context
            self._own_symbols = self._symbols or _stored_symbols(context, self._category)
            self._engine = Engine(
                EngineOptions(
                    context.settings,
                    context.folders,
                    watched=self._own_symbols,
                    watched_category=self._category,
                    settings_file=context.settings_file,
                    overrides=context.overrides,
                    watch_only=True,
                )
            )
            self._engine.start()
            self._engine.wait_until_ready()
        return self._engine


def _stored_symbols(context: Context, category: str) -> tuple[str, ...]:
    """The symbols with stored bars, the usual ones where there are none."""
    from tradebot.engine.store import Store

    keys = Store(context.folders.data, read_only=True).keys()
    stored = dict.fromkeys(key.symbol for key in keys if key.category == category)
    return tuple(stored)[:_MOST_SYMBOLS] or context.settings.collect.symbols


def _wait(look: Callable[[], _Found], there: Callable[[_Found], bool], most_seconds: float) -> _Found:
    """What `look` gives as soon as it is there, or what it gives in the end."""
    until = time.monotonic() + most_seconds
    while True:
        found = look()
        if there(found) or time.monotonic() >= until:
            return found
        time.sleep(_POLL_SECONDS)


# ---------------------------------------------------------------------------------------------- the page


class _Page:
    """Text that takes the place of the one before, on a terminal that understands control sequences."""

    def __init__(self) -> None:
        self._lines = 0

    def __call__(self, text: str) -> None:
        lines = text.splitlines()[: max(1, shutil.get_terminal_size().lines - 1)]
        up = f"\x1b[{self._lines}A" if self._lines else ""
        # Each line is cleared to its end, and what was below the last one too: nothing flickers.
        sys.stdout.write(up + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        sys.stdout.flush()
        self._lines = len(lines)


def _in_place(json_wanted: bool, once: bool) -> bool:
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return terminal and not json_wanted and not once and _takes_sequences()


def _takes_sequences() -> bool:
    """Whether the console takes control sequences; the old one of Windows has to be asked for it."""
    if sys.platform != "win32":
        return True
    import ctypes

    handle_of_output, sequences = -11, 0x0004
    kernel32 = ctypes.windll.kernel32
    kernel32.GetStdHandle.restype = ctypes.c_void_p
    handle, mode = ctypes.c_void_p(kernel32.GetStdHandle(handle_of_output)), ctypes.c_uint32()
    if not kernel32.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    return bool(kernel32.SetConsoleMode(handle, mode.value | sequences))


def _width() -> int:
    if sys.stdout is not None and sys.stdout.isatty():
        return max(_LEAST_WIDTH, shutil.get_terminal_size().columns - 1)
    return _PIPED_WIDTH
