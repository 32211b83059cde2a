"""Which bars fills are walked on, at which marks, with which tiers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.markets import START, put, strategy
from tradebot.engine.backtest.inputs.engine_bars import engine_timeframe, walked_bars
from tradebot.engine.backtest.inputs.margin_tiers import tier_columns
from tradebot.engine.backtest.inputs.marks import TradedBars, load_marks, mark_columns
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import (
    HOUR_MS,
    MINUTE_MS,
    BarRow,
    Candles,
    Category,
    DatasetKey,
    RiskTier,
    Timeframe,
)
from tradebot.engine.store import Store
from tradebot.engine.strategy import parse_strategy

QUARTER = 15 * MINUTE_MS


def candles(timeframe: Timeframe, times: list[int], first: float = 1.0) -> Candles:
    """Bars with prices that tell them apart: bar n opens at first + n, and so on in hundredths."""
    number = first + np.arange(len(times), dtype=float)
    return Candles(
        timeframe,
        np.array(times, dtype=np.int64),
        number,
        number + 0.3,
        number - 0.3,
        number + 0.1,
        number * 10,
        number,
    )


def quarters(hours: list[int], without: tuple[int, ...] = ()) -> list[int]:
    times = [hour * HOUR_MS + n * QUARTER for hour in hours for n in range(4)]
    return [time for number, time in enumerate(times) if number not in without]


HOURS = candles(Timeframe.H1, [0, HOUR_MS, 2 * HOUR_MS], first=100.0)


class TestWalkedBars:
    def test_a_decision_is_made_by_the_finer_bar_that_closes_with_its_bar(self) -> None:
        walked = walked_bars(HOURS, candles(Timeframe.M15, quarters([0, 1, 2])), Timeframe.M15)
        bars = walked.bars
        assert walked.coarse == 0
        assert list(bars.decision) == [-1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 2]
        assert set(bars.length_ms.tolist()) == {QUARTER}
        assert list(bars.open) == list(range(1, 13))
        assert not bars.coarse.any()

    def test_a_decision_bar_without_all_its_finer_bars_is_walked_as_itself(self) -> None:
        walked = walked_bars(HOURS, candles(Timeframe.M15, quarters([0, 1, 2], without=(6,))), Timeframe.M15)
        bars = walked.bars
        assert walked.coarse == 1
        assert list(bars.decision) == [-1, -1, -1, 0, 1, -1, -1, -1, 2]
        assert list(bars.coarse) == [False] * 4 + [True] + [False] * 4
        assert (int(bars.time[4]), int(bars.length_ms[4]), bars.open[4], bars.volume[4]) == (
            HOUR_MS,
            HOUR_MS,
            101,
            1010,
        )
        assert list(bars.open[5:]) == [8.0, 9.0, 10.0, 11.0]

    def test_finer_bars_without_a_decision_bar_are_left_out(self) -> None:
        walked = walked_bars(HOURS.slice(1, 2), candles(Timeframe.M15, quarters([0, 1, 2])), Timeframe.M15)
        assert list(walked.bars.open) == [5.0, 6.0, 7.0, 8.0]
        assert list(walked.bars.decision) == [-1, -1, -1, 0]

    def test_no_finer_bars_at_all(self) -> None:
        walked = walked_bars(HOURS, None, Timeframe.M15)
        assert walked.coarse == 3
        assert list(walked.bars.time) == list(HOURS.time)
        assert list(walked.bars.close) == list(HOURS.close)
        assert list(walked.bars.decision) == [0, 1, 2]

    def test_a_missing_hour_stays_missing(self) -> None:
        hours = candles(Timeframe.H1, [0, 2 * HOUR_MS])
        walked = walked_bars(hours, candles(Timeframe.M15, quarters([0, 2])), Timeframe.M15)
        assert list(walked.bars.time) == quarters([0, 2])
        assert list(walked.bars.decision) == [-1, -1, -1, 0, -1, -1, -1, 1]


class TestEngineTimeframe:
    def test_the_finest_of_all(self) -> None:
        slow, fast = parse_strategy(strategy(timeframe="4h")), parse_strategy(strategy(timeframe="1h"))
        assert engine_timeframe([slow]) is Timeframe.H4
        assert engine_timeframe([slow, fast]) is Timeframe.H1
        assert engine_timeframe([replace(slow, execution=Timeframe.M5), fast]) is Timeframe.M5

    def test_bars_that_do_not_fit_into_each_other_are_refused(self) -> None:
        three, five = parse_strategy(strategy(timeframe="3m")), parse_strategy(strategy(timeframe="5m"))
        with pytest.raises(
            InputError, match=r'here 3m, but the 5m bars of "Two means" are not made of whole ones'
        ):
            engine_timeframe([three, five])
        assert engine_timeframe([replace(three, execution=Timeframe.M1), five]) is Timeframe.M1

    def test_weeks_begin_on_a_day(self) -> None:
        week, day = parse_strategy(strategy(timeframe="1w")), parse_strategy(strategy(timeframe="1d"))
        assert engine_timeframe([week, day]) is Timeframe.D1


def traded(bars: Candles) -> TradedBars:
    lengths = np.full(len(bars), bars.timeframe.ms)
    return TradedBars(bars.time, lengths, bars.open, bars.high, bars.low, bars.close)


class TestMarks:
    def test_recorded_ones_are_taken_as_they_are(self) -> None:
        columns, estimated = mark_columns(
            traded(HOURS), [candles(Timeframe.H1, list(HOURS.time), first=90.0)]
        )
        assert estimated == 0
        assert list(columns.open) == [90.0, 91.0, 92.0]
        assert list(columns.low) == [89.7, 90.7, 91.7]

    def test_elsewhere_last_prices_shifted_by_the_basis_known_at_the_open(self) -> None:
        bars = candles(Timeframe.M15, quarters([0, 1]), first=100.0)  # the fourth closes at 103.1
        hour = replace(candles(Timeframe.H1, [0, HOUR_MS]), close=np.array([103.1 * 1.01, 1.0]))
        columns, estimated = mark_columns(traded(bars), [hour])
        assert estimated == 8
        assert list(columns.close[:4]) == list(bars.close[:4])  # the hour has not closed yet
        assert list(columns.low[4:]) == pytest.approx(list(bars.low[4:] * 1.01))

    def test_a_coarser_file_fills_what_the_finer_one_lacks(self) -> None:
        bars = candles(Timeframe.M15, quarters([0, 1, 2]), first=100.0)
        fine = candles(Timeframe.M15, quarters([0]), first=100.0)
        fine = replace(fine, close=bars.close[:4] * 1.02)
        hour = replace(candles(Timeframe.H1, [0, HOUR_MS]), close=bars.close[[3, 7]] * np.array([1.5, 1.03]))
        columns, estimated = mark_columns(traded(bars), [fine, hour])
        assert estimated == 8
        assert columns.close[4] == pytest.approx(
            bars.close[4] * 1.02
        )  # of two bases of one moment the finer file's
        assert columns.close[8] == pytest.approx(bars.close[8] * 1.03)

    def test_marks_never_know_the_future(self) -> None:
        """Cutting the mark bars off after an open changes no mark up to that bar."""
        rng = np.random.default_rng(5)
        bars = candles(Timeframe.M15, quarters(list(range(12))), first=100.0)
        hour = replace(candles(Timeframe.H1, [n * HOUR_MS for n in range(12)]), close=100 + rng.random(12))
        whole = mark_columns(traded(bars), [hour])[0]
        for n in range(12):
            part = mark_columns(traded(bars), [hour.slice(0, max(1, n))])[0]
            known = slice(0, 4 * max(1, n) + 4)
            assert list(part.close[known]) == list(whole.close[known])

    def test_from_the_store(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        bars = candles(Timeframe.M15, [START + time for time in quarters([0, 1])], first=100.0)
        put(store, "AAAUSDT", rows(bars), "15m")
        nothing = load_marks(store, Category.LINEAR, "AAAUSDT", Timeframe.M15, traded(bars))
        assert (nothing.columns, nothing.estimated, nothing.sources) == (None, 8, ())
        store.merge(
            DatasetKey("linear", "AAAUSDT", "1h", mark=True), rows(candles(Timeframe.H1, [START], 90.0))
        )
        coarse = load_marks(store, Category.LINEAR, "AAAUSDT", Timeframe.M15, traded(bars))
        assert coarse.estimated == 8
        assert [note for _, note in coarse.sources] == ["AAAUSDT_1h_mark.csv"]
        store.merge(DatasetKey("linear", "AAAUSDT", "5m", mark=True), rows(finer(bars)))
        exact = load_marks(store, Category.LINEAR, "AAAUSDT", Timeframe.M15, traded(bars))
        assert (exact.estimated, len(exact.sources)) == (0, 1)
        assert exact.sources[0][1] == "AAAUSDT_5m_mark.csv, 15m bars built from it"


def rows(bars: Candles) -> list[BarRow]:
    columns = zip(bars.time, bars.open, bars.high, bars.low, bars.close, strict=True)
    return [BarRow(int(time), *(f"{price:.2f}" for price in prices), "1", "") for time, *prices in columns]


def finer(bars: Candles) -> Candles:
    times = [int(time) + n * 5 * MINUTE_MS for time in bars.time for n in range(3)]
    return candles(Timeframe.M5, times, first=95.0)


class TestTiers:
    def tier(self, limit: int, rate: str, deduction: str = "0") -> RiskTier:
        return RiskTier(Decimal(limit), Decimal(rate), Decimal("0.1"), Decimal(10), Decimal(deduction))

    def test_in_columns_rising(self) -> None:
        columns = tier_columns([self.tier(2000, "0.01", "5"), self.tier(1000, "0.005")])
        assert columns is not None
        assert list(columns.limit) == [1000.0, 2000.0]
        assert list(columns.maintenance_rate) == [0.005, 0.01]
        assert list(columns.deduction) == [0.0, 5.0]

    def test_a_deduction_that_is_not_stored_keeps_the_margin_from_jumping(self) -> None:
        columns = tier_columns([self.tier(1000, "0.005"), self.tier(2000, "0.01"), self.tier(5000, "0.02")])
        assert columns is not None
        assert list(columns.deduction) == pytest.approx([0.0, 5.0, 25.0])

    def test_none_of_none(self) -> None:
        assert tier_columns([]) is None
