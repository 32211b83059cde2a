"""Clauses that name a kind of signal: `20 bar breakout`, `bollinger squeeze`, any kind by its label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tradebot.engine.strategy.registry import Parameter, ParameterKind, SignalDeclaration
from tradebot.engine.strategy.rules.comparing import band_edges, compare
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.cursor import Part
from tradebot.engine.strategy.rules.tree import Clause, MisreadError, Reading, Rule, Series
from tradebot.engine.strategy.signals import Supports

_CLOSE = Series(column="close")
_BANDS = Series(use="bbands")
_CHANNEL = Series(use="keltner", values={"length": 20, "atr_length": 10, "multiple": 1.5})
# What is bearish in price and yet meant for long: the price is expected to come back.
_REVERTING = frozenset({"band_touch", "band_return", "divergence", "dip", "rally", "pullback"})
# What a series that is required and not named usually is.
_USUAL: dict[str, dict[str, Series]] = {
    "divergence": {"source": Series(use="rsi")},
    "pullback": {
        "line": Series(use="ema", values={"length": 20}),
        "trend": Series(use="ema", values={"length": 100}),
    },
    "aligned": {
        "fast": Series(use="ema", values={"length": 9}),
        "middle": Series(use="ema", values={"length": 21}),
        "slow": Series(use="ema", values={"length": 55}),
    },
    "distance": {"a": _CLOSE, "b": Series(use="ema", values={"length": 50})},
    "cross": {"a": Series(use="ema", values={"length": 9}), "b": Series(use="ema", values={"length": 21})},
    "candlestick": {"source": Series(use="pattern")},
    "trend": {"source": Series(use="ema", values={"length": 50})},
    "slope": {"source": Series(use="ema", values={"length": 50})},
}
_NUMERIC = (ParameterKind.INTEGER, ParameterKind.NUMBER)


def named_signal(context: Context, parts: list[Part]) -> Rule:
    """The clause of the first kind of signal that is named, with the series and numbers around it."""
    part = next(each for each in parts if each.code == "K")
    meaning = part.value
    declaration = context.signal(meaning.name)
    series = [each.value for each in parts if each.code == "S"]
    if meaning.name == "relative_strength":
        return _stronger(context, parts, series, meaning.sign)
    if meaning.name in ("breakout", "new_high") and (extreme := _extreme(series)) is not None:
        return compare(context, _CLOSE, "above" if extreme.use == "highest" else "below", extreme)
    sign = meaning.sign * _said_side(parts)
    if meaning.name == "breakout" and (channel := _channel(context, series)) is not None:
        upper, lower = channel
        return Clause("band_break", {"upper": upper, "lower": lower}, Reading.TREND, sign, sign)
    values = dict(meaning.values)
    _give_numbers(declaration, values, parts)
    if _too_plain(declaration):
        raise MisreadError(
            f'"{declaration.label}" needs more; say it as a sentence, such as {_example(declaration)}'
        )
    values.update(_give_series(context, declaration, series, values))
    bull = -sign if declaration.supports == Supports.SHORT else sign
    return Clause(meaning.name, values, _reading(declaration), sign, bull)


def _extreme(series: list[Series]) -> Series | None:
    """`breaks out of the 20 day high`."""
    return next((each for each in series if each.use in ("highest", "lowest")), None)


def _channel(context: Context, series: list[Series]) -> tuple[Series, Series] | None:
    """`bollinger breakout`: of a channel's edges; a Donchian channel's are the highs and lows of a breakout itself."""
    for each in series:
        edges = band_edges(context, each)
        if edges is not None and each.use != "donchian":
            return edges
    return None


def _too_plain(declaration: SignalDeclaration) -> bool:
    return declaration.name in ("compare", "threshold", "between", "outside")


def _example(declaration: SignalDeclaration) -> str:
    return {"threshold": "rsi below 30", "compare": "close above ema 200"}.get(
        declaration.name, "rsi between 40 and 60"
    )


def _reading(declaration: SignalDeclaration) -> Reading:
    if declaration.supports == Supports.BOTH:
        return Reading.CONDITION
    return Reading.ZONE if declaration.name in _REVERTING else Reading.TREND


def _said_side(parts: Iterable[Part]) -> int:
    """-1 where the sentence says down beside the kind: `breakout below`, `bearish divergence`."""
    down = {"below", "falling", "bearish", "cross_down", "turns_down", "at_most", "return_down"}
    names = {part.value.name for part in parts if part.code in "RMZ"}
    return -1 if names & down else 1


def _give_numbers(declaration: SignalDeclaration, values: dict[str, Any], parts: list[Part]) -> None:
    """Numbers by their unit, bars to bars, the rest in the order of the parameters."""
    numeric = [each for each in declaration.parameters if each.kind in _NUMERIC]
    free = [each for each in numeric if each.name not in values]
    for part in parts:
        if part.code not in "NB":
            continue
        wanted = "bars" if part.code == "B" else {"%": "percent", "x": "multiple"}.get(part.unit, "")
        if declaration.name == "slope" and any(each.code == "R" for each in parts) and part.code == "N":
            wanted = "percent"  # `slope of ema 50 > 0`
        chosen = next((each for each in numeric if each.name == wanted), None)
        if chosen is None and wanted and part.code == "N":
            raise MisreadError(
                f'"{part.raw}" does not fit: {declaration.label.lower()} takes no such number', part.raw
            )
        chosen = chosen or next(iter(free), None)
        if chosen is None:
            raise MisreadError(
                f'"{part.raw}" is one number too many for {declaration.label.lower()}', part.raw
            )
        values[chosen.name] = _fitting(chosen, float(part.value), part)
        free = [each for each in free if each is not chosen]


def _fitting(parameter: Parameter, value: float, part: Part) -> float:
    whole = parameter.kind is ParameterKind.INTEGER
    low, high = parameter.low, parameter.high
    if (
        (whole and value != int(value))
        or (low is not None and value < low)
        or (high is not None and value > high)
    ):
        raise MisreadError(
            f'"{part.raw}" does not fit: {parameter.name} must be {_range(parameter)}', part.raw
        )
    return int(value) if whole else value


def _range(parameter: Parameter) -> str:
    kind = "a whole number" if parameter.kind is ParameterKind.INTEGER else "a number"
    low = f" from {parameter.low:g}" if parameter.low is not None else ""
    return kind + low + (f" to {parameter.high:g}" if parameter.high is not None else "")


def _give_series(
    context: Context, declaration: SignalDeclaration, series: list[Series], values: dict[str, Any]
) -> dict[str, Series]:
    """Series in the order of the parameters; bands take both edges of one channel; what is not named is usual."""
    names = [each for each in declaration.parameters if each.kind is ParameterKind.SERIES]
    given: dict[str, Series] = {}
    channels = [each for each in series if band_edges(context, each) is not None]
    lines = [each for each in series if each not in channels]
    places = {each.name for each in names}
    if "channel_upper" in places and len(channels) == 1 and channels[0].use != _BANDS.use:
        channels.insert(0, _BANDS)  # `squeeze inside keltner`: what is named is the outer one
    for upper, lower, usual in (("upper", "lower", _BANDS), ("channel_upper", "channel_lower", _CHANNEL)):
        if {upper, lower} <= places:
            channel = channels.pop(0) if channels else usual
            edges = band_edges(context, channel)
            if edges is not None:
                given |= {upper: edges[0], lower: edges[1]}
    for channel in channels:
        edges = band_edges(context, channel)
        if declaration.name in ("breakout", "new_high") and edges is not None:
            bars = channel.values.get("length")
            values.setdefault("bars", bars) if bars else None
        else:
            lines.append(channel)
    for parameter in (each for each in names if each.name not in given):
        if lines:
            given[parameter.name] = lines.pop(0)
        elif parameter.required:
            usual_series = _USUAL.get(declaration.name, {}).get(parameter.name, _CLOSE)
            given[parameter.name] = usual_series
    if lines:
        raise MisreadError(f"{declaration.label.lower()} takes no further series")
    return given


def _stronger(context: Context, parts: list[Part], series: list[Series], sign: int) -> Rule:
    """`stronger than btcusdt`: what the one gained over the bars against what the other did."""
    symbol = next((part.value for part in parts if part.code == "Y"), "")
    symbol = symbol or next((each.symbol for each in series if each.symbol), "")
    if not symbol:
        raise MisreadError("say stronger than which symbol, such as stronger than BTCUSDT")
    bars = next((round(part.value) for part in parts if part.code in "NB"), 20)
    own = Series(use="percent_change", values={"length": bars})
    other = Series(use="percent_change", values={"length": bars}, symbol=symbol)
    return compare(context, own, "above" if sign > 0 else "below", other)
