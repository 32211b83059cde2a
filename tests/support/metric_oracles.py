"""Makes tests/engine/backtest/metric_oracles.json: figures of the same returns by empyrical-reloaded and quantstats.

Both bring forty packages, clients of web services among them, so they are no development dependency. To make the table
again: a virtual environment with `pip install empyrical-reloaded quantstats`, there
`python tests/support/metric_oracles.py` from the project's folder.
"""

from __future__ import annotations

import json
import math
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TABLE = Path(__file__).resolve().parents[1] / "engine" / "backtest" / "metric_oracles.json"
DAYS = 365
GOLDEN = [0.01, -0.02, 0.015, 0, -0.005, 0.03, -0.04, 0.02, 0.01, -0.01]


def series() -> dict[str, tuple[list[float], list[float]]]:
    """Daily returns and those of a benchmark, by name; rounded, so that the table holds them whole."""
    rng = np.random.default_rng(20240501)
    market = rng.normal(0.0005, 0.03, DAYS)
    kinds = {
        "a year that follows the market": 0.4 * market + rng.normal(0.001, 0.01, DAYS),
        "losing": rng.normal(-0.002, 0.02, DAYS),
        "few days with trades": np.where(rng.random(DAYS) < 0.1, rng.normal(0.004, 0.03, DAYS), 0.0),
        "rare large losses": np.where(rng.random(DAYS) < 0.02, -0.12, rng.normal(0.004, 0.008, DAYS)),
        "a trend in the returns": np.convolve(rng.normal(0.001, 0.02, DAYS + 6), np.ones(7) / 7, "valid"),
        "sixty days": rng.normal(0.003, 0.025, 60),
    }
    named = {
        name: (np.round(values, 6), np.round(market[: len(values)], 6)) for name, values in kinds.items()
    }
    named["golden vector"] = (np.array(GOLDEN), np.round(market[: len(GOLDEN)], 6))
    return {name: (own.tolist(), other.tolist()) for name, (own, other) in named.items()}


def figures(returns: list[float], benchmark: list[float]) -> dict[str, float]:
    """What the two libraries say, a year having 365 days."""
    empyrical: Any = import_module("empyrical")
    quantstats: Any = import_module("quantstats.stats")
    days = pd.date_range("2024-01-01", periods=len(returns), freq="D")
    own, other = pd.Series(returns, index=days), pd.Series(benchmark, index=days)
    alpha, beta = empyrical.alpha_beta(own, other, annualization=DAYS)
    n = len(own)
    return {
        "empyrical cagr": empyrical.annual_return(own, annualization=DAYS),
        "empyrical volatility": empyrical.annual_volatility(own, annualization=DAYS),
        "empyrical sharpe": empyrical.sharpe_ratio(own, annualization=DAYS),
        "empyrical sortino": empyrical.sortino_ratio(own, annualization=DAYS),
        "empyrical calmar": empyrical.calmar_ratio(own, annualization=DAYS),
        "empyrical max_drawdown": empyrical.max_drawdown(own),
        "empyrical var_95": empyrical.value_at_risk(own),
        "empyrical cvar_95": empyrical.conditional_value_at_risk(own),
        "empyrical tail_ratio": empyrical.tail_ratio(own),
        "empyrical omega": empyrical.omega_ratio(own),
        "empyrical beta": float(beta),
        "empyrical alpha": float(alpha),
        "quantstats cagr": quantstats.cagr(own, periods=DAYS),
        "quantstats sharpe": quantstats.sharpe(own, periods=DAYS),
        "quantstats sortino": quantstats.sortino(own, periods=DAYS),
        "quantstats max_drawdown": quantstats.max_drawdown(own),
        # it divides by n - 1, the rules by n
        "quantstats ulcer": quantstats.ulcer_index(own) * math.sqrt((n - 1) / n),
        # it does not annualise
        "quantstats information_ratio": quantstats.information_ratio(own, other) * math.sqrt(DAYS),
    }


def main() -> None:
    """Write the table."""
    table = {
        "made with": {name: version(name) for name in ("empyrical-reloaded", "quantstats")},
        "series": {
            name: {"returns": own, "benchmark": other, "figures": figures(own, other)}
            for name, (own, other) in series().items()
        },
    }
    TABLE.write_text(json.dumps(table) + "\n", encoding="utf-8")
    print(f"wrote {TABLE}")


if __name__ == "__main__":
    main()
