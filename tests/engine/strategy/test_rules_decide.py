"""What a rule sentence says is what the strategy then decides: against columns that are computed apart."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import numpy as np
import pytest

from tests.engine.strategy.helpers import REGISTRY, random_candles
from tests.engine.strategy.indicator_helpers import Column, outputs_of
from tradebot.engine.market import Candles
from tradebot.engine.strategy.check import check_document
from tradebot.engine.strategy.compute import decide
from tradebot.engine.strategy.rules import add_rule

BARS = random_candles(600, seed=11)
HEAD = '[strategy]\nname = "x"\nsymbols = ["BTCUSDT"]\ntimeframe = "1m"\n'
Bars = Callable[[Candles], Column]


def value(use: str, output: str = "value", **values: float) -> Column:
    return outputs_of(use, BARS, **values)[output]


def before(column: Column) -> Column:
    return np.concatenate(([np.nan], column[:-1]))


rsi = value("rsi", length=14)
ema = value("ema", length=21)
adx = value("adx", "adx", length=14)
bands = outputs_of("bbands", BARS, length=20, deviations=2.0)
close = BARS.close

# direction, sentence, where long is taken, where short is
ENTRIES = [
    ("both", "rsi below 30", rsi < 30, rsi > 70),
    ("both", "rsi above 70", rsi < 30, rsi > 70),
    ("both", "rsi above 50", rsi > 50, rsi < 50),
    ("both", "rsi above 60", rsi > 60, rsi < 40),
    ("both", "close > ema 21", close > ema, close < ema),
    ("both", "close below lower bollinger", close < bands["lower"], close > bands["upper"]),
    ("both", "bollinger breakout", close > bands["upper"], close < bands["lower"]),
    ("both", "adx rising and close above ema 21", (adx > before(adx)) & (close > ema),
     (adx > before(adx)) & (close < ema)),
    ("both", "adx falling and rsi above 50", (adx < before(adx)) & (rsi > 50), (adx < before(adx)) & (rsi < 50)),
    ("both", "close crosses above ema 21", (before(close) <= before(ema)) & (close > ema),
     (before(close) >= before(ema)) & (close < ema)),
    ("both", "rsi crosses above 40", (before(rsi) <= 40) & (rsi > 40), np.zeros(600, dtype=bool)),
    ("both", "rsi below 45 and close below ema 21", (rsi < 45) & (close < ema), (rsi > 55) & (close > ema)),
    ("long", "adx above 20", adx > 20, np.zeros(600, dtype=bool)),
    ("long", "rsi above 70", rsi > 70, np.zeros(600, dtype=bool)),
    ("long", "adx not above 20", adx <= 20, np.zeros(600, dtype=bool)),
    ("short", "close below ema 21", np.zeros(600, dtype=bool), close < ema),
]  # fmt: skip

# direction, sentence, where a long is closed, where a short is
EXITS = [
    ("both", "rsi above 70", rsi > 70, rsi < 30),
    ("both", "rsi above 55", rsi > 55, rsi < 45),
    ("both", "close below ema 21", close < ema, close > ema),
    ("both", "close above middle bollinger", close > bands["middle"], close < bands["middle"]),
    ("both", "adx below 20", adx < 20, adx < 20),
    ("long", "rsi above 50", rsi > 50, rsi < 50),
    ("short", "close above ema 21", close < ema, close > ema),
    ("both", "close long when rsi above 60", rsi > 60, np.zeros(600, dtype=bool)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("direction", "text", "long", "short"), ENTRIES, ids=[f"{d} {t}" for d, t, _, _ in ENTRIES]
)
def test_an_entry_is_taken_where_the_sentence_holds(
    direction: str, text: str, long: Column, short: Column
) -> None:
    document = {**tomllib.loads(HEAD), "risk": {"direction": direction}}
    add_rule(document, "entry", text, REGISTRY)
    decisions = decide(check_document(document, registry=REGISTRY).required(), REGISTRY, BARS)
    since = decisions.warm_up
    opened_long = decisions.side[since:] > 0
    opened_short = decisions.side[since:] < 0
    if direction != "short":
        np.testing.assert_array_equal(opened_long, long[since:])
    if direction != "long":
        np.testing.assert_array_equal(opened_short, short[since:])
    assert (opened_long | opened_short).any()


@pytest.mark.parametrize(
    ("direction", "text", "long", "short"), EXITS, ids=[f"{d} {t}" for d, t, _, _ in EXITS]
)
def test_a_position_is_closed_where_the_sentence_holds(
    direction: str, text: str, long: Column, short: Column
) -> None:
    document = {**tomllib.loads(HEAD), "risk": {"direction": direction}}
    add_rule(document, "entry", "rsi below 30", REGISTRY)
    add_rule(document, "exit", text, REGISTRY)
    decisions = decide(check_document(document, registry=REGISTRY).required(), REGISTRY, BARS)
    since = decisions.warm_up
    if direction != "short":
        np.testing.assert_array_equal(decisions.exit_long[since:], long[since:])
    if direction != "long":
        np.testing.assert_array_equal(decisions.exit_short[since:], short[since:])
