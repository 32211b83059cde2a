"""How a rule sentence may go on: whole sentences that parse, nearest to what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tradebot.engine.strategy.form_types import RuleSuggestion
from tradebot.engine.strategy.registry import IndicatorDeclaration
from tradebot.engine.strategy.rules.natures import Nature, scale_of
from tradebot.engine.strategy.rules.scanner import Scanner
from tradebot.engine.strategy.rules.tokens import tokenise
from tradebot.engine.strategy.rules.tree import MisreadError
from tradebot.engine.strategy.rules.vocabulary import Means
from tradebot.engine.strategy.values import plain

if TYPE_CHECKING:
    from tradebot.engine.strategy.rules.language import RuleLanguage, RuleParse

_MOST = 12
_MOST_TRIED = 60
_MOST_PHRASES = 10
_ENTRY = (
    "rsi below 30", "close above ema 200", "ema 9 crosses above ema 21", "ema 200 4h rising", "adx above 25",
    "volume above 1.5x average 20", "20 bar breakout", "macd crosses above signal", "close below lower bollinger",
    "supertrend bullish", "bullish engulfing", "stochastic k crosses above d",
)  # fmt: skip
_EXIT = (
    "rsi above 70", "close below ema 50", "ema 9 crosses below ema 21", "supertrend bearish",
    "macd crosses below signal", "close above middle bollinger", "rsi above 50",
    "close below lowest low 10", "bearish engulfing", "on friday",
)  # fmt: skip
_MODIFIERS = ("within 5 bars", "for 3 bars", "on 4h")
_LINES = ("ema 200", "ema 21", "ema 50", "vwap", "lower bollinger", "upper bollinger", "20 bar high")
# What is asked for most, in this order; the rest follows by length and alphabet.
_POPULAR = (
    *(
        "rsi",
        "ema",
        "sma",
        "macd",
        "close",
        "bollinger",
        "volume",
        "adx",
        "stochastic",
        "supertrend",
        "vwap",
        "atr",
    ),
    *(
        "breakout",
        "cci",
        "mfi",
        "donchian",
        "keltner",
        "ichimoku",
        "psar",
        "obv",
        "funding",
        "squeeze",
        "golden cross",
    ),
)
_FEW = 3
_LEAD = re.compile(
    r"(.*\b(?:and|or|then|while)\s+|(?:go |enter )?(?:long|short|buy|sell)(?: when| if)?\s+)(.*)",
    re.IGNORECASE,
)
# Of words for the same thing the ones that are suggested.
_CANONICAL = frozenset(
    {
        *("above", "below", "crosses above", "crosses below", "touches", "between", "rising", "falling"),
        *("turns up", "turns down", "oversold", "overbought", "bullish", "bearish", "positive", "negative"),
    }
)
_WORDY = frozenset({Means.RELATION, Means.MOTION, Means.STATE, Means.SIDE, Means.FILL})
_WHOLE = frozenset({Means.SIGNAL, Means.PATTERN, Means.CROSS})
_SERIES = frozenset({Means.INDICATOR, Means.READY, Means.COLUMN})


class Suggesting:
    """Suggestions at one place of one document."""

    def __init__(self, language: RuleLanguage, document: Mapping[str, Any], place: str) -> None:
        self._language = language
        self._document = document
        self._place = place
        self._starters = _EXIT if place.split(".")[0] == "exit" else _ENTRY

    def suggest(self, text: str) -> tuple[RuleSuggestion, ...]:
        """At most a dozen sentences that say different things, best first."""
        found: dict[str, RuleSuggestion] = {}
        typed = " ".join(text.split())
        self._collect(found, self._candidates(typed), _MOST)
        if len(found) < _FEW:
            self._collect(found, iter(self._starters), len(self._starters))
        return tuple(found.values())

    def _collect(self, found: dict[str, RuleSuggestion], candidates: Iterator[str], most: int) -> None:
        for tried, sentence in enumerate(candidates):
            if len(found) >= most or tried >= _MOST_TRIED:
                break
            parse = self._language.parse(sentence, self._document, self._place)
            if not parse.problem and parse.words not in found:
                found[parse.words] = RuleSuggestion(sentence, parse.words, self._help(parse))

    def _completed_after(self, typed: str) -> Iterator[str]:
        """Suggestions for what stands behind `long when` or the last `and`, with that before them."""
        lead = _LEAD.match(typed)
        if lead is None or not lead[2]:
            return
        for sentence in self._candidates(lead[2]):
            yield f"{lead[1]}{sentence}"

    def _help(self, parse: RuleParse) -> str:
        """What kind of rule it makes: the help of its signal."""
        signals = (parse.document or {}).get("signals", {})
        for name in parse.members:
            declaration = self._language.registry.signals.get(str(signals.get(name, {}).get("use")))
            if declaration is not None:
                return declaration.help
        return "Several rules as one."

    # ---- candidates

    def _candidates(self, typed: str) -> Iterator[str]:
        if not typed:
            for reference in self._language.names(self._document).references()[:2]:
                yield from list(self._of_series(reference))[:2]
            yield from self._starters
            return
        yield typed
        codes = self._codes(typed)
        if not self._language.parse(typed, self._document, self._place).problem:
            yield from (f"{typed} {modifier}" for modifier in _MODIFIERS)
            if not typed.lower().startswith(("long", "short", "buy", "sell")):
                yield from (f"{side} when {typed}" for side in ("long", "short"))
            yield f"{typed} and adx above 25"
        elif codes.endswith("S") and set(codes) <= set("STYI"):
            yield from self._of_series(typed)
        elif codes.endswith(("R", "RN", "RS")):
            yield from (f"{typed} {ending}" for ending in self._endings(typed))
        else:
            yield from self._completed_after(typed)
        yield from self._completed(typed)
        yield from (each for each in (*_ENTRY, *_EXIT) if typed.lower() in each)
        words = typed.split(" ")
        for count in range(len(words) - 1, 0, -1):  # what was understood before it went wrong
            yield from self._continued(" ".join(words[:count]))

    def _codes(self, typed: str) -> str:
        """The shape of a text as far as it goes, "" where a word is not understood."""
        language = self._language
        base = language.context(self._document).base
        scanner = Scanner(tokenise(typed), language.vocabulary, language.names(self._document), base)
        try:
            return "".join(part.code for part in scanner.parts())
        except MisreadError:
            return ""

    def _continued(self, typed: str) -> Iterator[str]:
        codes = self._codes(typed)
        if codes.endswith("R"):
            yield from (f"{typed} {ending}" for ending in self._endings(typed))
        elif codes.endswith("S") and set(codes) <= set("STYI"):
            yield from self._of_series(typed)

    def _endings(self, typed: str) -> Iterator[str]:
        """What a sentence that stops after its relation may end with."""
        lowered = typed.lower()
        declaration = self._first_indicator(lowered)
        scale = scale_of(declaration, declaration.main) if declaration is not None else None
        if declaration is None or scale is None or scale.nature is Nature.LINE:
            if "volume" in lowered:
                yield from ("1.5x average 20", "average 20")
            elif "funding" not in lowered:
                yield from _LINES
            else:
                yield from ("0", "0.01%", "0.05%")
            return
        low = any(word in lowered for word in ("below", "under", "<"))
        if "signal" in declaration.outputs:
            yield "signal"
        if {"k", "d"} <= set(declaration.outputs):
            yield "d"
        if scale.nature is Nature.OSCILLATOR:
            yield from (
                plain(each) for each in ((scale.low, scale.centre) if low else (scale.high, scale.centre))
            )
        elif scale.nature is Nature.CENTRED:
            yield plain(scale.centre)
        elif declaration.name in ("adx", "adxr", "dx"):
            yield from ("25", "20", "30")
        if declaration.main:
            yield "its average 20"

    def _of_series(self, series: str) -> Iterator[str]:
        """Usual sentences about a series."""
        declaration = self._first_indicator(series.lower())
        if declaration is None:
            yield from (f"{series} {ending}" for ending in _of_column(series.lower()))
            return
        if (
            scale_of(declaration, declaration.main).nature is not Nature.LINE
            or declaration.name == "supertrend"
        ):
            yield from (f"{series} {ending}" for ending in _of_oscillator(declaration))
        if scale_of(declaration, declaration.main).nature is not Nature.LINE:
            return
        if declaration.main or "." in series:
            yield from (f"close above {series}", f"close crosses above {series}", f"{series} rising")
            if declaration.name.endswith("ma"):
                yield f"{declaration.name} 9 crosses above {series}"
            yield from (
                f"close below {series}",
                f"{series} falling",
                f"{series} above {declaration.name} 200",
            )
        elif {"upper", "lower"} <= set(declaration.outputs):
            said = any(word in series.lower() for word in ("upper", "lower", "middle"))
            lower, upper = (series, series) if said else (f"lower {series}", f"upper {series}")
            yield from (f"close below {lower}", f"close above {upper}", f"close touches {lower}")
            yield from (
                f"close back above {lower}",
                f"{series} breakout",
                f"{series} squeeze",
                f"close inside {series}",
            )
        else:
            yield from (f"close above {series} {each.replace('_', ' ')}" for each in declaration.outputs[:3])
            yield from (f"close above {series}", f"{series} cross", f"{series} bullish")

    def _first_indicator(self, typed: str) -> IndicatorDeclaration | None:
        vocabulary = self._language.vocabulary
        names = self._language.names(self._document)
        words = typed.replace("(", " ").split(" ")
        indicators = self._language.registry.indicators
        for start, word in enumerate(words):
            reference = names.series(word)
            if reference:
                node = self._document.get("indicators", {}).get(reference.split(".")[0], {})
                return indicators.get(str(node.get("use")))
            length, meanings = vocabulary.find([vocabulary.known(each) or each for each in words[start:]])
            for meaning in meanings if length else ():
                if meaning.means in (Means.INDICATOR, Means.READY):
                    return indicators[meaning.name]
                if meaning.means is Means.COLUMN:
                    return None
        return None

    def _completed(self, typed: str) -> Iterator[str]:
        """Sentences with the last words completed to the phrases that begin with them."""
        words = typed.lower().split(" ")
        if len(words) > 1:
            done, last = typed.rsplit(" ", 1)
            yield from (f"{done} {each}" for each in _MODIFIERS if each.startswith(last.lower()))
        for length in range(min(3, len(words)), 0, -1):
            before, start = " ".join(words[:-length]), " ".join(words[-length:])
            for said, means in self._phrases_from(start)[:_MOST_PHRASES]:
                whole = f"{before} {said}".strip()
                if means & _SERIES and not before:
                    yield from list(self._of_series(whole))[:3]
                elif means & {Means.RELATION} and before and said in _CANONICAL:
                    yield from (f"{whole} {ending}" for ending in list(self._endings(whole))[:2])
                elif means & _WHOLE or (before and (said in _CANONICAL or not means & _WORDY)):
                    yield whole

    def _phrases_from(self, start: str) -> list[tuple[str, set[Means]]]:
        """The phrases that begin so, the most usual first."""
        found = []
        for phrase, meanings in self._language.vocabulary.phrases.items():
            said = " ".join(phrase)
            if said.startswith(start) and said != start:
                found.append((said, {each.means for each in meanings}))
        popular = {name: at for at, name in enumerate(_POPULAR)}
        found.sort(key=lambda each: (popular.get(each[0], len(popular)), len(each[0].split(" ")), each[0]))
        return found


def _of_column(column: str) -> tuple[str, ...]:
    """How sentences about a price, the volume or the funding rate usually go on."""
    if "volume" in column or "turnover" in column:
        return ("above 1.5x average 20", "above 2x average 20", "rising", "below average 20")
    if "funding" in column:
        return ("below 0", "above 0.03%")
    return ("above ema 200", "crosses above ema 50", "below lower bollinger", "above 20 bar high", "rising")


def _of_oscillator(declaration: IndicatorDeclaration) -> Iterator[str]:
    """How sentences about an indicator below the price usually go on."""
    scale = scale_of(declaration, declaration.main)
    if declaration.name == "supertrend":
        yield from ("bullish", "flips bullish", "bearish")
        return
    if {"k", "d"} <= set(declaration.outputs):
        yield "k crosses above d"
    if scale.nature is Nature.OSCILLATOR:
        low, high, centre = plain(scale.low), plain(scale.high), plain(scale.centre)
        yield from (f"below {low}", f"above {high}", f"crosses above {low}", f"crosses below {high}")
        yield from (f"above {centre}", "rising", f"between {low} and {centre}")
    elif scale.nature is Nature.CENTRED:
        if "signal" in declaration.outputs:
            yield from ("crosses above signal", "above signal")
        if declaration.main:
            yield from (f"above {plain(scale.centre)}", f"crosses above {plain(scale.centre)}", "rising")
        else:
            yield from (f"{output.replace('_', ' ')} above 0" for output in declaration.outputs)
    elif declaration.name in ("adx", "dx", "adxr"):
        yield from ("above 25", "rising", "below 20", "bullish")
    elif declaration.main:
        yield from ("rising", "above its average 20", "falling", "below its average 20")
