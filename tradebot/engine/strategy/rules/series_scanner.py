"""Series and numbers of a rule sentence: an indicator with all that is said of it, a column, a node of the strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradebot.engine.strategy.registry import IndicatorDeclaration, ParameterKind
from tradebot.engine.strategy.rules.cursor import BARS, Cursor, Part
from tradebot.engine.strategy.rules.tokens import Kind, Token
from tradebot.engine.strategy.rules.tree import Series
from tradebot.engine.strategy.rules.vocabulary import Meaning, Means, names_of
from tradebot.engine.strategy.rules.words import OUTPUT_FILLERS, OUTPUT_WORDS

_NUMERIC = (ParameterKind.INTEGER, ParameterKind.NUMBER)
_EARLIER = frozenset({"before", "earlier"})
_LENGTH_WORDS = frozenset({"length", "period", "len", "periods"})
FRAME_WORDS = frozenset(
    ["chart", "timeframe", "tf", "bars", "candles", "frame", "time", "candle", "bar", "basis"]
)


class SeriesScanner(Cursor):
    """Reads one series or number from where the cursor stands; None, and nothing read, where none begins there."""

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
        return Part("S", series, reader.relation, self._raw(start))

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

    def _next_number_fits(self, reader: IndicatorReader) -> bool:
        token = self._token(1)
        return token is not None and token.kind is Kind.NUMBER and bool(reader.free) and bool(reader.taken)

    def _takes_number(self, reader: IndicatorReader, token: Token, bracket: bool) -> bool:
        following = self._token(1)
        if not reader.free or token.unit == "%":
            return False
        if following is not None and following.kind is Kind.NUMBER and following.glued and not bracket:
            return False  # `rsi 30-50` is a zone
        if token.unit == "x" and not bracket:
            # `ema 9 x ema 21` is a cross; `rsi 1.5x` is nothing of an indicator's.
            goes_on = self._phrase(1)[0] or self._names.series(self._text(1))
            if token.value != int(token.value) or not goes_on:
                return False
            reader.relation = "cross"
        elif (not bracket and self._text(1) in BARS and reader.taken) or (
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
        if token.text == "of" and (counted := self._count_of_bars(1))[0] and reader.free:
            reader.take(float(counted[0]))
            self._at += counted[1]
            self._skip(_EARLIER)
            return True
        if token.kind is Kind.TIMEFRAME and token.text and not reader.timeframe:
            reader.timeframe = token.text
            self._at += 1
            self._skip(FRAME_WORDS - {"bar", "candle"})
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
        """A column with what is said behind it: `close[1]`, `high of the 20 bars before`, its bars, its market."""
        inside = self._token(1)
        if self._text() == "(" and inside is not None and inside.kind is Kind.NUMBER and self._text(2) == ")":
            self._at += 3
            source = None if series.column == "close" else series
            if inside.value >= 1:
                series = Series(use="lag", values={"length": int(inside.value)}, source=source)
        extreme = {"high": "highest", "low": "lowest"}.get(series.column, "")
        if extreme and self._text() == "of" and (counted := self._count_of_bars(1))[0]:
            self._at += counted[1]
            self._skip(_EARLIER)
            series = Series(use=extreme, values={"length": counted[0]})
        token = self._token()
        if token is not None and token.kind is Kind.TIMEFRAME and token.text:
            self._at += 1
            series = replace(series, timeframe=token.text)
        ahead = 1 if self._text() == "of" else 0
        token = self._token(ahead)
        if token is not None and token.kind is Kind.WORD and not self._phrase(ahead)[0]:
            symbol = self._names.symbol(token.raw)
            if symbol:
                self._at += ahead + 1
                series = replace(series, symbol=symbol)
        return series

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
        bars = self._text() in BARS
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
        if not token.unit and self._text() in BARS and not names_of(self._phrase()[1], Means.SIGNAL):
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
