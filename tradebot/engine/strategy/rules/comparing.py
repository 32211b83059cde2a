"""Clauses that set one series against another or against a number."""

from __future__ import annotations

from dataclasses import replace

from tradebot.engine.strategy.natural_sides import BREAKOUT_CHANNELS
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.natures import BEARISH_OUTPUTS, Nature
from tradebot.engine.strategy.rules.tree import (
    Around,
    Clause,
    MisreadError,
    Operand,
    Reading,
    Rule,
    Series,
    Several,
)

_FLIPPED = {
    "above": "below", "below": "above", "at_least": "at_most", "at_most": "at_least", "cross_up": "cross_down",
    "cross_down": "cross_up", "return_up": "return_down", "return_down": "return_up",
}  # fmt: skip
_NEGATED = {"above": "at_most", "below": "at_least", "at_least": "below", "at_most": "above",
            "between": "outside", "outside": "between"}  # fmt: skip
_SIGNS = {"above": ">", "below": "<", "at_least": ">=", "at_most": "<="}
_CLOSE = Series(column="close")
_CROSSES = ("cross", "cross_up", "cross_down")


def negated(relation: str) -> str:
    """The relation that holds where this one does not, "" where there is none."""
    return _NEGATED.get(relation, "")


def upward(relation: str) -> bool:
    """Whether a relation puts the left side above the right one."""
    return relation in ("above", "at_least", "cross_up", "cross", "return_up")


def compare(context: Context, left: Operand, relation: str, right: Operand) -> Rule:
    """`left relation right` as a rule."""
    if isinstance(left, float):
        if isinstance(right, float):
            raise MisreadError("two numbers never change; name a series, such as close or rsi")
        left, right, relation = right, left, _FLIPPED.get(relation, relation)
    if relation == "break":
        relation = _broken(context, right)
    if relation in ("between", "outside"):
        return _in_channel(context, left, relation, right)
    if isinstance(right, float):
        if left.column == "funding":
            return _funding(left, relation, right)
        if relation in _CROSSES or relation.startswith("return"):
            return _cross_level(context, left, relation, right)
        if relation == "touch":
            relation = "at_most" if right < context.scale(left).centre else "at_least"
        return level(context, left, relation, right)
    left, right = _sourced(context, *_together(context, left, right))
    return _against_band(context, left, relation, right) or _lines(context, left, relation, right)


def _broken(context: Context, right: Operand) -> str:
    """What breaks a low breaks it downwards; everything else is broken upwards."""
    if isinstance(right, float):
        return "cross_up"
    declaration = context.declaration(right)
    low = context.output(right) in ("lower", "low", "s1", "s2", "s3") or right.column == "low"
    return "cross_down" if low or (declaration is not None and declaration.name == "lowest") else "cross_up"


def _in_channel(context: Context, left: Operand, relation: str, right: Operand) -> Rule:
    """`close inside bollinger bands`: between the edges of one channel."""
    if isinstance(left, float) or isinstance(right, float):
        raise MisreadError(f"say {relation} which two values, such as {relation} 40 and 60")
    edges = band_edges(context, right)
    declaration = context.declaration(right)
    if edges is None and declaration is not None and declaration.name == "ichimoku":
        edges = context.with_output(right, "span_a"), context.with_output(right, "span_b")
    if edges is None:
        raise MisreadError(f"only a channel such as bollinger has an inside; say {relation} which two values")
    return between(left, relation, edges[1], edges[0])


def _simple(left: Operand, sign: str, right: Operand, reading: Reading, bull: int = 1) -> Clause:
    return Clause("compare", {"a": left, "op": sign, "b": right}, reading, 1, bull)


# A series and a number ---------------------------------------------------------------------------------


