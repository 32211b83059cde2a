"""A strategy read back in plain English."""

from __future__ import annotations

import re

from tradebot.engine.strategy.nature import Natures, named_members
from tradebot.engine.strategy.nodes import series_references
from tradebot.engine.strategy.possible import PossibleSides
from tradebot.engine.strategy.problems import one_of
from tradebot.engine.strategy.registry import (
    ParameterKind,
    Registry,
    SignalDeclaration,
    Value,
    Words,
    builtin_registry,
)
from tradebot.engine.strategy.series import MARKET_SERIES
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.signals.common import in_brackets
from tradebot.engine.strategy.spec import (
    Combination,
    Direction,
    Opposite,
    SignalSpec,
    StrategySpec,
    Trigger,
)
from tradebot.engine.strategy.values import plain
from tradebot.engine.strategy.words_names import SeriesWords, value_text
from tradebot.engine.strategy.words_risk import break_even, ends, entry_size, limits, listed

_NEVER = ""
_DEEPEST = 3
_MOST_SHOWN = 6
_BRACKETS = re.compile(r"\([^()]*\)")


def describe(spec: StrategySpec, registry: Registry | None = None) -> str:
    """The strategy in two or three sentences, ending with a full stop."""
    words = _Words(spec, registry or builtin_registry())
    return " ".join(sentence for sentence in (words.entry(), words.leave(), words.size()) if sentence)


