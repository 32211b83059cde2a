"""The lint: what is most likely wrong with a strategy, seen with the data at hand and before any simulation.

`lint_strategy` loads what the strategy reads and looks at it; `lint_columns` looks at columns that are there already,
as those of a preview. Neither changes anything. What can be said without data is said by the check of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tradebot.engine.backtest.inputs.slots import MakeMarket, resolve_symbols
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.lint.data import data_findings
from tradebot.engine.backtest.lint.facts import RuleFacts, rule_facts
from tradebot.engine.backtest.lint.levels import LevelFinding, level_findings
from tradebot.engine.backtest.lint.loading import DataDesk, SymbolLook
from tradebot.engine.backtest.lint.rules import rule_findings
from tradebot.engine.backtest.lint.types import (
    ORDER,
    CollectAction,
    LintFinding,
    LintSlot,
)
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken, counted
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, Severity, StrategySpec
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.plugin_guard import BrokenPluginError

__all__ = [
    "CollectAction",
    "LintFinding",
    "LintSlot",
    "lint_columns",
    "lint_strategy",
]


def lint_strategy(
    spec: StrategySpec,
    registry: Registry,
    store: Store,
    settings: RunSettings,
    symbols: Sequence[str] | None = None,
    cancel: CancelToken | None = None,
    nodes: NodeCache | None = None,
    make_market: MakeMarket = StoreMarket,
) -> tuple[LintFinding, ...]:
    """Everything worth saying about a strategy with the data of this store, the gravest first.

    `symbols` None: those of the strategy. Missing data is a finding, not an error. With `nodes` columns are shared with
    other runs that read the store by the same `make_market`: after one, all of this takes some 10 ms a symbol-year of
    minutes. Raises CancelledError soon after `cancel` was asked for.
    """
    cancel = cancel or CancelToken()
    try:
        chosen = tuple(symbols) if symbols is not None else resolve_symbols(spec, store)
    except InputError as error:
        text = error.sentence.removeprefix("strategy.symbols: ").rstrip(".")
        return (LintFinding("no_symbols", "strategy.symbols", text),)
    try:
        desk = DataDesk(spec, registry, store, settings, nodes, make_market)
        return _ordered(_on_data(spec, registry, settings, desk, chosen, cancel))
    except BrokenPluginError as fault:
        return (LintFinding("broken_plugin", fault.node or "strategy", fault.told, Severity.ERROR),)


def _on_data(
    spec: StrategySpec,
    registry: Registry,
    settings: RunSettings,
    desk: DataDesk,
    symbols: Sequence[str],
    cancel: CancelToken,
) -> list[LintFinding]:
    looks: list[SymbolLook] = []
    facts: list[RuleFacts] = []
    levels: list[LevelFinding] = []
    for symbol in symbols:
        cancel.check()
        look = desk.look(symbol)
        if look.slot is not None:
            facts.append(rule_facts(spec, look.slot))
            levels += level_findings(spec, look.slot, settings)
        looks.append(replace(look, slot=None))  # one symbol's columns at a time
    return [
        *data_findings(spec, settings, looks),
        *rule_findings(spec, registry, facts),
        *_merged(levels),
    ]


def lint_columns(
    spec: StrategySpec,
    registry: Registry,
    slots: Iterable[LintSlot],
    settings: RunSettings,
    cancel: CancelToken | None = None,
) -> tuple[LintFinding, ...]:
    """The same without what concerns the files: rules, levels and sizes on columns that are there already."""
    cancel = cancel or CancelToken()
    facts: list[RuleFacts] = []
    levels: list[LevelFinding] = []
    for slot in slots:
        cancel.check()
        facts.append(rule_facts(spec, slot))
        levels += level_findings(spec, slot, settings)
    return _ordered([*rule_findings(spec, registry, facts), *_merged(levels)])


def _merged(levels: Iterable[LevelFinding]) -> list[LintFinding]:
    """One finding of each kind: that of the symbol of which it is true most often, and how many others there are."""
    groups: dict[tuple[str, str], list[LevelFinding]] = {}
    for each in levels:
        groups.setdefault((each.finding.code, each.finding.path), []).append(each)
    merged = []
    for found in groups.values():
        worst = max(found, key=lambda each: each.share).finding
        others = len(found) - 1
        more = f" (and so for {counted(others, 'more symbol')})" if others else ""
        merged.append(replace(worst, sentence=worst.sentence + more))
    return merged


def _ordered(findings: Sequence[LintFinding]) -> tuple[LintFinding, ...]:
    return tuple(sorted(findings, key=lambda each: ORDER[each.severity]))
