"""Signals and series as a person says them, from a document that may still have errors: "RSI 14 below 30".

What is said here can be typed as a rule sentence again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tradebot.engine.strategy.declared import nodes_of
from tradebot.engine.strategy.natural_sides import (
    BEARISH_PATTERNS,
    BREAKOUT_CHANNELS,
    BULLISH_PATTERNS,
    NEUTRAL_PATTERNS,
)
from tradebot.engine.strategy.problems import one_of
from tradebot.engine.strategy.registry import (
    AS_MEMBER,
    MEMBER_KINDS,
    IndicatorDeclaration,
    ParameterKind,
    Registry,
    SignalDeclaration,
)
from tradebot.engine.strategy.series import split_reference
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.values import plain

_NEVER = ""
_DEEPEST = 4
_NUMERIC = (ParameterKind.INTEGER, ParameterKind.NUMBER)
_MOST_NUMBERS = 3
_LABELS = {"stoch": "Stochastic", "bbands": "Bollinger", "adosc": "Chaikin oscillator", "psar": "Parabolic SAR",
           "alligator": "Alligator", "aroon": "Aroon", "trix": "TRIX", "ad": "Accumulation/distribution",
           "lag": "Earlier", "gap": "Gap", "ratio": "Ratio", "ichimoku": "Ichimoku", "heikin_ashi": "Heikin-Ashi",
           "percent_b": "Bollinger %b"}  # fmt: skip
_COLUMNS = {"hlc3": "typical price", "hl2": "median price", "funding": "funding rate"}
_INVERTED = {Supports.LONG: Supports.SHORT, Supports.SHORT: Supports.LONG}
_LONGEST_ABBREVIATION = 5
_PERIODS = re.compile("day, week or month", re.IGNORECASE)
_TO_BE = re.compile(
    r"(?<!\bit)(?<!which)(?<!that) (?:is|are) (?=above|below|at or|between|outside|more|less|rising|falling)"
)
_SIMPLE = frozenset({"compare", "cross", "threshold"})
Clauses = tuple[str, str]


class Phrasing:
    """Says what is in one document. Circles and what cannot be read are named, never raised."""

    def __init__(self, document: Mapping[str, Any], registry: Registry) -> None:
        self._registry = registry
        self._indicators = dict(nodes_of(document, "indicators"))
        self._signals = dict(nodes_of(document, "signals"))
        self._groups = dict(nodes_of(document, "groups"))
        self._indicator_kinds = registry.indicators
        self._signal_kinds = registry.signals
        self._series: dict[str, str] = {}
        self._clauses: dict[str, Clauses] = {}

    # ---- series

    def series(self, reference: object, depth: int = 0) -> str:
        """A series or a number: "EMA 200 4h", "upper Bollinger 20 2", "close", "30"."""
        if not isinstance(reference, str):
            return plain(reference) if isinstance(reference, int | float) else str(reference)
        if reference not in self._series:
            self._series[reference] = self._series_text(reference, depth)
        return self._series[reference]

    def _series_text(self, reference: str, depth: int) -> str:
        name, output = split_reference(reference)
        node = self._indicators.get(name)
        declaration = self._indicator_kinds.get(str(node.get("use"))) if node is not None else None
        if node is None or declaration is None or depth > _DEEPEST:
            return _COLUMNS.get(reference, reference)
        if declaration.name == "pattern":
            return str(node.get("kind", "engulfing")).replace("_", " ")
        text = self.indicator(declaration, node, depth)
        if output and output != declaration.main:
            said = output.replace("_", " ")
            text = f"{said} {text}" if output in ("upper", "middle", "lower") else f"{text} {said}"
        return text

    def indicator(self, declaration: IndicatorDeclaration, node: Mapping[str, Any], depth: int = 0) -> str:
        """An indicator with its numbers, source, bars and market."""
        if declaration.name == "price":
            source = self.series(node.get("source", "close"), depth + 1)
            return " ".join([source, *(str(node[key]) for key in ("timeframe", "symbol") if node.get(key))])
        if declaration.name == "lag":
            bars = _plain(node.get("length", 1))
            source = self.series(node.get("source", "close"), depth + 1)
            ago = f"{source}[{bars}]" if source.islower() else f"{source} {bars} bars ago"
            return " ".join([ago, *(str(node[key]) for key in ("timeframe", "symbol") if node.get(key))])
        label = short_label(declaration)
        values = said_values(declaration, node)
        if _PERIODS.search(label):
            label = _PERIODS.sub(str(node.get("period", "day")), label)
            values = values[1:] if values[:1] == [str(node.get("period"))] else values
        parts = [label, *values]
        sources = [
            self.series(node[each.name], depth + 1)
            for each in declaration.parameters
            if each.kind is ParameterKind.SERIES and node.get(each.name, each.default) != each.default
        ]
        parts += [str(node[key]) for key in ("timeframe", "symbol") if node.get(key)]
        return " ".join([*parts, *(["of " + " and ".join(sources)] if sources else [])])

    # ---- members

    def member(self, name: str, depth: int = 0) -> Clauses:
        """What must hold for a member to support long, and to support short; "" where it never does."""
        if depth > _DEEPEST:
            return f'"{name}"', f'the opposite of "{name}"'
        if name in self._clauses:
            return self._clauses[name]
        node = self._signals.get(name)
        said = self.sides_of(node, depth) if node is not None else self._group(name, depth)
        if depth < _DEEPEST - 2 or (node is not None and node.get("use") in _SIMPLE):
            self._clauses[name] = said
        return said

    def truth(self, node: Mapping[str, Any], depth: int = 0) -> Clauses:
        """What a signal calls true, and its opposite, whichever sides they are for."""
        declaration = self._signal_kinds.get(str(node.get("use")))
        if declaration is None:
            used = node.get("use")
            return (f"unknown signal {used}" if used else "a signal without a kind"), _NEVER
        if declaration.member_parameters:
            return self._truth_of_members(node, declaration, depth)
        special = self._special(declaration, node)
        if special is not None:
            return special
        texts = {}
        for parameter in declaration.parameters:
            value = node.get(parameter.name, parameter.default)
            if value is not None:
                texts[parameter.name] = (
                    self.series(value) if parameter.kind is ParameterKind.SERIES else _plain(value)
                )
        return _worded(declaration, texts)

    def _special(self, declaration: SignalDeclaration, node: Mapping[str, Any]) -> Clauses | None:
        """What reads better than by the signal's own words."""
        if declaration.name == "compare":
            return self._moved(node)
        if declaration.name == "cross" and isinstance(node.get("a"), int | float):
            number, series = _plain(node["a"]), self.series(node.get("b"))
            return f"{series} crosses below {number}", f"{series} crosses above {number}"
        if declaration.name == "candlestick":
            return self._pattern(node)
        if declaration.name == "squeeze":
            return self._squeeze(node)
        if declaration.name == "band_break" and node.get("invert") is not True:
            return self._band_break(node)
        return None

    def _squeeze(self, node: Mapping[str, Any]) -> Clauses | None:
        """One channel inside another, where each pair of edges is of one indicator."""
        channels = []
        for edges in (("upper", "lower"), ("channel_upper", "channel_lower")):
            names = {split_reference(str(node.get(each)))[0] for each in edges}
            outputs = [split_reference(str(node.get(each)))[1] for each in edges]
            indicator = self._indicators.get(names.pop(), {})
            declaration = self._indicator_kinds.get(str(indicator.get("use")))
            if names or outputs != ["upper", "lower"] or declaration is None:
                return None
            channels.append(self.indicator(declaration, indicator))
        return f"{channels[0]} squeeze inside {channels[1]}", f"{channels[0]} outside {channels[1]}"

    def _band_break(self, node: Mapping[str, Any]) -> Clauses | None:
        """Out of bands that a price is expected to come back into: said as a breakout, not as too high."""
        channel = self._indicators.get(split_reference(str(node.get("upper")))[0], {})
        if channel.get("use") in BREAKOUT_CHANNELS:
            return None
        source, upper, lower = (self.series(node.get(each, "close")) for each in ("source", "upper", "lower"))
        return f"{source} breaks out above {upper}", f"{source} breaks out below {lower}"

    def _pattern(self, node: Mapping[str, Any]) -> Clauses | None:
        """A candlestick pattern by its name, on the sides that it has."""
        source = self._indicators.get(split_reference(str(node.get("source")))[0], {})
        if source.get("use") != "pattern":
            return None
        kind = str(source.get("kind", "engulfing"))
        said = kind.replace("_", " ")
        if kind in NEUTRAL_PATTERNS:
            return said, said
        if kind in BULLISH_PATTERNS:
            return said, _NEVER
        return (_NEVER, said) if kind in BEARISH_PATTERNS else (f"bullish {said}", f"bearish {said}")

    def _moved(self, node: Mapping[str, Any]) -> Clauses | None:
        """A series against what it was itself some bars ago: it rises or falls."""
        earlier = self._indicators.get(str(node.get("b")), {})
        if earlier.get("use") != "lag" or earlier.get("source", "close") != node.get("a"):
            return None
        bars = _plain(earlier.get("length", 1))
        over = "" if bars == "1" else f" over {bars} bars"
        up, down = (f"{self.series(node.get('a'))} {verb}{over}" for verb in ("rising", "falling"))
        return (up, down) if str(node.get("op", ">")).startswith(">") else (down, up)

    def _truth_of_members(
        self, node: Mapping[str, Any], declaration: SignalDeclaration, depth: int
    ) -> Clauses:
        clauses = []
        for side in (0, 1):
            texts, possible = {}, True
            for parameter in declaration.parameters:
                value = node.get(parameter.name, parameter.default)
                if parameter.kind in MEMBER_KINDS:
                    named = value if isinstance(value, list) else [value]
                    said = [self._inside(str(each), side, depth + 1) for each in named if each]
                    possible = possible and (not said or any(said))
                    texts[parameter.name] = ", ".join(each for each in said if each) or "a rule"
                elif value is not None:
                    texts[parameter.name] = _plain(value)
            clauses.append(_worded(declaration, texts)[side] if possible else _NEVER)
        return clauses[0], clauses[1]

    def _inside(self, name: str, side: int, depth: int) -> str:
        if name not in self._signals and name not in self._groups:
            return f'"{name}"'
        return self.member(name, depth)[side]

    def sides_of(self, node: Mapping[str, Any], depth: int = 0) -> Clauses:
        """What must hold for a signal to support long, and to support short."""
        true, opposite = self.truth(node, depth)
        declaration = self._signal_kinds.get(str(node.get("use")))
        natural = declaration.supports if declaration is not None else Supports.BOTH
        supports = str(node.get("supports", natural))
        invert = node.get("invert", False) is True
        if supports == AS_MEMBER:
            return (opposite, true) if invert else (true, opposite)
        if supports == Supports.BOTH:
            said = f"not ({true})" if invert else true
            return said, said
        if supports == Supports.DIRECTION:
            return (opposite, true) if invert else (true, opposite)
        side = Supports(supports) if supports in ("long", "short") else Supports.LONG
        side = _INVERTED[side] if invert else side
        return (true, _NEVER) if side is Supports.LONG else (_NEVER, true)

    def _group(self, name: str, depth: int) -> Clauses:
        node = self._groups.get(name)
        if node is None:
            return f'"{name}"', f'"{name}"'
        return self.combined(node, 0, depth), self.combined(node, 1, depth)

    def combined(self, table: Mapping[str, Any], side: int, depth: int = 0) -> str:
        """What must hold for a combination of members to support a side (0 long, 1 short)."""
        members = table.get("signals")
        names = [each for each in members if isinstance(each, str)] if isinstance(members, list) else []
        names = [each for each in names if self._enabled(each)]
        said = [self._inside(each, side, depth + 1) for each in names]
        possible = [each for each in said if each]
        combine = table.get("combine")
        if not possible or (combine == "unanimous" and len(possible) < len(said)):
            return _NEVER
        if combine == "unanimous" or len(said) == 1:
            return " and ".join(possible)
        if combine == "any":
            return one_of(possible)
        listed = ", ".join(possible)
        if combine == "at_least":
            return f"at least {table.get('k', '?')} of: {listed}"
        return f"{str(combine).replace('_', ' ')} of: {listed}"

    def _enabled(self, name: str) -> bool:
        node = self._signals.get(name) or self._groups.get(name) or {}
        return node.get("enabled", True) is not False

    # ---- rows

    @staticmethod
    def says(text: str, value: object) -> bool:
        """Whether a value stands in a sentence as a word of its own."""
        return re.search(rf"(?<![\w.]){re.escape(_plain(value))}(?![\w]|\.\d)", text) is not None

    def row(self, name: str, leaving: bool, direction: int) -> str:
        """A member in the entry or (`leaving`) the exit of a strategy that opens both sides (0), longs or shorts only.

        In an entry it is what is needed to go long, in an exit what closes a long; "short: ..." where it is about
        shorts alone, "long: ..." where about longs alone though both are opened.
        """
        if name not in self._signals and name not in self._groups:
            return f'"{name}" is not there'
        long, short = self.member(name)
        if long == short:
            return long or "never"
        if not (long and short) and direction == 0 and (long or short):
            return f"{'long' if bool(long) != leaving else 'short'}: {long or short}"
        wanted, other = (long, short) if (direction >= 0) != leaving else (short, long)
        if wanted:
            return wanted
        return f"{'long' if direction < 0 else 'short'}: {other}" if other else "never"


