"""What a strategy reads beside its own bars: from which file, what is recorded, what is said where it is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.markets import START, put, run, waves
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import HOUR_MS, Category
from tradebot.engine.store import Store

HOURS = 24 * 60
TEXT = """
[strategy]
name = "Above a slower mean"
symbols = ["AAAUSDT"]
timeframe = "1h"
[indicators.mean]
use = "sma"
length = 3
{place}
[signals.above]
use = "compare"
a = "close"
op = ">"
b = "{b}"
supports = "direction"
[entry]
combine = "any"
signals = ["above"]
"""


def four_hours(place: str = 'timeframe = "4h"', b: str = "mean") -> str:
    return TEXT.format(place=place, b=b)


def names(result: BacktestResult) -> list[tuple[str, str]]:
    return [(str(file.key), file.note) for file in result.files]


def test_a_higher_timeframe_is_built_from_finer_bars_and_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(HOURS))
    result = run(store, four_hours())
    assert len(result.trades)
    assert names(result) == [("linear/AAAUSDT_1h", "AAAUSDT_1h.csv")]


def test_its_own_file_is_used_and_recorded_where_it_covers_the_span(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(HOURS))
    # Prices far below: where this file is read, the close is always above the mean.
    put(store, "AAAUSDT", waves(HOURS // 4, 4 * HOUR_MS, level=1.0), "4h")
    result = run(store, four_hours())
    assert names(result) == [
        ("linear/AAAUSDT_4h", "AAAUSDT_4h.csv"),
        ("linear/AAAUSDT_1h", "AAAUSDT_1h.csv"),
    ]
    assert all(file.content_hash for file in result.files)
    # Three bars of 4h close with the twelfth hour; the entry is at the next open.
    assert [int(trade["entry_time"]) for trade in result.trades] == [START + 12 * HOUR_MS]


def test_another_market_and_funding_are_recorded_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(HOURS))
    put(store, "BBBUSDT", waves(HOURS, level=1.0))
    store.merge_funding(Category.LINEAR, "AAAUSDT", [(START, "0.0001"), (START + 8 * HOUR_MS, "0.0002")])
    text = four_hours('symbol = "BBBUSDT"')
    assert names(run(store, text))[0] == ("linear/BBBUSDT_1h", "BBBUSDT_1h.csv")
    read = names(run(store, four_hours(b="funding")))
    assert ("linear/AAAUSDT_funding", "AAAUSDT_funding.csv, read as a series") in read


def test_a_span_decides_as_if_the_higher_timeframe_had_always_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(HOURS))
    start = START + 600 * HOUR_MS
    part = run(store, four_hours(), start_ms=start)
    whole = run(store, four_hours())
    later = [int(trade["entry_time"]) for trade in whole.trades if trade["entry_time"] > start + 48 * HOUR_MS]
    assert later
    assert set(later) <= {int(trade["entry_time"]) for trade in part.trades}
    assert np.min(part.trades["entry_time"]) <= start + 2 * HOUR_MS


def test_what_is_missing_is_said_with_the_way_to_get_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(HOURS))
    with pytest.raises(InputError) as raised:
        run(store, four_hours('symbol = "BBBUSDT"\ntimeframe = "4h"'))
    assert raised.value.sentence.startswith("The strategy reads 4h bars of BBBUSDT. ")
    assert raised.value.sentence.endswith(
        "Collect them with: tradebot collect --symbols BBBUSDT --timeframes 4h"
    )
    with pytest.raises(InputError) as raised:
        run(store, four_hours(b="funding"))
    assert raised.value.sentence == (
        f"The strategy reads the funding of AAAUSDT, but none is stored in {tmp_path}. "
        "Collect it with: tradebot collect --symbols AAAUSDT"
    )
