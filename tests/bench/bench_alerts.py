"""What alerts cost the engine: one look at 600 symbols with two alerts on each, of which there are four a second."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tradebot.engine.alerts import Alert, Watcher, parse_condition
from tradebot.engine.alerts.service import look_of
from tradebot.engine.messages import EngineSnapshot, QuoteView

SYMBOLS = [f"S{number}USDT" for number in range(600)]


@pytest.mark.benchmark(group="alerts")
def test_one_look_at_600_symbols_with_1200_alerts(benchmark: Any) -> None:
    rng = random.Random(1)
    watcher = Watcher()
    watcher.use(
        tuple(
            Alert(f"{kind} {symbol}", kind, parse_condition(kind.format(symbol)))
            for symbol in SYMBOLS
            for kind in ("{} above 100", "{} falls 50% in 15m")
        )
    )
    time_ms = 0

    def snapshot() -> tuple[tuple[EngineSnapshot], dict[str, Any]]:
        nonlocal time_ms
        time_ms += 250
        quotes = tuple(
            QuoteView(symbol, f"{95 + rng.random():.2f}", None, None, None, 10) for symbol in SYMBOLS
        )
        return (EngineSnapshot(time_ms=time_ms, quotes=quotes),), {}

    told = benchmark.pedantic(lambda each: watcher.look(look_of(each)), setup=snapshot, rounds=400)
    assert told == []
