"""Indicators against what other libraries compute on the same recorded bars (`golden/make_*.py`)."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.strategy.indicator_helpers import outputs_of
from tradebot.engine.market import Candles, Timeframe

GOLDEN = Path(__file__).parent / "golden"
CASES: list[dict[str, Any]] = [
    case
    for name in ("indicators", "volatility_volume")
    for case in json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
]
COMPARED = {case["indicator"] for case in CASES}


@cache
def recorded() -> Candles:
    """500 bars of five minutes of BTCUSDT."""
    with (GOLDEN / "bars.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ("open", "high", "low", "close", "volume")
    columns = [np.array([float(row[name]) for row in rows]) for name in names]
    columns.append(columns[3] * columns[4])
    return Candles(Timeframe.M5, np.array([int(row["timestamp"]) for row in rows]), *columns)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['indicator']} {case['values']}" for case in CASES])
def test_agrees_with_another_library(case: dict[str, Any]) -> None:
    outputs = outputs_of(case["indicator"], recorded(), **case["values"])
    for output, expected in case["columns"].items():
        assert len(expected) >= 10
        found = [[row, outputs[output][row]] for row, _ in expected]
        np.testing.assert_allclose(
            found, expected, rtol=1e-8, atol=1e-8, err_msg=f"{output}: {case['source']}"
        )
