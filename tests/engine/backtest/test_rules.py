"""The table of rules, worked out by hand, holds for the kernel; no row of the catalogue is without its case."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tests.engine.backtest.build import interventions, refusals, run_rows
from tests.engine.backtest.whole_runs import simulate_run, strategy_rules, symbol_data
from tests.support.catalogue import CATALOGUE, MOST_BARS
from tests.support.reference import simulate_reference_run
from tests.support.rule_case import at_open
from tests.support.run_case import RunCase, rules, run, symbol
from tests.support.run_cases import RUN_CASES
from tradebot.engine.backtest.kernel.codes import REFUSALS, Count, ExitReason
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import StrategyBuilder, decide
from tradebot.engine.strategy.market_data import HeldMarket
from tradebot.engine.strategy.registry import builtin_registry

CLOSE = {"rel": 1e-12, "abs": 1e-9}


@pytest.mark.parametrize("case", RUN_CASES, ids=lambda case: case.name)
def test_rule(case: RunCase) -> None:
    ledger = simulate_run(case.run)

    rows = run_rows(ledger)
    assert len(rows) == len(case.trades), (case.working, rows)
    for row, expected in zip(rows, case.trades, strict=True):
        for column, value in expected.items():
            assert row[column] == _about(value), (case.working, column, row)
    assert refusals(ledger) == dict(case.refusals), case.working
    assert interventions(ledger) == dict(case.interventions), case.working
    assert ledger.bankrupt == case.bankrupt, case.working
    assert ledger.final_equity == pytest.approx(case.final_equity, **CLOSE), case.working
    if case.equity is not None:
        assert list(ledger.equity) == pytest.approx(list(case.equity), **CLOSE), case.working
    if case.cash is not None:
        assert list(ledger.rows[2]) == pytest.approx(list(case.cash), **CLOSE), case.working
    if case.last_row is not None:
        assert _last_row(ledger) == pytest.approx(case.last_row, **CLOSE), case.working


@pytest.mark.parametrize(("row", "names"), CATALOGUE.items(), ids=list(CATALOGUE))
def test_a_row_of_the_catalogue_has_its_case(row: str, names: tuple[str, ...]) -> None:
    cases = {case.name: case for case in RUN_CASES}
    assert names, row
    for name in names:
        assert name in cases or name in globals(), f"{row}: no case is called {name!r}"
        if name in cases:
            assert all(len(symbol.bars.time) <= MOST_BARS for symbol in cases[name].run.symbols), name


def test_a_higher_bar_is_seen_at_its_close_and_not_a_minute_before() -> None:
    """Means of two bars of 5 minutes: 1, from minute 5 on 5. Decided at its close, bought at that minute's open."""
    minutes = symbol(" | ".join(["10 11 9 10"] * 6), {})
    own = symbol_data(minutes, strategy_rules(rules())).candles
    fives = Candles(
        Timeframe.M5, own.time[0] + 300_000 * np.arange(-2, 1), *(np.array([1.0, 1.0, 9.0]) for _ in range(6))
    )
    made = StrategyBuilder("Five", symbols=["AAA"], timeframe="1m").indicator(
        "slow", "sma", length=2, timeframe="5m"
    )
    made = made.signal("up", "compare", a="slow", op=">", b=4.0, supports="long").entry("any", ["up"])
    market = HeldMarket("AAA", {("AAA", Timeframe.M1): own, ("AAA", Timeframe.M5): fives})
    decided = decide(made.build(), builtin_registry(), market).side.tolist()
    assert decided == [0, 0, 0, 0, 1, 1]
    whole = run(replace(minutes, side=[*decided[:-1], 0]))
    assert [row["entry_time"] for row in run_rows(simulate_run(whole))] == [at_open(5)]
    assert [trade.entry_time for trade in simulate_reference_run(whole).trades] == [at_open(5)]


def test_the_page_of_the_rules_names_every_reason() -> None:
    page = re.sub(r"[`|,;:()]", " ", (REPOSITORY / "docs" / "rules.md").read_text(encoding="utf-8")).split()
    reasons = [*ExitReason, *REFUSALS, Count.REDUCED_MARGIN, Count.REDUCED_EXPOSURE, Count.REDUCED_VOLUME]
    for reason in reasons:
        assert reason == ExitReason.NONE or reason.name.lower() in page, reason.name


def test_no_two_rules_share_a_name() -> None:
    assert len({case.name for case in RUN_CASES}) == len(RUN_CASES)


def _about(value: object) -> object:
    return pytest.approx(value, **CLOSE) if isinstance(value, float | int) else value


def _last_row(ledger: Ledger) -> tuple[float, float, float, float]:
    _, equity, cash, notional = ledger.rows[:, -1]
    peak = max(ledger.cash, ledger.equity.max())
    return equity, cash, notional / equity if equity > 0 else 0.0, equity / peak - 1
