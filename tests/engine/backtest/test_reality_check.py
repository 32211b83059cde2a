"""What the reality check says, and in which tone, of results made by hand and of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.markets import DAYS_40, put, strategy, waves
from tests.engine.backtest.results import CASH, START, result_of, trades_of
from tradebot.engine.backtest import RunSettings, read_result, run_backtest, write_result
from tradebot.engine.backtest.checks.reality_check import Finding, Tone, reality_check
from tradebot.engine.backtest.checks.reruns import Rerun, Reruns, delayed, doubled
from tradebot.engine.backtest.figures.ambiguous import AmbiguityBounds
from tradebot.engine.backtest.kernel.ledger import Costs
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS
from tradebot.engine.store import Store
from tradebot.engine.strategy import Decisions, builtin_registry, parse_strategy


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def finding(result: BacktestResult, name: str, **more: object) -> Finding | None:
    check = reality_check(result, rng(), **more)  # type: ignore[arg-type]  # passed through
    return next((each for each in check.findings if each.name == name), None)


def grown(daily: float, days: int = 300, noise: float = 0.01, seed: int = 2) -> list[float]:
    moves = np.random.default_rng(seed).normal(0.0, noise, days)
    return (CASH * np.cumprod(1.0 + moves - moves.mean() + daily)).tolist()


def of(pnl: list[float]) -> Records:
    return trades_of([{"pnl": each, "exit_time": START + (n + 1) * HOUR_MS} for n, each in enumerate(pnl)])


class TestLuck:
    @pytest.mark.parametrize(
        ("daily", "tone"), [(0.003, Tone.OK), (0.0007, Tone.WARNING), (-0.001, Tone.BAD)]
    )
    def test_the_bootstrap(self, daily: float, tone: Tone) -> None:
        found = finding(result_of(of([1.0]), grown(daily)), "bootstrap")
        assert found is not None
        assert found.tone is tone
        assert found.short.startswith("p(Sharpe<=0) 0.")
        assert "2,000 histories drawn from these days in blocks of 17" in found.text

    def test_many_trials_deflate(self) -> None:
        result = result_of(of([1.0]), grown(0.003))
        alone = finding(result, "probabilistic_sharpe")
        assert alone is not None and alone.tone is Tone.OK
        many = replace(result, metrics=replace(result.metrics, dsr=0.41, trials=300))
        found = finding(many, "deflated_sharpe")
        assert found is not None
        assert (found.tone, found.short) == (Tone.BAD, "deflated Sharpe 0.41")
        assert "After 300 trials" in found.text
        assert finding(many, "probabilistic_sharpe") is None

    def test_a_track_record_that_is_too_short(self) -> None:
        result = result_of(of([1.0]), grown(0.0007))
        found = finding(result, "least_days")
        assert found is not None
        assert found.short == f"needs {result.metrics.least_days:,.0f} days, has 300"
        assert finding(result_of(of([1.0]), grown(0.003)), "least_days") is None

    def test_few_trades(self) -> None:
        found = finding(result_of(of([1.0] * 29)), "few_trades")
        assert found is not None and found.short == "only 29 trades"
        assert finding(result_of(of([1.0] * 30)), "few_trades") is None

    @pytest.mark.parametrize(
        ("first", "last", "tone"),
        [(0.002, 0.002, Tone.OK), (0.004, 0.0005, Tone.WARNING), (0.002, -0.002, Tone.BAD)],
    )
    def test_the_last_third(self, first: float, last: float, tone: Tone) -> None:
        days = [*grown(first, 200)]
        scale = days[-1] / CASH
        days += [value * scale for value in grown(last, 100, seed=3)]
        found = finding(result_of(of([1.0]), days), "parts_of_time")
        assert found is not None
        assert found.tone is tone


class TestBestTrades:
    @pytest.mark.parametrize(
        ("pnl", "tone", "short"),
        [
            ([1.0] * 100, Tone.OK, "3% of profit from 3 trades"),
            ([20.0] * 3 + [0.5] * 97, Tone.WARNING, "55% of profit from 3 trades"),
            ([50.0] * 3 + [-0.5] * 97, Tone.BAD, "148% of profit from 3 trades"),
        ],
    )
    def test_share_of_the_profit(self, pnl: list[float], tone: Tone, short: str) -> None:
        found = finding(result_of(of(pnl)), "best_trades")
        assert found is not None
        assert (found.tone, found.short) == (tone, short)
        assert ("the run loses" in found.text) == (tone is Tone.BAD)

    def test_a_loss_has_none(self) -> None:
        assert finding(result_of(of([5.0, -9.0])), "best_trades") is None


def test_a_run_of_losers_longer_than_chance_gives() -> None:
    even = [1.0, -1.0] * 30
    long = finding(result_of(of([*even, *[-1.0] * 12, *even])), "losing_run")
    assert long is not None
    assert (long.tone, long.short) == (Tone.WARNING, "2024-01: 13 losses in a row")
    usual = finding(result_of(of([1.0, -1.0, -1.0] * 20)), "losing_run")
    assert usual is not None and usual.tone is Tone.OK


class TestAssumptions:
    def test_trades_that_hang_on_stop_first(self) -> None:
        trades = trades_of([{"ambiguous": int(n < 4)} for n in range(100)])
        bounds = AmbiguityBounds(trades=4, gain=50.0, unknown=1, total_return=0.05)
        found = finding(result_of(trades), "ambiguous", ambiguity=bounds)
        assert found is not None
        assert (found.tone, found.short) == (Tone.WARNING, "4 trades hang on stop first")
        assert "lies between +0.0% and +5.0%. Of 1 of them the other way round cannot be told." in found.text
        assert finding(result_of(trades_of([{}])), "ambiguous") is None

    def test_what_makes_a_result_worthless_comes_first(self) -> None:
        result = replace(
            result_of(of([1.0])), errors=("Look-ahead: a knows.",), flags=("bankrupt", "funding_estimated")
        )
        check = reality_check(result, rng())
        assert [each.name for each in check.findings[:3]] == ["invalid", "bankrupt", "estimated"]
        assert check.tone is Tone.BAD
        assert check.findings[2].short == "estimated: funding"

    def test_costs_that_eat_the_profit(self) -> None:
        dear = trades_of([{"exit_price": 110.0, "fees": 8.0}])
        found = finding(result_of(dear), "cost_ratio")
        assert found is not None
        assert (found.tone, found.short) == (Tone.BAD, "costs take 80% of profit")
        assert "Costs of 476.2 hundredths of a percent" in found.text


class TestHarder:
    @pytest.mark.parametrize(
        ("after", "tone", "short"),
        [
            (0.15, Tone.OK, "costs x2 still +15.0%"),
            (0.08, Tone.WARNING, "costs x2 +8.0%"),
            (-0.02, Tone.BAD, "costs x2 -2.0%"),
        ],
    )
    def test_a_profit_that_vanishes(self, after: float, tone: Tone, short: str) -> None:
        result = result_of(of([200.0]), [1200.0])
        reruns = Reruns(Rerun(0.2, 1), Rerun(after, 1), None)
        found = finding(result, "double_costs", reruns=reruns)
        assert found is not None
        assert (found.tone, found.short) == (tone, short)
        assert finding(result, "taker_fees", reruns=reruns) is None

    def test_a_loss_stays_one(self) -> None:
        found = finding(
            result_of(of([-200.0]), [800.0]), "delay", reruns=Reruns(Rerun(-0.4, 1), Rerun(-0.3, 1), None)
        )
        assert found is not None
        assert (found.tone, found.short) == (Tone.OK, "a bar later -40.0%")

    def test_a_bar_later(self) -> None:
        side = np.array([1, 0, -1], dtype=np.int8)
        yes = np.array([True, False, True])
        level = np.array([np.nan, 1.0, 2.0])
        late = delayed(Decisions(side, side.astype(np.float32), yes, ~yes, 0, {}, 0, {"atr:14": level}))
        assert list(late.side) == [0, 1, 0]
        assert list(late.exit_long) == [False, True, False]
        assert list(late.levels["atr:14"][1:]) == [pytest.approx(np.nan, nan_ok=True), 1.0]

    def test_a_rebate_is_not_doubled(self) -> None:
        costs = doubled(Costs(0.05, -0.01, 0.02, 0.01, True, 10.0, 0.5))
        assert costs == Costs(0.1, -0.01, 0.04, 0.02, True, 10.0, 1.0)


class TestOfARun:
    def run(self, store: Store) -> BacktestResult:
        spec = parse_strategy(strategy())
        settings = RunSettings.resolve(spec, BacktestSettings())
        return run_backtest(spec, builtin_registry(), store, settings, clock=ManualClock(), reality=True)

    def test_everything_is_said_and_kept(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "data")
        put(store, "AAAUSDT", waves(DAYS_40))
        result = self.run(store)
        assert result.reality is not None
        names = [each.name for each in result.reality.findings]
        assert names[0] == "look_ahead"
        assert {"bootstrap", "delay", "double_costs"} <= set(names)
        assert len(names) == len(set(names))
        read = read_result(tmp_path / write_result(result, tmp_path).result_id)
        assert read.reality == result.reality == self.run(store).reality

    def test_no_trade_leaves_little_to_say(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "data")
        put(store, "AAAUSDT", waves(5))
        reality = self.run(store).reality
        assert reality is not None
        assert [each.name for each in reality.findings] == ["look_ahead", "estimated"]
