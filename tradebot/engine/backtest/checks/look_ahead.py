"""The look-ahead check: decisions computed again on histories that end at sampled bars must be the same.

What a strategy decides at a close may only rest on what had closed by then. So the store is cut off at a sampled bar,
the decisions up to it are computed again and compared with those of the run; and on short stretches of it every node is
compared at several ends, most of them bars on which something was decided. A node that knows the next bar, a bar of a
higher timeframe that has not closed, the middle of a window, the mean of the whole sample, or a value filled in from
behind gives other values when what comes later is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.checks.tracing import Trace, decisions_differ, first_difference, trace
from tradebot.engine.backtest.inputs.slots import MakeMarket, SlotInput
from tradebot.engine.backtest.inputs.store_at import StoreAt
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Int64
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, decide

SEED = 20240229
_MOST_STRETCHES = 4
_ENDS = 16
"""How many ends the stretches have together."""
_LEAST_AFTER = 64
_SHARE = 0.4
"""The bars of all stretches together are at most this share of those of the run."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A node whose values change when what comes after them is cut off. `time_ms`: close of the bar, UTC."""

    symbol: str
    path: str
    time_ms: int

    @property
    def sentence(self) -> str:
        """What is wrong, for a person."""
        return (
            f"Look-ahead: {self.path} of {self.symbol} knows what comes later, for its value at the close of "
            f"{iso_minute(self.time_ms)} UTC changes when the bars after it are cut off. No trade of this result could "
            "have been made like this; correct or take out that node."
        )


@dataclass(frozen=True, slots=True)
class LookAheadCheck:
    """The first leak that was found, None where decisions were the same at `ends` cut-off points over `bars` bars."""

    leak: Leak | None
    ends: int
    bars: int


