"""Numbers as the exchange writes them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.listing import coins
from tradebot.engine.simulator.wire import fixed, kline_rows, padded, refusal, trimmed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (fixed(285507, 1), "28550.7"),
        (fixed(5, 3), "0.005"),
        (fixed(-5, 3), "-0.005"),
        (fixed(17, -2), "1700"),
        (trimmed(285500, 1), "28550"),
        (trimmed(10, 5), "0.0001"),
        (trimmed(0, 5), "0"),
        (trimmed(1200, 0), "1200"),
        (padded(666666, 1, 2), "66666.60"),
        (padded(12, 4, 2), "0.0012"),
    ],
)
def test_units_become_plain_decimals(text: str, expected: str) -> None:
    assert text == expected


unit_counts = st.lists(st.integers(0, 10**15), min_size=1, max_size=20)


@given(unit_counts, st.integers(0, 8), st.integers(-3, 4))
def test_rows_of_klines_are_the_exact_numbers_without_trailing_zeros(
    units: list[int], tick_decimals: int, lot_decimals: int
) -> None:
    lot_decimals = max(lot_decimals, -tick_decimals)
    coin = replace(coins(1)[0], tick_decimals=tick_decimals, lot_decimals=lot_decimals)
    column = np.array(units, dtype=np.int64)
    times = np.arange(len(units), dtype=np.int64) * 60_000 + 1_700_000_000_000
    rows = json.loads(kline_rows(Bars(times, column, column + 1, column, column, column, column * 7), coin))

    def text(value: int, decimals: int) -> str:
        return decimal_text(Decimal(value).scaleb(-decimals))

    assert rows == [
        [
            str(time),
            text(value, tick_decimals),
            text(value + 1, tick_decimals),
            text(value, tick_decimals),
            text(value, tick_decimals),
            text(value, lot_decimals),
            text(value * 7, coin.turnover_decimals),
        ]
        for time, value in reversed(list(zip(times.tolist(), units, strict=True)))
    ]


def test_a_refusal_has_the_whole_envelope() -> None:
    assert json.loads(refusal(10001, 'bad "x"', 5)) == {
        "retCode": 10001,
        "retMsg": 'bad "x"',
        "result": {},
        "retExtInfo": {},
        "time": 5,
    }
