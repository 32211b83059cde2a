"""A quick trial of an indicator, signal or combination: its declaration, its shapes, and no look ahead."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy.nodes import compute_indicator
from tradebot.engine.strategy.plugin_loading import Pluggable
from tradebot.engine.strategy.registry import (
    CombinationDeclaration,
    IndicatorDeclaration,
    Parameter,
    ParameterKind,
    SignalDeclaration,
)
from tradebot.engine.strategy.series import CANDLE_SERIES, INPUT_COLUMNS, candle_series
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.values import convert

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = frozenset(
    {"use", "combine", "signals", "enabled", "note", "timeframe", "symbol", "supports", "invert"}
)
_KINDS = (
    ParameterKind.INTEGER,
    ParameterKind.NUMBER,
    ParameterKind.CHOICE,
    ParameterKind.SERIES,
    ParameterKind.SWITCH,
)
_LONGEST_LOOK_BACK = 20_000


def fault(declaration: Pluggable) -> str:
    """What is wrong with a declaration or with what it computes, as the rest of a sentence; empty where nothing is."""
    wrong = _parameter_fault(declaration)
    if not wrong and not isinstance(declaration, CombinationDeclaration):
        wrong = _declaration_fault(declaration)
    if wrong:
        return wrong
    values = _values(declaration)
    wrong = _beside_fault(declaration, values)
    if wrong:
        return wrong
    if isinstance(declaration, CombinationDeclaration):
        return _combination_fault(declaration, values)
    return _compute_fault(declaration, values)


def _beside_fault(declaration: Pluggable, values: dict[str, Any]) -> str:
    """What is wrong with the functions beside `compute`."""
    if declaration.rule is not None:
        for name, sentence in declaration.rule(values):
            return f"is refused by its own rule with its defaults: {name} {sentence}."
    if isinstance(declaration, SignalDeclaration) and declaration.words is not None:
        said: Any = declaration.words({name: str(value) for name, value in values.items()})
        if not isinstance(said, tuple) or len(said) != 2 or not all(isinstance(each, str) for each in said):
            return f"must have words that return two texts, but they gave {said!r}."
    return ""


def _combination_fault(declaration: CombinationDeclaration, values: dict[str, Any]) -> str:
    rng = np.random.default_rng(7)
    votes = [rng.random(300) < share for share in (0.2, 0.5, 0.9)]
    whole: Any = declaration.compute([vote.copy() for vote in votes], [1.0, 2.0, 0.5], values)
    if not isinstance(whole, np.ndarray) or whole.dtype != np.bool_ or whole.shape != (300,):
        return f"must return one bool column as long as the votes (300), but returned {_shown(whole)}."
    for size in (1, 100, 299):
        part = declaration.compute([vote[:size].copy() for vote in votes], [1.0, 2.0, 0.5], values)
        if not np.array_equal(part, whole[:size]):
            return "looks ahead: what it says changes when later bars become known."
    return ""


def _compute_fault(declaration: IndicatorDeclaration | SignalDeclaration, values: dict[str, Any]) -> str:
    before: Any = (
        declaration.look_back(values)
        if isinstance(declaration, IndicatorDeclaration)
        else declaration.bars_before(values)
    )
    if not isinstance(before, int) or not 0 <= before <= _LONGEST_LOOK_BACK:
        return f"must have a look_back that is a whole number from 0 to {_LONGEST_LOOK_BACK}, but it gave {before!r}."
    bars = _bars(2 * before + 300)
    whole = _computed(declaration, bars, values)
    if isinstance(whole, str):
        return whole
    for size in (before + 7, before + 100, 2 * before + 200, 2 * before + 299):
        part = _computed(declaration, bars.slice(0, size), values)
        if isinstance(part, str):
            return part
        for known, later in zip(part, whole, strict=True):
            if not np.allclose(known, later[:size], rtol=1e-9, atol=1e-12, equal_nan=True):
                return (
                    "looks ahead: its values change when later bars become known. A value may only be made from its "
                    "own bar and those before it."
                )
    return ""


def _parameter_fault(declaration: Pluggable) -> str:
    if not _NAME.fullmatch(declaration.name):
        return "must be named with small letters, digits and _, beginning with a letter."
    for parameter in declaration.parameters:
        if not _NAME.fullmatch(parameter.name) or parameter.name in _TAKEN:
            return f'cannot have a parameter named "{parameter.name}"; choose another name.'
        if parameter.kind not in _KINDS:
            return f'cannot have a parameter of the kind "{parameter.kind}"; use {", ".join(_KINDS)}.'
        wrong: list[str] = []
        if parameter.default is not None:
            convert(parameter, parameter.default, _note_into(wrong))
        if wrong:
            return f"has a default of {parameter.name} that {wrong[0]}."
    return ""


def _declaration_fault(declaration: IndicatorDeclaration | SignalDeclaration) -> str:
    for name in declaration.inputs:
        if name not in INPUT_COLUMNS:
            return f'takes "{name}" as an input; expected some of {", ".join(INPUT_COLUMNS)}.'
    if isinstance(declaration, SignalDeclaration):
        known = [each.value for each in Supports]
        return "" if declaration.supports in known else f"must support one of {', '.join(known)}."
    if not declaration.outputs or len(set(declaration.outputs)) < len(declaration.outputs):
        return "must have outputs of different names."
    if declaration.main and declaration.main not in declaration.outputs:
        return f'has the main output "{declaration.main}", which is none of its outputs.'
    has_series = any(each.kind is ParameterKind.SERIES for each in declaration.parameters)
    return (
        ""
        if declaration.inputs or has_series
        else 'reads nothing: give inputs=("close",) or a parameter of a series.'
    )


def _note_into(wrong: list[str]) -> Callable[[object, str], None]:
    def note(_below: object, sentence: str) -> None:
        wrong.append(sentence)

    return note


def _values(declaration: Pluggable) -> dict[str, Any]:
    """A value for every parameter: its default, else the usual or the smallest one."""
    values = {each.name: each.default for each in declaration.parameters if each.default is not None}
    series = iter(("close", "open", "high", "low", *CANDLE_SERIES))
    for each in declaration.parameters:
        if each.name not in values and not each.optional:
            values[each.name] = next(series) if each.kind is ParameterKind.SERIES else _smallest(each)
    return values


def _smallest(parameter: Parameter) -> Any:
    if parameter.kind is ParameterKind.CHOICE:
        return parameter.choices[0]
    if parameter.kind is ParameterKind.SWITCH:
        return False
    low = 1 if parameter.low is None else parameter.low
    return int(low) if parameter.kind is ParameterKind.INTEGER else float(low)


def _computed(
    declaration: IndicatorDeclaration | SignalDeclaration, bars: Candles, values: dict[str, Any]
) -> tuple[np.ndarray, ...] | str:
    """The columns, or what is wrong with them."""
    kinds = {each.name: each.kind for each in declaration.parameters}
    names = [*declaration.inputs]
    names += [str(value) for name, value in values.items() if kinds[name] is ParameterKind.SERIES]
    columns: list[Any] = [np.ascontiguousarray(candle_series(bars, name)) for name in names]
    for column in columns:
        column.flags.writeable = False
    others = {name: value for name, value in values.items() if kinds[name] is not ParameterKind.SERIES}
    raw: Any = declaration.compute(*columns, **others)
    results: tuple[Any, ...] = raw if isinstance(raw, tuple) else (raw,)
    wanted = len(declaration.outputs) if isinstance(declaration, IndicatorDeclaration) else 2
    if len(results) != wanted:
        return f"must return {wanted} columns, but returned {len(results)}."
    dtype = np.float64 if isinstance(declaration, IndicatorDeclaration) else np.bool_
    for each in results:
        if not isinstance(each, np.ndarray) or each.shape != bars.time.shape or each.dtype != dtype:
            return (
                f"must return {np.dtype(dtype).name} columns as long as the bars ({len(bars)}), but returned "
                f"{_shown(each)}."
            )
    if isinstance(declaration, SignalDeclaration):
        return results
    return compute_indicator(declaration, columns, values, others)


def _shown(given: Any) -> str:
    return f"{given.dtype} of shape {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__


def _bars(size: int) -> Candles:
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, size)))
    # Later prices leave the range of the earlier ones by far, so that a scale made from all bars shows.
    close[size * 6 // 10 :] *= 4.0
    close[size * 9 // 10 :] /= 50.0
    opened = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(opened, close) * (1.0 + rng.random(size) * 0.01)
    low = np.minimum(opened, close) * (1.0 - rng.random(size) * 0.01)
    volume = rng.random(size) * 1000.0 + 1.0
    time = np.arange(size, dtype=np.int64) * Timeframe.M1.ms
    return Candles(Timeframe.M1, time, opened, high, low, close, volume, volume * close)