def level(context: Context, series: Series, relation: str, number: float) -> Rule:
    """A series above or below a number, read by the scale of the series.

    RSI below 30 is a threshold with its mirror image above 70; RSI above 50 speaks for long, below 50 for short; ADX
    above 20 is a condition.
    """
    scale = context.scale(series)
    above = upward(relation)
    bull = 1 if above else -1
    plain = _simple(series, _SIGNS[relation], number, Reading.LEVEL, bull)
    if scale.nature is Nature.STRENGTH:
        return replace(plain, reading=Reading.CONDITION)
    if scale.nature is Nature.LINE or number == scale.centre:
        return replace(plain, reading=Reading.PRICE)
    if above != (number > scale.centre):
        return replace(plain, reading=Reading.CONDITION)
    mirror = round(2 * scale.centre - number, 10)
    swings = scale.nature is Nature.OSCILLATOR
    zone = swings and (number >= scale.high if above else number <= scale.low)
    return Clause(
        "threshold",
        {"source": series, "lower": min(number, mirror), "upper": max(number, mirror)},
        Reading.ZONE if zone else Reading.LEVEL,
        -1 if above else 1,
        -bull if zone else bull,
        plain,
    )


def _cross_level(context: Context, series: Series, relation: str, number: float) -> Rule:
    scale = context.scale(series)
    up = upward(relation)
    bull = 1 if up else -1
    crossing = Clause("cross", {"a": series, "b": number}, Reading.TREND, bull, bull)
    if scale.nature is Nature.STRENGTH:
        return replace(crossing, reading=Reading.CONDITION)
    if scale.nature is Nature.LINE or number == scale.centre:
        return replace(crossing, reading=Reading.PRICE)
    if up == (number > scale.centre):
        return Around("first", (level(context, series, "above" if up else "below", number),))
    return replace(crossing, plain=crossing)  # leaving a zone: its mirror image is at another level


def _funding(series: Series, relation: str, number: float) -> Clause:
    """The funding rate is read in percent a settlement; 0.01 % is usual, and levels mirror around it."""
    percent = round(number if abs(number) >= 0.001 or number == 0 else number * 100, 6)
    mirror = round(0.02 - percent, 6)
    above = upward(relation)
    plain = _simple(series, ">" if above else "<", percent / 100, Reading.LEVEL, -1 if above else 1)
    values = {"source": series, "below": min(percent, mirror), "above": max(percent, mirror)}
    outward = percent >= 0.01 if above else percent <= 0.01
    if not outward:
        return replace(plain, reading=Reading.CONDITION)
    return Clause("funding", values, Reading.ZONE, -1 if above else 1, -1 if above else 1, plain)


def _together(context: Context, left: Series, right: Series) -> tuple[Series, Series]:
    """`eth close above ema 200`: a price is set against lines of its own market, and of its bars."""
    if left.timeframe and left.column and right.use:
        right = right.on(left.timeframe, "")
    lines = Nature.LINE == context.scale(left).nature == context.scale(right).nature
    if lines and bool(left.symbol) != bool(right.symbol) and not (left.node or right.node):
        symbol = left.symbol or right.symbol
        return left.on("", symbol), right.on("", symbol)
    return left, right


# Two series --------------------------------------------------------------------------------------------


def _sourced(context: Context, left: Series, right: Series) -> tuple[Series, Series]:
    """`volume above sma 20`: an average beside what is no price is the average of that."""

    def averaged(one: Series, other: Series) -> Series:
        declaration = context.declaration(one)
        is_average = (
            bool(one.use)
            and one.source is None
            and declaration is not None
            and declaration.plot == "price"
            and any(each.name == "source" and each.default == "close" for each in declaration.parameters)
        )
        off_price = context.scale(other).nature is not Nature.LINE or not context.at_price(other)
        apart = other.use in ("volume_sma", one.use)
        return replace(one, source=other) if is_average and off_price and not apart else one

    return (left, averaged(right, left)) if left.use != right.use else (left, right)


