"""Tiny candles and strategies for tests that read as a specification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import Decisions, StrategyBuilder, StrategySpec, builtin_registry, decide

REGISTRY = builtin_registry()
NAN = float("nan")


def candles(close: Sequence[float], volume: Sequence[float] | None = None, spread: float = 0.0) -> Candles:
    """Minute bars that open, close, and (with spread 0) stay at `close`."""
    price = np.array(close, dtype=np.float64)
    other = np.array(close if volume is None else volume, dtype=np.float64)
    time = np.arange(len(price), dtype=np.int64) * 60_000
    return Candles(Timeframe.M1, time, price, price + spread, price - spread, price, other, other * price)


def random_candles(size: int, seed: int = 1) -> Candles:
    """A random walk with highs, lows and volumes of their own."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, size)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * (1 + rng.random(size) * 0.01)
    low = np.minimum(open_, close) * (1 - rng.random(size) * 0.01)
    volume = rng.random(size) * 1000 + 1
    time = np.arange(size, dtype=np.int64) * 60_000
    return Candles(Timeframe.M1, time, open_, high, low, close, volume, volume * close)


def builder() -> StrategyBuilder:
    return StrategyBuilder("test", symbols=["BTCUSDT"], timeframe="1m")


def run(spec: StrategySpec, close: Sequence[float], volume: Sequence[float] | None = None) -> Decisions:
    return decide(spec, REGISTRY, candles(close, volume))


def votes(pattern: str) -> list[float]:
    """Bars for `voters`: L supports long, S short, B both, - neither."""
    return [float("-LSB".index(each)) for each in pattern]


def voter(builder: StrategyBuilder, name: str, column: str, prefix: str = "") -> str:
    """Add a group `name` that supports what `votes` says in a candle column; returns its name."""
    long, short = f"{name}_long", f"{name}_short"
    # L is 1, S is 2, B is 3: long is "1 or 3", short is "2 or 3".
    builder.signal(f"{name}_one", "threshold", source=column, lower=1.5, supports="long")
    builder.signal(f"{name}_some", "compare", a=column, op=">", b=0.5, supports="long")
    builder.signal(f"{name}_three", "compare", a=column, op=">", b=2.5, supports="both")
    builder.signal(f"{name}_two", "compare", a=column, op=">", b=1.5, supports="short")
    builder.group(long, "unanimous", [f"{name}_one", f"{name}_some"])
    builder.group(short, "any", [f"{name}_two"])
    builder.group(name, "any", [long, short, f"{name}_three"])
    return name


def sides_text(decisions: Decisions) -> str:
    return "".join("S-L"[side + 1] for side in decisions.side)
