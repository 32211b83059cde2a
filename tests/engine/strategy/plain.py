"""Indicators written out a second time, in pandas, for tests: whole columns, with nothing of the program in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.engine.strategy.helpers import REGISTRY
from tests.engine.strategy.indicator_helpers import outputs_of
from tradebot.engine.market import Candles

Reference = Callable[..., Any]
"""`(frame, **values)` to one column, or to a dict of columns by output."""


def frame_of(bars: Candles) -> pd.DataFrame:
    """The columns of the bars, hlc3 with them."""
    names = ("time", "open", "high", "low", "close", "volume")
    frame = pd.DataFrame({name: getattr(bars, name) for name in names})
    frame["hlc3"] = (frame.high + frame.low + frame.close) / 3
    return frame


def begun(series: pd.Series, length: int, alpha: float) -> pd.Series:
    """`e += alpha * (x - e)`, begun with the mean of the first `length` values."""
    first = int(np.flatnonzero(series.notna())[0])
    values = series.iloc[first + length - 1 :].copy()
    values.iloc[0] = series.iloc[first : first + length].mean()
    return values.ewm(alpha=alpha, adjust=False).mean().reindex(series.index)


def ema(series: pd.Series, length: int) -> pd.Series:
    """Exponential average as TA-Lib begins it."""
    return begun(series, length, 2 / (length + 1))


def true_range(frame: pd.DataFrame) -> pd.Series:
    """Wilder's three distances, the largest of them; none on the first bar."""
    before = frame.close.shift()
    distances = (frame.high - frame.low, (frame.high - before).abs(), (frame.low - before).abs())
    return pd.concat(distances, axis=1).max(axis=1).where(before.notna())


def atr(frame: pd.DataFrame, length: int) -> pd.Series:
    """Wilder's mean of the true range."""
    return begun(true_range(frame), length, 1 / length)


def agrees(name: str, bars: Candles, reference: Reference, **values: Any) -> None:
    """All outputs of an indicator equal the reference from the look-back on, and have no value before it."""
    declaration = REGISTRY.indicators[name]
    expected = reference(frame_of(bars), **values)
    if not isinstance(expected, dict):
        expected = {declaration.outputs[0]: expected}
    assert tuple(expected) == declaration.outputs
    complete = {each.name: each.default for each in declaration.parameters} | values
    before = declaration.look_back(complete)
    for output, column in outputs_of(name, bars, **values).items():
        plain = np.asarray(expected[output], dtype=float)
        assert np.isnan(column[:before]).all(), output
        assert np.isfinite(plain[before:]).all(), output
        np.testing.assert_allclose(column[before:], plain[before:], rtol=1e-9, atol=1e-9, err_msg=output)
