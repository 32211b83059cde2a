"""Clauses of how a series moves and what state it is in: rising, turning, oversold, bullish."""

from __future__ import annotations

from dataclasses import replace

from tradebot.engine.strategy.rules.comparing import compare, level
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.natures import ZONES, Nature
from tradebot.engine.strategy.rules.tree import Around, Clause, MisreadError, Operand, Reading, Rule, Series

_CLOSE = Series(column="close")
# The outputs of an indicator whose order says what it thinks of the market.
_PAIRS = {"adx": ("plus_di", "minus_di"), "dx": ("plus_di", "minus_di"), "aroon": ("up", "down"),
          "vortex": ("plus", "minus"), "heikin_ashi": ("close", "open"), "stoch": ("k", "d"), "stoch_rsi": ("k", "d"),
          "kdj": ("k", "d"), "mama": ("mama", "fama"), "ichimoku": ("conversion", "base")}  # fmt: skip
_USUAL_FAST, _USUAL_SLOW = 9, 21


def motion(context: Context, series: Series, kind: str, bars: int, over: bool = False) -> Rule:
    """A series that rises, falls or turns; `over` n bars is its slope, else it does so on each of n bars."""
    up = kind in ("rising", "turns_up")
    side = 1 if up else -1
    declaration = context.declaration(series)
    if kind.startswith("turns") and declaration is not None and declaration.name in ("supertrend", "psar"):
        return bullish(context, series, side, crossing=True)
    if series.column and (series.timeframe or series.symbol):
        change = Series(
            use="percent_change", values={"length": bars}, timeframe=series.timeframe, symbol=series.symbol
        )
        return level(context, change, "above" if up else "below", 0.0)
    strength = context.scale(series).nature is Nature.STRENGTH
    reading = Reading.CONDITION if strength else Reading.TREND
    if kind.startswith("turns"):
        return Clause("turn", {"source": series}, reading, side, side)
    if strength and not up:
        earlier = Series(
            use="lag", values={"length": bars if over else 1}, source=series, timeframe=series.timeframe
        )
        falls = Clause("compare", {"a": series, "op": "<", "b": earlier}, reading)
        return falls if over or bars == 1 else Around("held", (falls,), {"bars": bars})
    if over:
        return Clause("slope", {"source": series, "bars": bars}, reading, side, side)
    if context.coarser(series) and bars == 1:
        # Between two closes of the coarser bars it stands still, and is then rising on none of ours.
        return Clause("trend", {"source": series}, reading, side, side)
    return Clause("rising", {"source": series, "bars": bars}, reading, side, side)


def state(context: Context, series: Series | None, name: str, said: str) -> Rule:
    """`oversold` and the like, of a series or of what they usually mean."""
    if name in ("oversold", "overbought"):
        series = series or Series(use="rsi")
        scale = context.scale(series)
        if scale.nature is not Nature.OSCILLATOR:
            known = ", ".join(sorted(ZONES)[:4])
            raise MisreadError(
                f"only an oscillator with levels can be {name}, such as {known}; give a level with above or below"
            )
        return level(
            context, series, *(("below", scale.low) if name == "oversold" else ("above", scale.high))
        )
    if series is None:
        raise MisreadError(f"say what is {name}, such as macd {name}")
    if name in ("positive", "negative"):
        return level(
            context, series, "above" if name == "positive" else "below", context.scale(series).centre
        )
    crossing = any(word in said for word in ("flips", "turns", "signal"))
    return bullish(context, series, 1 if name == "bullish" else -1, crossing)


def own_pair(context: Context, series: Series) -> tuple[Series, Operand] | None:
    """The two lines of an indicator whose cross is meant by `macd cross`; two usual lengths of an average."""
    declaration = context.declaration(series)
    if declaration is None:
        return None
    if declaration.name in _PAIRS:
        first, second = _PAIRS[declaration.name]
        return context.with_output(series, first), context.with_output(series, second)
    if declaration.name == "supertrend":
        return context.with_output(series, "direction"), 0.0
    if "signal" in declaration.outputs and declaration.main:
        return context.with_output(series, declaration.main), context.with_output(series, "signal")
    length = next((each.name for each in declaration.parameters if each.name == "length"), "")
    if context.scale(series).nature is Nature.LINE and series.use and length and declaration.main:
        fast = series.values.get(length, _USUAL_FAST)
        slow = _USUAL_SLOW if fast < _USUAL_SLOW else fast * 4
        return (
            replace(series, values={**series.values, length: fast}),
            replace(series, values={**series.values, length: slow}),
        )
    if context.scale(series).nature is Nature.CENTRED:
        return series, context.scale(series).centre
    return None


def bullish(context: Context, series: Series, side: int, crossing: bool) -> Rule:
    """What an indicator does when it is bullish (side 1) or bearish (-1); `crossing`: when it becomes so."""
    relation = ("cross_up" if side > 0 else "cross_down") if crossing else ("above" if side > 0 else "below")
    declaration = context.declaration(series)
    if declaration is None:
        if context.is_price(series):
            return Clause("consecutive", {"bars": 1}, Reading.TREND, side, side)
        return motion(context, series, "rising" if side > 0 else "falling", 1)
    name = declaration.name
    if name == "ichimoku":
        return compare(context, _CLOSE, relation, series)
    if name == "alligator":
        lines = [context.with_output(series, output) for output in ("lips", "teeth", "jaw")]
        return Clause(
            "aligned", dict(zip(("fast", "middle", "slow"), lines, strict=True)), Reading.TREND, side, side
        )
    if name == "psar" or (name == "supertrend" and not crossing):
        return compare(context, _CLOSE, relation, series)
    pair = own_pair(context, series)
    averages = context.scale(series).nature is Nature.LINE and name not in _PAIRS and name != "supertrend"
    if pair is not None and not averages:
        rule = compare(context, pair[0], relation, pair[1])
        return _as_trend(rule)
    if averages:
        return compare(context, _CLOSE, relation, series)
    return level(context, series, relation if not crossing else "above", context.scale(series).centre)


def _as_trend(rule: Rule) -> Rule:
    return replace(rule, reading=Reading.TREND) if isinstance(rule, Clause) else rule
