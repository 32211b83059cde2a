"""From the tokens of a rule sentence to its parts: series, numbers, relations, and what is said around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.registry import IndicatorDeclaration, ParameterKind
from tradebot.engine.strategy.rules.document_names import DocumentNames
from tradebot.engine.strategy.rules.tokens import Kind, Token
from tradebot.engine.strategy.rules.tree import MisreadError, Series
from tradebot.engine.strategy.rules.vocabulary import Meaning, Means, Vocabulary, names_of
from tradebot.engine.strategy.rules.words import OUTPUT_FILLERS, OUTPUT_WORDS

_NUMERIC = (ParameterKind.INTEGER, ParameterKind.NUMBER)
_BARS = frozenset(["bar", "bars", "candle", "candles", "period", "periods", "closes"])
_LENGTH_WORDS = frozenset({"length", "period", "len", "periods"})
_JOINS = {
    **dict.fromkeys(("and", "&", ",", "while", "but", "plus", "also", "with", "during", "if", "when"), "&"),
    **dict.fromkeys(("or", "|"), "|"),
    **dict.fromkeys(("then", "followed", "afterwards"), ">"),
}
_NOTS = frozenset(["not", "no", "isnt", "never", "without", "doesnt", "arent", "dont"])
_FRAME_WORDS = frozenset(
    ["chart", "timeframe", "tf", "bars", "candles", "frame", "time", "candle", "bar", "basis"]
)
_LEADS = frozenset(["on", "in", "at", "of", "for", "the"])


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence by its `code`:

    S series, N number, R relation, M motion, Z state, K signal, P candlestick pattern, X named cross, O output alone,
    B bars, T timeframe, Y symbol, C clock, D days, E every, I side, & | > joins, ! not, W within, H held, G ago, F
    first bar.
    """

    code: str
    value: Any = None
    unit: str = ""
    raw: str = ""


