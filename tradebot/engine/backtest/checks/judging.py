"""The checks of a run that has just been simulated: what it knew of the future, then what speaks for and against it.

They go step by step, so that what is known can be shown while the rest is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tradebot.engine.backtest.checks.look_ahead import LookAheadCheck, check_look_ahead
from tradebot.engine.backtest.checks.reality_check import drawn_days, reality_of
from tradebot.engine.backtest.checks.reruns import Harder, Reruns, harder_conditions
from tradebot.engine.backtest.figures.ambiguous import AmbiguityBounds, ambiguity_bounds
from tradebot.engine.backtest.figures.bootstrap import Bootstrap
from tradebot.engine.backtest.figures.trade_levels import decision_bars
from tradebot.engine.backtest.inputs.prepare import Prepared
from tradebot.engine.backtest.inputs.slots import MakeMarket
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.inputs.unchanged import changed_files
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.progress import CancelToken, counted
from tradebot.engine.market import DatasetKey, Float64
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec

SEED = 20240301


@dataclass(frozen=True, slots=True)
class CheckStep:
    """How far the checks are: `number` of `steps` are done, `words` is the one that comes now ("" at the end).

    `result` is the run with everything that has been found so far.
    """

    number: int
    steps: int
    words: str
    result: BacktestResult


def check_run(
    result: BacktestResult,
    prepared: Prepared,
    registry: Registry,
    store: Store,
    cancel: CancelToken,
    *,
    look_ahead: bool = True,
    reality: bool = True,
    make_market: MakeMarket = StoreMarket,
    rng: np.random.Generator | None = None,
    step: Callable[[CheckStep], None] | None = None,
) -> BacktestResult:
    """A result with its checks: `look_ahead` for knowledge of the future, `reality` for all the rest.

    The first decides about as much again as the run did, the second takes up to three more simulations; nothing is
    loaded again. `step` hears of each step before it begins, and of the end. `rng` draws the days of the bootstrap
    (default: the same ones for the same data). Raises CancelledError soon after `cancel` was asked for.
    """
    checking = _Checking(result, prepared, registry, store, cancel, make_market, reality)
    todo: list[tuple[str, Callable[[], None]]] = []
    if look_ahead:
        todo.append(("look-ahead", checking.look_ahead))
    if reality:
        todo.append(("luck", partial(checking.luck, rng or np.random.default_rng(SEED))))
        if len(result.trades):
            todo += [(each.words, partial(checking.run_again, each)) for each in harder_conditions(prepared)]
    for number, (words, work) in enumerate(todo):
        cancel.check()
        if step is not None:
            step(CheckStep(number, len(todo), words, checking.result))
        work()
    cancel.check()
    if step is not None and todo:
        step(CheckStep(len(todo), len(todo), "", checking.result))
    return checking.result


class _Checking:
    """The state of the checks of one run."""

    def __init__(
        self,
        result: BacktestResult,
        prepared: Prepared,
        registry: Registry,
        store: Store,
        cancel: CancelToken,
        make_market: MakeMarket,
        reality: bool,
    ) -> None:
        self._plain = result
        self._prepared = prepared
        self._registry = registry
        self._store = store
        self._cancel = cancel
        self._make_market = make_market
        self._reality = reality
        self._drawn: Bootstrap | None = None
        self._reruns: Reruns | None = None
        self._bounds: AmbiguityBounds | None = None

    @property
    def result(self) -> BacktestResult:
        """The run with everything that is known."""
        if not self._reality:
            return self._plain
        found = reality_of(self._plain, self._drawn, self._reruns, self._bounds)
        return replace(self._plain, reality=found)

    def look_ahead(self) -> None:
        """Decide again on truncated histories; a difference makes the result invalid and names the node."""
        prepared = self._prepared
        checks = [
            check_look_ahead(
                one.spec,
                self._registry,
                self._store,
                one.settings,
                prepared.inputs_of(number),
                self._cancel,
                self._make_market,
            )
            for number, one in enumerate(prepared.asked)
        ]
        changed = [key for one in prepared.inputs for key in changed_files(self._store, one.states)]
        # Decisions on other data differ as well: that is no leak, but it can not be told apart from one.
        if changed and any(check.leak for check in checks):
            self._plain = with_changed_data(self._plain, changed)
        else:
            self._plain = with_look_ahead(self._plain, checks)

    def luck(self, rng: np.random.Generator) -> None:
        """Draw the days again, and bound what hangs on doubtful bars."""
        self._drawn = drawn_days(self._plain, rng)
        self._bounds = bounds_of(self._plain, self._prepared)

    def run_again(self, harder: Harder) -> None:
        """Simulate under a harder condition."""
        self._reruns = replace(self._reruns or Reruns(), **{harder.field: harder.run(self._cancel)})


def with_look_ahead(result: BacktestResult, checks: list[LookAheadCheck]) -> BacktestResult:
    """A result with what the look-ahead checks of its strategies found."""
    leaks = tuple(check.leak.sentence for check in checks if check.leak)
    if leaks:
        return replace(result, errors=(*leaks, *result.errors), flags=("look_ahead", *result.flags))
    if not checks:
        return result
    ends, bars = sum(check.ends for check in checks), sum(check.bars for check in checks)
    sentence = f"Cut off at {counted(ends, 'bar')}, over {counted(bars, 'bar')}, every decision is the same."
    return replace(result, look_ahead=sentence)


def with_changed_data(result: BacktestResult, changed: Sequence[DatasetKey]) -> BacktestResult:
    """A result whose files were changed between the run and its check: nothing is known of it any more."""
    names = ", ".join(dict.fromkeys(key.file_name for key in changed))
    sentence = (
        f"{names} changed while the backtest ran, so decisions could not be checked against what they were made from; "
        "run it again."
    )
    return replace(result, errors=(sentence, *result.errors), flags=("data_changed", *result.flags))


def bounds_of(result: BacktestResult, prepared: Prepared) -> AmbiguityBounds:
    """What the result would be had targets been first where stop and target were in one bar."""
    strategies = [
        (one.spec, one.settings.costs, _trades_of(result, prepared, number))
        for number, one in enumerate(prepared.asked)
    ]

    def levels_of(spec: StrategySpec, trades: Records) -> dict[str, Float64]:
        return _levels(prepared, spec, trades)

    return ambiguity_bounds(strategies, result.settings.cash, result.metrics.final_equity, levels_of)


def _trades_of(result: BacktestResult, prepared: Prepared, strategy: int) -> Records:
    slots = [slot for slot, one in enumerate(prepared.inputs) if one.data.strategy == strategy]
    trades: Records = result.trades[np.isin(result.trades["slot"], slots)]
    return trades


def _levels(prepared: Prepared, spec: StrategySpec, trades: Records) -> dict[str, Float64]:
    """The levels of the decision bar of each trade, by key."""
    levels: dict[str, Float64] = {}
    for slot in np.unique(trades["slot"]).tolist():
        data = prepared.inputs[slot].data
        of_slot = np.flatnonzero(trades["slot"] == slot)
        bars = decision_bars(spec, data.candles, data.decisions, trades[of_slot])
        for key, column in data.decisions.levels.items():
            values = levels.setdefault(key, np.full(len(trades), np.nan))
            values[of_slot] = np.where(bars >= 0, column[np.maximum(bars, 0)], np.nan)
    return levels
