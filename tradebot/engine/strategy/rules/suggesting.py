"""How a rule sentence may go on: whole sentences that parse, nearest to what was typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tradebot.engine.strategy.form_types import RuleSuggestion
from tradebot.engine.strategy.registry import IndicatorDeclaration
from tradebot.engine.strategy.rules.natures import Nature, scale_of
from tradebot.engine.strategy.rules.vocabulary import Means
from tradebot.engine.strategy.values import plain

if TYPE_CHECKING:
    from tradebot.engine.strategy.rules.language import RuleLanguage, RuleParse

_MOST = 12
_MOST_TRIED = 90
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
_MODIFIERS = ("within 5 bars", "for 3 bars", "on 4h", "and adx above 25")


class Suggesting:
    """Suggestions at one place of one document."""

    def __init__(self, language: RuleLanguage, document: Mapping[str, Any], place: str) -> None:
        self._language = language
        self._document = document
        self._place = place

    def suggest(self, text: str) -> tuple[RuleSuggestion, ...]:
        """At most a dozen sentences, best first."""
        found: dict[str, RuleSuggestion] = {}
        seen: set[str] = set()
        for tried, sentence in enumerate(self._candidates(text)):
            if len(found) >= _MOST or tried >= _MOST_TRIED:
                break
            parse = self._language.parse(sentence, self._document, self._place)
            if parse.problem or parse.words in seen:
                continue
            seen.add(parse.words)
            found[sentence] = RuleSuggestion(sentence, parse.words, self._help(parse))
        return tuple(found.values())

    def _help(self, parse: RuleParse) -> str:
        """What kind of rule it makes: the help of its signal, or what is made."""
        document = parse.document or {}
        signals = document.get("signals", {})
        for name in parse.members:
            declaration = self._language.registry.signals.get(str(signals.get(name, {}).get("use")))
            if declaration is not None:
                return declaration.help
        return "Several rules as one."

    # ---- candidates

    def _candidates(self, text: str) -> Iterator[str]:
        typed = " ".join(text.split())
        if not typed:
            yield from _EXIT if self._place.split(".")[0] == "exit" else _ENTRY
            yield from self._own_series()
            return
        yield typed
        yield from self._continued(typed)
        yield from self._completed(typed)
        yield from (each for each in (*_ENTRY, *_EXIT) if typed.lower() in each)
        words = typed.split(" ")
        for count in range(len(words) - 1, 0, -1):  # what was understood before it went wrong
            yield from self._continued(" ".join(words[:count]))

    def _own_series(self) -> Iterator[str]:
        for reference in self._language.names(self._document).references()[:3]:
            yield from self._of_series(reference)

    def _continued(self, typed: str) -> Iterator[str]:
        """What may follow a text whose words are complete."""
        lowered = typed.lower()
        last = lowered.rsplit(" ", 1)[-1]
        for ending in self._endings(lowered):
            yield f"{typed} {ending}"
        yield from self._of_series(typed)
        if not last.isdigit() or " " in typed:
            for modifier in _MODIFIERS:
                yield f"{typed} {modifier}"

    def _endings(self, typed: str) -> Iterator[str]:
        """What a sentence that stops after its relation may end with."""
        declaration = self._first_indicator(typed)
        if declaration is not None:
            scale = scale_of(declaration, declaration.main)
            low = any(word in typed for word in ("below", "under", "<"))
            if scale.nature is Nature.OSCILLATOR:
                yield plain(scale.low if low else scale.high)
            elif scale.nature is Nature.CENTRED:
                yield plain(scale.centre)
            elif scale.nature is Nature.STRENGTH:
                yield from ("25", "its average 20")
            if "signal" in declaration.outputs:
                yield "signal"
            if declaration.name == "stoch":
                yield "d"
        yield from ("ema 200", "ema 21", "ema 50", "lower bollinger", "upper bollinger", "vwap", "0")
        yield from ("30", "50", "70", "average 20", "1.5x average 20")

    def _of_series(self, series: str) -> Iterator[str]:
        """Usual sentences about a series."""
        declaration = self._first_indicator(series.lower())
        if declaration is None:
            yield from (f"{series} above ema 200", f"{series} crosses above ema 50", f"{series} rising")
            yield from (f"{series} below lower bollinger", f"{series} above 20 bar high")
            return
        yield from (f"{series} {ending}" for ending in _sentences(declaration))
        if scale_of(declaration, declaration.main).nature is Nature.LINE:
            yield f"close above {series}"
            yield f"close crosses above {series}"
            if declaration.main and declaration.parameters:
                yield f"{series} crosses above {declaration.name} 50"
            else:
                yield from (
                    f"close below lower {series}",
                    f"close above upper {series}",
                    f"close touches lower {series}",
                )

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
        """Sentences with the last word completed to each phrase that begins with it."""
        words = typed.lower().split(" ")
        for length in range(min(3, len(words)), 0, -1):
            before, start = " ".join(words[:-length]), " ".join(words[-length:])
            found = 0
            for phrase in sorted(self._language.vocabulary.phrases, key=lambda each: (len(each), each)):
                said = " ".join(phrase)
                if not said.startswith(start) or said == start:
                    continue
                means = {each.means for each in self._language.vocabulary.phrases[phrase]}
                whole = f"{before} {said}".strip()
                if means & {Means.INDICATOR, Means.READY, Means.COLUMN} and not before:
                    yield from list(self._of_series(whole))[:3]
                elif means & {Means.RELATION}:
                    yield from (f"{whole} {ending}" for ending in list(self._endings(whole))[:2])
                elif (
                    means
                    & {Means.SIGNAL, Means.PATTERN, Means.CROSS, Means.MOTION, Means.STATE, Means.OUTPUT}
                    or before
                ):
                    yield whole
                found += 1
                if found >= 8:
                    break


def _sentences(declaration: IndicatorDeclaration) -> Iterator[str]:
    """How sentences about an indicator usually go on."""
    scale = scale_of(declaration, declaration.main)
    if scale.nature is Nature.OSCILLATOR:
        low, high, centre = plain(scale.low), plain(scale.high), plain(scale.centre)
        yield from (f"below {low}", f"above {high}", f"crosses above {low}", f"crosses below {high}")
        yield from (f"above {centre}", "rising")
    elif scale.nature is Nature.CENTRED:
        if "signal" in declaration.outputs:
            yield from ("crosses above signal", "above signal")
        if declaration.main:
            yield from (f"above {plain(scale.centre)}", f"crosses above {plain(scale.centre)}", "rising")
    elif scale.nature is Nature.STRENGTH:
        if declaration.name in ("adx", "dx", "adxr"):
            yield from ("above 25", "rising", "below 20")
        elif declaration.main:
            yield from ("rising", "above its average 20", "falling")
    elif declaration.main:
        yield from ("rising", "falling")
    if "k" in declaration.outputs and "d" in declaration.outputs:
        yield "k crosses above d"
    for output in declaration.outputs if not declaration.main else ():
        yield from (f"{output.replace('_', ' ')} rising", f"{output.replace('_', ' ')} above 0")
