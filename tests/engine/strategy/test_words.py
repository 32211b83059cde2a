"""Strategies of every kind read back in two or three English sentences, as a person would say them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tradebot.engine.strategy import StrategyBuilder, TopSymbols, builtin_registry, describe, parse_strategy
from tradebot.engine.strategy.words_names import short_name


def made(timeframe: str = "15m", **head: Any) -> StrategyBuilder:
    return StrategyBuilder("w", symbols=["BTCUSDT"], timeframe=timeframe, **head)


def crossing(**head: Any) -> StrategyBuilder:
    """A cross of two averages, which the tests of risk and orders share."""
    fast = made(**head).indicator("fast", "ema", length=9).indicator("slow", "ema", length=21)
    return fast.signal("turn", "cross", a="fast", b="slow").entry("any", ["turn"]).risk(opposite="ignore")


def sentences(strategy: StrategyBuilder) -> list[str]:
    return [f"{each.rstrip('.')}." for each in describe(strategy.build()).split(". ")]


def test_a_dip_in_a_rising_market_of_a_higher_timeframe() -> None:
    strategy = (
        made(execution="1m")
        .indicator("rsi14", "rsi", length=14)
        .indicator("trend", "ema", length=200, timeframe="4h")
        .signal("dip", "compare", a="rsi14", op="<", b=30, supports="long")
        .signal("rising", "trend", source="trend")
        .entry("unanimous", ["dip", "rising"])
        .risk(direction="long")
        .sizing("risk", percent=1)
        .stop_loss("atr", length=14, multiple=2)
        .take_profit("r", multiple=2)
    )
    assert sentences(strategy) == [
        "On 15m bars of BTCUSDT (linear), with fills on 1m bars, go long when RSI 14 is below 30 while the 4h EMA 200 "
        "is rising.",
        "Close a position at a loss of 2 times ATR 14 or at a gain of 2R.",
        "Each entry risks 1 % of the equity.",
    ]


def test_everything_at_once() -> None:
    strategy = (
        crossing()
        .market(symbols=TopSymbols(20))
        .orders("stop", "atr", length=14, multiple=0.5, valid_bars=2)
        .risk(leverage=3, max_bars=96, cooldown_bars=4)
        .sizing("risk", percent=1)
        .stop_loss("percent", percent=3)
        .take_profit("r", multiple=1, share_percent=50)
        .take_profit("r", multiple=3)
        .trailing_stop("percent", percent=1.5, start_percent=2)
        .break_even(1, offset_percent=0.05)
        .pyramiding(2, "atr", length=14, multiple=1.5)
        .limits(
            max_positions=3,
            max_exposure_percent=300,
            max_symbol_exposure_percent=150,
            max_daily_loss_percent=5,
            max_drawdown_percent=25,
        )
        .loss_streak(4, 48)
    )
    assert sentences(strategy) == [
        "On 15m bars of the 20 linear symbols with the largest turnover, go long when EMA 9 crosses above EMA 21; go "
        "short when EMA 9 crosses below EMA 21.",
        "Close a position at a loss of 3 %, half of it at a gain of 1R, the rest at a gain of 3R, at 1.5 % behind its "
        "best price once it was 2 % in profit or after 96 bars; the stop moves 0.05 % beyond the entry once the profit "
        "was 1R.",
        "Each entry risks 1 % of the equity, at up to 3x leverage, by a stop order 0.5 times ATR 14 beyond the close "
        "that waits 2 bars; up to 2 more may follow, each 1.5 times ATR 14 further in profit; at most 3 positions, "
        "300 % of the equity in all and 150 % in one symbol; no entry for 4 bars after an exit and for 48 bars after 4 "
        "losses in a row; all is closed for the day at a loss of 5 % and for good 25 % below the highest equity.",
    ]


def size(strategy: StrategyBuilder) -> str:
    return sentences(strategy)[-1]


@pytest.mark.parametrize(
    ("use", "values", "words"),
    [
        ("equity", {"percent": 50}, "is 50 % of the equity"),
        ("notional", {"amount": 1000}, "is worth 1000 of the quote coin"),
        ("fixed", {"quantity": 0.1}, "is 0.1 of the base coin"),
        ("risk", {"percent": 0.5}, "risks 0.5 % of the equity"),
        (
            "volatility",
            {"target_percent": 20, "length": 30},
            "aims at a volatility of 20 % a year, judged by the last 30 bars",
        ),
        ("kelly", {}, "is half of Kelly's share of the equity (10 % of the equity before 30 trades have closed)"),
        (
            "kelly",
            {"fraction": 0.2, "min_trades": 50, "start_percent": 5},
            "is 0.2 times Kelly's share of the equity (5 % of the equity before 50 trades have closed)",
        ),
    ],
)  # fmt: skip
def test_sizes(use: str, values: dict[str, Any], words: str) -> None:
    strategy = crossing().sizing(use, **values).stop_loss("percent", percent=2)
    assert size(strategy) == f"Each entry {words}."


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        (("market",), ""),
        (("limit",), ", by a limit order at the close that waits 1 bar"),
        (("limit", "percent"), ", by a limit order 0.1 % better than the close that waits 1 bar"),
        (("stop", "percent"), ", by a stop order 0.1 % beyond the close that waits 1 bar"),
    ],
)
def test_orders(orders: tuple[str, ...], words: str) -> None:
    values = {"percent": 0.1} if len(orders) > 1 else {}
    assert size(crossing().orders(*orders, **values)) == f"Each entry is 100 % of the equity{words}."


def ending(strategy: StrategyBuilder) -> str:
    return sentences(strategy.indicator("bands", "bbands"))[1]


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (crossing().stop_loss("series", series="bands.lower"), "at a stop on the lower Bollinger band (20, 2)"),
        (
            crossing().stop_loss("series", series="slow", follow=True),
            "at a stop that follows EMA 21",
        ),
        (crossing().take_profit("series", series="bands.middle"), "at the middle Bollinger band (20, 2)"),
        (crossing().take_profit("atr", length=7, multiple=3), "at a gain of 3 times ATR 7"),
        (crossing().take_profit("percent", percent=5, share_percent=30), "30 % of it at a gain of 5 %"),
        (
            crossing().take_profit("percent", percent=5).take_profit("r", multiple=6).take_profit("atr", multiple=7)
            .stop_loss("percent", percent=1),
            "at a loss of 1 %, 33.33 % of it at a gain of 5 %, 33.33 % of it at a gain of 6R or the rest at a gain of "
            "7 times ATR 14",
        ),
        (crossing().trailing_stop("atr", multiple=3), "at 3 times ATR 14 behind its best price"),
        (
            crossing().stop_loss("percent", percent=2).trailing_stop("r", multiple=1, start_r=1, start_percent=3),
            "at a loss of 2 % or at 1R behind its best price once it was 3 % and 1R in profit",
        ),
        (crossing().risk(max_bars=1), "after 1 bar"),
    ],
)  # fmt: skip
def test_where_a_position_ends(strategy: StrategyBuilder, words: str) -> None:
    assert ending(strategy) == f"Close a position {words}."


def test_the_stop_that_moves_to_the_entry() -> None:
    strategy = crossing().stop_loss("percent", percent=2).break_even(1.5)
    assert ending(strategy).endswith("; the stop moves to the entry once the profit was 1.5R.")


def test_adds_without_a_distance() -> None:
    assert size(crossing().pyramiding(3)).endswith("; up to 3 more may follow, each in profit.")


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (crossing().limits(max_positions=1), "at most 1 position"),
        (crossing().limits(max_drawdown_percent=20), "all is closed for good 20 % below the highest equity"),
        (crossing().loss_streak(1, 1), "no entry for 1 bar after a loss"),
        (crossing().costs(max_volume_share_percent=10), "at most 10 % of a bar's volume per entry"),
    ],
)
def test_limits(strategy: StrategyBuilder, words: str) -> None:
    assert size(strategy) == f"Each entry is 100 % of the equity; {words}."


def entry(strategy: StrategyBuilder) -> str:
    long, _short = sentences(strategy.risk(max_bars=9))[0].split("; ")
    return long.removeprefix("On 15m bars of BTCUSDT (linear), go long when ")


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (
            made().indicator("m", "macd").signal("s", "cross", a="m", b="m.signal"),
            "MACD (12, 26, 9) crosses above its signal line",
        ),
        (
            made().indicator("m", "macd", timeframe="1h").signal("s", "rising", source="m.histogram"),
            "the histogram of the 1h MACD (12, 26, 9) rises",
        ),
        (
            made().indicator("v", "sma", source="volume", length=20)
            .signal("s", "compare", a="volume", op=">", b="v", supports="direction"),
            "the volume is above its SMA 20",
        ),
        (
            made().indicator("e", "ema", length=50, symbol="ETHUSDT", timeframe="1d").signal("s", "trend", source="e"),
            "the 1d EMA 50 of ETHUSDT is rising",
        ),
        (
            made().indicator("k", "keltner", timeframe="4h").signal("s", "cross", a="close", b="k.upper"),
            "the close crosses above the upper line of the 4h Keltner channel (20, 10, 2)",
        ),
        (
            made().indicator("v", "vwap").indicator("p", "previous_period")
            .signal("a", "cross", a="close", b="v").signal("b", "cross", a="close", b="p.high")
            .group("s", "unanimous", ["a", "b"]),
            "(the close crosses above the daily VWAP and the close crosses above the high of the previous day)",
        ),
        (
            made().indicator("p", "pattern", kind="morning_star").signal("s", "candlestick", source="p"),
            "the morning star pattern is bullish",
        ),
        (
            made().indicator("a", "ema", length=9).indicator("b", "ema", length=21).indicator("c", "ema", length=50)
            .signal("s", "aligned", fast="a", middle="b", slow="c"),
            "EMA 9 is above EMA 21, which is above EMA 50",
        ),
        (made().signal("s", "funding"), "the funding rate is below 0 %"),
    ],
)  # fmt: skip
def test_rules(strategy: StrategyBuilder, words: str) -> None:
    assert entry(strategy.entry("any", ["s"])) == words


def test_a_list_with_commas_keeps_its_parts_apart() -> None:
    strategy = made().signal("a", "aligned", fast="close", middle="open", slow="hl2")
    strategy.signal("b", "consecutive").signal("c", "cross", a="close", b="open")
    assert entry(strategy.entry("unanimous", ["a", "b", "c"])) == (
        "(the close is above the open, which is above the middle of the bar), each of the last 3 bars closes above its "
        "open and the close crosses above the open"
    )


def test_many_rules_are_counted_instead_of_listed() -> None:
    strategy = made()
    for number in range(8):
        strategy.signal(f"s{number}", "cross", a="close", b=float(number))
    text = entry(strategy.entry("unanimous", [f"s{number}" for number in range(8)]))
    assert text.endswith("the close crosses above 4 and 3 others")


def test_a_weekday_is_one_word() -> None:
    strategy = made().signal("s", "day_of_week").signal("t", "cross", a="close", b="open")
    assert "it is a weekday and the close crosses above the open" in describe(
        strategy.entry("unanimous", ["s", "t"]).build()
    )


def test_an_opposite_signal_is_told_where_there_can_be_one() -> None:
    strategy = crossing().risk(opposite="reverse", max_bars=5)
    assert ending(strategy).endswith("; an opposite signal reverses the position.")
    alone = made().signal("up", "compare", a="close", op=">", b=5, supports="long").entry("any", ["up"])
    assert "opposite" not in describe(alone.risk(max_bars=5).build())


@pytest.mark.parametrize("name", ["ema-trend", "rsi-pullback", "bollinger-breakout"])
def test_the_examples_are_three_sentences(name: str) -> None:
    text = (REPOSITORY / "config" / "strategies" / f"{name}.toml").read_text(encoding="utf-8")
    words = describe(parse_strategy(text))
    assert words.count(". ") == 2
    assert words.endswith(".")


def test_every_indicator_has_a_name_that_people_use() -> None:
    names = {name: short_name(each) for name, each in builtin_registry().indicators.items()}
    assert (names["ema"], names["rsi"], names["bbands"]) == ("EMA", "RSI", "Bollinger bands")
    assert all(each and "_" not in each for each in names.values())