def _lines(context: Context, left: Series, relation: str, right: Series) -> Rule:
    if relation == "touch":
        return Several(
            "unanimous",
            (
                _simple(Series(column="low"), "<=", right, Reading.CONDITION),
                _simple(Series(column="high"), ">=", right, Reading.CONDITION),
            ),
        )
    if context.is_price(right) and not context.is_price(left) and not left.symbol:
        left, right, relation = right, left, _FLIPPED.get(relation, relation)
    if right.use in ("highest", "lowest") and right.source is None and not context.is_price(left):
        return _own_extreme(context, left, right)
    _check_scales(context, left, right)
    natures = {context.scale(left).nature, context.scale(right).nature}
    if relation in ("above", "below") and _is_bar_before(left, right) and Nature.STRENGTH not in natures:
        side = 1 if upward(relation) else -1
        return Clause("rising", {"source": left}, Reading.TREND, side, side)
    pair = context.output(left) in BEARISH_OUTPUTS or context.output(right) in BEARISH_OUTPUTS
    strength = natures == {Nature.STRENGTH} and not pair
    turned = context.output(left) in BEARISH_OUTPUTS and context.output(right) not in BEARISH_OUTPUTS
    if turned:
        left, right, relation = right, left, _FLIPPED.get(relation, "cross_down")
    bull = 1 if upward(relation) else -1
    reading = Reading.PRICE if context.is_price(left) or context.is_price(right) else Reading.TREND
    if strength:
        reading = Reading.CONDITION
    if relation in _CROSSES or relation.startswith("return"):
        return Clause("cross", {"a": left, "b": right}, reading, bull, bull)
    return _simple(left, _SIGNS[relation], right, reading, bull)


def _is_bar_before(left: Series, right: Series) -> bool:
    """Whether the right side is what the left one was a bar ago."""
    elsewhere = right.timeframe or right.symbol
    return (
        right.use == "lag"
        and not elsewhere
        and right.values.get("length", 1) == 1
        and (right.source or _CLOSE) == left
    )


def _own_extreme(context: Context, left: Series, right: Series) -> Clause:
    """`volume above 20 bar high`: the highest of its own last values."""
    side = 1 if right.use == "highest" else -1
    strength = context.scale(left).nature is Nature.STRENGTH
    values = {"source": left, "bars": right.values.get("length", 20)}
    return Clause("new_high", values, Reading.CONDITION if strength else Reading.TREND, side, side)


def _check_scales(context: Context, left: Series, right: Series) -> None:
    """An oscillator and a price are never equal in any sense."""
    swinging = (Nature.OSCILLATOR, Nature.CENTRED)
    for one, other in ((left, right), (right, left)):
        at_price = context.scale(other).nature is Nature.LINE and context.at_price(other)
        if context.scale(one).nature in swinging and at_price:
            declaration = context.declaration(one)
            label = declaration.label if declaration is not None else one.column
            raise MisreadError(
                f"{label} is on another scale than a price; set it against a number, or against its own average"
            )


def _against_band(context: Context, left: Series, relation: str, right: Series) -> Rule | None:
    """A price against a channel's edge, None where this is none."""
    declaration = context.declaration(right)
    if declaration is None or context.scale(left).nature is not Nature.LINE:
        return None
    if declaration.name in ("highest", "lowest"):
        return _against_extreme(context, left, relation, right)
    output = context.output(right)
    if not output and declaration.name == "ichimoku":
        return _against_cloud(context, left, relation, right)
    if right.use == "lag" and left.column == "close" and (broken := _against_bar_before(relation, right)):
        return broken
    edges = band_edges(context, right)
    if edges is None:
        return None
    upper, lower = edges
    if not output or output not in (upper.output, lower.output):
        if output:
            return None
        right = (
            lower if relation in ("below", "at_most", "touch", "return_up") or "down" in relation else upper
        )
    on_upper = context.output(right) == context.output(upper)
    return _edge(left, relation, (upper, lower), on_upper, declaration.name in BREAKOUT_CHANNELS)


def band_edges(context: Context, series: Series) -> tuple[Series, Series] | None:
    """The upper and the lower edge of the channel that a series belongs to; None where it belongs to none.

    A channel of highs and lows that includes the bar itself can never be left, so it is taken one bar earlier.
    """
    declaration = context.declaration(series)
    if declaration is None:
        return None
    for upper, lower in (("upper", "lower"), ("high", "low")):
        if {upper, lower} <= set(declaration.outputs) and declaration.name not in (
            "heikin_ashi",
            "swing_points",
        ):
            if series.use == "donchian" and "shift" not in series.values:
                series = replace(series, values={**series.values, "shift": 1})
            return context.with_output(series, upper), context.with_output(series, lower)
    return None


