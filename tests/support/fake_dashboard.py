"""What the fake engine shows on the Dashboard of a working day: trends, health, events."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.support.fake_engine import FakeEngine
from tests.support.fake_results import PRICES
from tradebot.engine import messages as m

EVENTS = (
    (8_000, "info", "collect", "BTCUSDT 1m is followed from 14:24 on."),
    (400, "info", "alerts", "BTCUSDT: price above 63,800, now 63,812.4."),
    (60, "warning", "stream", "Silent for 20.2 s; connected again, 24 topics subscribed, 1 bar filled by REST."),
    (30, "error", "collect", "collect ATOMUSDT 1m failed: Bybit refused further requests for now (10006) in 8 tries."),
    (15, "info", "backtest", "ema-x: 400 trades, net +11.5 %."),
    (2, "info", "collect", "LTCUSDT 1m: 451,000 bars are stored."),
)  # fmt: skip


def busy(scenario: str = "full") -> FakeEngine:
    """An engine with a day of prices (one of them with a hole), services (one of them waiting) and events."""
    engine = FakeEngine(scenario)
    if scenario == "lost":
        engine._quotes = tuple(replace(each, age_ms=each.age_ms + 47_000) for each in engine._quotes)
    engine.trends = tuple(
        m.TrendView(symbol, closes_of(price, number))
        for number, (symbol, (price, _)) in enumerate(PRICES.items())
    )
    engine.health = health()
    now_ms = engine.now_ms
    for seconds, level, source, sentence in EVENTS:
        engine.now_ms = now_ms - seconds * 1000
        engine.say(level, sentence, source)
    engine.now_ms = now_ms
    return engine


def closes_of(price: float, number: int) -> tuple[float | None, ...]:
    """Twenty-four hourly closes; of the third symbol the first hours, of the fifth some in the middle are missing."""
    closes: list[float | None] = [
        price * (1 + 0.01 * math.sin(number + hour / 3.7) + 0.004 * math.sin(hour * 1.3 + number))
        for hour in range(24)
    ]
    if number == 2:
        closes[:8] = [None] * 8
    if number == 4:
        closes[10:14] = [None] * 4
    return tuple(closes)


def health() -> m.HealthView:
    """Four services, one of which is started again, and what waits."""
    return m.HealthView(
        loop_lag_ms=3.2,
        cpu_percent=9.4,
        memory_bytes=214_000_000,
        services=(
            m.ServiceView("live feed", "running", 1),
            m.ServiceView("alerts", "waiting", 3, 8.0, "The web-hook did not answer within 10 s."),
            m.ServiceView("listing", "running"),
            m.ServiceView("kernels", "running"),
            m.ServiceView("first backtest", "ended"),
        ),
        queues=(m.QueueView("files", 12, "rows"), m.QueueView("jobs", 1, "jobs")),
    )
