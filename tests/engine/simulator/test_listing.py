"""What is listed: well-known names first, believable rules, a list that only grows."""

from __future__ import annotations

from tradebot.engine.market import is_symbol
from tradebot.engine.simulator.listing import coins

LISTED = coins(600)


def test_six_hundred_different_perpetuals_with_the_well_known_ones_first() -> None:
    symbols = [coin.symbol for coin in LISTED]
    assert symbols[:5] == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT"]
    assert len(set(symbols)) == 600
    assert all(is_symbol(symbol) and symbol.endswith("USDT") for symbol in symbols)
    assert sum(symbol.startswith("1000") for symbol in symbols) > 10


def test_a_longer_list_begins_with_the_shorter_one() -> None:
    assert coins(50) == LISTED[:50]
    assert coins(250) == LISTED[:250]


def test_prices_have_enough_digits_and_lots_are_worth_little() -> None:
    for coin in LISTED:
        ticks = coin.price * 10**coin.tick_decimals
        assert 300 < ticks < 2_000_000, coin
        lot_value = coin.price * 10.0**-coin.lot_decimals
        assert 0.003 < lot_value < 80, coin
        assert coin.turnover_decimals >= 0, coin


def test_launch_days_differ_and_some_coins_are_young() -> None:
    launches = [coin.launch_ms for coin in LISTED]
    assert len(set(launches)) > 590
    young = [launch for launch in launches if launch > 1_751_328_000_000]  # 2025-07
    assert 5 <= len(young) <= 20
    assert all(launch % 60_000 == 0 for launch in launches)


def test_the_market_drives_a_share_of_every_coin() -> None:
    assert all(0.4 <= coin.market_share <= 0.75 for coin in LISTED)
