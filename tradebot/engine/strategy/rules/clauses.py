"""From the parts of one clause to a rule: what is said of it, and what stands around it."""

from __future__ import annotations

from dataclasses import replace

from tradebot.engine.strategy.rules.comparing import negated
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.cursor import Part
from tradebot.engine.strategy.rules.shapes import Shapes
from tradebot.engine.strategy.rules.tree import Around, Clause, MisreadError, Reading, Rule, Series

_MODIFIERS = {"W": ("within", "bars"), "H": ("held", "bars"), "G": ("delay", "bars")}


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
        if symbol and any(part.code == "K" and part.value.name == "relative_strength" for part in core):
            core = [*core, Part("Y", symbol)]
        return Shapes(self.context).read(core)


def _is_about_trend(core: list[Part]) -> bool:
    """`trend up` without a series."""
    return any(part.code == "K" and part.value.name == "trend" for part in core)


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
