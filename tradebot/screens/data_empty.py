"""What the Data area says before there is any data."""

from __future__ import annotations

from tradebot.engine.messages import EngineSnapshot
from tradebot.screens import formats
from tradebot.screens.first_run import starter_cost, starter_text
from tradebot.screens.widgets.palette import Line, line_length, wrap

_KEYS: tuple[tuple[str, str, str], ...] = (
    ("Enter", starter_text(), starter_cost()),
    ("n", "Pick symbols and history length", "what you pick, told before"),
    ("i", "Import CSV files you have", "a year of minutes in seconds"),
)


def empty_lines(snapshot: EngineSnapshot, width: int, height: int) -> tuple[Line, ...]:
    """The empty state, placed in the middle: why it is empty, which key helps, what that costs."""
    body = (
        _opening()
        if not snapshot.ready
        else _offline(snapshot, width)
        if _unreachable(snapshot)
        else _read_only(snapshot, width)
        if snapshot.read_only
        else _first_run(snapshot)
    )
    margin = " " * max(1, (width - max(line_length(line) for line in body)) // 2)
    above = max(0, (height - len(body)) // 2 - 1)
    return ((),) * above + tuple(((margin, ""), *line) for line in body)


def _unreachable(snapshot: EngineSnapshot) -> bool:
    return snapshot.connection.rest == "lost"


def _opening() -> list[Line]:
    return [(("Opening the data folder ...", "dim"),)]


def _first_run(snapshot: EngineSnapshot) -> list[Line]:
    link = snapshot.connection
    lines: list[Line] = [
        (("No market data yet", "bold"),),
        (),
        (("Collect candles once and every backtest runs offline in seconds.", ""),),
        (),
        *(_key(*row) for row in _KEYS),
        (),
        (("Then ", ""), ("5", "key"), (" and ", ""), ("r", "key"), (" run an example strategy on it.", "")),
        (),
        (("No API key is needed for market data.", "dim"),),
        (),
    ]
    latency = f" {link.rest_latency_ms:.0f} ms" if link.rest_latency_ms is not None else ""
    rest: Line = (("● ", "live"), (f"REST reachable{latency}", "dim")) if link.rest == "ok" else (
        ("○ ", "dim"), (f"REST {link.rest}", "dim"))  # fmt: skip
    lines.append((*rest, ("     ● ", "live"), (f"disk {formats.size_of(snapshot.free_bytes)} free", "dim")))
    return lines


def _read_only(snapshot: EngineSnapshot, width: int) -> list[Line]:
    return [
        (("No market data yet, and nothing is written here", "bold"),),
        (),
        *((((text, "warning"),)) for text in wrap(snapshot.read_only, max(30, min(66, width - 8)))),
        (),
        _key("^q", "Quit", "and start again when the other one has ended"),
    ]


def _offline(snapshot: EngineSnapshot, width: int) -> list[Line]:
    sentence = snapshot.connection.sentence or "The exchange cannot be reached."
    return [
        (("No market data yet, and no way to the exchange", "bold"),),
        (),
        *((((text, "warning"),)) for text in wrap(sentence, max(30, min(66, width - 8)))),
        (),
        (("Without a network you can", ""),),
        _key("i", "Import CSV files you have", "a year of minutes in seconds"),
        _key("^q", "Quit, and run", "tradebot demo"),
        (("      a simulated exchange on this machine, nothing to install", "dim"),),
        (),
        (("As soon as the exchange answers, n collects from it.", "dim"),),
    ]


def _key(key: str, what: str, cost: str) -> Line:
    return ((f" {key:<5} ", "key"), (f"{what:<44} ", "text" if key else "dim"), (cost, "dim"))