class Scanner:
    """Reads the parts of one sentence. Words that mean nothing raise MisreadError."""

    def __init__(
        self, tokens: list[Token], vocabulary: Vocabulary, names: DocumentNames, base: Timeframe | None
    ) -> None:
        self._tokens = self._split(tokens, vocabulary, names)
        self._vocabulary = vocabulary
        self._names = names
        self._base = base
        self._at = 0
        self.corrected: list[tuple[str, str]] = []

    # ---- tokens

    @staticmethod
    def _split(tokens: list[Token], vocabulary: Vocabulary, names: DocumentNames) -> list[Token]:
        """Words as the vocabulary has them: `ema200` is ema and 200, `stoch_rsi` is stoch and rsi."""
        result: list[Token] = []
        for token in tokens:
            if (
                token.kind is not Kind.WORD
                or names.series(token.raw)
                or token.text in vocabulary.words
                or (names.symbol(token.raw) and not any(each.isdigit() for each in token.text))
            ):
                result.append(token)
            else:
                result.extend(_pieces(token))
        return result

    @property
    def _rest(self) -> list[Token]:
        return self._tokens[self._at :]

    def _token(self, ahead: int = 0) -> Token | None:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def _text(self, ahead: int = 0) -> str:
        token = self._token(ahead)
        return token.text if token is not None else ""

    def _skip(self, words: frozenset[str]) -> None:
        while self._text() in words:
            self._at += 1

    def _phrase(self, ahead: int = 0) -> tuple[int, list[Meaning]]:
        texts = []
        for token in self._tokens[self._at + ahead : self._at + ahead + self._vocabulary.longest]:
            if token.kind not in (Kind.WORD, Kind.SIGN) and not (
                token.kind is Kind.NUMBER and token.text == "3"
            ):
                break
            texts.append(self._word(token))
        return self._vocabulary.find(texts)

    def _word(self, token: Token) -> str:
        return token.text if token.kind is not Kind.WORD else self._vocabulary.known(token.text) or token.text

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
        if token.text in _LEADS or token.text in _BARS or token.kind is Kind.SIGN:
            self._at += 1
            return None
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
        if sides and not _has_content(before):
            return Part("I", sides[0].sign, raw=raw)
        for means, code in order.items():
            chosen = names_of(meanings, means)
            if chosen:
                return Part(code, chosen[0], raw=raw)
        if sides:
            return Part("I", sides[0].sign, raw=raw)
        return None  # a word that only fills

    # ---- around

    def _around(self, before: list[Part]) -> Part | None:
        """`within 5 bars`, `for 3 bars`, `2 bars ago`, `first bar`, `not`."""
        text = self._text()
        if text in _NOTS and self._phrase()[0] < 2:
            self._at += 1
            return Part("!", raw=text)
        if text == "first" and self._text(1) in (_BARS | {"time", "close"}):
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

    def _count_of_bars(self, ahead: int) -> tuple[int, int]:
        """A number of bars from here on, and how many tokens say it; (0, 0) where none is said."""
        start = ahead
        while self._text(ahead) in (
            "the",
            "at",
            "least",
            "last",
            "past",
            "previous",
            "next",
            "a",
            "up",
            "to",
        ):
            ahead += 1
        token = self._token(ahead)
        if token is None:
            return 0, 0
        if token.kind is Kind.NUMBER and not token.unit and self._text(ahead + 1) in _BARS:
            return round(token.value), ahead + 2
        if token.kind is Kind.TIMEFRAME and ahead > start - 1 and start and self._base is not None:
            milliseconds = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}[token.unit or "d"]
            bars = int(token.value * milliseconds // self._base.ms)
            return (bars, ahead + 1) if bars >= 1 and self._text(start - 1) in ("within", "for") else (0, 0)
        return 0, 0

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
        self._skip(_FRAME_WORDS)
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
        return Part("Y", symbol, raw=token.raw)

    # ---- series

    def _series(self) -> Part | None:
        token = self._token()
        if token is None:
            return None
        if token.kind is Kind.WORD and (node := self._names.series(token.raw)):
            self._at += 1
            return Part("S", Series(node=node), raw=token.raw)
        if token.kind is Kind.NUMBER and not token.unit:
            return self._number_first(token)
        length, meanings = self._phrase()
        if not length:
            return None
        return self._from_meanings(length, meanings)

    def _from_meanings(self, length: int, meanings: list[Meaning], first: int | None = None) -> Part | None:
        start = self._at
        ready = names_of(meanings, Means.READY)
        if ready:
            self._at += length
            return self._indicator(ready[0].name, ready[0].output, dict(ready[0].values), start, first)
        outputs = names_of(meanings, Means.OUTPUT)
        if outputs and (led := self._led_by_output(length, first)) is not None:
            return led
        indicators = names_of(meanings, Means.INDICATOR)
        if indicators and not (names_of(meanings, Means.SIGNAL) and not self._reads_as_series(length)):
            self._at += length
            return self._indicator(indicators[0].name, "", {}, start, first)
        columns = names_of(meanings, Means.COLUMN)
        if (
            columns
            and first is None
            and not (names_of(meanings, Means.SIGNAL) and not self._reads_as_series(length))
        ):
            self._at += length
            return Part("S", self._with_place(Series(column=columns[0].name)), raw=columns[0].name)
        return None

    def _reads_as_series(self, length: int) -> bool:
        """Whether a phrase that is a signal's label too goes on as a series does: with a number, a relation, a sign."""
        token = self._token(length)
        if token is None:
            return False
        if token.kind in (Kind.NUMBER, Kind.SIGN):
            return True
        return bool(names_of(self._phrase(length)[1], Means.RELATION))

    def _led_by_output(self, length: int, first: int | None) -> Part | None:
        """`upper bollinger band`, `signal line of macd`: an output before its indicator."""
        word = " ".join(self._text(at) for at in range(length))
        ahead = length
        while self._text(ahead) in (OUTPUT_FILLERS | {"of", "the"}):
            ahead += 1
        if self._token(ahead) is not None and self._tokens[self._at + ahead].kind is Kind.NUMBER:
            return None
        found, meanings = self._phrase(ahead)
        for meaning in names_of(meanings, Means.INDICATOR):
            output = self._output(word, self._declaration(meaning.name))
            if output:
                start = self._at
                self._at += ahead + found
                return self._indicator(meaning.name, output, {}, start, first)
        return None

    def _output(self, word: str, declaration: IndicatorDeclaration) -> str:
        """The output of an indicator that a word means, "" where it means none."""
        if len(declaration.outputs) < 2:
            return ""
        plain = word.replace(" ", "_")
        if plain in declaration.outputs:
            return plain
        return next((each for each in OUTPUT_WORDS.get(word, ()) if each in declaration.outputs), "")

    def _declaration(self, name: str) -> IndicatorDeclaration:
        return self._vocabulary.registry.indicators[name]

    def _indicator(
        self, name: str, output: str, values: dict[str, Any], start: int, first: int | None = None
    ) -> Part:
        reader = IndicatorReader(self._declaration(name), output, values, first)
        self._read_on(reader)
        series = Series(
            use=name,
            output=reader.output,
            values=reader.values,
            source=reader.source,
            timeframe=reader.timeframe,
            symbol=reader.symbol,
        )
        raw = " ".join(each.raw for each in self._tokens[start : self._at])
        return Part("S", series, reader.relation, raw)

    def _read_on(self, reader: IndicatorReader) -> None:
        """Everything behind an indicator's name that belongs to it."""
        bracket = False
        while (token := self._token()) is not None:
            text = token.text
            if text == "(":
                bracket = True
            elif text == ")" and bracket:
                bracket = False
            elif bracket and text == ",":
                pass
            elif token.kind is Kind.NUMBER and self._takes_number(reader, token, bracket):
                if reader.relation:
                    self._at += 1
                    return
            elif (text in ("/", ",") and self._next_number_fits(reader)) or (
                text in _LENGTH_WORDS and self._number_follows()
            ):
                pass
            elif self._takes_word(reader, bracket):
                continue
            else:
                break
            self._at += 1

    def _number_follows(self) -> bool:
        token = self._token(2 if self._text(1) == "=" else 1)
        return token is not None and token.kind is Kind.NUMBER

    def _next_number_fits(self, reader: IndicatorReader) -> bool:
        token = self._token(1)
        return token is not None and token.kind is Kind.NUMBER and bool(reader.free) and bool(reader.taken)

    def _takes_number(self, reader: IndicatorReader, token: Token, bracket: bool) -> bool:
        if not reader.free or token.unit == "%":
            return False
        if token.unit == "x" and not bracket:
            # `ema 9 x ema 21` is a cross; `rsi 1.5x` is nothing of an indicator's.
            following = self._phrase(1)[1]
            if token.value != int(token.value) or not (following or self._names.series(self._text(1))):
                return False
            reader.relation = "cross"
        elif (not bracket and self._text(1) in _BARS and reader.taken) or (
            not bracket and self._belongs_to_next()
        ):
            return False
        return reader.take(token.value)

    def _belongs_to_next(self) -> bool:
        """Whether a number stands before another indicator as its length: `crosses ema 9 ema`, `rsi 9 ema`."""
        found = names_of(self._phrase(1)[1], Means.INDICATOR)
        after = self._token(1 + self._phrase(1)[0]) if found else None
        return bool(found) and not (after is not None and after.kind is Kind.NUMBER)

    def _takes_word(self, reader: IndicatorReader, bracket: bool) -> bool:
        """Read an output, a timeframe, a symbol, a choice or a source behind an indicator; whether there was one."""
        token = self._tokens[self._at]
        if token.kind is Kind.TIMEFRAME and token.text and not reader.timeframe:
            reader.timeframe = token.text
            self._at += 1
            self._skip(_FRAME_WORDS - {"bar", "candle"})
            return True
        if token.kind is not Kind.WORD:
            return False
        if reader.named(token.text) and self._number_follows():
            self._at += 2 if self._text(1) == "=" else 1
            reader.take(self._tokens[self._at].value)
            self._at += 1
            return True
        if reader.choose(token.text):
            self._at += 1
            return True
        return self._takes_output(reader) or self._takes_source(reader, bracket) or self._takes_symbol(reader)

    def _takes_output(self, reader: IndicatorReader) -> bool:
        for length in (2, 1):
            word = " ".join(self._text(at) for at in range(length))
            output = self._output(word, reader.declaration)
            if output and not reader.output:
                reader.output = output
                self._at += length
                self._skip(OUTPUT_FILLERS)
                return True
        if self._text() in OUTPUT_FILLERS:
            self._at += 1
            return True
        return False

    def _takes_source(self, reader: IndicatorReader, bracket: bool) -> bool:
        """`ema 20 of volume`, `sma(rsi, 9)`."""
        if not reader.takes_source or not (bracket or self._text() == "of"):
            return False
        saved = self._at
        self._at += self._text() == "of"
        self._skip(frozenset({"the"}))
        part = self._series()
        if part is None or (part.value.symbol and not part.value.use):
            self._at = saved
            return False
        reader.source = part.value
        return True

    def _takes_symbol(self, reader: IndicatorReader) -> bool:
        ahead = 1 if self._text() in ("of", "on", "for") else 0
        token = self._token(ahead)
        symbol = self._names.symbol(token.raw) if token is not None and token.kind is Kind.WORD else ""
        if not symbol or reader.symbol or (ahead == 0 and self._phrase()[0]):
            return False
        reader.symbol = symbol
        self._at += ahead + 1
        return True

    def _with_place(self, series: Series) -> Series:
        """A column with the bars or the market that are said behind it."""
        token = self._token()
        if token is not None and token.kind is Kind.TIMEFRAME and token.text:
            self._at += 1
            return replace(series, timeframe=token.text)
        ahead = 1 if self._text() == "of" else 0
        token = self._token(ahead)
        if token is not None and token.kind is Kind.WORD and not self._phrase(ahead)[0]:
            symbol = self._names.symbol(token.raw)
            if symbol:
                self._at += ahead + 1
                return replace(series, symbol=symbol)
        return series

    # ---- numbers

    def _number_first(self, token: Token) -> Part | None:
        """`200 ema`, `20 bar high`, `9/21 ema`: a number before what it is the length of."""
        saved = self._at
        self._at += 1
        self._skip(frozenset({"-", "period", "length"}))
        part = self._counted(round(token.value), "") if token.value == int(token.value) > 0 else None
        if part is None:
            self._at = saved
        return part

    def _counted(self, count: int, timeframe: str) -> Part | None:
        bars = self._text() in _BARS
        saved = self._at
        if bars:
            self._at += 1
            if self._text() in ("high", "highs", "low", "lows", "highest", "lowest"):
                name = "highest" if self._text().startswith("high") else "lowest"
                self._at += 1
                return Part("S", Series(use=name, values={"length": count}, timeframe=timeframe))
        length, meanings = self._phrase()
        if (
            not bars
            and timeframe
            and self._text() in ("high", "low")
            and not names_of(meanings, Means.INDICATOR)
        ):
            name = "highest" if self._text() == "high" else "lowest"
            self._at += 1
            return Part("S", Series(use=name, values={"length": count}, timeframe=timeframe))
        relevant = [each for each in meanings if each.means in (Means.INDICATOR, Means.OUTPUT)]
        part = self._from_meanings(length, relevant, count) if length and relevant else None
        if part is None:
            self._at = saved
            return None
        series: Series = part.value
        return replace(part, value=replace(series, timeframe=series.timeframe or timeframe))

    def _number(self) -> Part | None:
        token = self._token()
        if token is None or token.kind is not Kind.NUMBER:
            return None
        if token.text == "3" and any(names_of(self._phrase()[1], each) for each in (Means.PATTERN,)):
            return None
        self._at += 1
        if not token.unit and self._text() in _BARS and not names_of(self._phrase()[1], Means.SIGNAL):
            self._at += 1
            if self._text() == "in" and self._text(1) == "a" and self._text(2) == "row":
                self._at += 3
            return Part("B", round(token.value), raw=token.raw)
        return Part("N", token.value, token.unit, token.raw)


class IndicatorReader:
    """Collects what is said of one indicator: its numbers by their order, an output, a source, bars and market."""

    def __init__(
        self, declaration: IndicatorDeclaration, output: str, values: Mapping[str, Any], first: int | None
    ) -> None:
        self.declaration = declaration
        self.output = output
        self.values = dict(values)
        self.free = [each for each in declaration.parameters if each.kind in _NUMERIC]
        self.source: Series | None = None
        self.timeframe = ""
        self.symbol = ""
        self.relation = ""
        self.taken = 0
        if first is not None:
            self.take(float(first))
            self.taken = 0

    @property
    def takes_source(self) -> bool:
        """Whether a source can still be named."""
        first = next(
            (each for each in self.declaration.parameters if each.kind is ParameterKind.SERIES), None
        )
        return self.source is None and first is not None and first.default is not None

    def take(self, value: float) -> bool:
        """Give the next number its place; False where the value cannot be that parameter's."""
        if not self.free:
            return False
        parameter = self.free[0]
        if parameter.kind is ParameterKind.INTEGER and value != int(value):
            return False
        self.values[parameter.name] = int(value) if parameter.kind is ParameterKind.INTEGER else float(value)
        self.free = self.free[1:]
        self.taken += 1
        return True

    def named(self, word: str) -> bool:
        """Whether a word names a number that is still free; it is then the next one to be taken."""
        for parameter in self.free:
            if parameter.name == word:
                self.free = [parameter, *(each for each in self.free if each is not parameter)]
                return True
        return False

    def choose(self, word: str) -> bool:
        """Whether a word is one of the choices of a parameter; it is then taken."""
        short = {"daily": "day", "weekly": "week", "monthly": "month"}.get(word, word)
        for parameter in self.declaration.parameters:
            if (
                parameter.kind is ParameterKind.CHOICE
                and short in parameter.choices
                and parameter.name not in self.values
            ):
                self.values[parameter.name] = short
                return True
        return False


def _pieces(token: Token) -> list[Token]:
    """`ema200` -> ema, 200; `stoch_rsi` -> stoch, rsi; `bands.upper` -> bands, upper."""
    pieces: list[Token] = []
    word = ""
    for sign in token.text.replace("_", " ").replace(".", " ") + " ":
        if word and (sign == " " or sign.isdigit() != word[-1].isdigit()):
            pieces.append(
                Token(Kind.NUMBER, word, word, float(word))
                if word.isdigit()
                else Token(Kind.WORD, word, word)
            )
            word = ""
        word += sign.strip()
    return pieces


def _has_content(parts: list[Part]) -> bool:
    """Whether anything was said that a join, a side or a bar count can refer to."""
    return any(part.code not in "I!T" for part in parts)
