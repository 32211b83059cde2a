"""Why a strategy did not trade: which rule never fired, or which ones never at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.inputs.slots import SlotInput
from tradebot.engine.backtest.kernel.codes import REFUSALS
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.control.progress import counted
from tradebot.engine.strategy import Direction, Registry, StrategySpec, decide
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.registry import BoolArray

_SIDES = {Direction.LONG: "long", Direction.SHORT: "short", Direction.BOTH: "a side"}


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often one member of the entry supported a side that may be opened, on how many bars; and on how many of
    those all other members supported it too (None where that was not looked at)."""

    name: str
    bars: int
    fired: int
    with_others: int | None = None

    @property
    def text(self) -> str:
        """`"strong" on 3,100 of 10,000 bars (31%)`, `"cross" on 84 of 10,000 bars (1%), 0 of them with all others`."""
        share = self.fired / self.bars if self.bars else 0.0
        together = "" if self.with_others is None else f", {self.with_others:,} of them with all others"
        return f'"{self.name}" on {self.fired:,} of {counted(self.bars, "bar")} ({share:.0%}){together}'


def why_no_trades(
    spec: StrategySpec,
    inputs: Sequence[SlotInput],
    ledger: Ledger,
    registry: Registry | None = None,
    slots: Sequence[int] | None = None,
) -> str:
    """One sentence that names what kept the strategy from trading; `slots` are its rows of the ledger (None: all).

    With a registry the rules are looked at together, which takes as long as deciding once more.
    """
    counts = ledger.counts if slots is None else ledger.counts[list(slots)]
    refused = {kind.name.lower(): int(counts[:, kind].sum()) for kind in REFUSALS if counts[:, kind].sum()}
    if refused:
        reasons = ", ".join(f"{reason} {count}" for reason, count in refused.items())
        return f"No trade: all entry decisions were refused ({reasons})."
    bars = sum(one.history_bars for one in inputs)
    if all(one.data.decisions.warm_up >= one.history_bars for one in inputs):
        return f"No trade: the indicators need more bars before they have values than the {bars:,} there are."
    silent = _never_fired(spec, inputs)
    side = _SIDES[spec.risk.direction]
    if silent:
        rules = ", ".join(f'"{name}"' for name in silent)
        others = [each.text for each in _fired(spec, inputs, bars) if each.fired]
        rest = f" The others fired: {'; '.join(others)}." if others else ""
        return f"No trade: on {counted(bars, 'bar')} these rules never supported {side}: {rules}.{rest}"
    if all(not np.any(one.data.decisions.side) for one in inputs):
        rules = "; ".join(each.text for each in rule_counts(spec, inputs, registry))
        return (
            f"No trade: every rule fired at some time on {counted(bars, 'bar')}, but never enough of them at once for "
            f"[entry]. They fired: {rules}."
        )
    return "No trade: the only entry decisions came where nothing could follow them."


def rule_counts(
    spec: StrategySpec, inputs: Sequence[SlotInput], registry: Registry | None = None
) -> list[RuleCount]:
    """The entry's own members: how often each supported a side that may be opened, and how often with all others."""
    bars = sum(one.history_bars for one in inputs)
    plain = _fired(spec, inputs, bars, spec.entry.rule.signals)
    if registry is None or len(plain) < 2:
        return plain
    names = [each.name for each in plain]
    together = dict.fromkeys(names, 0)
    fired = dict.fromkeys(names, 0)
    cache = NodeCache(0)
    for one in inputs:
        members = decide(spec, registry, one.market, cache, keep_members=True).members
        for column in _sides(spec):
            for name in names:
                own = members[name][column]
                others = _all_of(members, [each for each in names if each != name], column)
                fired[name] += int(np.count_nonzero(own))
                together[name] += int(np.count_nonzero(own & others))
    return [RuleCount(name, bars, fired[name], together[name]) for name in names]


def _all_of(
    members: Mapping[str, tuple[BoolArray, BoolArray]], names: Sequence[str], column: int
) -> BoolArray:
    together: BoolArray = np.logical_and.reduce([members[name][column] for name in names])
    return together


def _sides(spec: StrategySpec) -> tuple[int, ...]:
    """Which of (long, short) the strategy may open."""
    return {Direction.LONG: (0,), Direction.SHORT: (1,), Direction.BOTH: (0, 1)}[spec.risk.direction]


def _fired(
    spec: StrategySpec, inputs: Sequence[SlotInput], bars: int, only: Sequence[str] | None = None
) -> list[RuleCount]:
    counts: dict[str, int] = {}
    for one in inputs:
        for name, sides in one.data.decisions.fired.items():
            if only is None or name in only:
                counts[name] = counts.get(name, 0) + sum(sides[column] for column in _sides(spec))
    return [RuleCount(name, bars, fired) for name, fired in counts.items()]


def _never_fired(spec: StrategySpec, inputs: Sequence[SlotInput]) -> list[str]:
    """Rules without a bar that supports a side which the strategy may open, over all symbols."""
    return [each.name for each in _fired(spec, inputs, 0) if not each.fired]
