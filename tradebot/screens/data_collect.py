"""The window that starts a collection: what, since when, in which order, and what it will bring."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import Collect, CollectEstimate, EstimateCollect, GetSymbols, SymbolChoice
from tradebot.screens import formats
from tradebot.screens.data_dialogs import FormDialog
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.toggle import Toggle
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["CollectDialog", "SymbolsDialog"]

_SYMBOL_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-*?[]")
_CATEGORIES = ("linear", "inverse", "spot")
_ORDERS = ("oldest", "newest")
# A pause in typing after which the engine is asked what it would bring.
_PAUSE_SECONDS = 0.15


class CollectDialog(FormDialog):
    """What to collect: symbols, timeframes, since when, and whether to stay on live."""

    title_text = "Collect candles"
    only_real_problems = True
    keys_text = "Tab field · F2 pick symbols · Enter starts · Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f2", "pick", "pick symbols", id="collect.pick")]

    def __init__(self, symbol: str = "", category: str = "linear") -> None:
        super().__init__()
        self._symbol = symbol or "BTCUSDT ETHUSDT SOLUSDT"
        self._category = category
        self._asked = 0

    def compose_body(self) -> ComposeResult:
        """The inputs and what it will bring."""
        yield from self.entry("symbols", "Symbols", self._symbol, "BTCUSDT ETH* or all; F2 picks from a list")
        yield from self.entry("top", "Top", "", "empty, or 50: only those with the largest turnover")
        yield from self.entry("category", "Category", self._category, " ".join(_CATEGORIES))
        yield from self.entry("timeframes", "Timeframes", "1m", "1m 5m 1h")
        yield from self.entry("mark", "Mark price", "", "empty, or timeframes of mark-price bars: 1h")
        yield from self.entry("since", "Since", "90d", "2024-01-01, or a span back such as 90d or 2y")
        yield from self.entry("until", "Until", "", "empty: up to now")
        yield from self.entry("order", "Order", "oldest", "oldest or newest bars first")
        yield from self.switch("follow", "Follow live", True, "append each bar as it closes")
        yield LinesView(id="estimate")
        yield Static("", id="refusal", classes="problem", markup=False)

    def on_mount(self) -> None:
        """Show what the filled in would bring."""
        super().on_mount()
        self._look()

    # ------------------------------------------------------------------------------------------ reading the fields

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(self.value(name).replace(",", " ").split())

    def _symbols(self) -> tuple[str, ...]:
        return tuple("all" if word.lower() == "all" else word.upper() for word in self._words("symbols"))

    def problems(self) -> dict[str, str]:
        """Every field in its own words."""
        found = self._problems_of_what()
        now = desk_of(self).latest.time_ms
        since, problem = _time(self.value("since"), now)
        if problem:
            found["since"] = problem
        elif since is not None and since >= now:
            found["since"] = "That is not in the past."
        if self.value("until"):
            until, problem = _time(self.value("until"), now)
            if problem:
                found["until"] = problem
            elif since is not None and until is not None and until <= since:
                found["until"] = "That is not after the start."
            elif self.query_one("#follow", Toggle).value:
                found["until"] = "Following goes on until it is stopped: leave this empty, or do not follow."
        if self.value("order") not in _ORDERS:
            found["order"] = "Write oldest or newest: which bars come first."
        return found

    def _problems_of_what(self) -> dict[str, str]:
        from tradebot.engine.market.timeframe import Timeframe

        found: dict[str, str] = {}
        symbols = self._symbols()
        strange = [symbol for symbol in symbols if symbol != "all" and not set(symbol) <= _SYMBOL_CHARS]
        if not symbols:
            found["symbols"] = "Name at least one symbol, such as BTCUSDT, a pattern such as ETH*, or all."
        elif strange:
            found["symbols"] = f"{strange[0]} is no symbol; they look like BTCUSDT, patterns like ETH*."
        top = self.value("top")
        if top and not (top.isdecimal() and 0 < int(top) <= 1000):
            found["top"] = "Write how many symbols, 1 to 1000, or nothing for all of them."
        if self.value("category") not in _CATEGORIES:
            found["category"] = f"The category is one of {', '.join(_CATEGORIES)}."
        known = Timeframe.names()
        for name in ("timeframes", "mark"):
            unknown = [frame for frame in self._words(name) if frame not in known]
            if unknown:
                found[name] = f"{unknown[0]} is no timeframe; they are {' '.join(known)}."
        if not self._words("timeframes"):
            found["timeframes"] = f"Name at least one of {' '.join(known)}."
        if self._words("mark") and self.value("category") == "spot":
            found["mark"] = "Spot has no mark price; leave this empty."
        return found

    def command(self) -> Collect:
        """Collect what is filled in."""
        return Collect(
            symbols=self._symbols(),
            timeframes=self._words("timeframes"),
            since=self.value("since"),
            until=self.value("until") or None,
            follow=self.query_one("#follow", Toggle).value,
            category=self.value("category"),
            order=self.value("order"),
            top=int(self.value("top") or 0),
            mark=self._words("mark"),
        )

    # ------------------------------------------------------------------------------------------ what it will bring

    @on(Input.Changed)
    def _changed(self) -> None:
        self._look()

    @on(Toggle.Flipped)
    def _flipped(self) -> None:
        self._look()

    def _look(self) -> None:
        """Ask what it would bring, a moment after the last change."""
        well = self.refresh_notes()
        self._asked += 1
        view = self.query_one("#estimate", LinesView)
        if not well:
            view.show(((), ()))
            return
        if not view.plain.strip():
            view.show((((" Working out what it brings ...", "dim"),), ()))
        asked = self._asked
        self.set_timer(_PAUSE_SECONDS, lambda: self._estimate() if asked == self._asked else None)

    @errand("estimate", exclusive=True)
    async def _estimate(self) -> None:
        asked = self._asked
        try:
            answer = await desk_of(self).ask(EstimateCollect(self.command()))
            lines: list[Line] = self._words_of(answer)
        except TradebotError as error:
            lines = [*(((f" {text}", "warning"),) for text in wrap(error.sentence, 70)[:3])]
        if asked == self._asked and self.is_attached:
            self.query_one("#estimate", LinesView).show(lines)

    def _words_of(self, found: CollectEstimate) -> list[Line]:
        if found.sentence:
            return [((f" {text}", "dim"),) for text in wrap(found.sentence, 70)]
        what = f"{formats.plural(found.datasets, 'dataset')} of {formats.plural(found.symbols, 'symbol')}"
        if not found.bars:
            return [((f" {what}: everything is stored already", "good"),), ()]
        wait = f" · {formats.span(max(1.0, found.seconds))}" if found.seconds is not None else ""
        size = formats.size_of(found.bytes)
        lines: list[Line] = [
            ((f" {what} · ", "dim"), (f"{formats.count(found.bars)} rows · {size}{wait}", "bold"),
             (" at our rate", "dim")),
        ]  # fmt: skip
        free = desk_of(self).latest.free_bytes
        if free and found.bytes > free:
            lines.append(((f" That is more than the {formats.size_of(free)} free on the disk.", "bad"),))
        elif found.held_bars:
            lines.append(
                ((f" {formats.count(found.held_bars)} rows more are stored and not asked for again.", "dim"),)
            )
        else:
            lines.append(())
        return lines

    def action_pick(self) -> None:
        """Choose symbols from the exchange's list."""
        category = self.value("category") if self.value("category") in _CATEGORIES else "linear"
        self.app.push_screen(SymbolsDialog(category, self._symbols()), self._picked)

    def _picked(self, symbols: tuple[str, ...] | None) -> None:
        if symbols:
            self.query_one("#symbols", Input).value = " ".join(symbols)
        self.query_one("#symbols", Input).focus()


