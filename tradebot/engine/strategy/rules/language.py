"""The rule language of one registry: reads sentences, makes their nodes, says how they were understood."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.declared import value_at
from tradebot.engine.strategy.edit_lists import members_of
from tradebot.engine.strategy.edit_nodes import remove_node
from tradebot.engine.strategy.form_types import RuleReading, RuleSuggestion
from tradebot.engine.strategy.phrasing import Phrasing
from tradebot.engine.strategy.references import namers_of
from tradebot.engine.strategy.registry import Registry
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.document_names import DocumentNames
from tradebot.engine.strategy.rules.making import Maker
from tradebot.engine.strategy.rules.sentence import Sentence, read_sentence
from tradebot.engine.strategy.rules.sides import place_of
from tradebot.engine.strategy.rules.tree import MisreadError, Rule, Several
from tradebot.engine.strategy.rules.vocabulary import Vocabulary

Document = dict[str, Any]
_SIDES = {1: "long", -1: "short"}


@dataclass(frozen=True, slots=True)
class RuleParse:
    """What a sentence means: `members` are the names of the signals or groups that join the place, `made` the paths of
    all nodes that are new, `document` the document with them (not yet in any list). `words` says it in full.

    Where it cannot be read, `problem` is a sentence and all else is empty.
    """

    text: str
    members: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    words: str = ""
    problem: str = ""
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AddedRule:
    """Where the rule stands now (`entry.signals.2`), and what it says."""

    focus: str
    said: str


class RuleLanguage:
    """`symbols` are those that a sentence may name by their coin, beside the strategy's own. Thread-safe."""

    def __init__(
        self, registry: Registry, symbols: tuple[str, ...] = (), vocabulary: Vocabulary | None = None
    ) -> None:
        self.registry = registry
        self.vocabulary = vocabulary or Vocabulary(registry)
        self.symbols = symbols

    def names(self, document: Mapping[str, Any]) -> DocumentNames:
        """What sentences may name of a document."""
        return DocumentNames(document, self.registry, self.symbols)

    def context(self, document: Mapping[str, Any]) -> Context:
        """The surroundings of sentences about a document."""
        head = document.get("strategy")
        frame = head.get("timeframe") if isinstance(head, Mapping) else None
        known = isinstance(frame, str) and frame in Timeframe.names()
        return Context(self.registry, document, Timeframe(frame) if known else None)

    def parse(self, text: str, document: Mapping[str, Any], place: str) -> RuleParse:
        """What a sentence would make at a place; nothing is changed."""
        draft = _draft(document)
        try:
            sentence = read_sentence(text, self.vocabulary, self.context(document), self.names(document))
            members, made = self._make(draft, sentence, place)
        except MisreadError as misread:
            return RuleParse(text, problem=self._problem(misread))
        words = self._words(draft, members, place, sentence)
        return RuleParse(text, members, made, words, "", draft)

    def _make(
        self, draft: Document, sentence: Sentence, place: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        where = _list_of(place)
        maker = Maker(draft, self.context(draft), place_of(draft, where, sentence.side))
        rules = sentence.rules
        table = value_at(draft, tuple(where.split(".")))
        combine = table.get("combine") if isinstance(table, Mapping) else None
        together = combine in (None, "unanimous") and where != "exit"
        if len(rules) > 1 and not together:
            rules = (Several("unanimous", rules),)
        elif len(rules) == 1 and isinstance(rules[0], Several):
            rules = self._spread(rules[0], combine or ("any" if where == "exit" else "unanimous"))
        members = tuple(maker.all_of(rules) if together else dict.fromkeys(map(maker.member, rules)))
        for section in ("indicators", "signals", "groups"):
            if not draft.get(section, True):
                draft.pop(section)
        return members, tuple(maker.made)

    @staticmethod
    def _spread(rule: Several, combine: object) -> tuple[Rule, ...]:
        """The members of a group that would be combined as its place combines them anyway."""
        return rule.members if rule.combine == combine else (rule,)

    def _problem(self, misread: MisreadError) -> str:
        text = misread.problem[:1].upper() + misread.problem[1:]
        nearest = " or ".join(self.vocabulary.nearest(misread.at.lower())) if misread.at else ""
        if misread.at and not nearest and "not understood" in text:
            return f"{text}; name an indicator, a price or a signal, such as rsi, close or breakout."
        return f"{text}.{f' Did you mean {nearest}?' if nearest else ''}"

    # ---- adding

    def add(self, document: Document, place: str, text: str) -> AddedRule:
        """Put a rule into a document. Raises InputError with what was not understood."""
        parse = self.parse(text, document, place)
        if parse.document is None:
            raise InputError(parse.problem)
        where = tuple(_list_of(place).split("."))
        for section in ("indicators", "signals", "groups"):
            if section in parse.document:
                document[section] = parse.document[section]
        had = value_at(document, where) is not None
        members = members_of(document, where, make=True)
        fresh = [name for name in parse.members if name not in members]
        if place != ".".join(where):
            spot = _spot(members, place)
            replaced, members[spot - 1 : spot] = members[spot - 1 : spot], fresh
            _drop_unused(document, replaced, self.registry)
        else:
            if not fresh:
                if not had:
                    document.pop(where[0])
                already = parse.words or text
                raise InputError(f"{'.'.join(where)} says that already: {already}")
            members.extend(fresh)
            spot = len(members) - len(fresh) + 1
        return AddedRule(f"{'.'.join(where)}.signals.{spot}", parse.words)

    # ---- saying

    def _words(
        self, draft: Mapping[str, Any], members: tuple[str, ...], place: str, sentence: Sentence
    ) -> str:
        where = place_of(draft, _list_of(place))
        said = " ".join(
            sides_text(Phrasing(draft, self.registry), name, where.leaving, where.direction)
            for name in members
        )
        mended = {f"{wrong} as {right}" for wrong, right in sentence.corrected}
        return f"{said} (Read {', '.join(sorted(mended))}.)" if mended else said

    def read(self, text: str, document: Mapping[str, Any], place: str) -> RuleReading:
        """How a text is understood, and how it may go on."""
        parse = self.parse(text, document, place)
        suggestions = self.suggest(text, document, place)
        problem = parse.problem if text.strip() else ""
        return RuleReading(text, parse.words, parse.made, problem, suggestions)

    def suggest(self, text: str, document: Mapping[str, Any], place: str) -> tuple[RuleSuggestion, ...]:
        """Sentences that a text may become, best first; every one of them parses."""
        from tradebot.engine.strategy.rules.suggesting import Suggesting  # it asks this class in turn

        return Suggesting(self, document, place).suggest(text)


def sides_text(phrasing: Phrasing, name: str, leaving: bool, direction: int) -> str:
    """What a member does at its place, on both sides.

    `Long when RSI 14 below 30, short when RSI 14 above 70.`, in an exit `Closes a long when ...`.
    """
    long, short = phrasing.member(name)
    if long == short:
        return f"{'Closes a position when' if leaving else 'Needed for either side:'} {long}."
    clauses = {1: short if leaving else long, -1: long if leaving else short}
    does = "closes a {} when" if leaving else "{} when"
    parts = [
        f"{does.format(_SIDES[side])} {clauses[side]}"
        for side in (1, -1)
        if clauses[side] and direction in (0, side)
    ]
    if not parts:
        return f"Of no use here: it is about {'longs' if clauses[1] else 'shorts'}, which are never opened."
    said = ", ".join(parts)
    return said[:1].upper() + said[1:] + "."


def _list_of(place: str) -> str:
    """`entry.signals.2` -> `entry`."""
    keys = place.split(".")
    return ".".join(keys[:-2]) if len(keys) > 2 and keys[-2] == "signals" else place


def _spot(members: list[Any], place: str) -> int:
    number = place.rsplit(".", 1)[-1]
    if not number.isdecimal() or not 0 < int(number) <= len(members):
        raise InputError(f"There is no member at {place} to replace.")
    return int(number)


def _drop_unused(document: Document, names: list[Any], registry: Registry) -> None:
    """Take out what was replaced, where nothing else names it."""
    for name in names:
        for section in ("signals", "groups"):
            if name in document.get(section, {}) and not namers_of(document, name, registry):
                remove_node(document, (section, name), registry)


def _draft(document: Mapping[str, Any]) -> Document:
    """A copy whose sections of nodes can be added to."""
    draft: Document = dict(document)
    for section in ("indicators", "signals", "groups"):
        nodes = draft.get(section)
        draft[section] = dict(nodes) if isinstance(nodes, Mapping) else {}
    return copy.copy(draft)