def check_look_ahead(
    spec: StrategySpec,
    registry: Registry,
    store: Store,
    settings: RunSettings,
    inputs: Sequence[SlotInput],
    cancel: CancelToken,
    make_market: MakeMarket = StoreMarket,
    rng: np.random.Generator | None = None,
) -> LookAheadCheck:
    """Compare the decisions of a run (`inputs` of one strategy) with those of truncated histories.

    At most about the cost of deciding once more. `rng` draws the bars (default: the same ones for the same data).
    """
    check = _Check(
        spec, registry, StoreAt(store, None, None), settings, make_market, rng or np.random.default_rng(SEED)
    )
    for one in inputs:
        cancel.check()
        check.whole_history(one)
        if check.leak is not None:
            break
    chosen = check.rng.permutation(len(inputs))[:_MOST_STRETCHES]
    for number in chosen:
        cancel.check()
        if check.leak is None:
            check.stretch(inputs[number], max(1, _ENDS // len(chosen)))
    return LookAheadCheck(check.leak, check.ends, check.bars)


class _Check:
    """The state of one check: what was found, and how much was looked at."""

    def __init__(
        self,
        spec: StrategySpec,
        registry: Registry,
        store: StoreAt,
        settings: RunSettings,
        make_market: MakeMarket,
        rng: np.random.Generator,
    ) -> None:
        self._spec = spec
        self._registry = registry
        self._store = store
        self._settings = settings
        self._make_market = make_market
        self.rng = rng
        self.leak: Leak | None = None
        self.ends = 0
        self.bars = 0

    def whole_history(self, one: SlotInput) -> None:
        """The decisions of the run against those of a history that ends at a bar drawn from its middle."""
        size = len(one.data.candles)
        last = _near_a_decision(one, int(self.rng.integers(size // 3, max(size // 3 + 1, 2 * size // 3))))
        part = self._market(one, None, int(one.data.candles.close_time[last]))
        try:
            decisions = decide(self._spec, self._registry, part)
        except InputError:
            return  # a market that the strategy reads had nothing yet
        shift = len(decisions.side) - last - 1
        self._count(last + 1)
        if shift != one.first_bar:
            self._found(one, "strategy.timeframe", last)
            return
        different = decisions_differ(one.data.decisions, decisions, last + 1, shift)
        if different is not None:
            self._name(one, part, different)

    def _name(self, one: SlotInput, part: StoreMarket, different: tuple[str, int]) -> None:
        """Say which node it is that makes the decisions differ."""
        whole = trace(self._spec, self._registry, one.market)
        node = first_difference(self._spec, self._registry, whole, trace(self._spec, self._registry, part))
        if node is None:
            self._found(one, *different)
        else:
            self._found_at(one, node[0], int(whole.bars.close_time[node[1]]))

    def stretch(self, one: SlotInput, ends: int) -> None:
        """Every node on a short stretch of the history against the same stretch with earlier ends."""
        history = one.market.candles(*one.market.home)
        after = self._bars_after()
        warm = one.data.decisions.warm_up + one.data.decisions.warm_up // 4 + 8
        length = min(len(history), warm + 4 * after)
        ends = max(2, min(ends, int(_SHARE * len(history) / length) - 1))
        last = int(self.rng.integers(length - 1, len(history)))
        start = int(history.time[last - length + 1])
        try:
            whole = self._trace(one, start, int(history.close_time[last]))
        except InputError:
            return
        for end in self._ends(whole, min(2 * after, length - 1), ends):
            try:
                part = self._trace(one, start, int(whole.bars.close_time[end]))
            except InputError:
                continue
            self._count(len(part.bars))
            node = first_difference(self._spec, self._registry, whole, part)
            if node is None and len(part.bars) <= end:
                node = ("strategy.timeframe", len(part.bars))
            if node is not None:
                self._found_at(one, node[0], int(whole.bars.close_time[node[1]]))
                return

    def _ends(self, whole: Trace, region: int, count: int) -> Int64:
        """Ends to try: half of them bars with a decision, where there are such; all with bars after them."""
        size = len(whole.bars)
        first = max(0, size - 1 - region)
        decisions = whole.decisions
        decided = np.flatnonzero((decisions.side != 0) | decisions.exit_long | decisions.exit_short)
        decided = decided[(decided >= first) & (decided < size - 1)]
        half = self.rng.permutation(decided)[: count // 2]
        others = self.rng.permutation(np.arange(first, max(first + 1, size - 1)))[: count - len(half)]
        return np.unique(np.concatenate([half, others]))

    def _bars_after(self) -> int:
        """So many bars must follow a cut for a leak to show: more than one of the highest timeframe that is read."""
        longest = max(
            (indicator.timeframe.ms for indicator in self._spec.indicators.values() if indicator.timeframe),
            default=0,
        )
        return max(_LEAST_AFTER, 2 * longest // self._spec.timeframe.ms)

    def _trace(self, one: SlotInput, start_ms: int, end_ms: int) -> Trace:
        return trace(self._spec, self._registry, self._market(one, start_ms, end_ms))

    def _market(self, one: SlotInput, start_ms: int | None, end_ms: int) -> StoreMarket:
        view = self._store.between(start_ms, end_ms).as_store()
        return self._make_market(
            view, self._spec.category, one.data.symbol, self._spec.timeframe, self._settings
        )

    def _count(self, bars: int) -> None:
        self.ends += 1
        self.bars += bars

    def _found(self, one: SlotInput, path: str, bar: int) -> None:
        self._found_at(one, path, int(one.data.candles.close_time[bar]))

    def _found_at(self, one: SlotInput, path: str, time_ms: int) -> None:
        self.leak = Leak(one.data.symbol, path, time_ms)


def _near_a_decision(one: SlotInput, bar: int) -> int:
    """The first bar from `bar` on at which something was decided, `bar` itself where there is none."""
    decisions = one.data.decisions
    decided = np.flatnonzero((decisions.side != 0) | decisions.exit_long | decisions.exit_short)
    at = int(np.searchsorted(decided, bar))
    return int(decided[at]) if at < len(decided) else bar
