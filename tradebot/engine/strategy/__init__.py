"""Strategies: the file, its check, and the decisions it makes on closed bars.

`parse_strategy` turns the text of a strategy file into a `StrategySpec` or says everything that is wrong with it;
`decide` computes what it decides on the candles of one symbol.
"""

from tradebot.engine.strategy.builder import StrategyBuilder
from tradebot.engine.strategy.check import (
    CheckedStrategy,
    check_document,
    check_strategy,
    parse_strategy,
    read_strategy_text,
)
from tradebot.engine.strategy.compute import Decisions, decide
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
    Combination,
    CostsSpec,
    Direction,
    EntrySpec,
    GroupSpec,
    IndicatorSpec,
    Opposite,
    RiskSpec,
    SignalSpec,
    StrategySpec,
    Supports,
    Trigger,
    Use,
)
from tradebot.engine.strategy.values import expected
from tradebot.engine.strategy.words import describe

__all__ = [
    "CANDLE_SERIES",
    "CheckedStrategy",
    "Combination",
    "CombinationDeclaration",
    "CostsSpec",
    "Decisions",
    "Declaration",
    "Direction",
    "EntrySpec",
    "GroupSpec",
    "IndicatorDeclaration",
    "IndicatorSpec",
    "Opposite",
    "Parameter",
    "ParameterKind",
    "Problem",
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
    "parse_strategy",
    "read_strategy_text",
    "series_names",
    "settable_paths",
    "signal",
]
