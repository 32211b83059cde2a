"""From the parts of one clause to a rule: which shapes of sentences there are and what each says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tradebot.engine.strategy.natural_sides import NEUTRAL_PATTERNS
from tradebot.engine.strategy.rules.comparing import between, compare, distance, level, negated
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.cursor import Part
from tradebot.engine.strategy.rules.motions import bullish, motion, own_pair, state
from tradebot.engine.strategy.rules.natures import Nature
from tradebot.engine.strategy.rules.signals import named_signal
from tradebot.engine.strategy.rules.tree import Around, Clause, MisreadError, Operand, Reading, Rule, Series

_CLOSE = Series(column="close")
_MODIFIERS = {"W": ("within", "bars"), "H": ("held", "bars"), "G": ("delay", "bars")}
Shape = Callable[["ClauseReader", list[Part]], Rule]


class ClauseReader:
    """Reads one clause; `frame` and `symbol` are those said for the whole of it."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def read(self, parts: list[Part]) -> Rule:
        """The rule that the parts of one clause say. Raises MisreadError."""
        frame = next((part.value for part in parts if part.code == "T"), "")
        symbol = next((part.value for part in parts if part.code == "Y"), "")
        core = [self._placed(part, frame, symbol) for part in parts if part.code not in "TYWHGF!I"]
        around = [part for part in parts if part.code in "WHGF!"]
        core, around = self._motion_bars(core, around)
        is_not = sum(part.code == "!" for part in around) % 2 == 1
        if is_not:
            core, is_not = _without_not(core)
        if not any(part.code == "S" for part in core) and _is_about_trend(core):
            core = [Part("S", Series(use="ema", values={"length": 50}, timeframe=frame)), *core]
        if frame and not any(part.code == "S" and part.value.timeframe for part in core):
            raise MisreadError(
                f"only an indicator can be read on other bars: name one, such as ema 20 {frame}", frame
            )
        rule = self._shape(core, symbol)
        if is_not:
            rule = _as_condition(rule)
            rule = replace(rule, sign=-rule.sign) if isinstance(rule, Clause) else Around("not", (rule,))
        for part in around:
            if part.code == "F":
                rule = Around("first", (rule,))
            elif part.code in _MODIFIERS:
                use, name = _MODIFIERS[part.code]
                if not (use == "held" and part.value == 1):
                    rule = Around(use, (rule,), {name: part.value})
        return rule

    @staticmethod
    def _placed(part: Part, frame: str, symbol: str) -> Part:
        if part.code != "S" or not (frame or symbol) or isinstance(part.value, float):
            return part
        if not part.value.use and not part.value.symbol:
            return part  # the strategy's own price
        return replace(part, value=part.value.on(frame, symbol))

    @staticmethod
    def _motion_bars(core: list[Part], around: list[Part]) -> tuple[list[Part], list[Part]]:
        """`rising for 3 bars`, `up 3 % in 10 bars`: the bars belong to the motion, not around the whole."""
        if not any(part.code in "MK" for part in core):
            return core, around
        percent = any(part.code == "N" and part.unit == "%" for part in core)
        bars = [part for part in around if (part.code == "H" or (part.code == "W" and percent))]
        if not bars or any(part.code in "B" for part in core):
            return core, around
        return [*core, replace(bars[0], code="B")], [part for part in around if part is not bars[0]]

    def _shape(self, core: list[Part], symbol: str) -> Rule:
        codes = "".join(part.code for part in core)
        if symbol and any(part.code == "K" and part.value.name == "relative_strength" for part in core):
            core = [*core, Part("Y", symbol)]
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

    # ---- shapes

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

    def bullish_of(self, series: Series, side: int, crossing: bool) -> Rule:
        """What an indicator does when it is bullish."""
        return bullish(self.context, series, side, crossing)


def _is_about_trend(core: list[Part]) -> bool:
    """`trend up` without a series."""
    return any(part.code == "K" and part.value.name == "trend" for part in core)


def _outputs_of(part: Part) -> tuple[str, ...]:
    from tradebot.engine.strategy.rules.words import OUTPUT_WORDS

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


def _without_not(core: list[Part]) -> tuple[list[Part], bool]:
    """The parts with `not` taken into a relation that has an exact reverse; whether a not is left over."""
    for at, part in enumerate(core):
        if part.code == "R" and (reverse := negated(part.value.name)):
            return [
                *core[:at],
                replace(part, value=replace(part.value, name=reverse)),
                *core[at + 1 :],
            ], False
        if part.code == "V":
            relation, bounds = part.value
            return [*core[:at], replace(part, value=(negated(relation), bounds)), *core[at + 1 :]], False
    return core, True


def _as_condition(rule: Rule) -> Rule:
    """What stands behind a not says nothing of sides."""
    if isinstance(rule, Clause):
        return replace(rule.plain or rule, reading=Reading.CONDITION)
    return replace(rule, members=tuple(map(_as_condition, rule.members)))


_SHAPES: tuple[tuple[str, Shape], ...] = (
    ("[SN]R[SNO]", ClauseReader.compared),
    ("R[SN]", ClauseReader.of_close),
    ("RSS", ClauseReader.listed),
    ("SR?SRS", ClauseReader.far_in_range),
    ("NRSRN|SNN", ClauseReader.within_two),
    ("NSR[RM]?", ClauseReader.crossed),
    ("[SN]V", ClauseReader.zone),
    ("SR?NR?S", ClauseReader.far_from),
    ("SRSN", ClauseReader.far_from),
    ("SR?N[SB]?B?", ClauseReader.times),
    (
        "SS?N?R[RM]?",
        lambda reader, parts: reader.crossed(parts) if "S" in _after(parts) else reader.crossed_itself(parts),
    ),
    ("SS", ClauseReader.crossed_by_sign),
    ("S", ClauseReader.extreme),
    ("B?S?MR?N?B?", ClauseReader.moved),
    ("SMM", ClauseReader.moved),
    ("SZ|ZS", ClauseReader.stated),
    (
        "Z",
        lambda reader, parts: (
            reader.bullish_candle(parts)
            if parts[0].value.name in ("bullish", "bearish")
            else reader.stated(parts)
        ),
    ),
    ("Z?PZ?", ClauseReader.pattern),
    ("X", ClauseReader.averages),
    ("E?C", ClauseReader.clock),
    ("D", ClauseReader.days),
    ("E", ClauseReader.every),
    ("[SNBZROMY]*K[SNBZROMYK]*", ClauseReader.signalled),
)


def _after(parts: list[Part]) -> str:
    """The codes behind the first part."""
    return "".join(part.code if part.code != "N" else "S" for part in parts[1:] if part.code in "SN")
