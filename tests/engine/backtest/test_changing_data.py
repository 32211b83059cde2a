"""Data files that somebody edits while a backtest runs: the result is of one state of them, or says that it is not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.engine.backtest.markets import know, put, strategy, waves
from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.backtest.checks.judging import check_run
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.backtest.run import simulate_portfolio
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

BARS = 600


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(BARS))
    know(store, "AAAUSDT")
    return store


def asked() -> Asked:
    spec = parse_strategy(strategy())
    return Asked(spec, strategy(), RunSettings.resolve(spec, BacktestSettings()))


def file_of(store: Store) -> Path:
    return store.folder / "linear" / "AAAUSDT_1h.csv"


def raise_prices(store: Store) -> None:
    """Every price of the first 400 bars ten percent higher, as an editor saves it."""
    lines = file_of(store).read_text().splitlines()
    for number in range(1, 401):
        time, *prices, volume, turnover = lines[number].split(",")
        higher = [f"{float(price) * (1.1 if number % 7 else 1.2):.2f}" for price in prices]
        opened, high, low, close = higher
        lines[number] = ",".join([time, opened, high, low, close, volume, turnover])
    file_of(store).write_text("\n".join(lines) + "\n")


def run_with(store: Store, market: type[StoreMarket]) -> BacktestResult:
    one = asked()
    return run_backtest(
        one.spec,
        builtin_registry(),
        store,
        one.settings,
        clock=ManualClock(),
        make_market=market,
        look_ahead=False,
    )


def edited_after_reading(times: int) -> type[StoreMarket]:
    """A market whose file gets another bar just after it was read, so many times."""

    class Edited(StoreMarket):
        left = times

        def candles(self, symbol: str, timeframe: Timeframe) -> Candles:
            known = (symbol, timeframe) in self.read
            found = super().candles(symbol, timeframe)
            if not known and Edited.left:
                Edited.left -= 1
                put(self._store, "AAAUSDT", waves(BARS + times - Edited.left))
            return found

    return Edited


def test_edited_while_it_is_read_it_is_read_again(store: Store) -> None:
    result = run_with(store, edited_after_reading(1))
    assert "data_changed" not in result.flags
    assert result.bars == BARS + 1
    assert result.files[0].content_hash == hashlib.sha256(file_of(store).read_bytes()).hexdigest()


def test_written_to_all_the_time_it_is_said(store: Store) -> None:
    result = run_with(store, edited_after_reading(5))
    assert "data_changed" in result.flags
    assert "The files of AAAUSDT were written to while they were read" in " ".join(result.warnings)


def test_edited_before_the_check_it_is_no_leak_but_nothing_is_known(store: Store) -> None:
    simulated = simulate_portfolio([asked()], builtin_registry(), store, clock=ManualClock())
    raise_prices(store)
    checked = check_run(
        simulated.result, simulated.prepared, builtin_registry(), store, CancelToken(), reality=False
    )
    assert checked.flags[0] == "data_changed"
    assert "look_ahead" not in checked.flags
    assert checked.errors[0].startswith("AAAUSDT_1h.csv changed while the backtest ran")
    assert not checked.valid


def test_bars_that_only_came_behind_change_nothing(store: Store) -> None:
    simulated = simulate_portfolio([asked()], builtin_registry(), store, clock=ManualClock())
    put(store, "AAAUSDT", waves(BARS + 50))
    checked = check_run(
        simulated.result, simulated.prepared, builtin_registry(), store, CancelToken(), reality=False
    )
    assert checked.valid
    assert "every decision is the same" in checked.look_ahead
