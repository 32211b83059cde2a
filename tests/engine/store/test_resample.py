"""Higher timeframes from finer bars: only complete, closed buckets."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import START_MS, bar
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import BarRow, Candles, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.store.resample import can_build, resample


def by_hand(rows: list[BarRow], source: Timeframe, target: Timeframe) -> list[tuple[float, ...]]:
    """The rule, bar by bar."""
    if not rows:
        return []
    buckets: dict[int, list[BarRow]] = {}
    for row in rows:
        buckets.setdefault(target.floor(row.time_ms), []).append(row)
    built = []
    for start, inside in sorted(buckets.items()):
        if start < rows[0].time_ms or start + target.ms > rows[-1].time_ms + source.ms:
            continue  # begins before the first fine bar, or is not closed yet
        built.append(
            (
                start,
                float(inside[0].open),
                max(float(row.high) for row in inside),
                min(float(row.low) for row in inside),
                float(inside[-1].close),
                sum(float(row.volume) for row in inside),
                sum(float(row.turnover) for row in inside),
            )
        )
    return built


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    start=st.integers(-3000, 3000),
    length=st.integers(0, 300),
    share=st.sampled_from([1.0, 0.9, 0.3]),
    pair=st.sampled_from(
        [("1m", "5m"), ("1m", "1h"), ("3m", "15m"), ("5m", "1h"), ("1h", "1d"), ("12h", "1w"), ("1d", "1w")]
    ),
)
def test_buckets_are_built_by_the_rule(
    seed: int, start: int, length: int, share: float, pair: tuple[str, str]
) -> None:
    source, target = Timeframe(pair[0]), Timeframe(pair[1])
    chance = random.Random(seed)
    rows = [bar(index, source) for index in range(start, start + length) if chance.random() < share]
    built = resample(Candles.from_rows(source, rows), target)
    expected = by_hand(rows, source, target)
    assert built.time.tolist() == [row[0] for row in expected]
    for index, name in enumerate(("open", "high", "low", "close", "volume", "turnover"), start=1):
        np.testing.assert_allclose(getattr(built, name), [row[index] for row in expected], rtol=1e-12)


@pytest.mark.parametrize(
    ("source", "target", "possible"),
    [("1m", "1w", True), ("1d", "1w", True), ("3m", "5m", False), ("1h", "1h", False), ("4h", "6h", False)],
)
def test_only_multiples_can_be_built(source: str, target: str, possible: bool) -> None:
    assert can_build(Timeframe(target), Timeframe(source)) is possible
    if not possible:
        with pytest.raises(ValueError, match="cannot be built"):
            resample(Candles.empty(Timeframe(source)), Timeframe(target))


def test_weeks_begin_on_monday() -> None:
    rows = [bar(index, Timeframe.D1) for index in range(-3, 10)]
    assert resample(Candles.from_rows(Timeframe.D1, rows), Timeframe.W1).time.tolist() == [START_MS]


class TestLoadOrBuild:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store(tmp_path)

    def fill(self, store: Store, timeframe: Timeframe, indexes: range) -> None:
        rows = [bar(index, timeframe) for index in indexes]
        store.append(DatasetKey.of(Category.LINEAR, "BTCUSDT", timeframe), rows)

    def hours(self, store: Store, *span: int) -> tuple[list[int], str]:
        limits = [START_MS + hour * 3_600_000 for hour in span]
        candles, text = store.load_or_build(Category.LINEAR, "BTCUSDT", Timeframe.H1, *limits)
        return [(int(time) - START_MS) // 3_600_000 for time in candles.time], text

    def test_the_own_file_is_used_where_it_covers(self, store: Store) -> None:
        self.fill(store, Timeframe.H1, range(10))
        self.fill(store, Timeframe.M1, range(605))
        assert self.hours(store) == (list(range(10)), "BTCUSDT_1h.csv")

    def test_bars_are_built_from_the_finest_file_where_it_covers_more(self, store: Store) -> None:
        self.fill(store, Timeframe.H1, range(5))
        self.fill(store, Timeframe.M5, range(120))
        self.fill(store, Timeframe.M1, range(600))
        assert self.hours(store) == (list(range(10)), "BTCUSDT_1m.csv, 1h bars built from it")
        assert self.hours(store, 1, 4) == ([1, 2, 3], "BTCUSDT_1h.csv")
        assert self.hours(store, 3, 7) == ([3, 4, 5, 6], "BTCUSDT_1m.csv, 1h bars built from it")

    def test_a_coarser_file_is_used_where_it_covers_more_than_a_finer_one(self, store: Store) -> None:
        self.fill(store, Timeframe.M5, range(120))
        self.fill(store, Timeframe.M1, range(300))
        assert self.hours(store) == (list(range(10)), "BTCUSDT_5m.csv, 1h bars built from it")

    def test_nothing_to_build_from(self, store: Store) -> None:
        with pytest.raises(InputError, match="There is no dataset linear/BTCUSDT_1h"):
            self.hours(store)
        self.fill(store, Timeframe.M1, range(30))
        with pytest.raises(
            InputError, match=r"No 1h bars .* it holds 1m from 2024-01-01 00:00 to 2024-01-01 00:29"
        ):
            self.hours(store)