def said_values(declaration: IndicatorDeclaration, node: Mapping[str, Any]) -> list[str]:
    """The values that tell an indicator from others of its kind: a single number always, several where one of them is
    not the usual one; of more than three only those that are not, with their names."""
    numbers = [each for each in declaration.parameters if each.kind in _NUMERIC]
    unusual = [each for each in numbers if node.get(each.name, each.default) != each.default]
    said = []
    for parameter in declaration.parameters:
        value = node.get(parameter.name, parameter.default)
        if parameter.kind is ParameterKind.SERIES or value is None:
            continue
        if parameter not in numbers:
            said += [_plain(value)] if value != parameter.default else []
        elif len(numbers) > _MOST_NUMBERS:
            said += [f"{parameter.name.replace('_', ' ')} {_plain(value)}"] if parameter in unusual else []
        elif unusual or (len(numbers) == 1 and parameter.kind is ParameterKind.INTEGER):
            said.append(_plain(value))
    return said


def short_label(declaration: IndicatorDeclaration) -> str:
    """What people call an indicator: RSI, EMA, Bollinger, Supertrend."""
    if declaration.name in _LABELS:
        return _LABELS[declaration.name]
    if len(declaration.name) <= _LONGEST_ABBREVIATION and declaration.name.isalnum():
        return declaration.name.upper()
    return declaration.label


def _worded(declaration: SignalDeclaration, texts: dict[str, str]) -> Clauses:
    """The clauses of a signal in its own words, without what the eye does not need; its label where it has none."""
    if declaration.words is not None:
        try:
            true, opposite = declaration.words(texts)
            return _short(true), _short(opposite)
        except Exception:  # noqa: BLE001, S110 - values may be wrong still, a plug-in's words may fail in any way
            pass
    values = ", ".join(f"{name} {text}" for name, text in texts.items())
    said = f"{declaration.label} ({values})" if values else declaration.label
    return said, f"the opposite of {said}"


def _short(text: str) -> str:
    return _TO_BE.sub(" ", text)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and abs(value) >= 1e15:
        return str(value)
    return plain(value) if isinstance(value, int | float) else str(value)
