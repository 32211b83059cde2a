"""The plain reference keeps the rules: a table worked out by hand, then laws that hold for every run."""

from __future__ import annotations

import pytest

from tests.support.reference import simulate_reference
from tests.support.rule_cases import RULE_CASES, RuleCase


def close_to(value: object) -> object:
    """The expected value with room for a float's last digits; anything else as it is."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return pytest.approx(value, rel=1e-12, abs=1e-11)
    return value


@pytest.mark.parametrize("case", RULE_CASES, ids=[case.name for case in RULE_CASES])
def test_a_rule(case: RuleCase) -> None:
    result = simulate_reference(case.slots, case.risk, case.costs, case.cash)
    assert len(result.trades) == len(case.trades)
    for trade, expected in zip(result.trades, case.trades, strict=True):
        assert {column: getattr(trade, column) for column in expected} == {
            column: close_to(value) for column, value in expected.items()
        }
    assert result.refusals == case.refusals
    assert result.reduced == case.reduced
    assert result.bankrupt == case.bankrupt
    assert result.equity[-1].equity == close_to(case.final_equity)
    if case.equity is not None:
        assert [row.equity for row in result.equity] == pytest.approx(case.equity, rel=1e-12)
    if case.last_row is not None:
        assert result.equity[-1][1:] == pytest.approx(case.last_row, rel=1e-12, abs=1e-11)


def test_no_two_rules_share_a_name() -> None:
    assert len({case.name for case in RULE_CASES}) == len(RULE_CASES)
