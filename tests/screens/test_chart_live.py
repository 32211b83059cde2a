"""The forming bar: carried on by prices, never drawn for data that are old, given up for the exchange's own bar."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tradebot.engine.messages import ChartView, ConnectionView, EngineSnapshot, QuoteView
from tradebot.screens.chart_live import FormingBar, LiveBar, merged

MINUTE = 60_000
LAST = 1_704_067_200_000
VIEW = ChartView(1, symbol="BTCUSDT", timeframe="5m", last_ms=LAST, forming=(100.0, 104.0, 99.0, 101.0, 7.0))


def now(minutes: float, price: str, symbol: str = "BTCUSDT") -> EngineSnapshot:
    """A snapshot so many minutes after the last stored bar opened."""
    quote = QuoteView(symbol, price, None, None, None, 100)
    return EngineSnapshot(time_ms=LAST + round(minutes * MINUTE), quotes=(quote,))


def test_it_begins_with_what_is_stored_and_takes_in_each_price() -> None:
    live = LiveBar()
    assert live.look(VIEW, now(6, "103.0")) == FormingBar(LAST + 5 * MINUTE, (100.0, 104.0, 99.0, 103.0, 7.0))
    assert live.look(VIEW, now(7, "98.5")) == FormingBar(LAST + 5 * MINUTE, (100.0, 104.0, 98.5, 98.5, 7.0))
    assert live.look(VIEW, now(8, "105.0")) == FormingBar(LAST + 5 * MINUTE, (100.0, 105.0, 98.5, 105.0, 7.0))


def test_without_anything_stored_of_it_the_first_price_is_its_open() -> None:
    live = LiveBar()
    view = replace(VIEW, forming=None)
    live.look(view, now(5.1, "50.0"))
    assert live.look(view, now(5.2, "52.0")) == FormingBar(LAST + 5 * MINUTE, (50.0, 52.0, 50.0, 52.0, 0.0))


@pytest.mark.parametrize(
    ("snapshot", "view"),
    [
        (now(16, "103.0"), VIEW),
        (now(3, "103.0"), VIEW),
        (now(6, "103.0", "ETHUSDT"), VIEW),
        (now(6, "103.0"), replace(VIEW, category="spot")),
    ],
    ids=["old data", "a clock before the bar", "another symbol", "another market"],
)
def test_there_is_none_where_it_would_not_be_true(snapshot: EngineSnapshot, view: ChartView) -> None:
    assert LiveBar().look(view, snapshot) is None


def test_a_price_that_is_old_or_of_a_lost_stream_is_not_live() -> None:
    fresh = now(6, "103.0")
    silent = replace(fresh, quotes=(replace(fresh.quotes[0], age_ms=16_000),))
    lost = replace(fresh, connection=ConnectionView(stream="lost"))
    assert [bar.stale for each in (fresh, silent, lost) if (bar := LiveBar().look(VIEW, each))] == [
        False, True, True,
    ]  # fmt: skip


def test_once_closed_it_waits_as_it_was_until_the_stored_bar_comes() -> None:
    live = LiveBar()
    live.look(VIEW, now(9.9, "103.0"))
    assert live.look(VIEW, now(10.1, "90.0")) == FormingBar(
        LAST + 5 * MINUTE, (100.0, 104.0, 99.0, 103.0, 7.0)
    )
    stored = replace(VIEW, last_ms=LAST + 5 * MINUTE, forming=None)
    assert live.look(stored, now(10.2, "90.5")) == FormingBar(
        LAST + 10 * MINUTE, (90.5, 90.5, 90.5, 90.5, 0.0)
    )


def test_it_is_the_last_part_of_a_candle_of_several_bars() -> None:
    assert merged((1.0, 5.0, 0.5, 2.0, 10.0), (2.0, 6.0, 1.0, 3.0, 4.0)) == (1.0, 6.0, 0.5, 3.0, 14.0)
    assert merged(None, (2.0, 6.0, 1.0, 3.0, 4.0)) == (2.0, 6.0, 1.0, 3.0, 4.0)
