"""A rule sentence cut into words, numbers, signs, timeframes and clock times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tradebot.engine.market import Timeframe


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    SIGN = "sign"
    """One of `< <= > >= = ( ) , / & | : + % -`."""
    TIMEFRAME = "timeframe"
    """`4h`; a span that is no timeframe, such as `20 days`, has no text, only its number and unit."""
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the sentence: `text` as the language knows it, `raw` as it was typed; a number has `value` and `unit`.

    A unit is "%" or "x"; `glued` says that no blank stands before it.
    """

    kind: Kind
    text: str
    raw: str
    value: float = 0.0
    unit: str = ""
    glued: bool = False


_UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
}
_SIGNS = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">=", "==": "=", "[": "(", "]": ")", "{": "(", "}": ")", "&&": "&",
          "×": "x", "||": "|"}  # fmt: skip
_PIECE = re.compile(
    r"(?P<clock>\d{1,2}:\d{2})"
    r"|(?P<frame>\d+[ -]?(?:minutes|minute|mins|min|hours|hour|hrs|hr|weeks|week|days|day|[mhdw])(?![a-z0-9_]))"
    r"|(?P<frame2>[mhdw]\d{1,2}(?![a-z0-9_.]))"
    r"|(?P<number>(?P<minus>-)?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|(?P<minus2>-)?\.\d+)"
    r"|(?P<word>%[kdrb](?![a-z])|[+-]di(?![a-z])|[a-z_][a-z0-9_']*(?:\.[a-z][a-z0-9_]*)?)"
    r"|(?P<sign>&&|\|\||<=|>=|=<|=>|==|!=|<>|[<>=≤≥≠×()\[\]{},/&|:+%-])",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\s?(%|x(?![a-z0-9<>])|times(?![a-z])|percent(?![a-z])|k(?![a-z0-9]))", re.IGNORECASE)


def tokenise(text: str) -> list[Token]:
    """The tokens of a sentence in their order; what is no token (a full stop, an exclamation mark) is left out."""
    tokens: list[Token] = []
    at, depth, end = 0, 0, 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            at += 1
            continue
        glued = bool(tokens) and found.start() == end
        raw = found[0]
        if found["number"] and depth and "," in raw:
            raw = raw.split(",")[0]  # between brackets a comma parts two numbers
        at = end = found.start() + len(raw)
        token = _token(found, raw, glued, tokens)
        if token.kind is Kind.NUMBER and (unit := _UNIT.match(text, at)) is not None:
            token, at = _with_unit(token, unit[1].lower()), unit.end()
            end = at
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SIGN else 0
        tokens.append(token)
    return tokens


def _token(found: re.Match[str], raw: str, glued: bool, before: list[Token]) -> Token:
    text = raw.lower()
    if found["clock"]:
        return Token(Kind.CLOCK, text.zfill(5), raw, glued=glued)
    if found["frame"] or found["frame2"]:
        return _frame(text, raw, glued)
    if found["number"]:
        negative = text.startswith("-") and not (glued and before and _ends_value(before[-1]))
        value = float(text.lstrip("-").replace(",", ""))
        return Token(Kind.NUMBER, text, raw, -value if negative else value, glued=glued)
    if found["word"]:
        return Token(Kind.WORD, text.replace("'", ""), raw, glued=glued)
    return Token(Kind.SIGN, _SIGNS.get(text, text), raw, glued=glued)


def _ends_value(token: Token) -> bool:
    return token.kind in (Kind.NUMBER, Kind.WORD) or token.text == ")"


def _frame(text: str, raw: str, glued: bool) -> Token:
    count, unit = re.sub(r"\D", "", text), re.sub(r"[\d -]", "", text)
    name = f"{int(count)}{_UNITS[unit]}"
    if name in Timeframe.names() and not (unit in ("day", "days") and int(count) > 1):
        return Token(Kind.TIMEFRAME, name, raw, float(count), _UNITS[unit], glued)
    return Token(Kind.TIMEFRAME, "", raw, float(count), _UNITS[unit], glued)


def _with_unit(token: Token, unit: str) -> Token:
    if unit == "k":
        return Token(token.kind, token.text, token.raw + "k", token.value * 1000.0, "", token.glued)
    sign = {"percent": "%", "times": "x"}.get(unit, unit)
    return Token(token.kind, token.text, token.raw + unit, token.value, sign, token.glued)
