"""From the tokens of a rule sentence to its parts: series, numbers, relations, and what is said around them."""

from __future__ import annotations

from dataclasses import replace

from tradebot.engine.strategy.rules.cursor import BARS, Part
from tradebot.engine.strategy.rules.series_scanner import FRAME_WORDS, SeriesScanner
from tradebot.engine.strategy.rules.tokens import Kind, Token
from tradebot.engine.strategy.rules.tree import MisreadError, Series
from tradebot.engine.strategy.rules.vocabulary import Meaning, Means, names_of

_JOINS = {
    **dict.fromkeys(("and", "&", ",", "while", "but", "plus", "also", "with", "during", "if", "when"), "&"),
    **dict.fromkeys(("or", "|"), "|"),
    **dict.fromkeys(("then", "followed", "afterwards"), ">"),
}
_NOTS = frozenset(["not", "no", "isnt", "never", "without", "doesnt", "arent", "dont"])
_LEADS = frozenset(["on", "in", "at", "of", "for", "the", "to", "a"])
_QUIET_SIGNS = frozenset("():-+,%/")


class Scanner(SeriesScanner):
    """Reads the parts of one sentence. Words that mean nothing raise MisreadError."""

    # ---- parts

    def parts(self) -> list[Part]:
        """All parts of the sentence in their order."""
        found: list[Part] = []
        while self._at < len(self._tokens):
            part = self._part(found)
            if part is not None:
                found.append(part)
        return found

    def _part(self, before: list[Part]) -> Part | None:
        token = self._tokens[self._at]
        if token.text == "," and self._text(1) == "which":
            self._at += 2  # `ema 9 above ema 21, which is above ema 55`
            return None
        part = self._around(before) or self._clock() or self._days() or self._frame() or self._symbol()
        part = part or self._series() or self._number()
        if part is not None:
            return part
        length, meanings = self._phrase()
        if length:
            return self._meant(length, meanings, before)
        if token.text in _JOINS:
            self._at += 1
            return Part(_JOINS[token.text], token.text, raw=token.raw) if _has_content(before) else None
        if token.text in _LEADS or token.text in BARS or token.text in _QUIET_SIGNS:
            self._at += 1
            return None
        if token.kind is Kind.SIGN and token.text not in ("<", ">", "<=", ">="):
            raise MisreadError(
                f'"{token.raw}" is no relation of a rule; say above, below, crosses above or between',
                token.raw,
            )
        raise MisreadError(f'"{token.raw}" is not understood', token.raw)

    def _meant(self, length: int, meanings: list[Meaning], before: list[Part]) -> Part | None:
        raw = " ".join(each.raw for each in self._tokens[self._at : self._at + length])
        first = self._text()
        if length == 1 and first in _JOINS and first != "with":
            self._at += 1
            return Part(_JOINS[first], first, raw=raw) if _has_content(before) else None
        for token in self._tokens[self._at : self._at + length]:
            if token.kind is Kind.WORD and (right := self._word(token)) != token.text:
                self.corrected.append((token.raw, right))
        self._at += length
        order = {
            Means.RELATION: "R", Means.MOTION: "M", Means.STATE: "Z", Means.SIGNAL: "K", Means.PATTERN: "P",
            Means.CROSS: "X", Means.OUTPUT: "O",
        }  # fmt: skip
        sides = names_of(meanings, Means.SIDE)
        if sides and (not _has_content(before) or self._text() in ("when", "if", ":")):
            return Part("I", sides[0].sign, raw=raw)
        for means, code in order.items():
            chosen = names_of(meanings, means)
            if chosen:
                return Part(code, chosen[0], raw=raw)
        return None  # a word that only fills

    # ---- around

    def _around(self, before: list[Part]) -> Part | None:
        """`within 5 bars`, `for 3 bars`, `2 bars ago`, `first bar`, `not`."""
        text = self._text()
        if text in _NOTS and self._phrase()[0] < 2:
            self._at += 1
            return Part("!", raw=text)
        if text == "first" and self._text(1) in (BARS | {"time", "close"}):
            self._at += 2
            return Part("F", raw="first bar")
        code = {"within": "W", "in": "W", "during": "W", "for": "H", "over": "H", "since": "H"}.get(text, "")
        if code and _has_content(before):
            count, length = self._count_of_bars(1)
            if count:
                self._at += length
                if self._text() == "in" and self._text(1) == "a" and self._text(2) == "row":
                    self._at += 3
                return Part(code, count, raw=text)
        count, length = self._count_of_bars(0)
        if count and self._text(length) in ("ago", "earlier", "before", "back"):
            self._at += length + 1
            return Part("G", count, raw="ago")
        return None

    # ---- time

    def _clock(self) -> Part | None:
        """`between 08:00 and 16:00`, `from 8:00 to 16:00`, `08:00-16:00`, `after 08:00`, `before 16:00`."""
        ahead = 0
        outside = self._text() == "outside"
        while self._text(ahead) in ("between", "from", "after", "before", "until", "at", "outside", "of"):
            ahead += 1
        first = self._token(ahead)
        if first is None or first.kind is not Kind.CLOCK:
            return None
        lead = self._text()
        second = self._token(ahead + 2)
        self._at += ahead + 1
        start, end = first.text, "00:00"
        if second is not None and second.kind is Kind.CLOCK:
            self._at += 2
            end = second.text
        elif lead in ("before", "until"):
            start, end = "00:00", first.text
        if self._text() in ("utc", "gmt"):
            self._at += 1
        return Part("C", (start, end, outside), raw="time")

    def _days(self) -> Part | None:
        found: list[str] = []
        ahead = 1 if self._text() in ("on", "only") else 0
        joined = ""
        while True:
            _length, meanings = self._phrase(ahead)
            days = names_of(meanings, Means.DAY)
            if not days:
                break
            if joined == "to" and found:
                found[-1] = f"{found[-1]}-{days[0].name}"
            else:
                found.append(days[0].name)
            ahead += 1
            joined = self._text(ahead)
            joined = "to" if joined in ("to", "-", "through", "until") else joined
            if joined not in ("to", "and", ",", "or"):
                break
            following = names_of(self._phrase(ahead + 1)[1], Means.DAY)
            if not following:
                break
            ahead += 1
        if not found:
            return None
        self._at += ahead
        return Part("D", ",".join(found), raw="days")

    # ---- where

    def _frame(self) -> Part | None:
        """A timeframe for the whole clause (`on 4h`), or before the series it belongs to (`4h ema 200`)."""
        ahead, led = 0, False
        if self._text() == "every":
            return self._every()
        while self._text(ahead) in ("on", "in", "at", "the"):
            led, ahead = led or self._text(ahead) != "the", ahead + 1
        token = self._token(ahead)
        if token is None or token.kind is not Kind.TIMEFRAME:
            return None
        if not token.text:
            return self._span(token, ahead) if not led else None
        self._at += ahead + 1
        self._skip(FRAME_WORDS)
        if not led and self._text() not in (":", ","):
            series = self._series()
            if series is not None:
                value = series.value
                return replace(
                    series, value=value if value.timeframe else replace(value, timeframe=token.text)
                )
        if self._text() in (":", ","):
            self._at += 1
        return Part("T", token.text, raw=token.raw)

    def _span(self, token: Token, ahead: int) -> Part | None:
        """`200 day ema`: 200 bars of a day; `20 days` alone is no timeframe."""
        self._at += ahead + 1
        self._skip(frozenset({"-", "period", "the"}))
        part = self._counted(round(token.value), f"1{token.unit}")
        if part is None:
            raise MisreadError(f'"{token.raw}" is no timeframe; name one such as 4h or 1d', token.raw)
        return part

    def _every(self) -> Part | None:
        token = self._token(1)
        if token is None or token.kind is not Kind.TIMEFRAME:
            return None
        self._at += 2
        return Part("E", round(token.value * {"m": 1, "h": 60, "d": 1440, "w": 10080}[token.unit or "d"]))

    def _symbol(self) -> Part | None:
        ahead = 0
        while self._text(ahead) in ("on", "of", "for", "in", "the", "vs", "versus", "against", "to", "than"):
            ahead += 1
        token = self._token(ahead)
        if token is None or token.kind is not Kind.WORD:
            return None
        symbol = self._names.symbol(token.raw)
        if not symbol or (ahead == 0 and self._phrase()[0]):
            return None
        self._at += ahead + 1
        if ahead == 0:
            series = self._series()
            if series is not None and not series.value.symbol:
                return replace(series, value=replace(series.value, symbol=symbol))
            if any(self._begins(means) for means in (Means.RELATION, Means.MOTION)):
                return Part("S", Series(column="close", symbol=symbol), raw=token.raw)
        return Part("Y", symbol, raw=token.raw)


def _has_content(parts: list[Part]) -> bool:
    """Whether anything was said that a join, a side or a bar count can refer to."""
    return any(part.code not in "I!T" for part in parts)
