"""What the Dashboard says where there is nothing to show yet: why, which key helps, what that costs."""

from __future__ import annotations

from tradebot.engine.messages import EngineSnapshot
from tradebot.screens import formats
from tradebot.screens.widgets.palette import Line, line_length, wrap

__all__ = ["NO_EVENTS", "NO_JOBS", "NO_RESULTS", "watch_lines"]

_WIDEST = 62
NO_RESULTS: tuple[Line, ...] = (
    (("No backtest yet", "bold"),),
    (("4", "key"), (" Build: open a strategy,", "text")),
    (("  then ", "text"), ("r", "key"), (" runs it.", "text")),
    (),
    (("A year of minutes takes well", "dim"),),
    (("under a second.", "dim"),),
)
NO_JOBS: tuple[Line, ...] = (
    (),
    ((" Nothing is running. ", "dim"), ("n", "key"), (" collects.", "dim")),
)
NO_EVENTS: tuple[Line, ...] = (
    (),
    ((" Nothing has happened yet. Connections, bars, backtests and alerts are told here.", "dim"),),
)


def watch_lines(snapshot: EngineSnapshot, width: int, height: int) -> tuple[Line, ...]:
    """The empty watchlist, in the middle of its pane."""
    room = max(24, min(_WIDEST, width - 4))
    body = _body(snapshot, room)
    margin = " " * max(1, (width - max(line_length(line) for line in body)) // 2)
    above = max(0, (height - len(body)) // 2 - 1)
    return ((),) * above + tuple(((margin, ""), *line) for line in body)


def _body(snapshot: EngineSnapshot, room: int) -> list[Line]:
    if not snapshot.ready:
        return [(("Opening the data folder ...", "dim"),)]
    link = snapshot.connection
    stored = len({(each.category, each.symbol) for each in snapshot.datasets if each.rows})
    if link.rest == "lost" or link.stream == "lost":
        sentence = link.sentence or "The exchange cannot be reached."
        lines: list[Line] = [
            (("No prices, and no way to the exchange", "bold"),),
            (),
            *(((text, "warning"),) for text in wrap(sentence, room)),
            (),
        ]
        return [*lines, *(_without_network(stored))]
    if snapshot.read_only:
        return [
            (("No prices: nothing is followed here", "bold"),),
            (),
            *(((text, "warning"),) for text in wrap(snapshot.read_only, room)),
        ]
    if link.stream == "connecting" or link.rest == "connecting":
        return [(("Connecting to the exchange ...", "dim"),)]
    return [
        (("Nothing is followed yet" if stored else "No market data yet", "bold"),),
        (),
        *(((text, ""),) for text in wrap(_why(stored), room)),
        (),
        (("  n  ", "key"), ("Pick symbols and history length", "text")),
        (("     BTCUSDT ETHUSDT SOLUSDT · 1m · 90 days", "dim"),),
        (("     about 2 min, ~390 k rows, 24 MB", "dim"),),
        (),
        *(((text, "dim"),) for text in wrap("No API key is needed for market data.", room)),
    ]


def _why(stored: int) -> str:
    if not stored:
        return "Collect candles once: prices appear here, and every backtest runs offline in seconds."
    symbols = formats.plural(stored, "symbol")
    return (
        f"{symbols} are stored; collecting with `follow` keeps them up to date and shows their prices here."
    )


def _without_network(stored: int) -> list[Line]:
    if stored:
        return [
            (("Without a network you can", ""),),
            (("  3  ", "key"), (f"look at {formats.plural(stored, 'stored symbol')}", "text")),
            (("  4  ", "key"), ("build and backtest strategies on them", "text")),
        ]
    return [
        (("Without a network you can", ""),),
        (("  2  ", "key"), ("import CSV files you have, with i", "text")),
        (("  ^q ", "key"), ("quit, and run tradebot demo: a simulated exchange", "text")),
    ]
