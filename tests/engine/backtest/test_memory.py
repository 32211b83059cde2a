"""What a backtest takes of memory is known before it is loaded, and held to what is allowed."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest

from tests.engine.backtest.markets import DAYS_40, START, put, strategy, waves
from tradebot.engine.backtest import batch
from tradebot.engine.backtest.batch import BatchRun, carry_out_each
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.memory import Need, memory_needed, with_universe
from tradebot.engine.backtest.order import BacktestOrder, carry_out
from tradebot.engine.backtest.run import simulate_portfolio
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.memory import MemoryBudget
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS, MINUTE_MS, DatasetKey
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

MB = 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "data")
    put(store, "AAAUSDT", waves(DAYS_40))
    put(store, "BBBUSDT", waves(DAYS_40 // 2, level=30.0))
    return store


def asked(store: Store, text: str, **settings: int) -> list[Asked]:
    spec = parse_strategy(text, "two", builtin_registry())
    return with_universe([Asked(spec, text, RunSettings(**settings))], store)


def needed(store: Store, text: str, **settings: int) -> Need:
    return memory_needed(asked(store, text, **settings), store)


def test_bars_and_symbols_are_counted_from_what_is_stored(store: Store) -> None:
    both = needed(store, strategy(symbols=("AAAUSDT", "BBBUSDT")))
    assert (both.symbols, both.bars) == (2, DAYS_40 + DAYS_40 // 2)
    assert both.words == "2 symbols, 1,440 bars"
    assert needed(store, strategy(symbols=("*USDT",))) == both
    one = needed(store, strategy(symbols=("BBBUSDT", "ZZZUSDT")))
    assert (one.symbols, one.bars) == (1, DAYS_40 // 2), "what is not stored takes nothing"
    assert one.bytes < both.bytes


def test_built_bars_finer_steps_marks_and_longer_spans_take_more(store: Store) -> None:
    usual = needed(store, strategy())
    built = needed(store, strategy(timeframe="2h"))
    assert built.bars == usual.bars // 2
    own = Store(store.folder)
    put(own, "AAAUSDT", waves(DAYS_40 // 2, 2 * HOUR_MS), "2h")
    assert needed(own, strategy(timeframe="2h")).bytes < built.bytes
    half = START + DAYS_40 // 2 * HOUR_MS
    assert needed(store, strategy(), start_ms=half).bytes < usual.bytes
    store.merge(
        DatasetKey("linear", "AAAUSDT", "1h", mark=True),
        [row._replace(volume="", turnover="") for row in waves(DAYS_40)],
    )
    assert needed(store, strategy()).bytes == usual.bytes + 32 * usual.bars


def test_the_estimate_is_no_less_than_what_a_run_takes_and_no_more_than_three_times_that(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    count = 120_000
    put(store, "AAAUSDT", waves(count, MINUTE_MS), "1m")
    registry = builtin_registry()
    one = asked(store, strategy(timeframe="1m"))
    simulate_portfolio(one, registry, store)  # what is loaded and compiled once is not the run's
    gc.collect()
    tracemalloc.start()
    simulate_portfolio(one, registry, store)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    fixed = 40 * MB
    assert peak < memory_needed(one, store).bytes < 3 * peak + fixed


def test_a_run_that_does_not_fit_is_refused_before_anything_is_loaded(store: Store, tmp_path: Path) -> None:
    order = BacktestOrder(strategy(symbols=("AAAUSDT", "BBBUSDT")), "two")
    with pytest.raises(ShortfallError, match=r"needs about \d+ MB of memory \(2 symbols, 1,440 bars\)"):
        carry_out(
            order,
            builtin_registry(),
            store,
            BacktestSettings(),
            SystemClock(),
            tmp_path / "results",
            lambda _: None,
            lambda _: None,
            CancelToken(),
            memory=MemoryBudget(10 * MB),
        )
    assert not list((tmp_path / "results").glob("*/result.json"))


def test_runs_of_a_batch_that_fit_only_one_by_one_are_run_one_by_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryBudget(60 * MB)  # each needs forty and a little
    most: list[int] = []
    real = batch.carry_out

    def watched(*given: object, **more: object) -> object:
        result = real(*given, **more)  # type: ignore[arg-type]
        most.append(memory.used_bytes)
        return result

    monkeypatch.setattr(batch, "carry_out", watched)
    runs = [
        BatchRun("two", symbol, BacktestOrder(strategy(symbols=(symbol,)), "two"))
        for symbol in ("AAAUSDT", "BBBUSDT")
    ]
    outcomes = carry_out_each(
        runs,
        builtin_registry(),
        store,
        BacktestSettings(workers=2),
        SystemClock(),
        tmp_path / "results",
        lambda _: None,
        lambda _: None,
        CancelToken(),
        memory=memory,
    )
    assert [outcome.problem for outcome in outcomes] == ["", ""]
    assert max(most) < 60 * MB
    assert memory.used_bytes == 0
