"""Alerts at the close of a bar: whether a rule in words, or a strategy's entry, became true on the newest stored bar.

Bars are read as a chart reads them, from far enough back that indicators have settled.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from tradebot.engine.alerts.conditions import BarRule, Condition, StrategySignal
from tradebot.engine.chart_market import ChartMarket, StoredBars
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Category, DatasetKey
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, decide, parse_strategy
from tradebot.engine.strategy.check import check_document
from tradebot.engine.strategy.needs import data_needs
from tradebot.engine.strategy.rules import add_rule
from tradebot.engine.strategy.spec import Direction

_SIDES = {Direction.LONG: (1,), Direction.SHORT: (-1,), Direction.BOTH: (1, -1)}


def rule_spec(
    registry: Registry, symbol: str, timeframe: str, rule: str, category: str = "linear"
) -> StrategySpec:
    """A strategy that goes long where the rule holds. Raises InputError with what was not understood."""
    head = {"name": "alert", "category": category, "symbols": [symbol], "timeframe": timeframe}
    document: dict[str, Any] = {
        "strategy": head,
        "entry": {"combine": "any", "signals": []},
        "risk": {"direction": "long", "sizing": {"use": "equity", "percent": 1}},
    }
    add_rule(document, "entry", rule, registry, (symbol,))
    return check_document(document, f'the alert "{rule}"', registry).required()


def check_condition(condition: Condition, registry: Registry, strategy_text: Callable[[str], str]) -> None:
    """Refuse a rule that is not understood, or a strategy that is not there or is wrong. Raises InputError."""
    if isinstance(condition, BarRule):
        rule_spec(registry, condition.symbol, condition.timeframe.value, condition.rule)
    if isinstance(condition, StrategySignal):
        parse_strategy(strategy_text(condition.name), condition.name, registry)


def reads(spec: StrategySpec, key: DatasetKey) -> bool:
    """Whether a strategy decides at the close of these bars. One that ranks symbols decides for all of them."""
    if key.mark or key.timeframe is not spec.timeframe or key.category != spec.category.value:
        return False
    return not spec.symbols or any(fnmatchcase(key.symbol, pattern) for pattern in spec.symbols)


def side_at(spec: StrategySpec, registry: Registry, store: Store, key: DatasetKey, bar_ms: int) -> int:
    """+1 or -1 where the entry's side becomes so at the close of the bar that opens at `bar_ms`, else 0.

    A side that the strategy does not trade counts as none: the opposite of a rule is another rule.

    Raises InputError where bars or funding that the strategy reads are not stored.
    """
    category = Category(key.category)
    depths = {
        (need.symbol or key.symbol, need.timeframe): need.look_back
        for need in data_needs(spec, registry)
        if need.timeframe is not None
    }
    span = (bar_ms, bar_ms + key.timeframe.ms)
    market = ChartMarket(store, category, StoredBars(store, category), key.symbol, span, depths)
    bars = market.candles(key.symbol, key.timeframe)
    if not len(bars) or int(bars.time[-1]) != bar_ms:
        raise InputError(f"The bar of {key} that closed last is not stored yet.")
    side = decide(spec, registry, market).side
    now, before = int(side[-1]), int(side[-2]) if len(side) > 1 else 0
    return now if now != before and now in _SIDES[spec.risk.direction] else 0
