"""The metrics agree with empyrical-reloaded and quantstats, with the settings that make them comparable.

The table beside this file was made by `tests/support/metric_oracles.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradebot.engine.backtest.figures import metrics as m
from tradebot.engine.market import Float64

TABLE: dict[str, Any] = json.loads(
    Path(__file__).with_name("metric_oracles.json").read_text(encoding="utf-8")
)

_Figure = Callable[[Float64, Float64], float | None]


def beta(returns: Float64, benchmark: Float64) -> float | None:
    pair = m.beta_alpha(returns, benchmark)
    return pair and pair[0]


def alpha(returns: Float64, benchmark: Float64) -> float | None:
    pair = m.beta_alpha(returns, benchmark)
    return pair and pair[1]


OURS: dict[str, _Figure] = {
    "cagr": lambda r, b: m.cagr(m.equity_of(r)),
    "volatility": lambda r, b: m.volatility(r),
    "sharpe": lambda r, b: m.sharpe(r),
    "sortino": lambda r, b: m.sortino(r),
    "calmar": lambda r, b: m.calmar(m.equity_of(r)),
    "max_drawdown": lambda r, b: m.max_drawdown(m.equity_of(r)),
    "var_95": lambda r, b: m.value_at_risk(r),
    "cvar_95": lambda r, b: m.conditional_value_at_risk(r),
    "tail_ratio": lambda r, b: m.tail_ratio(r),
    "omega": lambda r, b: m.omega(r),
    "beta": beta,
    "alpha": alpha,
    "ulcer": lambda r, b: m.ulcer(m.equity_of(r)),
    "information_ratio": m.information_ratio,
}

CASES = [
    pytest.param(name, figure, id=f"{name}-{figure}")
    for name, one in TABLE["series"].items()
    for figure in one["figures"]
]


@pytest.mark.parametrize(("name", "figure"), CASES)
def test_figure(name: str, figure: str) -> None:
    one = TABLE["series"][name]
    returns, benchmark = np.array(one["returns"]), np.array(one["benchmark"])
    own = OURS[figure.partition(" ")[2]](returns, benchmark)
    theirs = one["figures"][figure]
    assert own == pytest.approx(theirs, rel=1e-10, abs=1e-13)


def test_every_kind_of_returns_is_compared() -> None:
    assert len(TABLE["series"]) == 7
    assert len(CASES) == 7 * 18
