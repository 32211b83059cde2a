"""What the palette offers: the keys that work here, the areas, symbols, strategies, results, themes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.app import SystemCommand

from tradebot.screens import formats
from tradebot.screens.desk import Desk
from tradebot.screens.frame import AREAS, NavBar, key_hints
from tradebot.screens.theme import THEMES, Pair

__all__ = ["commands_of"]


def commands_of(desk: Desk) -> Iterable[SystemCommand]:
    """Every command of the palette."""
    yield from _keys(desk)
    names = desk.key_names
    for _, name, title in AREAS:
        yield SystemCommand(f"Go to {title}  ({names.of(f'app.{name}')})", "area", partial(desk.visit, name))
    yield from _things(desk)
    for theme in THEMES:
        use = partial(setattr, desk, "theme", theme.name)
        yield SystemCommand(f"Theme {theme.name}", "dark" if theme.dark else "light", use)
    for pair in Pair:
        use_pair = partial(desk.use_look, "", pair)
        yield SystemCommand(f"Up and down in {pair}", "colours", use_pair)
    yield SystemCommand("Save a picture of the screen", "as SVG, for a report", desk.deliver_screenshot)
    yield SystemCommand(
        f"Help  ({names.of('app.help')})", "on the focused pane", partial(desk.run_action, "app.help")
    )
    yield SystemCommand(f"Quit  ({names.of('app.quit')})", "the engine ends its work first", desk.action_quit)


def _keys(desk: Desk) -> Iterable[SystemCommand]:
    """The keys of the focused pane."""
    screen = desk.screen_stack[0]
    for key, what in key_hints(screen.focused or screen.query_one(NavBar)):
        found = (each for each in screen.active_bindings.values() if each.binding.description == what)
        active = next(found, None)
        if active is not None:
            run = partial(desk.run_action, active.binding.action, active.node)
            yield SystemCommand(f"{what.capitalize()}  ({key})", "works in the focused pane", run)


def _things(desk: Desk) -> Iterable[SystemCommand]:
    """What can be opened."""
    latest = desk.latest
    for category, symbol in dict.fromkeys(
        (each.category, each.symbol) for each in latest.datasets if each.rows and not each.mark
    ):
        yield SystemCommand(f"Chart {symbol}", category, partial(_open_chart, desk, symbol, category))
    for strategy in latest.strategies:
        run = partial(_open_strategy, desk, strategy.name)
        yield SystemCommand(f"Open strategy {strategy.name}", strategy.title, run)
    for result in latest.results:
        trades = formats.plural(result.trades, "trade")
        about = f"{result.strategy} · {formats.minute(result.created_ms)} · {trades}"
        yield SystemCommand(
            f"Open result {result.result_id}", about, partial(_open_result, desk, result.result_id)
        )


def _open_chart(desk: Desk, symbol: str, category: str) -> None:
    desk.visit("chart").open_chart(symbol, "", category=category)  # type: ignore[attr-defined]  # ChartArea has it


def _open_strategy(desk: Desk, name: str) -> None:
    desk.visit("build").open_strategy(name)  # type: ignore[attr-defined]  # BuildArea has it


def _open_result(desk: Desk, result_id: str) -> None:
    desk.visit("test").open_result(result_id)  # type: ignore[attr-defined]  # ResultsArea has it
