"""A strategy read back in plain English."""

from __future__ import annotations

from tradebot.engine.strategy.nature import Natures, named_members
from tradebot.engine.strategy.problems import one_of
from tradebot.engine.strategy.registry import (
    ParameterKind,
    Registry,
    SignalDeclaration,
    Words,
    builtin_registry,
)
from tradebot.engine.strategy.series import MARKET_SERIES, split_reference
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.spec import (
    Combination,
    Direction,
    Opposite,
    SignalSpec,
    StrategySpec,
    Trigger,
    Use,
)
from tradebot.engine.strategy.values import plain

_NEVER = ""
_DEEPEST = 3
_COLUMN_WORDS = {
    "hl2": "the middle of the bar",
    "hlc3": "the mean of high, low and close",
    "ohlc4": "the mean of the bar",
    "funding": "the funding rate",
}


def describe(spec: StrategySpec, registry: Registry | None = None) -> str:
    """The strategy in two or three sentences, ending with a full stop."""
    words = _Words(spec, registry or builtin_registry())
    return " ".join(sentence for sentence in (words.entry(), words.leave(), words.size()) if sentence)


class _Words:
    def __init__(self, spec: StrategySpec, registry: Registry) -> None:
        self._spec = spec
        self._registry = registry
        self._natures = Natures(spec.signals, spec.groups)

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
        signals = self._exit_signals()
        always = [f"at a loss of {_level(risk.stop_loss)}"] if risk.stop_loss is not None else []
        always += [f"at a gain of {_level(target)}" for target in risk.take_profit]
        always += [f"after {_bars(risk.max_bars)}"] if risk.max_bars else []
        reverses = risk.opposite is Opposite.REVERSE and risk.direction is Direction.BOTH
        opposite = f"an opposite signal {'reverses' if reverses else 'closes'} the position"
        if risk.opposite is Opposite.IGNORE:
            opposite = ""
        if not signals and not always:
            return f"Only {opposite}." if opposite else "Nothing closes a position."
        if signals and always:
            text = f"Close {', '.join(signals)}, and any position {one_of(always)}"
        else:
            text = f"Close {', '.join(signals) or 'a position ' + one_of(always)}"
        return f"{text}; {opposite}." if opposite else f"{text}."

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
        risk = self._spec.risk
        rest = f", with at least {_bars(risk.cooldown_bars)} between an exit and the next entry"
        return f"Each entry is {_size(risk.sizing)}{rest if risk.cooldown_bars else ''}."

    def _market(self) -> str:
        spec = self._spec
        if spec.top is not None:
            largest = f"the {spec.top.top} {spec.category.value} symbols of the largest {spec.top.by}"
            return f"{spec.timeframe.value} bars of {largest}"
        symbols = list(spec.symbols)
        shown = symbols if len(symbols) <= 4 else [*symbols[:3], f"{len(symbols) - 3} more"]
        names = ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]
        return f"{spec.timeframe.value} bars of {names} ({spec.category.value})"

    def _rule(self, rule: Combination, side: int, depth: int = 0) -> str:
        """What must hold for one side (0 long, 1 short) to be supported; empty where it never is."""
        names = [name for name in rule.signals if self._enabled(name)]
        phrases = [self._member(name, side, depth) for name in names]
        possible = [phrase for phrase in phrases if phrase]
        needed = {
            "unanimous": len(names),
            "majority": len(names) // 2 + 1,
            "any": 1,
            "at_least": int(rule.parameters.get("k", 1)),
        }.get(rule.combine)
        if not possible or (needed is not None and needed > len(possible)):
            return _NEVER
        if len(possible) > 6:
            possible = [*possible[:5], f"{len(possible) - 5} others"]
        if needed == len(possible):
            return " and ".join(possible)
        if needed == 1:
            return one_of(possible)
        listed = ", ".join(possible)
        if needed is not None:
            return f"at least {needed} of these hold: {listed}"
        if rule.combine == "weighted":
            percent = plain(round(100 * float(rule.parameters["threshold"]), 6))
            return f"{percent} % of the weight agrees: {listed}"
        return f"{rule.combine} of these agree: {listed}"

    def _enabled(self, name: str) -> bool:
        return (self._spec.signals.get(name) or self._spec.groups[name]).enabled

    def _member(self, name: str, side: int, depth: int) -> str:
        signal = self._spec.signals.get(name)
        if signal is not None:
            return self._signal(signal, side, depth)
        if depth >= _DEEPEST:
            return f'the group "{name}" supports {"short" if side else "long"}'
        inside = self._rule(self._spec.groups[name].rule, side, depth + 1)
        compound = any(sign in inside for sign in (" and ", " or ", ": "))
        return f"({inside})" if compound else inside

    def _signal(self, signal: SignalSpec, side: int, depth: int) -> str:
        true, opposite = self._truth(signal, depth)
        if signal.supports is Supports.BOTH:
            return f"not ({true})" if signal.invert else true
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
        texts = {}
        for parameter in declaration.parameters:
            value = signal.parameters.get(parameter.name)
            if value is None:
                continue
            is_series = parameter.kind is ParameterKind.SERIES and isinstance(value, str)
            texts[parameter.name] = self._series(str(value)) if is_series else _text(value)
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
                texts[parameter.name] = ", ".join(each for each in members if each) if named else _text(value)
            clauses.append(words(texts)[place] if possible else _NEVER)
        return clauses[0], clauses[1]

    def _series(self, reference: str) -> str:
        name, output = split_reference(reference)
        if name in MARKET_SERIES:
            return _COLUMN_WORDS.get(name, f"the {name}")
        spec = self._spec.indicators[name]
        declaration = self._registry.indicators[spec.use]
        numbers, sources = [], []
        for parameter in declaration.parameters:
            value = spec.parameters[parameter.name]
            if parameter.kind is ParameterKind.SERIES:
                sources += [str(value)] if value != parameter.default else []
            else:
                numbers.append(_text(value))
        text = f"{spec.use.upper()}({', '.join(numbers)})" if numbers else spec.use.upper()
        if output and output != declaration.main:
            text = f"the {output.replace('_', ' ')} line of {text}"
        if spec.timeframe is not None and spec.timeframe is not self._spec.timeframe:
            text += f" on {spec.timeframe.value} bars"
        text += f" of {spec.symbol}" if spec.symbol else ""
        return text + "".join(f" of {self._source(source)}" for source in sources)

    def _source(self, reference: str) -> str:
        name, _output = split_reference(reference)
        return _COLUMN_WORDS.get(name, f"the {name}") if name in MARKET_SERIES else f'"{reference}"'


def _text(value: float | str | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else plain(value)


def _values(use: Use) -> str:
    return f"{use.use} " + ", ".join(f"{name} {_text(value)}" for name, value in use.parameters.items())


def _bars(count: int) -> str:
    return f"{count} bar" if count == 1 else f"{count} bars"


def _size(use: Use) -> str:
    of = {
        "equity": ("percent", "% of the equity"),
        "notional": ("amount", "of the quote coin"),
        "fixed": ("quantity", "of the base coin"),
    }.get(use.use)
    return _values(use) if of is None else f"{plain(use.number(of[0]))} {of[1]}"


def _level(use: Use) -> str:
    return f"{plain(use.number('percent'))} %" if use.use == "percent" else _values(use)