class _Words:
    def __init__(self, spec: StrategySpec, registry: Registry) -> None:
        self._spec = spec
        self._registry = registry
        self._natures = Natures(spec.signals, spec.groups)
        self._series = SeriesWords(spec, registry)

    def entry(self) -> str:
        spec = self._spec
        direction = spec.risk.direction
        when = "on the first bar on which " if spec.entry.trigger is Trigger.EDGE else "when "
        long = self._rule(spec.entry.rule, 0) if direction is not Direction.SHORT else _NEVER
        short = self._rule(spec.entry.rule, 1) if direction is not Direction.LONG else _NEVER
        parts = []
        if long and long == short:
            # Both sides at once are a conflict, so such an entry never opens anything.
            return f"On {self._market()}, no side is ever taken: the entry supports both at once."
        if long:
            parts.append(f"go long {when}{long}")
        if short:
            parts.append(f"go short {when}{short}")
        return f"On {self._market()}, {'; '.join(parts) or 'no side is ever taken'}."

    def leave(self) -> str:
        risk = self._spec.risk
        signals, always = self._exit_signals(), ends(risk, self._series.text)
        reverses = risk.opposite is Opposite.REVERSE and risk.direction is Direction.BOTH
        opposite = f"an opposite signal {'reverses' if reverses else 'closes'} the position"
        if risk.opposite is Opposite.IGNORE or not self._both_sides():
            opposite = ""
        if not signals and not always:
            return f"Only {opposite}." if opposite else "Nothing closes a position."
        anything = f"any position {one_of(always)}" if signals else f"a position {one_of(always)}"
        clauses = [*signals, anything] if always else signals
        rest = [clause for clause in (break_even(risk), opposite) if clause]
        return "; ".join([f"Close {listed(clauses)}", *rest]) + "."

    def _both_sides(self) -> bool:
        """Whether an entry may stand against an open position."""
        sides = PossibleSides(self._spec, self._registry).of_rule(self._spec.entry.rule)
        return sides.long and sides.short

    def _exit_signals(self) -> list[str]:
        rule, direction = self._spec.exit, self._spec.risk.direction
        if rule is None:
            return []
        closes_long = self._rule(rule, 1) if direction is not Direction.SHORT else _NEVER
        closes_short = self._rule(rule, 0) if direction is not Direction.LONG else _NEVER
        if closes_long and closes_long == closes_short:
            return [f"a position when {closes_long}"]
        both = (("a long when", closes_long), ("a short when", closes_short))
        return [f"{side} {clause}" for side, clause in both if clause]

    def size(self) -> str:
        limited = limits(self._spec)
        return entry_size(self._spec) + (f"; {limited}." if limited else ".")

    def _market(self) -> str:
        spec = self._spec
        walked = f", with fills on {spec.execution.value} bars" if spec.execution is not None else ""
        if spec.top is not None:
            largest = f"the {spec.top.top} {spec.category.value} symbols with the largest {spec.top.by}"
            return f"{spec.timeframe.value} bars of {largest}{walked}"
        symbols = list(spec.symbols)
        shown = symbols if len(symbols) <= 4 else [*symbols[:3], f"{len(symbols) - 3} more"]
        return f"{spec.timeframe.value} bars of {listed(shown)} ({spec.category.value}){walked}"

    def _rule(self, rule: Combination, side: int, depth: int = 0) -> str:
        """What must hold for one side (0 long, 1 short) to be supported; empty where it never is."""
        names = [name for name in rule.signals if self._enabled(name)]
        phrases = {name: self._member(name, side, depth) for name in names}
        if len(phrases) > 1:
            phrases = {name: _wrapped(text, (", ",)) for name, text in phrases.items()}
        possible = {name: phrase for name, phrase in phrases.items() if phrase}
        needed = {
            "unanimous": len(names),
            "majority": len(names) // 2 + 1,
            "any": 1,
            "at_least": int(rule.parameters.get("k", 1)),
        }.get(rule.combine)
        if not possible or (needed is not None and needed > len(possible)):
            return _NEVER
        if needed == len(possible):
            return self._all_of(possible)
        shown = _shortened(list(possible.values()))
        if needed == 1:
            return one_of(shown)
        text = ", ".join(shown)
        if needed is not None:
            return f"at least {needed} of these hold: {text}"
        if rule.combine == "weighted":
            percent = plain(round(100 * float(rule.parameters["threshold"]), 6))
            return f"{percent} % of the weight agrees: {text}"
        return f"{rule.combine} of these agree: {text}"

    def _all_of(self, phrases: dict[str, str]) -> str:
        """All of them together; what coarser bars say is the background: "a and b while c"."""
        there = [phrase for name, phrase in phrases.items() if self._is_slower(name)]
        here = [phrase for name, phrase in phrases.items() if not self._is_slower(name)]
        if len(phrases) > _MOST_SHOWN or not here or not there:
            return listed(_shortened(list(phrases.values())))
        return f"{listed(here)} while {listed(there)}"

    def _is_slower(self, name: str) -> bool:
        """Whether a signal reads coarser bars alone."""
        signal = self._spec.signals.get(name)
        if signal is None:
            return False
        references = series_references(self._registry.signals[signal.use], signal.parameters)
        named = [each for each in references if each not in MARKET_SERIES]
        return bool(named) and all(self._series.is_slower(each) for each in named)

    def _enabled(self, name: str) -> bool:
        return (self._spec.signals.get(name) or self._spec.groups[name]).enabled

    def _member(self, name: str, side: int, depth: int) -> str:
        signal = self._spec.signals.get(name)
        if signal is not None:
            return self._signal(signal, side, depth)
        if depth >= _DEEPEST:
            return f'the group "{name}" supports {"short" if side else "long"}'
        inside = self._rule(self._spec.groups[name].rule, side, depth + 1)
        return _wrapped(inside)

    def _signal(self, signal: SignalSpec, side: int, depth: int) -> str:
        true, opposite = self._truth(signal, depth)
        if signal.supports is Supports.BOTH:
            return f"not {in_brackets(true)}" if signal.invert else true
        if signal.invert:
            side = 1 - side
        if signal.supports is Supports.DIRECTION:
            return opposite if side else true
        return true if (signal.supports is Supports.SHORT) == bool(side) else _NEVER

    def _truth(self, signal: SignalSpec, depth: int) -> tuple[str, str]:
        declaration = self._registry.signals[signal.use]
        if declaration.words is None:
            return f'"{signal.name}" holds', f'the opposite of "{signal.name}" holds'
        if declaration.member_parameters:
            return self._truth_of_members(signal, declaration, declaration.words, depth)
        texts: dict[str, str] = {}
        first = ""
        for parameter in declaration.parameters:
            value = signal.parameters.get(parameter.name)
            if value is None:
                continue
            texts[parameter.name] = _text(value)
            if parameter.kind is ParameterKind.SERIES and isinstance(value, str):
                texts[parameter.name] = _its(self._series.text(value), first)
                first = first or texts[parameter.name]
        return declaration.words(texts)

    def _truth_of_members(
        self, signal: SignalSpec, declaration: SignalDeclaration, words: Words, depth: int
    ) -> tuple[str, str]:
        """A rule over members says the same of both sides, each time of what its members say of that side."""
        names = named_members(declaration, signal.parameters)
        if depth >= _DEEPEST:
            return f'"{signal.name}" holds', f'the opposite of "{signal.name}" holds'
        true = 1 if self._natures.of_all(names) is Supports.SHORT else 0
        clauses = []
        for place, side in enumerate((true, 1 - true)):
            texts, possible = {}, True
            for parameter in declaration.parameters:
                value = signal.parameters[parameter.name]
                named = named_members(declaration, {parameter.name: value})
                members = [self._member(name, side, depth + 1) for name in named if self._enabled(name)]
                possible = possible and (not named or any(members))
                shown = [_wrapped(each) for each in members if each]
                texts[parameter.name] = ", ".join(shown) if named else _text(value)
            clauses.append(words(texts)[place] if possible else _NEVER)
        return clauses[0], clauses[1]


def _wrapped(text: str, signs: tuple[str, ...] = (" and ", " or ", ": ", " while ", ", ")) -> str:
    """In brackets where it would not be clear what belongs together."""
    outside = _BRACKETS.sub("", text)
    return in_brackets(text) if any(sign in outside for sign in signs) else text


def _its(text: str, first: str) -> str:
    """`the signal line of MACD` beside MACD is `its signal line`."""
    own = f" of {first}"
    return f"its {text.removesuffix(own).removeprefix('the ')}" if first and text.endswith(own) else text


def _shortened(phrases: list[str]) -> list[str]:
    if len(phrases) <= _MOST_SHOWN:
        return phrases
    return [*phrases[: _MOST_SHOWN - 1], f"{len(phrases) - _MOST_SHOWN + 1} others"]


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value_text(value)
