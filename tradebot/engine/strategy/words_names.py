"""What a series is called in a sentence: "the close", "RSI 14", "the upper line of the 4h Bollinger bands (20, 2)"."""

from __future__ import annotations

from tradebot.engine.strategy.registry import (
    IndicatorDeclaration,
    Parameter,
    ParameterKind,
    Registry,
    Value,
)
from tradebot.engine.strategy.series import MARKET_SERIES, split_reference
from tradebot.engine.strategy.spec import IndicatorSpec, StrategySpec
from tradebot.engine.strategy.values import plain

_COLUMN_WORDS = {
    "hl2": "the middle of the bar",
    "hlc3": "the mean of high, low and close",
    "ohlc4": "the mean of the bar",
    "funding": "the funding rate",
}
# Outputs whose name is no line: "the signal line", but "the histogram".
_NO_LINES = frozenset({"histogram", "oscillator", "direction", "open", "high", "low", "close", "pivot"})
_BAND_LINES = frozenset({"upper", "middle", "lower"})
_LONGEST_SHORT_NAME = 5
_DEEPEST = 3
# Kinds whose short name is no abbreviation that people use.
_OWN_NAMES = {"lag": "earlier value", "psar": "Parabolic SAR"}
_ADVERBS = {"day": "daily", "week": "weekly", "month": "monthly"}


class SeriesWords:
    """Names of the series of one strategy."""

    def __init__(self, spec: StrategySpec, registry: Registry) -> None:
        self._spec = spec
        self._indicators = registry.indicators

    def text(self, reference: str, depth: int = 0) -> str:
        """The words for a reference such as `close`, `fast` or `bands.upper`."""
        name, output = split_reference(reference)
        if name in MARKET_SERIES:
            return _COLUMN_WORDS.get(name, f"the {name}")
        if depth >= _DEEPEST:
            return f'"{reference}"'
        spec = self._spec.indicators[name]
        declaration = self._indicators[spec.use]
        line = output if output != declaration.main else ""
        label, values = _named(declaration, spec, line)
        if line in _BAND_LINES and label.endswith("bands"):  # "the upper Bollinger band (20, 2)"
            label, line = f"the {line} {label.removesuffix('s')}", ""
        whole = self._placed(f"{label} {_in_brackets(values)}" if values else label, spec, declaration, depth)
        if not line:
            return whole
        words = line.replace("_", " ")
        return f"the {words} of {whole}" if line in _NO_LINES else f"the {words} line of {whole}"

    def is_slower(self, reference: str) -> bool:
        """Whether a series is one of coarser bars than those of the strategy."""
        spec = self._spec.indicators.get(split_reference(reference)[0])
        return spec is not None and spec.timeframe not in (None, self._spec.timeframe)

    def _placed(self, text: str, spec: IndicatorSpec, declaration: IndicatorDeclaration, depth: int) -> str:
        """The name with the bars, the series and the market that it is computed from, where they are not the usual."""
        if self.is_slower(spec.name) and spec.timeframe is not None:
            text = f"the {spec.timeframe.value} {text.removeprefix('the ')}"
        sources = [
            self.text(str(spec.parameters[each.name]), depth + 1)
            for each in declaration.parameters
            if each.kind is ParameterKind.SERIES and spec.parameters[each.name] != each.default
        ]
        joined = f" of {' and '.join(sources)}" if sources else ""
        return text + joined + (f" of {spec.symbol}" if spec.symbol else "")


def _named(declaration: IndicatorDeclaration, spec: IndicatorSpec, line: str) -> tuple[str, list[str]]:
    """What people call an indicator, and the values that stand behind its name."""
    period = str(spec.parameters.get("period", ""))
    match spec.use:
        case "vwap":
            deviations = value_text(spec.parameters["deviations"])
            return f"the {_ADVERBS.get(period, period)} VWAP", [deviations] if line else []
        case "previous_period":
            return f"the previous {period}", []
        case "current_period":
            return f"the {period} so far", []
        case "pattern":
            return f"the {str(spec.parameters['kind']).replace('_', ' ')} pattern", []
    values = [
        value_text(spec.parameters[each.name], each)
        for each in declaration.parameters
        if each.kind is not ParameterKind.SERIES and each.name in spec.parameters
    ]
    return short_name(declaration), values


def short_name(declaration: IndicatorDeclaration) -> str:
    """What people call a kind: RSI, EMA, Bollinger bands."""
    name, label = declaration.name, declaration.label
    if name in _OWN_NAMES:
        return _OWN_NAMES[name]
    is_word = label.lower().startswith(name)
    return name.upper() if len(name) <= _LONGEST_SHORT_NAME and name.isalpha() and not is_word else label


def value_text(value: Value, parameter: Parameter | None = None) -> str:
    """A value as it stands in a sentence."""
    if isinstance(value, bool):
        word = parameter.name.replace("_", " ") if parameter is not None else "it"
        return word if value else f"no {word}"
    return value if isinstance(value, str) else plain(value)


def _in_brackets(values: list[str]) -> str:
    """`14`, or `(12, 26, 9)`; a text alone stands in brackets too."""
    single = len(values) == 1 and values[0][:1].isdigit()
    return values[0] if single else "(" + ", ".join(values) + ")"
