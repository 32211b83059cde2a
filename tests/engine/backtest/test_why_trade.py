"""Why a trade was made: the values at the closes that decided it, from strategy and data alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.backtest.markets import DAYS_40, START, put, strategy, waves
from tradebot.engine.backtest import RunSettings, read_result, run_backtest, write_result
from tradebot.engine.backtest.checks.why_trade import why_trade
from tradebot.engine.backtest.kernel.codes import ExitReason
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

TEXT = (
    strategy(signals=("cross", "high"), lower=1.0, upper=2.0).replace(
        '[signals.high]\nuse = "threshold"\nsource = "close"\nlower = 1.0\nupper = 2.0',
        '[signals.high]\nuse = "compare"\na = "fast"\nop = ">"\nb = 1.0\n',
    )
    + 'take_profit = [{ use = "r", multiple = 2.0 }]\n[exit]\ncombine = "any"\nsignals = ["cross"]\n'
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "data")
    put(store, "AAAUSDT", waves(DAYS_40))
    return store


@pytest.fixture
def result(store: Store, tmp_path: Path) -> BacktestResult:
    spec = parse_strategy(TEXT)
    settings = RunSettings.resolve(spec, BacktestSettings(), start_ms=START + 100 * HOUR_MS)
    ran = run_backtest(spec, builtin_registry(), store, settings, strategy_toml=TEXT, clock=ManualClock())
    return read_result(tmp_path / write_result(ran, tmp_path).result_id)


def test_the_values_are_those_of_the_close_before_the_fill(result: BacktestResult, store: Store) -> None:
    close = store.load(DatasetKey.of(Category.LINEAR, "AAAUSDT", Timeframe.H1)).close
    for trade in result.trades[:12]:
        found = why_trade(result, builtin_registry(), store, int(trade["trade_id"]))
        entry = found.entry
        bar = (int(trade["entry_time"]) - START) // HOUR_MS - 1
        assert (entry.time_ms, entry.close) == (trade["entry_time"], close[bar])
        assert entry.side == trade["side"]
        values = {each.reference: each.value for each in entry.indicators}
        assert values["fast"] == pytest.approx(close[bar - 2 : bar + 1].mean())
        assert values["slow"] == pytest.approx(close[bar - 7 : bar + 1].mean())
        states = {each.path: each for each in entry.members}
        assert (states["signals.cross"].long, states["signals.cross"].short) == (
            trade["side"] > 0,
            trade["side"] < 0,
        )
        assert states["signals.high"].long
        assert states["signals.high"].in_entry and not states["signals.high"].in_exit
        assert states["signals.cross"].in_exit
        risk = abs(trade["entry_price"] - trade["initial_stop"])
        assert found.targets == (pytest.approx(trade["entry_price"] + trade["side"] * 2 * risk),)
        assert found.note == ""


def test_the_close_that_closed_it(result: BacktestResult, store: Store) -> None:
    reasons = {int(ExitReason.SIGNAL), int(ExitReason.REVERSE), int(ExitReason.STOP), int(ExitReason.TARGET)}
    seen = set()
    for trade in result.trades:
        reason = int(trade["exit_reason"])
        if reason not in reasons - seen:
            continue
        seen.add(reason)
        left = why_trade(result, builtin_registry(), store, int(trade["trade_id"])).exit
        if reason in (ExitReason.STOP, ExitReason.TARGET):
            assert left is None
        else:
            assert left is not None
            assert left.time_ms == trade["exit_time"]
            assert left.side == -trade["side"]
    assert {int(ExitReason.TARGET), int(ExitReason.REVERSE)} <= seen


def test_a_trade_that_is_not_there(result: BacktestResult, store: Store) -> None:
    with pytest.raises(InputError, match=r"There is no trade 99999 in this result\."):
        why_trade(result, builtin_registry(), store, 99999)
    with pytest.raises(InputError, match="There is no trade 1 "):
        why_trade(result, builtin_registry(), store, 1, leg=3)


class TestChangedData:
    def test_rows_that_came_later_are_said(self, result: BacktestResult, store: Store) -> None:
        put(store, "AAAUSDT", waves(DAYS_40 + 50)[DAYS_40:])
        found = why_trade(result, builtin_registry(), store, 1)
        assert found.note.startswith("linear/AAAUSDT_1h has changed since the run; ")

    def test_a_decision_that_is_no_longer_made_is_refused(self, result: BacktestResult, store: Store) -> None:
        file = store.folder / "linear" / "AAAUSDT_1h.csv"
        lines = file.read_text().splitlines()
        flat = [line.split(",")[0] + ",100,100,100,100,1," for line in lines[1:]]
        file.write_text("\n".join([lines[0], *flat]) + "\n")
        with pytest.raises(
            InputError, match=r"is no longer made: linear/AAAUSDT_1h changed since the run of 20"
        ):
            why_trade(result, builtin_registry(), store, 1)


def test_levels_of_the_decision(store: Store) -> None:
    text = strategy().replace('use = "percent", percent = 2.0', 'use = "atr", length = 5, multiple = 2.0')
    text += 'take_profit = [{ use = "atr", length = 5, multiple = 3.0 }]\n[orders]\nentry = "limit"\nvalid_bars = 4\n'
    text += 'offset = { use = "percent", percent = 0.2 }\n'
    spec = parse_strategy(text)
    settings = RunSettings.resolve(spec, BacktestSettings())
    result = run_backtest(spec, builtin_registry(), store, settings, strategy_toml=text, clock=ManualClock())
    waited = 0
    for trade in result.trades[:20]:
        found = why_trade(result, builtin_registry(), store, int(trade["trade_id"]))
        atr = found.entry.levels["atr:5"]
        assert found.entry.side == trade["side"]
        assert abs(trade["entry_price"] - trade["initial_stop"]) == pytest.approx(2 * atr, abs=0.02)
        assert found.targets == (pytest.approx(trade["entry_price"] + trade["side"] * 3 * atr),)
        waited += trade["entry_time"] > found.entry.time_ms
    assert waited > 0  # some limits filled later than the bar after the decision