def _edge(
    left: Series,
    relation: str,
    edges: tuple[Series, Series],
    on_upper: bool,
    breaks: bool,
) -> Rule:
    upper, lower = edges
    values = {"upper": upper, "lower": lower}
    with_source = values if left.column == "close" else {"source": left, **values}
    side = 1 if on_upper else -1
    edge = upper if on_upper else lower
    if relation == "touch":
        return Clause("band_touch", values, Reading.ZONE, -side, -side)
    outward = upward(relation) == on_upper or relation == "cross"
    if relation.startswith("return") or (relation in _CROSSES and not outward):
        back = -1 if on_upper else 1
        return Clause("band_return", with_source, Reading.ZONE, back, back)
    plain = _simple(left, _SIGNS.get(relation, ">" if on_upper else "<"), edge, Reading.LEVEL, side)
    if not outward:
        return replace(plain, reading=Reading.CONDITION)
    for_long = breaks or (relation in _CROSSES and on_upper)
    clause = Clause(
        "band_break",
        with_source,
        Reading.TREND if for_long else Reading.ZONE,
        side,
        side if for_long else -side,
        plain,
    )
    if relation not in _CROSSES:
        return clause
    return Around("first", (clause,))


def _against_extreme(context: Context, left: Series, relation: str, right: Series) -> Rule | None:
    """A price above the highest of the last bars: those before this one, else it never is."""
    high = right.use == "highest"
    fits = upward(relation) == high or relation == "cross"
    if not right.use or right.source is not None or not fits or relation == "touch":
        return None
    if context.coarser(right) or right.symbol or left.symbol:
        return _edge(
            left, relation, (replace(right, use="highest"), replace(right, use="lowest")), high, breaks=True
        )
    values: dict[str, object] = {"bars": right.values.get("length", 20)}
    if left.column != "close":
        values = {"source": left, **values}
    side = 1 if high else -1
    return Clause("breakout", values, Reading.TREND, side, side)


def _against_bar_before(relation: str, right: Series) -> Rule | None:
    """`close above previous high`: its mirror image is below the low of that bar."""
    side = {"high": 1, "low": -1}.get(str(right.values.get("source")), 0)
    if not side or right.timeframe or right.symbol or upward(relation) != (side > 0):
        return None
    return Clause("breakout", {"bars": right.values.get("length", 1)}, Reading.TREND, side, side)


def _against_cloud(context: Context, left: Series, relation: str, right: Series) -> Rule:
    relation = {"cross": "above", "cross_up": "above", "cross_down": "below", "touch": "above"}.get(
        relation, relation
    )
    spans = [context.with_output(right, output) for output in ("span_a", "span_b")]
    bull = 1 if upward(relation) else -1
    return Several(
        "unanimous",
        tuple(_simple(left, _SIGNS.get(relation, ">"), span, Reading.PRICE, bull) for span in spans),
    )


def between(series: Series, relation: str, low: Operand, high: Operand) -> Rule:
    """A series inside or outside a zone."""
    if low == high:
        raise MisreadError("a zone has two different edges, such as between 40 and 60")
    if isinstance(low, float) and isinstance(high, float) and low > high:
        low, high = high, low
    return Clause(relation, {"source": series, "lower": low, "upper": high}, Reading.CONDITION)


def distance(left: Series, percent: float, relation: str, right: Series) -> Rule:
    """`close more than 2 % above ema 50`."""
    bull = 1 if upward(relation) else -1
    return Clause("distance", {"a": left, "b": right, "percent": abs(percent)}, Reading.LEVEL, bull, bull)


def flip(clause: Clause) -> Clause | None:
    """The clause whose truth is this one's opposite; None where no signal says that."""
    values = clause.values
    if clause.use == "cross":
        return replace(clause, values={**values, "a": values["b"], "b": values["a"]}, sign=-clause.sign)
    if clause.use in ("between", "outside"):
        return replace(clause, use="outside" if clause.use == "between" else "between", sign=-clause.sign)
    return None
