"""Indicators picked for a chart by a short text: "ema 50", "rsi", "bbands 20 2 4h", "sma 20 source=volume"."""

from __future__ import annotations

import re
from typing import Any

from tradebot.engine.chart_messages import ChartIndicator
from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.strategy import Registry
from tradebot.engine.strategy.registry import IndicatorDeclaration, Parameter, ParameterKind, Value, Values
from tradebot.engine.strategy.rules.vocabulary import Means, Vocabulary
from tradebot.engine.strategy.series import MARKET_SERIES
from tradebot.engine.strategy.spec import (
    Combination,
    Direction,
    EntrySpec,
    IndicatorSpec,
    Opposite,
    RiskSpec,
    StrategySpec,
    Use,
)
from tradebot.engine.strategy.values import convert, plain

__all__ = ["IndicatorTexts", "chart_spec", "indicator_label"]

_NUMBERS = (ParameterKind.INTEGER, ParameterKind.NUMBER)
_WORD = re.compile(r"[^\s(),]+")


class IndicatorTexts:
    """Reads indicator texts with the declarations there are; also says all that can be picked."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._vocabulary = Vocabulary(registry)

    def choices(self) -> tuple[ChartIndicator, ...]:
        """Every indicator, with the text that asks for it with its own defaults."""
        return tuple(
            ChartIndicator(
                each.name, each.label, each.help, text_of(each, _defaults(each)), _pane(each), _group(each)
            )
            for each in self._registry.indicators.values()
        )

    def read(self, text: str) -> IndicatorSpec:
        """The indicator that a text asks for. InputError with what was expected, where it cannot be read.

        Behind the name: numbers in the order of its parameters, `name=value` for any of them, a timeframe of its own, a
        column of the bars as its source. "bbands 20 2 4h" are Bollinger bands of 20 bars of 4h and 2 deviations.
        """
        words = _WORD.findall(text.lower())
        if not words:
            raise InputError('An indicator has no name; write one such as "ema 50" or "rsi".')
        declaration, rest = self._name(text, words)
        values: dict[str, Value] = _defaults(declaration)
        given: set[str] = set()
        timeframe: Timeframe | None = None
        for word in rest:
            if "=" in word:
                name, _, written = word.partition("=")
                parameter = self._named(declaration, name, text)
            elif word in Timeframe.names():
                timeframe = Timeframe(word)
                continue
            else:
                parameter, written = self._next(declaration, given, word, text), word
            given.add(parameter.name)
            values[parameter.name] = self._value(parameter, written, text)
        for name, sentence in declaration.rule(values) if declaration.rule is not None else ():
            raise InputError(f'The indicator "{text}" cannot be drawn: {name} {sentence}.')
        return IndicatorSpec(text, declaration.name, values, timeframe=timeframe)

    def _name(self, text: str, words: list[str]) -> tuple[IndicatorDeclaration, list[str]]:
        known = self._registry.indicators
        if words[0] in known:
            return known[words[0]], words[1:]
        length, meanings = self._vocabulary.find(words)
        for meaning in meanings:
            if meaning.means is Means.INDICATOR and meaning.name in known:
                return known[meaning.name], words[length:]
        raise InputError(
            f'There is no indicator "{words[0]}" (in "{text}").{did_you_mean(words[0], known)} '
            'Write a name and its values, such as "ema 50", "rsi" or "bbands 20 2".'
        )

    def _named(self, declaration: IndicatorDeclaration, name: str, text: str) -> Parameter:
        names = [each.name for each in declaration.parameters]
        if name not in names:
            raise InputError(
                f'{declaration.name} has no value "{name}" (in "{text}"); it takes '
                f"{', '.join(names) or 'none'}.{did_you_mean(name, names)}"
            )
        return declaration.parameter(name)

    def _next(self, declaration: IndicatorDeclaration, given: set[str], word: str, text: str) -> Parameter:
        """The parameter that a bare word stands for: a number, a column or a choice."""
        free = [each for each in declaration.parameters if each.name not in given]
        if re.fullmatch(r"[+-]?[\d.]+", word):
            fitting = [each for each in free if each.kind in _NUMBERS]
        elif word in MARKET_SERIES:
            fitting = [each for each in free if each.kind is ParameterKind.SERIES]
        else:
            fitting = [each for each in free if word in each.choices]
        if not fitting:
            names = ", ".join(each.name for each in declaration.parameters)
            takes = f"it takes {names}" if names else "it takes no values"
            raise InputError(f'{declaration.name} cannot take "{word}" (in "{text}"); {takes}.')
        return fitting[0]

    def _value(self, parameter: Parameter, written: str, text: str) -> Value:
        told: list[str] = []
        value: Any = written
        if parameter.kind in _NUMBERS:
            try:
                value = int(written) if re.fullmatch(r"[+-]?\d+", written) else float(written)
            except ValueError:
                value = written
        elif parameter.kind is ParameterKind.SERIES and written not in MARKET_SERIES:
            raise InputError(
                f'"{written}" is no column of the bars (in "{text}"); choose one of {", ".join(MARKET_SERIES)}.'
            )
        converted = convert(parameter, value, lambda _path, sentence: told.append(sentence))
        if told:
            raise InputError(f'The indicator "{text}" cannot be drawn: {parameter.name} {told[0]}.')
        result: Value = converted
        return result


def indicator_label(declaration: IndicatorDeclaration, spec: IndicatorSpec) -> str:
    """How an indicator is called on the chart: `EMA 50`, `BBANDS 20 2`, `SMA 20 volume`, `EMA 200 4h`."""
    name = declaration.name.upper() if len(declaration.name) <= 6 else declaration.label
    parts = [name, *_written(declaration, spec.parameters)]
    if spec.timeframe is not None:
        parts.append(spec.timeframe.value)
    return " ".join(parts)


def text_of(declaration: IndicatorDeclaration, values: Values) -> str:
    """The text that asks for an indicator with these values: `ema 20`."""
    return " ".join([declaration.name, *_written(declaration, values)])


def _written(declaration: IndicatorDeclaration, values: Values) -> list[str]:
    """All numbers, and what else is not its default."""
    numbers = [
        plain(float(values[each.name]))
        for each in declaration.parameters
        if each.kind in _NUMBERS and each.name in values
    ]
    others = [
        str(values[each.name])
        for each in declaration.parameters
        if each.kind not in _NUMBERS and values.get(each.name) != each.default
    ]
    return [*numbers, *others]


def _defaults(declaration: IndicatorDeclaration) -> dict[str, Value]:
    return {each.name: each.default for each in declaration.parameters if each.default is not None}


def _pane(declaration: IndicatorDeclaration) -> str:
    return "price" if declaration.plot == "price" else "below"


def _group(declaration: IndicatorDeclaration) -> str:
    return "on price" if _pane(declaration) == "price" else "below"


def chart_spec(
    category: Category, symbol: str, timeframe: Timeframe, indicators: dict[str, IndicatorSpec]
) -> StrategySpec:
    """A strategy that decides nothing and has these indicators, so that they are computed as in a backtest."""
    return StrategySpec(
        name="chart",
        category=category,
        symbols=(symbol,),
        timeframe=timeframe,
        entry=EntrySpec(Combination("any", ())),
        risk=RiskSpec(Direction.BOTH, Opposite.IGNORE, Use("equity", {"percent": 100.0})),
        indicators=indicators,
    )
