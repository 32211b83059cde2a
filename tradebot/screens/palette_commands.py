"""What the palette offers: the keys that work here, the areas, symbols, strategies, results, settings, themes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from tradebot.engine.messages import SettingField, SymbolChoice
from tradebot.screens import formats
from tradebot.screens.compare_dialog import CompareDialog
from tradebot.screens.data_collect import CollectDialog
from tradebot.screens.desk import Desk
from tradebot.screens.frame import AREAS, NavBar, key_hints
from tradebot.screens.theme import THEMES, Pair

__all__ = ["KINDS", "Entry", "commands_of", "settings_of", "things_of"]

KINDS = {">": "command", "@": "symbol", "#": "strategy", ":": "setting", "=": "setting"}
"""What stands before a search to look among one kind only."""

_WALKS = ("next_pane", "tab(")
"""From pane to pane, from tab to tab: nobody looks for that in a palette."""
_DESTRUCTIVE = frozenset({"cancel", "delete", "discard", "drop", "forget", "quit", "remove", "stop"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing the palette can do. `name` stays the same over sessions; `key` does the same without the palette.

    `last` puts it behind all others: it ends or takes away something.
    """

    name: str
    kind: str
    title: str
    about: str
    run: Callable[[], object]
    key: str = ""
    last: bool = False


def commands_of(desk: Desk) -> Iterator[Entry]:
    """The keys of the focused pane, the areas, the looks, and what works everywhere."""
    yield from _keys(desk)
    names = desk.key_names
    for _, name, title in AREAS:
        key = names.of(f"app.{name}")
        yield Entry(f"area:{name}", "command", f"Go to {title}", "area", partial(desk.visit, name), key)
    for theme in THEMES:
        use = partial(desk.use_look, theme.name, "")
        about = "dark" if theme.dark else "light"
        yield Entry(f"theme:{theme.name}", "command", f"Theme {theme.name}", about, use)
    for pair in Pair:
        use = partial(desk.use_look, "", pair)
        yield Entry(f"pair:{pair}", "command", f"Up and down in {pair}", "colours", use)
    yield Entry("alerts", "command", "Alerts", "what is watched, what it told", desk.open_alerts)
    picture = "Save a picture of the screen"
    yield Entry("picture", "command", picture, "as SVG, for a report", desk.deliver_screenshot)
    for name, title, about in (
        ("help", "Help", "on the focused pane"),
        ("messages", "Messages", "what went wrong, what was told"),
        ("quit", "Quit", "the engine ends its work first"),
    ):
        act = partial(desk.run_action, f"app.{name}")
        key = names.of(f"app.{name}")
        yield Entry(name, "command", title, about, act, key, last=name in _DESTRUCTIVE)


def _keys(desk: Desk) -> Iterator[Entry]:
    """The keys of the focused pane."""
    screen = desk.screen_stack[0]
    for key, what in key_hints(screen.focused or screen.query_one(NavBar)):
        found = (each for each in screen.active_bindings.values() if each.binding.description == what)
        active = next(found, None)
        if active is not None and not active.binding.action.startswith(_WALKS):
            run = partial(desk.run_action, active.binding.action, active.node)
            last = not _DESTRUCTIVE.isdisjoint(what.split())
            yield Entry("", "command", what[:1].upper() + what[1:], "in the focused pane", run, key, last)


def things_of(desk: Desk, symbols: Iterable[SymbolChoice]) -> Iterator[Entry]:
    """What can be opened: charts, strategies, results; and what can be collected."""
    latest = desk.latest
    stored: dict[tuple[str, str], list[str]] = {}
    for each in latest.datasets:
        if each.rows and not each.mark:
            stored.setdefault((each.category, each.symbol), []).append(each.timeframe)
    for (category, symbol), frames in stored.items():
        run = partial(_open_chart, desk, symbol, category)
        about = f"{category} · {' '.join(dict.fromkeys(frames))}"
        yield Entry(f"chart:{category}/{symbol}", "symbol", f"Chart {symbol}", about, run)
    for quote in latest.quotes:
        run = partial(desk.open_alerts, quote.symbol)
        title = f"Alert: price on {quote.symbol}"
        yield Entry(f"alert:{quote.symbol}", "symbol", title, f"{quote.last} now", run)
    for choice in symbols:
        about = "in Data" if ("linear", choice.symbol) not in stored else "more of it, in Data"
        run = partial(_collect, desk, choice.symbol)
        yield Entry(f"collect:{choice.symbol}", "symbol", f"Collect {choice.symbol}", about, run)
    for strategy in latest.strategies:
        name, title = strategy.name, strategy.title
        open_it, run_it = partial(_open_strategy, desk, name), partial(_run_strategy, desk, name)
        yield Entry(f"strategy:{name}", "strategy", f"Open strategy {name}", title, open_it)
        yield Entry(f"run:{name}", "strategy", f"Run strategy {name}", "backtest what is in its form", run_it)
    for result in latest.results:
        result_id = result.result_id
        trades = formats.plural(result.trades, "trade")
        about = f"{result.strategy} · {formats.minute(result.created_ms)} · {trades}"
        open_it, compare = partial(_open_result, desk, result_id), partial(_compare, desk, result_id)
        yield Entry(f"result:{result_id}", "result", f"Open result {result_id}", about, open_it)
        if len(latest.results) > 1:
            yield Entry(f"compare:{result_id}", "result", f"Compare result {result_id}", about, compare)


def settings_of(desk: Desk, fields: Iterable[SettingField]) -> Iterator[Entry]:
    """Every setting, opened in Setup."""
    for field in fields:
        run = partial(_open_setting, desk, field.path)
        yield Entry(f"setting:{field.path}", "setting", f"Setting {field.path}", field.value, run)


def _open_chart(desk: Desk, symbol: str, category: str) -> None:
    desk.visit("chart").open_chart(symbol, "", category=category)  # type: ignore[attr-defined]  # ChartArea has it


def _collect(desk: Desk, symbol: str) -> None:
    desk.visit("data")
    if desk.latest.read_only:
        desk.say(desk.latest.read_only, "warning")
    else:
        desk.push_screen(CollectDialog(symbol))


def _open_strategy(desk: Desk, name: str) -> None:
    desk.visit("build").open_strategy(name)  # type: ignore[attr-defined]  # BuildArea has it


def _run_strategy(desk: Desk, name: str) -> None:
    desk.visit("build").run_strategy(name)  # type: ignore[attr-defined]  # BuildArea has it


def _open_result(desk: Desk, result_id: str) -> None:
    desk.visit("test").open_result(result_id)  # type: ignore[attr-defined]  # ResultsArea has it


def _compare(desk: Desk, result_id: str) -> None:
    """Beside the newest other one."""
    results = desk.latest.results
    other = next(each.result_id for each in results if each.result_id != result_id)
    order = [each.result_id for each in results]
    desk.push_screen(CompareDialog(tuple(sorted((result_id, other), key=order.index)), results))


def _open_setting(desk: Desk, path: str) -> None:
    desk.visit("settings").open_setting(path)  # type: ignore[attr-defined]  # SettingsArea has it