def _time(text: str, now_ms: int) -> tuple[int | None, str]:
    from tradebot.engine.market.times import parse_time

    try:
        return parse_time(text, now_ms), ""
    except ValueError:
        return None, "Write a date such as 2024-01-01, or a span back such as 90d, 12h or 2y."


class _Search(Input):
    """The search field; a symbol holds no blank, so Space marks the row instead of being typed."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "space":
            event.prevent_default().stop()
            await self.run_action("screen.mark")
        else:
            await super()._on_key(event)


class SymbolsDialog(Dialog[tuple[str, ...]]):
    """Symbols of a category, the largest turnover first; type to search, Space marks, Enter takes the marked."""

    keys_text = "type to search · Space marks · Enter takes · Esc closes"
    AUTO_FOCUS = "Input"

    def __init__(self, category: str, marked: tuple[str, ...]) -> None:
        super().__init__()
        self.title_text = f"Symbols of {category}"
        self._category = category
        self._marked = dict.fromkeys(marked)
        self._choices: tuple[SymbolChoice, ...] = ()
        self._note: Line = (("  Asking the exchange ...", "dim"),)

    def compose_body(self) -> ComposeResult:
        """The search above the list."""
        yield _Search(placeholder="search", compact=True, classes="search")
        yield VirtualTable[SymbolChoice](
            (
                Column("", 3),
                Column("SYMBOL", 14, grow=True),
                Column("QUOTE", 6),
                Column("SINCE", 8),
                Column("24h TURNOVER", 12, right=True),
            ),
            self._cells,
            lambda choice: choice.symbol,
        )
        yield LinesView(id="marked")

    def on_mount(self) -> None:
        """Ask for the list."""
        super().on_mount()
        self.query_one(VirtualTable).styles.height = 14
        self._show()
        self._load()

    @errand("symbols")
    async def _load(self) -> None:
        try:
            self._choices = await desk_of(self).ask(GetSymbols(self._category))
            self._note = (("  Nothing matches.", "dim"),)
        except TradebotError as error:
            self._note = ((f"  {error.sentence}", "bad"),)
        if not self._choices and self._note[0][1] == "dim":
            self._note = (("  The exchange has not listed its symbols yet; type their names.", "dim"),)
        self._marked = {
            name: None for name in self._marked if any(name == each.symbol for each in self._choices)
        }
        self._show()

    def _cells(self, choice: SymbolChoice) -> tuple[Cell, ...]:
        marked = choice.symbol in self._marked
        since = formats.day(choice.launch_ms) if choice.launch_ms else "-"
        turnover = formats.count(choice.turnover_24h) if choice.turnover_24h is not None else "-"
        return (
            ("[x]" if marked else "[ ]", "good" if marked else "dim"),
            (choice.symbol, "bold" if marked else ""),
            (choice.quote_coin, "dim"),
            (since, "dim"),
            (turnover, ""),
        )

    @on(Input.Changed)
    def _show(self) -> None:
        word = self.query_one(Input).value.strip().upper()
        found = [each for each in self._choices if word in each.symbol]
        if word:
            found.sort(
                key=lambda each: not each.symbol.startswith(word)
            )  # the order of turnover stays among equals
        table = self.query_one(VirtualTable)
        table.show(found, empty=(self._note,))
        if word:
            table.move_to(0)
        self._show_marked()

    def _show_marked(self) -> None:
        names = list(self._marked)
        text = f" {len(names)} marked: {' '.join(names)}" if names else " none marked: Enter takes the row"
        self.query_one("#marked", LinesView).show((((text[:70], "dim"),),))

    def on_key(self, event: events.Key) -> None:
        """Arrows walk the list while the search has the focus."""
        steps = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}
        table = self.query_one(VirtualTable)
        if event.key in steps:
            event.prevent_default().stop()
            table.action_move(steps[event.key])

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away."""
        table = self.query_one(VirtualTable)
        choice = table.current
        if isinstance(choice, SymbolChoice):
            before = self._marked
            self._marked = {name: None for name in before if name != choice.symbol}
            if choice.symbol not in before:
                self._marked[choice.symbol] = None
            table.repaint_rows()
            self._show_marked()

    @on(Input.Submitted)
    @on(VirtualTable.Chosen)
    def _take(self) -> None:
        choice = self.query_one(VirtualTable).current
        if self._marked:
            self.dismiss(tuple(self._marked))
        elif isinstance(choice, SymbolChoice):
            self.dismiss((choice.symbol,))
