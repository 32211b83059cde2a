"""Stop and targets of a trade as they moved: every exit by a level lies on the path that is told of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.markets import DAYS_40, put, run, strategy, waves
from tradebot.engine.backtest.checks.trade_path import TradePath, load_walk, trade_path
from tradebot.engine.backtest.kernel.codes import ExitReason
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import HOUR_MS, MINUTE_MS
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry

COSTS = "[costs]\nslippage_percent = 0.0\nhalf_spread_percent = 0.0\n"
LEVELS = {
    "percent": "",
    "trailing": 'trailing_stop = { use = "percent", percent = 1.5, start_percent = 1.0 }\n',
    "trailing by the average range": 'trailing_stop = { use = "atr", length = 14, multiple = 2.0 }\n',
    "break-even": "break_even = { at_r = 0.5 }\n",
    "two targets": 'take_profit = [{ use = "r", multiple = 0.5, share_percent = 50.0 }, '
    '{ use = "atr", length = 14, multiple = 3.0 }]\n',
    "a series": 'stop_loss = { use = "series", series = "slow" }\n',
    "adds": "pyramiding = { max_adds = 2 }\n",
    "limit entries": '[orders]\nentry = "limit"\noffset = { use = "percent", percent = 0.2 }\nvalid_bars = 3\n',
}
BY_STOP = {ExitReason.STOP, ExitReason.TRAILING, ExitReason.BREAK_EVEN}


def made(folder: Path, more: str, **settings: object) -> tuple[BacktestResult, Store]:
    store = Store(folder)
    put(store, "AAAUSDT", waves(DAYS_40))
    own = 'stop_loss = { use = "percent", percent = 2.0 }\n'
    text = strategy().replace(own, "" if "stop_loss" in more else own.replace("2.0", "0.8")) + more + COSTS
    return run(store, text, **settings), store


def paths(result: BacktestResult, store: Store) -> list[tuple[Records, TradePath]]:
    walked = load_walk(result, builtin_registry(), store, 0)
    found = []
    for trade_id in np.unique(result.trades["trade_id"]):
        legs = result.trades[result.trades["trade_id"] == trade_id]
        path = trade_path(walked, legs)
        assert path is not None, trade_id
        found.append((legs, path))
    return found


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_exits_by_a_level_lie_on_its_path(tmp_path: Path, levels: str) -> None:
    result, store = made(tmp_path, LEVELS[levels])
    exits = 0
    for legs, path in paths(result, store):
        assert path.stop[0] == pytest.approx(float(legs["initial_stop"][0])) or legs["adds"][0]
        for leg in legs:
            reason, side = ExitReason(int(leg["exit_reason"])), int(leg["side"])
            if reason in BY_STOP:
                exits += 1
                at = np.maximum(leg["exit_time"] // HOUR_MS * HOUR_MS, path.since[:1])
                stop = path.stops_at(at)[0]
                assert side * float(leg["exit_price"]) <= side * stop + 1e-9, "it fills at itself or worse"
            elif reason is ExitReason.TARGET:
                exits += 1
                apart = np.abs(path.targets - leg["exit_price"])
                at_an_open = leg["exit_time"] % HOUR_MS == 0
                assert at_an_open or np.nanmin(apart) < 1e-6
    assert exits > 0


def test_a_trailing_stop_is_the_best_price_so_far_less_its_distance(tmp_path: Path) -> None:
    result, store = made(tmp_path, LEVELS["trailing"])
    legs, path = next((legs, path) for legs, path in paths(result, store) if len(set(path.stop.tolist())) > 5)
    side = int(legs["side"][0])
    assert np.all(np.diff(side * path.stop) >= 0.0)
    bars = store.load_or_build(
        result.category, "AAAUSDT", result.timeframe, int(legs["entry_time"][0]), None
    )[0]
    best = np.maximum.accumulate(bars.high) if side > 0 else np.minimum.accumulate(bars.low)
    number = len(path.stop) - 2
    assert path.stop[-1] == pytest.approx(best[number - 1] * (1.0 - side * 0.015), abs=0.011)


def test_finer_bars_give_the_path_at_their_closes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(DAYS_40 * 4, step_ms=15 * MINUTE_MS), timeframe="15m")
    text = strategy().replace('timeframe = "1h"', 'timeframe = "1h"\nexecution = "15m"')
    text += LEVELS["trailing by the average range"] + COSTS
    result = run(store, text)
    legs, path = paths(result, store)[0]
    assert np.all(np.diff(path.since)[1:] == 15 * MINUTE_MS)
    assert path.since[0] == legs["entry_time"][0]


def test_other_data_tells_no_path_rather_than_a_wrong_one(tmp_path: Path) -> None:
    result, _ = made(tmp_path / "then", "")
    store = Store(tmp_path / "now")
    put(store, "AAAUSDT", waves(DAYS_40, level=101.0))
    walked = load_walk(result, builtin_registry(), store, 0)
    legs = result.trades[result.trades["trade_id"] == 1]
    assert trade_path(walked, legs) is None
    with pytest.raises(InputError):
        load_walk(result, builtin_registry(), Store(tmp_path / "empty"), 0)
