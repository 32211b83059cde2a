"""The kernel and a plain reference, written from the same rules by somebody else, agree trade by trade."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import zip_longest

import pytest

from tests.engine.backtest.build import interventions, refusals, run_rows
from tests.engine.backtest.whole_runs import simulate_run
from tests.support.random_runs import random_run
from tests.support.random_timeframes import random_run_of_two_timeframes
from tests.support.reference import simulate_reference_run
from tests.support.reference_short import run_of
from tests.support.reference_types import ReferenceResult, ReferenceRun
from tests.support.scenarios import random_scenario
from tradebot.engine.backtest.kernel.codes import Count
from tradebot.engine.backtest.kernel.ledger import Ledger

BLOCKS = 10
RUNS_A_BLOCK = 40
# Sums of many fills are compared by their size and by the size of the account they happen in.
RELATIVE = 1e-9
# Numbers of positions are compared by those that share one: the rules name no numbering.
NOT_COMPARED = {"trade_id"}
# A strategy's own rules refuse these at every close: they are counted and not logged.
NOT_LOGGED = {"already_open", "already_pending", "opposite_ignored", "direction", "no_next_bar"}


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_whole_runs(block: int) -> None:
    """Several symbols and strategies, finer bars, marks, tiers, funding, all orders, levels, sizes and limits."""
    for seed in range(block * RUNS_A_BLOCK, (block + 1) * RUNS_A_BLOCK):
        difference = compare(random_run(seed))
        assert difference is None, (seed, difference)


@pytest.mark.parametrize("block", range(4))
def test_random_plain_runs(block: int) -> None:
    """Market orders with one stop and one target, on bars that gap, stand still and jump."""
    for seed in range(block * RUNS_A_BLOCK, (block + 1) * RUNS_A_BLOCK):
        scenario = random_scenario(seed)
        difference = compare(run_of(scenario.slots, scenario.risk, scenario.costs, scenario.cash))
        assert difference is None, (seed, difference)


@pytest.mark.parametrize("block", range(2))
def test_random_runs_of_two_timeframes(block: int) -> None:
    """A strategy of longer bars walks the shorter ones of the other, where they are all there."""
    for seed in range(block * RUNS_A_BLOCK, (block + 1) * RUNS_A_BLOCK):
        difference = compare(random_run_of_two_timeframes(seed))
        assert difference is None, (seed, difference)


def test_bars_between_the_ticks() -> None:
    """Old bars may have been recorded on a finer grid than the instrument's present tick."""
    for seed in range(60):
        run = random_run(seed)
        times = 2.5 if seed % 2 else 3
        coarse = [
            replace(symbol, instrument=replace(symbol.instrument, tick=symbol.instrument.tick * times))
            for symbol in run.symbols
        ]
        difference = compare(replace(run, symbols=coarse))
        assert difference is None, (seed, difference)


def compare(run: ReferenceRun) -> str | None:
    """The first difference in words, or None.

    No entry is decided on a symbol's last bar: whether it is refused for want of a next bar or for its size first is
    not told by the rules, and the kernel cannot know that no bar will follow.
    """
    symbols = [replace(symbol, side=[*symbol.side[:-1], 0]) for symbol in run.symbols]
    run = replace(run, symbols=symbols)
    return first_difference(simulate_run(run), simulate_reference_run(run))


def first_difference(ledger: Ledger, expected: ReferenceResult) -> str | None:
    rows = run_rows(ledger)
    numbers: dict[int, int] = {}
    for row, other in zip(rows, expected.trades, strict=False):
        if numbers.setdefault(other.trade_id, row["trade_id"]) != row["trade_id"]:
            return f"trade {row['trade_id']} has the legs of another position; {row}"
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
    return _different_counts(ledger, expected)


def _different_counts(ledger: Ledger, expected: ReferenceResult) -> str | None:
    refused = {reason: count for reason, count in expected.refusals.items() if count}
    intervened = {reason: count for reason, count in expected.interventions.items() if count}
    if refusals(ledger) != refused or interventions(ledger) != intervened:
        return (
            f"counts: kernel {refusals(ledger)}, {interventions(ledger)}; reference {refused}, {intervened}"
        )
    if ledger.bankrupt != expected.bankrupt:
        return f"bankrupt: kernel {ledger.bankrupt}"
    mine, other = logged(ledger), sorted(event for event in expected.events if event.reason not in NOT_LOGGED)
    pairs = zip_longest(mine, other)
    return next((f"log: kernel {one}, reference {two}" for one, two in pairs if one != two), None)


def logged(ledger: Ledger) -> list[tuple[int, str, str, str]]:
    """The log as (time, strategy, symbol, reason), sorted; a limit on a strategy's losses names no symbol."""
    rows = []
    for entry in ledger.interventions:
        slot, reason = int(entry["slot"]), Count(entry["reason"]).name.lower()
        symbol = "" if reason.endswith("_reached") else ledger.symbols[slot]
        name = ledger.strategies[ledger.slot_strategies[slot]]
        rows.append((int(entry["time"]), name, symbol, reason.removesuffix("_reached")))
    return sorted(rows)


def _scale(column: str, row: Mapping[str, object], cash: float) -> float:
    """What a column is a difference of, so that cancelling digits do not count as a disagreement."""
    if column in {"pnl", "fees", "funding", "slippage"}:
        return cash
    if column in {"r", "mae", "mfe"}:
        entry, stop = row["entry_price"], row["initial_stop"]
        distance = abs(entry - stop) if stop is not None else 0.0
        if column == "r":
            return cash / (row["qty"] * distance) if distance else 1.0
        return entry / distance if distance else 1.0
    return 0.0


def _same(value: object, expected: object, scale: float = 0.0) -> bool:
    if isinstance(value, float) and isinstance(expected, float | int):
        return math.isclose(value, expected, rel_tol=RELATIVE, abs_tol=RELATIVE * scale)
    return value == expected
