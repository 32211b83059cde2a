"""What is kept of the store between questions: built bars and the rules of instruments, until their files change."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from tests.engine.store.helpers import KEY, bars
from tradebot.engine.market import Candles, Category, DatasetKey, Instrument, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.store.built import BuiltBars
from tradebot.engine.store.resample import resample

RULES = Instrument(
    "BTCUSDT", Category.LINEAR, "BTC", "USDT", Decimal("0.1"), Decimal("0.001"), Decimal("0.001"), Decimal(5)
)


def five_minutes(store: Store) -> Candles:
    return store.load_or_build(Category.LINEAR, "BTCUSDT", Timeframe.M5)[0]


def test_bars_are_built_once_while_their_file_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(KEY, bars(*range(20)))
    first = five_minutes(store)
    assert len(first) == 4
    assert five_minutes(store).close.base is first.close.base  # both are views of the same columns
    assert not first.close.flags.writeable


def test_an_appended_and_a_staged_row_and_an_edit_are_seen(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(KEY, bars(*range(20)))
    assert len(five_minutes(store)) == 4
    before = store.stamps(KEY)
    store.append(KEY, bars(20, 21, 22, 23, 24))
    assert store.stamps(KEY) != before
    assert len(five_minutes(store)) == 5
    store.stage(KEY, bars(25, 26, 27, 28, 29))
    assert len(five_minutes(store)) == 6
    store.settle(KEY)
    path = tmp_path / "linear" / "BTCUSDT_1m.csv"
    path.write_bytes(path.read_bytes().replace(b"129.10", b"139.10", 1).replace(b"131.1", b"141.1", 2))
    assert five_minutes(store).high[5] == 141.1


def test_what_was_not_asked_for_longest_goes_first_and_too_large_a_series_is_not_kept() -> None:
    minutes = Candles(Timeframe.M1, np.arange(50, dtype=np.int64) * 60_000, *[np.ones(50)] * 6)
    held = BuiltBars(budget_bytes=2 * 10 * 7 * 8)
    built: list[str] = []

    def ask(symbol: str) -> None:
        def build() -> Candles:
            built.append(symbol)
            return resample(minutes, Timeframe.M5)

        held.get(DatasetKey("linear", symbol, "1m"), Timeframe.M5, (), build)

    for symbol in ("A", "B", "A", "C", "A", "B"):
        ask(symbol)
    assert built == ["A", "B", "C", "B"]
    small = BuiltBars(budget_bytes=100)
    held = small
    ask("A")
    ask("A")
    assert built[-2:] == ["A", "A"]


def test_rules_of_instruments_are_read_again_when_their_file_changed(tmp_path: Path) -> None:
    store, other = Store(tmp_path), Store(tmp_path)
    assert store.instruments() == {}
    store.save_instruments([RULES], 0)
    key = (Category.LINEAR, "BTCUSDT")
    assert store.instruments()[key].tick_size == Decimal("0.1")
    assert store.instruments()[key] is store.instruments()[key]
    other.save_instruments([replace(RULES, tick_size=Decimal("0.25"))], 0)
    assert store.instruments()[key].tick_size == Decimal("0.25")
    store.save_instruments([replace(RULES, tick_size=Decimal("0.35"))], 0)
    assert store.instruments()[key].tick_size == Decimal("0.35")
