"""Running a stored result again as it ran: its strategies, symbols, cash, costs and span; and comparing the figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.inputs.universe import Universe
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.results.result import BacktestResult, StrategyPart
from tradebot.engine.control.progress import counted
from tradebot.engine.strategy import Registry, parse_strategy

_OF_TRIALS = {"dsr", "trials"}
"""Figures that depend on what else was tried, not on the run."""


def asked_again(result: BacktestResult, registry: Registry) -> list[Asked]:
    """Every strategy of a result as it ran, with the symbols that it resolved to then.

    The span is that of the bars which were used, so that bars collected since change nothing. InputError where a text
    is not understood any more.
    """
    return [_asked(result, part, registry) for part in result.parts]


def _asked(result: BacktestResult, part: StrategyPart, registry: Registry) -> Asked:
    settings: RunSettings = replace(
        result.settings, costs=part.costs, start_ms=result.start_ms, end_ms=result.end_ms
    )
    hindsight = bool(part.note) and "universe_in_sample" in result.flags
    universe = Universe(tuple(sorted(part.symbols)), part.note, hindsight)
    spec = parse_strategy(part.toml, f"the strategy of {result.result_id}", registry)
    return Asked(spec, part.toml, settings, universe)


def compared(before: BacktestResult, now: BacktestResult) -> str:
    """What running again showed: `The figures are the same as before.`, or what came of it then, and why."""
    old, new = before.metrics.to_dict(), now.metrics.to_dict()
    shared = (old.keys() & new.keys()) - _OF_TRIALS
    if all(_same(old[name], new[name]) for name in shared) and len(before.trades) == len(now.trades):
        return "The figures are the same as before."
    total = before.metrics.total_return
    made = "n/a" if total is None else f"{total:+.1%}"
    hashes = {file.key: file.content_hash for file in before.files}
    changed = [file.key for file in now.files if hashes.get(file.key, "") != file.content_hash]
    if changed:
        names = ", ".join(str(key) for key in changed[:3]) + (" and others" if len(changed) > 3 else "")
        why = f"{names} changed since"
    elif before.versions != now.versions:
        why = "tradebot or its libraries are of another version"
    else:
        why = "an indicator or signal gives other values than then"
    return f"Before, it was {made} in {counted(before.metrics.trades, 'trade')}: {why}."


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, (int, float)):
        return bool(np.isclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))
    return one == other
