"""One value against its declaration: what is expected, what was found, and the value in its own type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

from tradebot.engine.control.errors import did_you_mean, nearest
from tradebot.engine.market import is_symbol
from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.strategy.problems import Path, one_of
from tradebot.engine.strategy.registry import Parameter, ParameterKind

Wrong = Callable[[Path, str], None]
"""Takes the path below the value and the sentence."""
_Fault = Callable[[str], str | None]

_PATTERN = re.compile(r"[A-Z0-9*?][A-Z0-9*?._-]{0,39}")
_NAMED_CHOICES = 12  # more make a sentence that nobody reads
_TEXT_LIMIT = 2_000


_EXPECTED = {
    ParameterKind.SWITCH: "true or false",
    ParameterKind.TEXT: "a text",
    ParameterKind.SYMBOL: 'a symbol such as "BTCUSDT"',
    ParameterKind.SYMBOLS: 'a list of symbols such as ["BTCUSDT", "ETH*"], or { top = 20, by = "turnover" }',
    ParameterKind.MEMBER: "the name of a signal or group",
    ParameterKind.MEMBERS: "a list of signals and groups",
    ParameterKind.WEIGHTS: "a table of members and their weights such as { trend = 2.0 }",
    ParameterKind.USE: "a table with the key use",
    ParameterKind.USES: "a table with the key use, or a list of such tables",
}


def expected(parameter: Parameter) -> str:
    """What a value of this parameter must be: `a whole number from 2 to 100000`."""
    match parameter.kind:
        case ParameterKind.INTEGER:
            return "a whole number" + _range(parameter)
        case ParameterKind.NUMBER:
            return "a number" + _range(parameter)
        case ParameterKind.CHOICE:
            return _one_of_choices(parameter.choices)
        case ParameterKind.SERIES:
            series = 'a series such as "close" or an indicator\'s name'
            return series + ", or a number" if parameter.allow_number else series
        case ParameterKind.TABLE:
            return f"a table such as {table_example(parameter.parameters)}"
    return _EXPECTED[parameter.kind]


def table_example(parameters: Iterable[Parameter], use: str = "") -> str:
    """`{ use = "atr", length = ..., multiple = ... }`: what such a table looks like."""
    keys = [f'use = "{use}"'] if use else []
    keys += [f"{each.name} = ..." for each in parameters if not each.optional]
    return "{ " + ", ".join(keys) + " }"


def _range(parameter: Parameter) -> str:
    low, high = parameter.low, parameter.high
    if low is not None and high is not None:
        return f" from {plain(low)} to {plain(high)}"
    if low is not None:
        return f", {plain(low)} or more"
    return "" if high is None else f", {plain(high)} or less"


def plain(number: float) -> str:
    """A number as a person writes it: 100000 not 1e+05, 0.000001 not 1e-06."""
    return decimal_text(Decimal(repr(number)))


def found(value: object) -> str:
    """What stands in the file: `is 0`, `is the text "20"`, `is a list`."""
    if isinstance(value, bool):
        return f"is {str(value).lower()}"
    if isinstance(value, int | float):
        return f"is {_shortened(value)}"
    if isinstance(value, str):
        text = value if len(value) <= 60 else value[:57] + "..."
        hint = ", which needs no quotation marks" if _is_plain_value(value) else ""
        return f'is the text "{"".join(c if c.isprintable() else "?" for c in text)}"{hint}'
    if isinstance(value, Mapping):
        return "is a table"
    return "is a list" if isinstance(value, list) else "is a date or time"


def _shortened(number: float) -> str:
    if isinstance(number, int) and abs(number) >= 10**20:
        return "a number of more than 20 digits"
    return repr(number)


def _is_plain_value(text: str) -> bool:
    return text in {"true", "false"} or re.fullmatch(r"[+-]?\d+(\.\d+)?", text) is not None


def convert(parameter: Parameter, value: object, wrong: Wrong) -> Any:
    """The value in its own type, or None after telling `wrong`. Tables are read by the reader."""
    match parameter.kind:
        case ParameterKind.INTEGER | ParameterKind.NUMBER:
            return _number(parameter, value, wrong)
        case ParameterKind.SWITCH:
            return value if isinstance(value, bool) else _refuse(parameter, value, wrong)
        case ParameterKind.CHOICE:
            return _choice(parameter, value, wrong)
        case ParameterKind.SERIES:
            if isinstance(value, str) and value:
                return value
            return (
                _number(parameter, value, wrong)
                if parameter.allow_number
                else _refuse(parameter, value, wrong)
            )
        case ParameterKind.TEXT:
            return _text(parameter, value, wrong)
        case ParameterKind.SYMBOL:
            return _symbol(parameter, value, wrong)
        case ParameterKind.SYMBOLS:
            return _symbols(parameter, value, wrong)
        case ParameterKind.MEMBER:
            return value if isinstance(value, str) and value else _refuse(parameter, value, wrong)
        case ParameterKind.MEMBERS:
            return _members(parameter, value, wrong)
        case ParameterKind.WEIGHTS:
            return _weights(parameter, value, wrong)
    raise AssertionError(f"{parameter.kind} is no single value")


def _one_of_choices(choices: tuple[str, ...]) -> str:
    count = len(choices)
    named = one_of(f'"{choice}"' for choice in (choices if count <= _NAMED_CHOICES else choices[:3]))
    return named if count <= _NAMED_CHOICES else f"one of {count} names, such as {named}"


def _refuse(parameter: Parameter, value: object, wrong: Wrong, below: Path = ()) -> Any:
    wrong(below, f"must be {expected(parameter)}, but {found(value)}")
    return None


def _number(parameter: Parameter, value: object, wrong: Wrong, below: Path = ()) -> Any:
    whole = parameter.kind is ParameterKind.INTEGER
    is_number = isinstance(value, int) if whole else isinstance(value, int | float)
    if isinstance(value, bool) or not is_number or not _within(parameter, value):
        return _refuse(parameter, value, wrong, below)
    return value if whole else float(cast("float", value))


def _within(parameter: Parameter, value: Any) -> bool:
    low = -1e300 if parameter.low is None else parameter.low
    high = 1e300 if parameter.high is None else parameter.high
    return bool(low <= value <= high)  # false for a NaN too


def _choice(parameter: Parameter, value: object, wrong: Wrong) -> str | None:
    if isinstance(value, str) and value in parameter.choices:
        return value
    hint = did_you_mean(value, parameter.choices) if isinstance(value, str) else ""
    sentence = f"must be {expected(parameter)}, but {found(value)}"
    wrong((), sentence + "." + hint if hint else sentence)
    return None


def _text(parameter: Parameter, value: object, wrong: Wrong) -> str | None:
    if not isinstance(value, str):
        _refuse(parameter, value, wrong)
        return None
    if parameter.required and not value.strip():
        wrong((), "must be a text, but is empty")
        return None
    if parameter.name == "name" and not (value.isprintable() and len(value) <= 80):
        wrong((), "must be one line of at most 80 characters")
        return None
    if len(value) > _TEXT_LIMIT:
        wrong((), f"must be a text of at most {_TEXT_LIMIT} characters, but has {len(value)}")
        return None
    return value


def _texts(
    parameter: Parameter, value: object, wrong: Wrong, what: str, fault: _Fault | None = None
) -> tuple[str, ...] | None:
    """`fault` says what is wrong with an entry that is a text and stands there for the first time."""
    if not isinstance(value, list):
        hint = f': write ["{value}"]' if isinstance(value, str) and value.isprintable() and value else ""
        wrong((), f"must be {expected(parameter)}, but {found(value)}{hint}")
        return None
    if not value:
        wrong((), f"must name at least one {what}, but the list is empty")
        return None
    good = True
    for position, entry in enumerate(value, 1):
        sentence: str | None = None
        if not isinstance(entry, str) or not entry:
            sentence = f"must be the name of a {what} in quotation marks, but {found(entry)}"
        elif entry in value[: position - 1]:
            sentence = f'names "{entry}" a second time'
        elif fault is not None:
            sentence = fault(entry)
        if sentence is not None:
            wrong((position,), sentence)
            good = False
    return tuple(value) if good else None


def _symbol(parameter: Parameter, value: object, wrong: Wrong) -> str | None:
    if not isinstance(value, str):
        _refuse(parameter, value, wrong)
        return None
    if is_symbol(value):
        return value
    upper = value.upper()
    hint = f'. Did you mean "{upper}"?' if upper != value and is_symbol(upper) else ""
    wrong((), f"must be one symbol in capital letters and digits, but {found(value)}{hint}")
    return None


def _symbols(parameter: Parameter, value: object, wrong: Wrong) -> tuple[str, ...] | None:
    return _texts(parameter, value, wrong, "symbol", _symbol_fault)


def _symbol_fault(symbol: str) -> str | None:
    if is_symbol(symbol) or (_PATTERN.fullmatch(symbol) and ".." not in symbol):
        return None
    upper = symbol.upper()
    hint = f'. Did you mean "{upper}"?' if upper != symbol and is_symbol(upper) else ""
    return f"must be a symbol in capital letters and digits, or a pattern with * and ?, but {found(symbol)}{hint}"


def _members(parameter: Parameter, value: object, wrong: Wrong) -> tuple[str, ...] | None:
    return _texts(parameter, value, wrong, "signal or group")


def _weights(parameter: Parameter, value: object, wrong: Wrong) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        _refuse(parameter, value, wrong)
        return None
    each = Parameter(
        name="weight", kind=ParameterKind.NUMBER, help="", low=parameter.low, high=parameter.high
    )
    result = {name: _number(each, weight, wrong, (name,)) for name, weight in value.items()}
    return (
        None if None in result.values() else {name: float(weight or 0.0) for name, weight in result.items()}
    )


def unknown_name(name: str, known: list[str], what: str) -> str:
    """`"fsat" is not a series; expected ... or the nearest`, for a reference that leads nowhere."""
    close = nearest(name, known)
    if close:
        return f'"{name}" is not {what}. Did you mean "{close}"?'
    several = known if len(known) <= 12 else [*known[:12], "another"]
    return f'"{name}" is not {what}' + (f"; expected {one_of(several)}" if known else "; there is none yet")
