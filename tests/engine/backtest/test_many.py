"""Many variations of a strategy: each is the backtest it would be alone, and only its figures are kept."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.backtest.markets import DAYS_40, START, know, put, strategy, waves
from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.backtest.figures.report import Metrics
from tradebot.engine.backtest.figures.trials import TrialLedger
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.many import VariationResult, run_many, vary
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import CancelledError, InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy
from tradebot.engine.strategy.node_cache import NodeCache

TEXT = strategy(symbols=("AAAUSDT", "BBBUSDT"))
VARIATIONS = [
    {"risk.stop_loss.percent": "1.0"},
    {"risk.stop_loss.percent": "3.0"},
    {"indicators.fast.length": "4"},
    {"indicators.fast.length": "4", "indicators.slow.length": "9"},
    {"costs.slippage_percent": "0.5"},
    {"costs.funding": "false"},
    {"risk.direction": "long"},
    {"strategy.timeframe": "4h"},
    {"strategy.symbols": '["AAAUSDT"]'},
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "data")
    for n, symbol in enumerate(("AAAUSDT", "BBBUSDT")):
        put(store, symbol, waves(DAYS_40, level=50.0 * (n + 1)))
    know(store, "AAAUSDT", "BBBUSDT")
    return store


def asked(text: str = TEXT, start_ms: int | None = START + 50 * HOUR_MS) -> Asked:
    spec = parse_strategy(text)
    return Asked(spec, text, RunSettings.resolve(spec, BacktestSettings(), start_ms=start_ms))


def alone(store: Store, values: dict[str, str]) -> Metrics:
    spec = vary(asked().spec, values, builtin_registry())
    settings = RunSettings.resolve(spec, BacktestSettings(), start_ms=START + 50 * HOUR_MS)
    return run_backtest(
        spec, builtin_registry(), store, settings, clock=ManualClock(), look_ahead=False, with_hashes=False
    ).metrics


@pytest.mark.parametrize("workers", [1, 2])
def test_each_is_the_backtest_it_would_be_alone(store: Store, workers: int) -> None:
    results = run_many(asked(), VARIATIONS, builtin_registry(), store, workers=workers)
    assert [result.values for result in results] == VARIATIONS
    assert [result.number for result in results] == list(range(len(VARIATIONS)))
    for result, values in zip(results, VARIATIONS, strict=True):
        assert result.metrics == alone(store, values), values
    assert len({result.metrics.total_return for result in results if result.metrics}) == len(VARIATIONS)


def test_a_cache_that_holds_nothing_changes_nothing(store: Store) -> None:
    some = VARIATIONS[:4]
    plenty, none = (
        run_many(asked(), some, builtin_registry(), store, nodes=NodeCache(budget)) for budget in (2**26, 0)
    )
    assert plenty == none


def test_one_that_cannot_run_says_why_and_the_others_run(store: Store) -> None:
    wrong = [
        {"indicators.fast.length": "0"},
        {"indicators.fats.length": "5"},
        {"strategy.timeframe": "15m"},
        {"risk.stop_loss.percent": "1.0"},
    ]
    results = run_many(asked(), wrong, builtin_registry(), store)
    assert [result.metrics is None for result in results] == [True, True, True, False]
    assert "indicators.fast.length" in results[0].problem
    assert "fats" in results[1].problem
    assert "15m" in results[2].problem
    assert results[3].problem == ""


def test_what_keeps_the_strategy_itself_from_running_is_raised(store: Store) -> None:
    with pytest.raises(InputError, match="ZZZUSDT"):
        run_many(asked(strategy(symbols=("ZZZUSDT",))), VARIATIONS, builtin_registry(), store)


def test_all_are_counted_as_trials(store: Store, tmp_path: Path) -> None:
    ledger = TrialLedger(tmp_path)
    results = run_many(asked(), VARIATIONS[:4], builtin_registry(), store, trials=ledger)
    assert [result.metrics.trials for result in results if result.metrics] == [4] * 4
    again = run_many(asked(), VARIATIONS[2:6], builtin_registry(), store, trials=ledger)
    assert [result.metrics.trials for result in again if result.metrics] == [6] * 4
    for result in again:
        assert result.metrics is not None
        assert result.metrics.dsr is not None and result.metrics.psr is not None
        assert result.metrics.dsr < result.metrics.psr


def test_each_is_heard_of_as_it_ends_in_the_callers_thread(store: Store) -> None:
    heard: list[tuple[int, str]] = []

    def done(result: VariationResult) -> None:
        heard.append((result.number, threading.current_thread().name))

    run_many(asked(), VARIATIONS[:3], builtin_registry(), store, done=done)
    assert sorted(number for number, _ in heard) == [0, 1, 2]
    assert {name for _, name in heard} == {threading.current_thread().name}


def test_cancelled_in_the_middle(store: Store) -> None:
    token = CancelToken()
    with pytest.raises(CancelledError):
        run_many(asked(), VARIATIONS, builtin_registry(), store, token, done=lambda _: token.cancel())


def test_many_variations_are_never_waiting_at_once(store: Store) -> None:
    """They are taken from their sequence as workers become free, so that nothing piles up."""

    class Endless(list[dict[str, str]]):
        taken = 0

        def __iter__(self):  # type: ignore[no-untyped-def]  # an iterator of dicts
            for n in range(40):
                Endless.taken = n
                yield {"risk.stop_loss.percent": f"{1 + n / 10:.1f}"}

    most = 0
    seen = 0

    def done(result: VariationResult) -> None:
        nonlocal most, seen
        seen += 1
        most = max(most, Endless.taken + 1 - seen)

    run_many(asked(), Endless(), builtin_registry(), store, done=done, workers=2)
    assert seen == 40
    assert most <= 4


def test_vary_checks_the_values() -> None:
    spec = asked().spec
    assert vary(spec, {}, builtin_registry()) == spec
    changed = vary(spec, {"risk.stop_loss.percent": "7.5"}, builtin_registry())
    assert changed.risk.stop_loss is not None
    assert changed.risk.stop_loss.number("percent") == 7.5
    assert replace(changed, risk=spec.risk) == spec
