"""Several strategies on one account: one clock, one wallet, a part of the result for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.backtest.markets import DAYS_40, know, put, strategy, waves
from tradebot.engine.backtest import RunSettings, read_result, run_backtest, write_result
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.backtest.run import run_portfolio
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

NOTIONAL = 'sizing = { use = "notional", amount = 500.0 }'
EQUITY = 'sizing = { use = "equity", percent = 50.0 }'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("data"))
    for n, symbol in enumerate(("AAAUSDT", "BBBUSDT", "CCCUSDT")):
        put(store, symbol, waves(DAYS_40 + n, level=50.0 * (n + 1)))
    know(store, "AAAUSDT", "BBBUSDT", "CCCUSDT")
    return store


def text(name: str, symbols: Sequence[str], sizing: str = NOTIONAL, **more: object) -> str:
    written = strategy(symbols=symbols, **more)  # type: ignore[arg-type]  # passed through
    return written.replace('name = "Two means"', f'name = "{name}"').replace(EQUITY, sizing)


def asked(toml: str, **more: object) -> Asked:
    spec = parse_strategy(toml)
    return Asked(spec, toml, RunSettings.resolve(spec, BacktestSettings(), **more))  # type: ignore[arg-type]


def run(store: Store, *texts: str, **more: object) -> BacktestResult:
    return run_portfolio(
        [asked(toml, **more) for toml in texts], builtin_registry(), store, clock=ManualClock()
    )


FAST = text("Fast", ("AAAUSDT", "CCCUSDT"))
SLOW = text("Slow", ("AAAUSDT", "BBBUSDT"), timeframe="4h").replace(
    'timeframe = "4h"\n', 'timeframe = "4h"\nexecution = "1h"\n', 1
)


def same(one: BacktestResult, other: BacktestResult) -> bool:
    plain = [
        field.name
        for field in fields(BacktestResult)
        if field.name not in {"trades", "curve", "log", "versions"}
    ]
    return (
        all(getattr(one, name) == getattr(other, name) for name in plain)
        and one.trades.tobytes() == other.trades.tobytes()
        and one.curve.tobytes() == other.curve.tobytes()
        and one.log.tobytes() == other.log.tobytes()
    )


def test_one_strategy_is_a_portfolio_of_one(store: Store) -> None:
    one = asked(FAST)
    alone = run_backtest(
        one.spec, builtin_registry(), store, one.settings, strategy_toml=FAST, clock=ManualClock()
    )
    assert same(alone, run(store, FAST))
    assert [part.name for part in alone.parts] == ["Fast"]
    assert alone.parts[0].metrics == alone.metrics


def rows_of(result: BacktestResult, name: str) -> list[tuple[object, ...]]:
    columns = (
        "side",
        "entry_time",
        "entry_price",
        "exit_time",
        "exit_price",
        "quantity",
        "pnl",
        "fees",
        "funding",
    )
    return [
        (result.symbols[trade["slot"]], *(trade[column].item() for column in columns))
        for trade in result.trades
        if result.slot_strategies[trade["slot"]] == name
    ]


class TestSharedAccount:
    def test_with_cash_for_all_each_trades_as_it_would_alone(self, store: Store) -> None:
        together = run(store, FAST, SLOW, cash=1e6)
        for name, toml in (("Fast", FAST), ("Slow", SLOW)):
            assert rows_of(together, name) == rows_of(run(store, toml, cash=1e6), name)
            assert len(rows_of(together, name)) > 10

    def test_the_parts_add_up_to_the_account(self, store: Store) -> None:
        result = run(store, FAST, SLOW)
        cash = result.settings.cash
        for name in ("trades", "open_trades", "fees", "funding", "slippage_cost"):
            total = sum(getattr(part.metrics, name) for part in result.parts)
            assert total == pytest.approx(getattr(result.metrics, name))
        profits = [part.metrics.final_equity - cash for part in result.parts]
        assert sum(profits) == pytest.approx(result.metrics.final_equity - cash)
        for name in result.refusals:
            assert sum(part.refusals[name] for part in result.parts) == result.refusals[name]

    def test_what_one_holds_the_other_cannot_use(self, store: Store) -> None:
        big = 'sizing = { use = "notional", amount = 9000.0 }'
        texts = [toml.replace(NOTIONAL, big) for toml in (FAST, SLOW)]
        result = run(store, *texts)
        assert result.interventions["reduced_margin"] + result.refusals["insufficient_margin"] > 0
        assert len(result.log) >= result.interventions["reduced_margin"]
        assert result.curve["cash"].min() >= -1e-6
        assert result.curve["exposure"].max() < 1.05

    def test_the_daily_profit_of_the_parts_is_that_of_the_account_where_nothing_costs(
        self, store: Store
    ) -> None:
        free = "[costs]\ntaker_fee_percent = 0.0\nmaker_fee_percent = 0.0\nslippage_percent = 0.0\nfunding = false\n"
        result = run(store, FAST + free, SLOW + free)
        # The mean of daily profits is the total over the days, so that only their course can differ.
        fast, slow = result.parts
        assert fast.metrics.max_drawdown is not None and slow.metrics.max_drawdown is not None
        together = run(store, FAST + free)
        assert together.metrics.max_drawdown == pytest.approx(fast.metrics.max_drawdown)
        assert together.metrics.sharpe == pytest.approx(fast.metrics.sharpe)
        assert together.metrics.exposure == pytest.approx(
            (fast.metrics.exposure or 0.0) * result.bars / together.bars, rel=1e-9
        )

    def test_two_strategies_may_trade_one_symbol(self, store: Store) -> None:
        result = run(store, FAST, SLOW)
        assert result.symbols == ("AAAUSDT", "CCCUSDT", "AAAUSDT", "BBBUSDT")
        assert result.slot_strategies == ("Fast", "Fast", "Slow", "Slow")
        assert result.timeframe.value == "1h"
        assert {part.timeframe.value for part in result.parts} == {"1h", "4h"}


class TestOrder:
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_the_result_does_not_depend_on_any(self, store: Store, data: st.DataObject) -> None:
        """Neither on that of the strategies nor on that of their symbols."""
        names = data.draw(st.permutations(["AAAUSDT", "BBBUSDT", "CCCUSDT"]))
        texts = [text("Fast", names, EQUITY), text("Slow", names[:2], EQUITY, timeframe="4h")]
        usual = [text("Fast", sorted(names), EQUITY), text("Slow", sorted(names[:2]), EQUITY, timeframe="4h")]
        drawn = run(store, *data.draw(st.permutations(texts)))
        plain = run(store, *usual)
        unnamed = [
            replace(each, strategy_toml="", parts=tuple(replace(part, toml="") for part in each.parts))
            for each in (drawn, plain)
        ]
        assert same(*unnamed)


class TestRefused:
    def test_equal_names(self, store: Store) -> None:
        with pytest.raises(InputError, match='Two strategies of this run are called "Fast"'):
            run(store, FAST, text("Fast", ("BBBUSDT",)))

    def test_none_at_all(self, store: Store) -> None:
        with pytest.raises(InputError, match="There is no strategy to test"):
            run(store)

    def test_different_categories(self, store: Store) -> None:
        spot = text("Spot", ("AAAUSDT",), category="spot", direction="long")
        with pytest.raises(InputError, match='"Fast" trades linear and "Spot" spot; one account keeps one'):
            run(store, FAST, spot)

    def test_different_cash(self, store: Store) -> None:
        with pytest.raises(InputError, match="were given different cash or spans"):
            run_portfolio([asked(FAST), asked(SLOW, cash=5.0)], builtin_registry(), store)


def test_a_folder_of_two_strategies(store: Store, tmp_path: Path) -> None:
    result = run(store, SLOW, FAST)
    written = write_result(result, tmp_path)
    folder = tmp_path / written.result_id
    assert (folder / "strategy.toml").read_text() == FAST
    assert (folder / "strategy-2.toml").read_text() == SLOW
    read = read_result(folder)
    assert read.strategy == "Fast + Slow"
    assert [part.symbols for part in read.parts] == [("AAAUSDT", "CCCUSDT"), ("AAAUSDT", "BBBUSDT")]
    assert read.parts == result.parts
    assert list(read.trades["slot"]) == list(result.trades["slot"])
    assert np.allclose(read.trades["pnl"], result.trades["pnl"])
