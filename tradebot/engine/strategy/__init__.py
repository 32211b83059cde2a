"""Strategies: the file, its check, and the decisions it makes on closed bars.

`parse_strategy` turns the text of a strategy file into a `StrategySpec` or says everything that is wrong with it;
`decide` computes what it decides on the candles of one symbol.

Names are loaded when they are first used: the screens need the form's plain types before their first frame, not numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradebot.engine.strategy.builder import StrategyBuilder
    from tradebot.engine.strategy.check import (
        CheckedStrategy,
        check_document,
        check_strategy,
        parse_strategy,
        read_strategy_text,
    )
    from tradebot.engine.strategy.compute import Decisions, decide
    from tradebot.engine.strategy.levels import LevelColumn, level_columns
    from tradebot.engine.strategy.overrides import apply_overrides, settable_paths
    from tradebot.engine.strategy.problems import Problem, Severity, StrategyError
    from tradebot.engine.strategy.registry import (
        CombinationDeclaration,
        Declaration,
        IndicatorDeclaration,
        Parameter,
        ParameterKind,
        Registry,
        SectionDeclaration,
        SignalDeclaration,
        SizingDeclaration,
        StopDeclaration,
        TargetDeclaration,
        builtin_registry,
        combination,
        indicator,
        signal,
    )
    from tradebot.engine.strategy.series import CANDLE_SERIES, series_names
    from tradebot.engine.strategy.spec import (
        BreakEven,
        Combination,
        CostsSpec,
        Direction,
        EntryOrder,
        EntrySpec,
        GroupSpec,
        IndicatorSpec,
        LossStreak,
        Opposite,
        OptimizeRange,
        OrdersSpec,
        Pyramiding,
        RiskSpec,
        SignalSpec,
        StrategySpec,
        Supports,
        TopSymbols,
        Trigger,
        Use,
    )
    from tradebot.engine.strategy.values import expected
    from tradebot.engine.strategy.words import describe

_HOMES = {
    "BreakEven": "spec",
    "CANDLE_SERIES": "series",
    "CheckedStrategy": "check",
    "Combination": "spec",
    "CombinationDeclaration": "registry",
    "CostsSpec": "spec",
    "Decisions": "compute",
    "Declaration": "registry",
    "Direction": "spec",
    "EntryOrder": "spec",
    "EntrySpec": "spec",
    "GroupSpec": "spec",
    "IndicatorDeclaration": "registry",
    "IndicatorSpec": "spec",
    "LevelColumn": "levels",
    "LossStreak": "spec",
    "Opposite": "spec",
    "OptimizeRange": "spec",
    "OrdersSpec": "spec",
    "Parameter": "registry",
    "ParameterKind": "registry",
    "Problem": "problems",
    "Pyramiding": "spec",
    "Registry": "registry",
    "RiskSpec": "spec",
    "SectionDeclaration": "registry",
    "Severity": "problems",
    "SignalDeclaration": "registry",
    "SignalSpec": "spec",
    "SizingDeclaration": "registry",
    "StopDeclaration": "registry",
    "StrategyBuilder": "builder",
    "StrategyError": "problems",
    "StrategySpec": "spec",
    "Supports": "spec",
    "TargetDeclaration": "registry",
    "TopSymbols": "spec",
    "Trigger": "spec",
    "Use": "spec",
    "apply_overrides": "overrides",
    "builtin_registry": "registry",
    "check_document": "check",
    "check_strategy": "check",
    "combination": "registry",
    "decide": "compute",
    "describe": "words",
    "expected": "values",
    "indicator": "registry",
    "level_columns": "levels",
    "parse_strategy": "check",
    "read_strategy_text": "check",
    "series_names": "series",
    "settable_paths": "overrides",
    "signal": "registry",
}

__all__ = [
    "CANDLE_SERIES",
    "BreakEven",
    "CheckedStrategy",
    "Combination",
    "CombinationDeclaration",
    "CostsSpec",
    "Decisions",
    "Declaration",
    "Direction",
    "EntryOrder",
    "EntrySpec",
    "GroupSpec",
    "IndicatorDeclaration",
    "IndicatorSpec",
    "LevelColumn",
    "LossStreak",
    "Opposite",
    "OptimizeRange",
    "OrdersSpec",
    "Parameter",
    "ParameterKind",
    "Problem",
    "Pyramiding",
    "Registry",
    "RiskSpec",
    "SectionDeclaration",
    "Severity",
    "SignalDeclaration",
    "SignalSpec",
    "SizingDeclaration",
    "StopDeclaration",
    "StrategyBuilder",
    "StrategyError",
    "StrategySpec",
    "Supports",
    "TargetDeclaration",
    "TopSymbols",
    "Trigger",
    "Use",
    "apply_overrides",
    "builtin_registry",
    "check_document",
    "check_strategy",
    "combination",
    "decide",
    "describe",
    "expected",
    "indicator",
    "level_columns",
    "parse_strategy",
    "read_strategy_text",
    "series_names",
    "settable_paths",
    "signal",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
