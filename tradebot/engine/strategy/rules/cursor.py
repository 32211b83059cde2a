"""The words of one sentence under a cursor: what stands here, what comes next, which phrase begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.rules.document_names import DocumentNames
from tradebot.engine.strategy.rules.tokens import Kind, Token
from tradebot.engine.strategy.rules.vocabulary import Meaning, Means, Vocabulary, names_of

BARS = frozenset(["bar", "bars", "candle", "candles", "period", "periods", "closes"])
_NUMBERS = {
    word: float(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
} | {"twenty": 20.0, "thirty": 30.0, "fifty": 50.0, "seventy": 70.0, "eighty": 80.0, "hundred": 100.0}
_TIMES = {"twice": 2.0, "double": 2.0, "triple": 3.0}
_FRAMES = {"daily": "1d", "hourly": "1h", "weekly": "1w"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence by its `code`:

    S series, N number, R relation, M motion, Z state, K signal, P candlestick pattern, X named cross, O output alone,
    B bars, T timeframe, Y symbol, C clock, D days, E every, I side, V zone, & | > joins, ! not, W within, H held, G
    ago, F first bar.
    """

    code: str
    value: Any = None
    unit: str = ""
    raw: str = ""


class Cursor:
    """Walks over the tokens of one sentence."""

    def __init__(
        self, tokens: list[Token], vocabulary: Vocabulary, names: DocumentNames, base: Timeframe | None
    ) -> None:
        self._vocabulary = vocabulary
        self._names = names
        self._base = base
        self._at = 0
        self._tokens = self._named(self._joined(self._split(tokens)))
        self.corrected: list[tuple[str, str]] = []

    def _split(self, tokens: list[Token]) -> list[Token]:
        """Words as the vocabulary has them: `ema200` is ema and 200, `stoch_rsi` is stoch and rsi."""
        result: list[Token] = []
        for token in tokens:
            if token.kind is not Kind.WORD or self._is_whole(token):
                result.append(token)
            else:
                result.extend(_pieces(token))
        return result

    def _is_whole(self, token: Token) -> bool:
        if self._names.series(token.raw) or token.text in self._vocabulary.words:
            return True
        has_digits = any(each.isdigit() for each in token.text)
        return bool(self._names.symbol(token.raw)) and not has_digits

    def _joined(self, tokens: list[Token]) -> list[Token]:
        """Without the signs inside a phrase: heikin-ashi, accumulation/distribution."""
        result: list[Token] = []
        for at, token in enumerate(tokens):
            if token.text in ("-", "/", ",") and result:
                ahead = [each.text for each in tokens[at + 1 : at + 7] if each.text not in ("-", "/", ",")]
                backs = ([each.text for each in result[-back:]] for back in (1, 2, 3))
                if any(self._vocabulary.find([*before, *ahead])[0] > len(before) for before in backs):
                    continue
            result.append(token)
        return result

    def _named(self, tokens: list[Token]) -> list[Token]:
        """Numbers and timeframes that are words, where they are not part of a longer phrase."""
        result: list[Token] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            length = 0
            if token.kind is Kind.WORD:
                length, _ = self._vocabulary.find(
                    [each.text for each in tokens[at : at + self._vocabulary.longest]]
                )
            if length > 1:
                result += tokens[at : at + length]
                at += length
                continue
            if token.text in _NUMBERS:
                token = replace(token, kind=Kind.NUMBER, value=_NUMBERS[token.text])
            elif token.text in _TIMES:
                token = replace(token, kind=Kind.NUMBER, value=_TIMES[token.text], unit="x")
            elif token.text in _FRAMES:
                token = replace(token, kind=Kind.TIMEFRAME, text=_FRAMES[token.text])
            result.append(token)
            at += 1
        return result

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
        """The longest phrase that begins here: how many tokens, and what it may mean."""
        texts = []
        for token in self._tokens[self._at + ahead : self._at + ahead + self._vocabulary.longest]:
            if token.kind not in (Kind.WORD, Kind.SIGN) and token.text != "3":  # 3 white soldiers
                break
            texts.append(self._word(token))
        return self._vocabulary.find(texts)

    def _begins(self, means: Means, ahead: int = 0) -> bool:
        return bool(names_of(self._phrase(ahead)[1], means))

    def _word(self, token: Token) -> str:
        return token.text if token.kind is not Kind.WORD else self._vocabulary.known(token.text) or token.text

    def _raw(self, start: int) -> str:
        """What was typed from a token to here."""
        text = ""
        for token in self._tokens[start : self._at]:
            text += token.raw if token.glued or not text else f" {token.raw}"
        return text

    def _number_follows(self) -> bool:
        token = self._token(2 if self._text(1) == "=" else 1)
        return token is not None and token.kind is Kind.NUMBER

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
        if token.kind is Kind.NUMBER and not token.unit and self._text(ahead + 1) in BARS:
            return round(token.value), ahead + 2
        if token.kind is Kind.TIMEFRAME and start and self._base is not None and token.value:
            milliseconds = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}[token.unit]
            bars = int(token.value * milliseconds // self._base.ms)
            return (bars, ahead + 1) if bars >= 1 and self._text(start - 1) in ("within", "for") else (0, 0)
        return 0, 0


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
