"""The shapes of clauses: which parts in which order say what."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tradebot.engine.strategy.natural_sides import NEUTRAL_PATTERNS
from tradebot.engine.strategy.rules.comparing import between, compare, distance, level
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.cursor import Part
from tradebot.engine.strategy.rules.motions import motion, own_pair, state
from tradebot.engine.strategy.rules.natures import Nature
from tradebot.engine.strategy.rules.signals import named_signal
from tradebot.engine.strategy.rules.tree import Clause, MisreadError, Operand, Reading, Rule, Series
from tradebot.engine.strategy.rules.words import OUTPUT_WORDS

_CLOSE = Series(column="close")
Shape = Callable[["Shapes", list[Part]], Rule]


class Shapes:
    """Reads the parts of a clause that are left when what stands around it is taken away."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def read(self, core: list[Part]) -> Rule:
        """The rule of the first shape that fits. Raises MisreadError where none does."""
        codes = "".join(part.code for part in core)
        for pattern, shape in _SHAPES:
            if re.fullmatch(pattern, codes):
                return shape(self, core)
        raise MisreadError(self._what_is_wrong(core))

    def _what_is_wrong(self, core: list[Part]) -> str:
        codes = "".join(part.code for part in core)
        if not codes:
            return "nothing is said yet; try rsi below 30"
        said = core[-1].raw.strip()
        if codes == "SN":
            return f"say how {core[0].raw} and {core[1].raw} stand to each other, such as above or below"
        if codes == "S":
            return f"say what {said or core[0].raw} must do, such as below 30, above ema 200 or rising"
        if codes.endswith("R"):
            return f'say what comes after "{said}": a number or a series'
        if codes in ("N", "B"):
            return "a number alone says nothing; name a series before it, such as rsi below 30"
        return f'the words are known, but not in this order (read as far as "{said}"); try rsi below 30'

    def compared(self, parts: list[Part]) -> Rule:
        """`rsi < 30`, `close above ema 200`, `30 > rsi`."""
        left, relation, right = parts[0], parts[1].value.name, parts[2]
        return compare(self.context, _operand(left), relation, self._resolved(right, left))

    def extreme(self, parts: list[Part]) -> Rule:
        """`20 bar high` alone: the close is above it."""
        series = parts[0].value
        if series.use not in ("highest", "lowest"):
            raise MisreadError(self._what_is_wrong(parts))
        return compare(self.context, _CLOSE, "above" if series.use == "highest" else "below", series)

    def of_close(self, parts: list[Part]) -> Rule:
        """`above ema 200`: the close is."""
        return self.compared([Part("S", _CLOSE), *parts])

    def listed(self, parts: list[Part]) -> Rule:
        """`crossover(ema 9, ema 21)`."""
        return self.compared([parts[1], parts[0], parts[2]])

    def within_two(self, parts: list[Part]) -> Rule:
        """`30 < rsi < 50`, `rsi 30-50`."""
        series = next(part.value for part in parts if part.code == "S")
        low, high = (float(part.value) for part in parts if part.code == "N")
        relations = {part.value.name for part in parts if part.code == "R"}
        if relations - {"below", "at_most"} and relations - {"above", "at_least"}:
            raise MisreadError(self._what_is_wrong(parts))
        return between(series, "between", low, high)

    def far_in_range(self, parts: list[Part]) -> Rule:
        """`close 2 atr above ema 20`: beyond the edge of a Keltner channel."""
        left, distance_, relation, right = parts[0], parts[-3].value, parts[-2].value.name, parts[-1].value
        count = distance_.values.get("length")
        if parts[1].code == "R" and (distance_.use != "atr" or count is None):
            return self.ordered(parts)
        if distance_.use != "atr" or count is None:
            raise MisreadError(self._what_is_wrong(parts))
        if right.use != "ema" or right.source is not None:
            raise MisreadError(f"a distance in ATR is read from an EMA, such as {count} atr above ema 20")
        values = {"length": right.values.get("length", 20), "atr_length": 14, "multiple": float(count)}
        edge = Series(
            "", "", "keltner", "upper" if relation == "above" else "lower", values, None, right.timeframe
        )
        return compare(self.context, left.value, relation, edge)

    def crossed_by_sign(self, parts: list[Part]) -> Rule:
        """`ema 9 x ema 21`: the sign stands in the number before it."""
        if parts[0].unit != "cross":
            raise MisreadError(
                f"say how {parts[0].raw} and {parts[1].raw} stand to each other, such as crosses above"
            )
        return compare(self.context, parts[0].value, "cross_up", parts[1].value)

    def crossed(self, parts: list[Part]) -> Rule:
        """`ema 9 ema 21 cross`, `ema 9 and ema 21 cross up`."""
        series = [part.value for part in parts if part.code == "S"]
        numbers = [part.value for part in parts if part.code == "N"]
        relation = _cross_of(parts)
        if len(series) == 1 and numbers:
            first = next((name for name, value in series[0].values.items() if isinstance(value, int)), "")
            if not first:
                raise MisreadError(f"say what crosses {parts[0].raw}")
            lengths = sorted((int(series[0].values[first]), int(numbers[0])))
            series = [replace(series[0], values={**series[0].values, first: each}) for each in lengths]
        return compare(self.context, series[0], relation, series[1])

    def crossed_itself(self, parts: list[Part]) -> Rule:
        """`macd cross`, `stochastic crosses up`, `ema cross`."""
        series = parts[0].value
        if parts[1].value.name == "touch":
            return compare(self.context, _CLOSE, "touch", series)
        pair = own_pair(self.context, series)
        if parts[1].value.name not in ("cross", "cross_up", "cross_down") or pair is None:
            raise MisreadError(f'say what comes after "{parts[1].raw}": a number or a series')
        return compare(self.context, pair[0], _cross_of(parts), pair[1])

    def ordered(self, parts: list[Part]) -> Rule:
        """`ema 9 > ema 21 > ema 55`."""
        first, second = parts[1].value.name, parts[3].value.name
        ups = {"above", "at_least"}
        if (first in ups) != (second in ups) or not {first, second} <= ups | {"below", "at_most"}:
            raise MisreadError("three series are read in one order only, such as ema 9 > ema 21 > ema 55")
        names = ("fast", "middle", "slow")
        values = {name: _operand(part) for name, part in zip(names, parts[::2], strict=True)}
        side = 1 if first in ups else -1
        return Clause("aligned", values, Reading.TREND, side, side)

    def zone(self, parts: list[Part]) -> Rule:
        """`rsi between 40 and 60`."""
        relation, (low, high) = parts[1].value
        series = parts[0].value
        if isinstance(series, float):
            raise MisreadError("name a series before between, such as rsi between 40 and 60")
        return between(series, relation, low, high)

    def far_from(self, parts: list[Part]) -> Rule:
        """`close 2% above ema 50`, `close more than 2% below high of 100 bars`."""
        numbers = [part for part in parts if part.code == "N"]
        relation = next((part.value.name for part in reversed(parts) if part.code == "R"), "above")
        left, right = parts[0].value, [part.value for part in parts if part.code == "S"][-1]
        if numbers[0].unit != "%":
            return self.times(parts)
        declaration = self.context.declaration(right)
        if declaration is not None and right.use == "highest" and relation == "below":
            values = {"bars": right.values.get("length", 100), "percent": numbers[0].value}
            return Clause(
                "dip", values if left.column == "close" else {"source": left, **values}, Reading.ZONE
            )
        if declaration is not None and right.use == "lowest" and relation == "above":
            values = {"bars": right.values.get("length", 100), "percent": numbers[0].value}
            return Clause(
                "rally", values if left.column == "close" else {"source": left, **values}, Reading.ZONE, 1, -1
            )
        return distance(left, numbers[0].value, relation, right)

    def times(self, parts: list[Part]) -> Rule:
        """`volume > 1.5x average 20`, `atr above 2x sma 50`, `volume 2x`."""
        left = parts[0].value
        number = next(part for part in parts if part.code == "N")
        if number.unit == "%" and parts[1].code == "R":
            return level(self.context, left, parts[1].value.name, number.value)
        if number.unit != "x":
            raise MisreadError(self._what_is_wrong(parts))
        others = [part.value for part in parts[1:] if part.code == "S"]
        bars = next((part.value for part in parts if part.code == "B"), None)
        relation = next((part.value.name for part in parts if part.code == "R"), "above")
        side = -1 if relation in ("below", "at_most") else 1
        other: Series | None = others[0] if others else None
        is_mean = other is None or (other.use in ("sma", "volume_sma") and other.source in (None, left))
        if is_mean:
            length = bars or (other.values.get("length") if other is not None else None) or 20
            values: dict[str, Any] = {"bars": length, "multiple": number.value}
            if left.column != "volume":
                values = {"source": left, **values}
            return Clause("volume_spike", values, Reading.CONDITION, side)
        ratio = Series(use="ratio", values={"a": left, "b": other})
        sign = ">" if side > 0 else "<"
        return Clause("compare", {"a": ratio, "op": sign, "b": number.value}, Reading.CONDITION)

    def moved(self, parts: list[Part]) -> Rule:
        """`ema 200 rising`, `close up 3% in 10 bars`, `3 bars rising`."""
        found = next((part.value for part in parts if part.code == "S"), _CLOSE)
        number = next((part for part in parts if part.code == "N"), None)
        bars = next((part for part in parts if part.code == "B"), None)
        kind = next(part.value.name for part in parts if part.code == "M")
        if number is not None and number.unit == "%" and not self._is_amount(found):
            up = kind == "rising"
            return level(
                self.context, found, "above" if up else "below", abs(number.value) * (1 if up else -1)
            )
        if number is not None and number.unit == "%":
            change = Series(
                use="percent_change",
                values={"length": bars.value if bars is not None else 1},
                source=None if found == _CLOSE else found,
            )
            up = kind == "rising"
            return level(
                self.context, change, "above" if up else "below", abs(number.value) * (1 if up else -1)
            )
        if number is not None and number.unit:
            raise MisreadError(self._what_is_wrong(parts))
        count = bars.value if bars is not None else (round(number.value) if number is not None else 1)
        return motion(self.context, found, kind, count, over=bars is not None and bars.raw == "over")

    def _is_amount(self, series: Series) -> bool:
        """Whether a series can change by some percent: a price, a line at price, a volume."""
        return self.context.scale(series).nature in (Nature.LINE, Nature.STRENGTH)

    def stated(self, parts: list[Part]) -> Rule:
        """`rsi oversold`, `macd positive`, `supertrend bullish`."""
        series = next((part.value for part in parts if part.code == "S"), None)
        part = next(part for part in parts if part.code == "Z")
        return state(self.context, series, part.value.name, part.raw)

    def signalled(self, parts: list[Part]) -> Rule:
        """`20 bar breakout`, `bollinger squeeze`, `bearish divergence rsi`."""
        return named_signal(self.context, parts)

    def pattern(self, parts: list[Part]) -> Rule:
        """`bullish engulfing`, `hammer`."""
        part = next(each for each in parts if each.code == "P")
        sign = part.value.sign
        said = next((each.value.name for each in parts if each.code == "Z"), "")
        sign = {"bullish": 1, "bearish": -1}.get(said, sign)
        source = Series(use="pattern", values={"kind": part.value.name})
        neutral = part.value.name in NEUTRAL_PATTERNS
        return Clause(
            "candlestick", {"source": source}, Reading.CONDITION if neutral else Reading.TREND, sign, sign
        )

    def averages(self, parts: list[Part]) -> Rule:
        """`golden cross`, `death cross`."""
        meaning = parts[0].value
        series = [
            Series(use=meaning.name, values={"length": meaning.values[each]}) for each in ("fast", "slow")
        ]
        return Clause("cross", {"a": series[0], "b": series[1]}, Reading.TREND, meaning.sign, meaning.sign)

    def clock(self, parts: list[Part]) -> Rule:
        """`between 08:00 and 16:00`, `outside 22:00 to 06:00`."""
        start, end, outside = next(part.value for part in parts if part.code == "C")
        if start == end and self.context.base is not None:
            end = _later(start, self.context.base.ms // 60_000)
        if outside:
            start, end = end, start
        return Clause("time_of_day", {"start": start, "end": end}, Reading.CONDITION)

    def days(self, parts: list[Part]) -> Rule:
        """`on monday`, `tue-thu`."""
        return Clause("day_of_week", {"days": parts[0].value}, Reading.CONDITION)

    def every(self, parts: list[Part]) -> Rule:
        """`every 4 hours`."""
        return Clause("every", {"minutes": parts[0].value}, Reading.CONDITION)

    def bullish_candle(self, parts: list[Part]) -> Rule:
        """`bullish` or `green` alone: of the bar itself."""
        side = 1 if parts[0].value.name == "bullish" else -1
        return Clause("consecutive", {"bars": 1}, Reading.TREND, side, side)

    def _resolved(self, part: Part, left: Part) -> Operand:
        """The right side; an output alone is one of the left side's indicator: `macd crosses signal`."""
        if part.code != "O":
            return _operand(part)
        name = part.value.name
        series = left.value
        declaration = None if isinstance(series, float) else self.context.declaration(series)
        for output in _outputs_of(part):
            if declaration is not None and output in declaration.outputs:
                return self.context.with_output(series, output)
            if declaration is None and output in ("upper", "middle", "lower"):
                return Series(use="bbands", output=output)
            owners = [each for each in self.context.registry.indicators.values() if output in each.outputs]
            if len(owners) == 1:
                return Series(use=owners[0].name, output=output)
        raise MisreadError(
            f'"{part.raw}" is an output; say of which indicator, such as bollinger {name}', part.raw
        )


def _outputs_of(part: Part) -> tuple[str, ...]:
    word = part.raw.lower()
    return (*OUTPUT_WORDS.get(word, ()), word.replace(" ", "_"), part.value.name)


def _operand(part: Part) -> Operand:
    if part.code == "N":
        return float(part.value)
    if part.code == "S":
        series: Series = part.value
        return series
    raise MisreadError(f'"{part.raw}" is neither a series nor a number', part.raw)


def _cross_of(parts: list[Part]) -> str:
    """up, down or as it comes: `cross up` may be two parts."""
    names = [part.value.name for part in parts if part.code in "RM"]
    if "cross_down" in names or "falling" in names or "below" in names or "turns_down" in names:
        return "cross_down"
    return "cross_up"


def _later(clock: str, minutes: int) -> str:
    """A clock time some minutes later, round the clock."""
    hours, rest = clock.split(":")
    total = (int(hours) * 60 + int(rest) + minutes) % 1440
    return f"{total // 60:02}:{total % 60:02}"


_SHAPES: tuple[tuple[str, Shape], ...] = (
    ("[SN]R[SNO]", Shapes.compared),
    ("R[SN]", Shapes.of_close),
    ("RSS", Shapes.listed),
    ("SR?SRS", Shapes.far_in_range),
    ("NRSRN|SNN", Shapes.within_two),
    ("NSR[RM]?", Shapes.crossed),
    ("[SN]V", Shapes.zone),
    ("SR?NR?S", Shapes.far_from),
    ("SRSN", Shapes.far_from),
    ("SR?N[SB]?B?", Shapes.times),
    (
        "SS?N?R[RM]?",
        lambda reader, parts: reader.crossed(parts) if "S" in _after(parts) else reader.crossed_itself(parts),
    ),
    ("SS", Shapes.crossed_by_sign),
    ("S", Shapes.extreme),
    ("B?S?MR?N?B?", Shapes.moved),
    ("SMM", Shapes.moved),
    ("SZ|ZS", Shapes.stated),
    (
        "Z",
        lambda reader, parts: (
            reader.bullish_candle(parts)
            if parts[0].value.name in ("bullish", "bearish")
            else reader.stated(parts)
        ),
    ),
    ("Z?PZ?", Shapes.pattern),
    ("X", Shapes.averages),
    ("E?C", Shapes.clock),
    ("D", Shapes.days),
    ("E", Shapes.every),
    ("[SNBZROMY]*K[SNBZROMYK]*", Shapes.signalled),
)


def _after(parts: list[Part]) -> str:
    """The codes behind the first part."""
    return "".join(part.code if part.code != "N" else "S" for part in parts[1:] if part.code in "SN")
