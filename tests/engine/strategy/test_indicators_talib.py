"""Where the formula is written here although TA-Lib has it too: equal to TA-Lib, from the same first bar on.

Ours add nothing up that has to be taken away again, so that flat stretches leave no rest, or save passes over the bars.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib

from tests.engine.strategy.helpers import random_candles
from tests.engine.strategy.indicator_helpers import Column, outputs_of
from tradebot.engine.market import Candles

Expected = tuple[Column, ...]
SIMPLE = 0


def directional(bars: Candles, length: int, main: Callable[..., Column]) -> Expected:
    """The main line with +DI and -DI, from the bar on which the main one begins."""
    columns = [
        function(bars.high, bars.low, bars.close, length)
        for function in (main, talib.PLUS_DI, talib.MINUS_DI)
    ]
    for column in columns[1:]:
        column[np.isnan(columns[0])] = np.nan
    return tuple(columns)


CASES: list[tuple[str, dict[str, int | str], Callable[[Candles], Column | Expected]]] = [
    ("stoch", {"length": 5}, lambda b: talib.STOCH(b.high, b.low, b.close, 5, 3, SIMPLE, 3, SIMPLE)),
    ("stoch", {"smooth": 1}, lambda b: talib.STOCHF(b.high, b.low, b.close, 14, 3, SIMPLE)),
    ("stoch_rsi", {"smooth": 1, "range": 5}, lambda b: talib.STOCHRSI(b.close, 14, 5, 3, SIMPLE)),
    ("williams_r", {}, lambda b: talib.WILLR(b.high, b.low, b.close, 14)),
    ("williams_r", {"length": 2}, lambda b: talib.WILLR(b.high, b.low, b.close, 2)),
    ("obv", {}, lambda b: talib.OBV(b.close, b.volume)),
    ("kdj", {}, lambda b: talib.KDJ(b.high, b.low, b.close)),
    ("ultimate_oscillator", {}, lambda b: talib.ULTOSC(b.high, b.low, b.close)),
    ("smi", {}, lambda b: talib.SMI(b.high, b.low, b.close)),
    ("ppo", {"signal": 1}, lambda b: talib.PPO(b.close, 12, 26, 1)),
    ("apo", {}, lambda b: talib.APO(b.close, 12, 26, 1)),
    ("cmo", {}, lambda b: talib.CMOU(b.close, 14)),
    ("cmo", {"smoothing": "wilder"}, lambda b: talib.CMO(b.close, 14)),
    ("dpo", {"length": 9}, lambda b: talib.DPO(b.close, 9)),
    ("dpo", {"length": 2}, lambda b: talib.DPO(b.close, 2)),
    ("awesome_oscillator", {}, lambda b: talib.AO(b.high, b.low)),
    ("accelerator_oscillator", {}, lambda b: talib.AC(b.high, b.low)),
    ("balance_of_power", {}, lambda b: talib.BOP(b.open, b.high, b.low, b.close)),
    ("elder_ray", {}, lambda b: talib.ERI(b.high, b.low, b.close, 13)),
    ("efficiency_ratio", {}, lambda b: talib.ER(b.close, 10)),
    ("forecast_oscillator", {}, lambda b: talib.FOSC(b.close, 5)),
    ("intraday_momentum_index", {}, lambda b: talib.IMI(b.open, b.close, 14)),
    ("vertical_horizontal_filter", {}, lambda b: talib.VHF(b.close, 28)),
    ("cci", {"length": 20}, lambda b: talib.CCI(b.high, b.low, b.close, 20)),
    ("cci", {"length": 2}, lambda b: talib.CCI(b.high, b.low, b.close, 2)),
    ("cci", {"length": 7}, lambda b: talib.CCI(b.high, b.low, b.close, 7)),
    ("adx", {}, lambda b: directional(b, 14, talib.ADX)),
    ("adx", {"length": 2}, lambda b: directional(b, 2, talib.ADX)),
    ("dx", {}, lambda b: directional(b, 14, talib.DX)),
    ("dx", {"length": 2}, lambda b: directional(b, 2, talib.DX)),
    ("vwma", {}, lambda b: talib.VWMA(b.close, b.volume, 20)),
]


@pytest.mark.parametrize(
    ("name", "values", "reference"), CASES, ids=[f"{name} {values}" for name, values, _ in CASES]
)
def test_equals_talib(
    name: str, values: dict[str, int | str], reference: Callable[[Candles], Column | Expected]
) -> None:
    bars = random_candles(600, seed=9)
    expected = reference(bars)
    columns = expected if isinstance(expected, tuple) else (expected,)
    for (output, column), other in zip(outputs_of(name, bars, **values).items(), columns, strict=False):
        np.testing.assert_allclose(column, other, rtol=1e-9, atol=1e-9, err_msg=output)


def test_vwma_has_no_value_where_nothing_was_traded() -> None:
    """TA-Lib's rolling sums leave a rest there, whose quotient was seen to be -208 for prices around 88."""
    bars = random_candles(200)
    bars.volume[100:140] = 0.0
    column = outputs_of("vwma", bars, length=10)["value"]
    assert np.isnan(column[109:140]).all()
    assert np.isfinite(column[9:109]).all()
    assert column[140] == pytest.approx(bars.close[140])
