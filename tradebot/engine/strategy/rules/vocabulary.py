"""Every phrase of the rule language with what it may mean, made from what is registered and from the word lists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tradebot.engine.strategy.natural_sides import BEARISH_PATTERNS
from tradebot.engine.strategy.registry import (
    IndicatorDeclaration,
    ParameterKind,
    Registry,
    SignalDeclaration,
)
from tradebot.engine.strategy.rules import words
from tradebot.engine.strategy.series import MARKET_SERIES

Phrase = tuple[str, ...]
_CLOSE_ENOUGH = 0.8
_NEAR_ENOUGH = 0.6
_SHORTEST_TYPO = 4


class Means(StrEnum):
    """What a phrase stands for."""

    COLUMN = "column"
    INDICATOR = "indicator"
    READY = "ready"
    OUTPUT = "output"
    RELATION = "relation"
    MOTION = "motion"
    STATE = "state"
    SIGNAL = "signal"
    PATTERN = "pattern"
    CROSS = "cross"
    DAY = "day"
    SIDE = "side"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One meaning of a phrase: the name of what is meant; `sign` is -1 for a signal's opposite or the short side."""

    means: Means
    name: str
    sign: int = 1
    values: dict[str, Any] = field(default_factory=dict)
    output: str = ""


class Vocabulary:
    """Phrases by their words. The longest phrase at a place is the one that is read."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.phrases: dict[Phrase, list[Meaning]] = {}
        self._collect()
        self.longest = max(map(len, self.phrases))
        self.words = {word for phrase in self.phrases for word in phrase}
        self._typos: dict[str, str] = {}
        self._near: dict[str, tuple[str, ...]] = {}

    def find(self, at: list[str]) -> tuple[int, list[Meaning]]:
        """How many of the words make the longest phrase, and what it may mean; (0, []) where none begins."""
        for length in range(min(self.longest, len(at)), 0, -1):
            found = self.phrases.get(tuple(at[:length]))
            if found:
                return length, found
        return 0, []

    def known(self, word: str) -> str:
        """A word as the language knows it: a plural or a slip of the keyboard put right, "" where nothing is near."""
        if word in self.words:
            return word
        if word.removesuffix("s") in self.words:
            return word.removesuffix("s")
        if word not in self._typos:
            near: list[str] = []
            if len(word) >= _SHORTEST_TYPO:
                near = difflib.get_close_matches(word, self._long_words(), n=1, cutoff=_CLOSE_ENOUGH)
            self._typos[word] = near[0] if near else ""
        return self._typos[word]

    def nearest(self, word: str) -> tuple[str, ...]:
        """At most two words that a word which is not understood may have been meant for."""
        if word not in self._near:
            others = [each for each in self._long_words() if each != word] if word.isalpha() else []
            self._near[word] = tuple(difflib.get_close_matches(word, others, n=2, cutoff=_NEAR_ENOUGH))
        return self._near[word]

    def _long_words(self) -> list[str]:
        return [word for word in self.words if len(word) >= _SHORTEST_TYPO]

    # ---- making

    def _add(self, phrase: str, meaning: Meaning) -> None:
        key = tuple(phrase_words(phrase))
        known = self.phrases.setdefault(key, [])
        if key and meaning not in known:
            known.append(meaning)

    def _all(self, phrases: str, meaning: Meaning) -> None:
        for phrase in phrases.split(","):
            if phrase.strip():
                self._add(phrase, meaning)

    def _collect(self) -> None:
        for name in MARKET_SERIES:
            self._add(name, Meaning(Means.COLUMN, name))
        for phrase, name in words.COLUMN_WORDS.items():
            self._add(phrase, Meaning(Means.COLUMN, name))
        for indicator in self.registry.indicators.values():
            self._indicator(indicator)
        for phrase, (name, output, values) in words.READY_SERIES.items():
            if name in self.registry.indicators:
                self._add(phrase, Meaning(Means.READY, name, 1, dict(values), output))
        for phrase, outputs in words.OUTPUT_WORDS.items():
            self._add(phrase, Meaning(Means.OUTPUT, outputs[0]))
        self._relations()
        self._signals()
        for side, sign in words.SIDE_WORDS.items():
            self._add(side, Meaning(Means.SIDE, side, sign))
        for day, name in words.DAYS.items():
            self._add(day, Meaning(Means.DAY, name))
        for word in words.FILL_WORDS:
            self._add(word, Meaning(Means.FILL, word))

    def _indicator(self, indicator: IndicatorDeclaration) -> None:
        meaning = Meaning(Means.INDICATOR, indicator.name)
        if indicator.name == "pattern":
            self._patterns(indicator)
            return
        if indicator.name == "price":
            return  # the column is meant; the indicator stands for it where bars or market are others
        self._add(indicator.name, meaning)
        self._add(indicator.label, meaning)
        self._all(words.INDICATOR_WORDS.get(indicator.name, ""), meaning)
        if len(indicator.outputs) > 1:
            for output in indicator.outputs:
                self._add(output, Meaning(Means.OUTPUT, output))

    def _patterns(self, indicator: IndicatorDeclaration) -> None:
        for parameter in indicator.parameters:
            for name in parameter.choices if parameter.kind is ParameterKind.CHOICE else ():
                sign = -1 if name in BEARISH_PATTERNS else 1
                if name not in ("inside_bar", "outside_bar"):
                    self._add(name, Meaning(Means.PATTERN, name, sign))
        for phrase, (name, sign) in words.PATTERN_WORDS.items():
            self._add(phrase, Meaning(Means.PATTERN, name, sign))

    def _relations(self) -> None:
        for table, means in (
            (words.RELATION_WORDS, Means.RELATION),
            (words.MOTION_WORDS, Means.MOTION),
            (words.STATE_WORDS, Means.STATE),
        ):
            for name, phrases in table.items():
                self._all(phrases, Meaning(means, name))
        for phrase, (average, fast, slow, sign) in words.NAMED_CROSSES.items():
            self._add(phrase, Meaning(Means.CROSS, average, sign, {"fast": fast, "slow": slow}))

    def _signals(self) -> None:
        for name, phrases, sign, values in words.SIGNAL_WORDS:
            if name in self.registry.signals:
                self._all(phrases, Meaning(Means.SIGNAL, name, sign, dict(values)))
        for declaration in self.registry.signals.values():
            if not declaration.member_parameters:
                self._signal_itself(declaration)

    def _signal_itself(self, declaration: SignalDeclaration) -> None:
        for phrase in (declaration.name, declaration.label):
            key = tuple(phrase_words(phrase))
            if not any(each.means is Means.SIGNAL for each in self.phrases.get(key, ())):
                self._add(phrase, Meaning(Means.SIGNAL, declaration.name))


def phrase_words(phrase: str) -> list[str]:
    """The words of a phrase as a sentence is cut: `Williams %R` -> williams, %r."""
    return re.findall(r"%[kdrb](?![a-z])|[+-]di(?![a-z])|[a-z0-9%]+|[<>]=?", phrase.lower().replace("'", ""))


def names_of(meanings: Iterable[Meaning], means: Means) -> list[Meaning]:
    """Those meanings that are of one kind."""
    return [each for each in meanings if each.means is means]
