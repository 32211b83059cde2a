"""The tables of rules, worked out by hand, hold for the kernel."""

from __future__ import annotations

import pytest

from tests.engine.backtest.build import inputs, interventions, refusals, run_rows, trade_rows
from tests.engine.backtest.whole_runs import simulate_run
from tests.support.rule_cases import RULE_CASES, RuleCase
from tests.support.run_case import RunCase
from tests.support.run_cases import RUN_CASES
from tradebot.engine.backtest import simulate
from tradebot.engine.backtest.kernel.ledger import Ledger

CLOSE = {"rel": 1e-12, "abs": 1e-9}
# Rows that fees in reserve, liquidation and the words for what was cut to nothing decide otherwise now: each stands in
# the table of whole runs as it is there.
IN_THE_OTHER_TABLE = {
    "reduced to what the cash affords",
    "no cash for a single lot",
    "less than one lot wanted",
    "two symbols compete for cash",
    "a stop inside the bar comes too late for an entry at its open",
    "bankrupt",
    "worse than bankrupt",
}
PLAIN_CASES = [case for case in RULE_CASES if case.name not in IN_THE_OTHER_TABLE]


@pytest.mark.parametrize("case", PLAIN_CASES, ids=lambda case: case.name)
def test_rule(case: RuleCase) -> None:
    ledger = simulate(*inputs(case.slots, case.risk, case.costs, case.cash))

    rows = trade_rows(ledger)
    assert len(rows) == len(case.trades), (case.reason, rows)
    for row, expected in zip(rows, case.trades, strict=True):
        for column, value in expected.items():
            assert row[column] == _about(value), (case.reason, column, row)
    assert refusals(ledger) == dict(case.refusals), case.reason
    assert ledger.bankrupt == case.bankrupt, case.reason
    assert ledger.final_equity == pytest.approx(case.final_equity, **CLOSE), case.reason
    if case.equity is not None:
        assert list(ledger.equity) == pytest.approx(list(case.equity), **CLOSE), case.reason
    if case.last_row is not None:
        assert _last_row(ledger) == pytest.approx(case.last_row, **CLOSE), case.reason


@pytest.mark.parametrize("case", RUN_CASES, ids=lambda case: case.name)
def test_rule_of_whole_runs(case: RunCase) -> None:
    ledger = simulate_run(case.run)

    rows = run_rows(ledger)
    assert len(rows) == len(case.trades), (case.working, rows)
    for row, expected in zip(rows, case.trades, strict=True):
        for column, value in expected.items():
            assert row[column] == _about(value), (case.working, column, row)
    assert refusals(ledger) == dict(case.refusals), case.working
    assert interventions(ledger) == dict(case.interventions), case.working
    assert ledger.final_equity == pytest.approx(case.final_equity, **CLOSE), case.working
    if case.equity is not None:
        assert list(ledger.equity) == pytest.approx(list(case.equity), **CLOSE), case.working
    if case.cash is not None:
        assert list(ledger.rows[2]) == pytest.approx(list(case.cash), **CLOSE), case.working


def _about(value: object) -> object:
    return pytest.approx(value, **CLOSE) if isinstance(value, float | int) else value


def _last_row(ledger: Ledger) -> tuple[float, float, float, float]:
    _, equity, cash, notional = ledger.rows[:, -1]
    peak = max(ledger.cash, ledger.equity.max())
    return equity, cash, notional / equity if equity > 0 else 0.0, equity / peak - 1
