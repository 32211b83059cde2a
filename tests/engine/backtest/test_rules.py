"""The table of rules, worked out by hand, holds for the kernel."""

from __future__ import annotations

import pytest

from tests.engine.backtest.build import inputs, reduced, refusals, trade_rows
from tests.support.rule_cases import RULE_CASES, RuleCase
from tradebot.engine.backtest import simulate
from tradebot.engine.backtest.ledger import Ledger

CLOSE = {"rel": 1e-12, "abs": 1e-9}


@pytest.mark.parametrize("case", RULE_CASES, ids=lambda case: case.name)
def test_rule(case: RuleCase) -> None:
    ledger = simulate(*inputs(case.slots, case.risk, case.costs, case.cash))

    rows = trade_rows(ledger)
    assert len(rows) == len(case.trades), (case.reason, rows)
    for row, expected in zip(rows, case.trades, strict=True):
        for column, value in expected.items():
            assert row[column] == _about(value), (case.reason, column, row)
    assert refusals(ledger) == dict(case.refusals), case.reason
    assert reduced(ledger) == case.reduced, case.reason
    assert ledger.bankrupt == case.bankrupt, case.reason
    assert ledger.final_equity == pytest.approx(case.final_equity, **CLOSE), case.reason
    if case.equity is not None:
        assert list(ledger.equity) == pytest.approx(list(case.equity), **CLOSE), case.reason
    if case.last_row is not None:
        assert _last_row(ledger) == pytest.approx(case.last_row, **CLOSE), case.reason


def _about(value: object) -> object:
    return pytest.approx(value, **CLOSE) if isinstance(value, float | int) else value


def _last_row(ledger: Ledger) -> tuple[float, float, float, float]:
    _, equity, cash, notional = ledger.rows[:, -1]
    peak = max(ledger.cash, ledger.equity.max())
    return equity, cash, notional / equity if equity > 0 else 0.0, equity / peak - 1
