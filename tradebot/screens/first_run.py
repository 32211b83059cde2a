"""The way from nothing to a backtest: what is collected with one key, and what is run on it with another."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.market.timeframe import Timeframe
from tradebot.engine.messages import Collect, EngineSnapshot
from tradebot.screens import formats

__all__ = ["STARTER", "Example", "can_start", "collecting", "example_of", "starter_cost", "starter_text"]

_DAYS = 365
_ROW_BYTES = 62
_ROWS_A_SECOND = 9_000
"""What a line of 100 ms makes of the exchange's pages of 1,000 bars."""
_DAY_MS = 86_400_000
_EXAMPLE = "ema-trend"
_TIMEFRAME = "1h"
_MOST_SYMBOLS = 3
_ALIVE = frozenset({"running", "queued"})

STARTER = Collect(("BTCUSDT", "ETHUSDT", "SOLUSDT"), ("1h", "15m"), f"{_DAYS}d", follow=True)
"""What a first run collects with one key: what the example strategies trade, a year of it, followed live after that."""


@dataclass(frozen=True, slots=True)
class Example:
    """A saved strategy and the collected bars it can be run on."""

    strategy: str
    symbols: tuple[str, ...]
    timeframe: str
    rows: int

    @property
    def overrides(self) -> tuple[tuple[str, str], ...]:
        """What is set in the strategy's text so that it trades them."""
        return (("strategy.symbols", ",".join(self.symbols)), ("strategy.timeframe", self.timeframe))

    @property
    def words(self) -> str:
        """Itself in half a sentence."""
        bars = formats.count(self.rows)
        return f"{self.strategy} on {' '.join(self.symbols)} {self.timeframe}, {bars} bars"


def starter_text() -> str:
    """What the starter pack holds."""
    coins = " ".join(symbol.removesuffix("USDT") for symbol in STARTER.symbols)
    return f"Starter pack: {coins} · {' '.join(STARTER.timeframes)} · a year"


def starter_cost() -> str:
    """What it costs: rows, room on the disk, time."""
    per_symbol = sum(_DAYS * _DAY_MS // Timeframe(each).ms for each in STARTER.timeframes)
    rows = len(STARTER.symbols) * per_symbol
    seconds = round(rows / _ROWS_A_SECOND / 5 + 0.5) * 5
    return f"~{rows // 1000} k rows, {round(rows * _ROW_BYTES / 1e6)} MB, {seconds} s"


def can_start(snapshot: EngineSnapshot) -> bool:
    """Whether the starter pack may be collected: nothing is there, nothing is on the way, and something can be."""
    reachable = snapshot.ready and not snapshot.read_only and snapshot.connection.rest != "lost"
    return reachable and not snapshot.datasets and not collecting(snapshot)


def collecting(snapshot: EngineSnapshot) -> bool:
    """Whether history is on its way."""
    return any(job.kind == "collect" and job.state in _ALIVE for job in snapshot.jobs)


def example_of(snapshot: EngineSnapshot) -> Example | None:
    """An example strategy and what it can be run on: hours where there are, else what there is most of."""
    stored = [each for each in snapshot.datasets if each.rows and not each.mark]
    linear = [each for each in stored if each.category == "linear"]
    names = [each.name for each in snapshot.strategies if not each.problem]
    if not linear or not names:
        return None
    rows: dict[str, int] = {}
    for each in linear:
        rows[each.timeframe] = rows.get(each.timeframe, 0) + each.rows
    timeframe = _TIMEFRAME if _TIMEFRAME in rows else max(rows, key=rows.__getitem__)
    chosen = [each for each in linear if each.timeframe == timeframe]
    chosen.sort(key=lambda each: (each.symbol not in STARTER.symbols, -each.rows, each.symbol))
    chosen = chosen[:_MOST_SYMBOLS]
    strategy = _EXAMPLE if _EXAMPLE in names else names[0]
    return Example(
        strategy, tuple(each.symbol for each in chosen), timeframe, sum(each.rows for each in chosen)
    )
