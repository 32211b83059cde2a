"""The kernel and a plain reference, written from the same rules by somebody else, agree trade by trade."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace

import pytest

from tests.engine.backtest.build import inputs, reduced, refusals, trade_rows
from tests.support.reference import simulate_reference
from tests.support.reference_types import ReferenceResult
from tests.support.scenarios import Scenario, random_scenario
from tradebot.engine.backtest import simulate
from tradebot.engine.backtest.ledger import Ledger

BLOCKS = 20
SCENARIOS_A_BLOCK = 150
# Sums of many fills are compared by their size and by the size of the account they happen in.
RELATIVE = 1e-9
# The rules name no numbering: the kernel's trade id is given at the entry, so that partial exits can share it.
NOT_COMPARED = {"strategy", "trade_id"}


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_scenarios(block: int) -> None:
    for seed in range(block * SCENARIOS_A_BLOCK, (block + 1) * SCENARIOS_A_BLOCK):
        scenario = random_scenario(seed)
        difference = compare(scenario)
        assert difference is None, (seed, difference)


def test_bars_between_the_ticks() -> None:
    """Old bars may have been recorded on a finer grid than the instrument's present tick."""
    for seed in range(300):
        scenario = random_scenario(seed)
        coarse = tuple(replace(slot, tick=slot.tick * (2.5 if seed % 2 else 3)) for slot in scenario.slots)
        difference = compare(replace(scenario, slots=coarse))
        assert difference is None, (seed, difference)


def compare(scenario: Scenario) -> str | None:
    """The first difference in words, or None."""
    parts = (scenario.slots, scenario.risk, scenario.costs, scenario.cash)
    return first_difference(simulate(*inputs(*parts)), simulate_reference(*parts))


def first_difference(ledger: Ledger, expected: ReferenceResult) -> str | None:
    rows = trade_rows(ledger)
    for row, other in zip(rows, expected.trades, strict=False):
        for column, value in asdict(other).items():
            if column not in NOT_COMPARED and not _same(
                row[column], value, scale=_scale(column, row, ledger.cash)
            ):
                return (
                    f"trade {row['trade_id']}, {column}: kernel {row[column]!r}, reference {value!r}; {row}"
                )
    if len(rows) != len(expected.trades):
        return f"{len(rows)} trades, reference {len(expected.trades)}"
    if ledger.steps != len(expected.equity):
        return f"{ledger.steps} rows, reference {len(expected.equity)}"
    for (time, equity, cash, notional), row in zip(ledger.rows.T.tolist(), expected.equity, strict=True):
        exposure = notional / equity if equity > 0 else 0.0
        if time != row.time or not (
            _same(equity, row.equity, ledger.cash)
            and _same(cash, row.cash, ledger.cash)
            and _same(exposure, row.exposure, 1.0)
        ):
            return f"row at {time}: kernel {(equity, cash, exposure)}, reference {row}"
    kept = {reason: count for reason, count in expected.refusals.items() if count}
    if refusals(ledger) != kept or reduced(ledger) != expected.reduced:
        return f"counts: kernel {refusals(ledger)}, {reduced(ledger)}; reference {kept}, {expected.reduced}"
    return None if ledger.bankrupt == expected.bankrupt else f"bankrupt: kernel {ledger.bankrupt}"


def _scale(column: str, row: Mapping[str, object], cash: float) -> float:
    """What a column is a difference of, so that cancelling digits do not count as a disagreement."""
    if column in {"pnl", "fees", "funding", "slippage"}:
        return cash
    if column == "r":
        entry, stop = row["entry_price"], row["initial_stop"]
        return 1.0 if stop is None else cash / (row["qty"] * abs(entry - stop))
    if column in {"mae", "mfe"}:
        entry, stop = row["entry_price"], row["initial_stop"]
        return 1.0 if stop is None else entry / abs(entry - stop)
    return 0.0


def _same(value: object, expected: object, scale: float = 0.0) -> bool:
    if isinstance(value, float) and isinstance(expected, float | int):
        return math.isclose(value, expected, rel_tol=RELATIVE, abs_tol=RELATIVE * scale)
    return value == expected
